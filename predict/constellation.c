#include "predict/constellation.h"

#include <stdio.h>

#include "base/bytes.h"
#include "predict/walk.h"
#include "uki/authenticode.h"

static const char boot_path[] = "\\EFI\\BOOT\\BOOTX64.EFI"; /* cmd/main.go: ukiPath, on the ESP */

/*
 * The sections that PCR 11 covers, in their order (extract/extract.go). The list is older than .pcrpkey, which the tool spells
 * ".pcrkey" and so leaves out, as it does .ucode, .profile and all later ones.
 */
static const char *const measured_sections[] = {
	".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".uname", ".sbat", ".pcrkey",
};

enum { N_MEASURED = sizeof measured_sections / sizeof measured_sections[0], CMDLINE_MAX = 1 << 20 };

/* What ends the description of an event whose digest is to stand there. */
static const char data_tail[] = " data: ", digest_tail[] = "(digest ";

/* ---- sections ---- */

/*
 * A section's bytes as the tool reads them: VirtualSize bytes of its raw data, where it stops with an error when these are
 * fewer. It reads all sections, used or not.
 */
static int read_section(struct walk *w, const struct pe *pe, const struct pe_section *s, struct blob *ret,
			struct pcrcast_error *e)
{
	if (s->virt_len > s->raw_len)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"section %s has %u bytes in memory and %u in the file: Constellation's tool does not read such a file",
			s->name, s->virt_len, s->raw_len);
	if (s->virt_len && s->raw_off == 0)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"section %s has no place in the file: Constellation's tool does not read such a file",
			s->name);
	return blob_sub(w->pool, &pe->image, s->raw_off, s->virt_len, ret, e);
}

/* A section that the tool does not do without. */
static int need_section(struct walk *w, const struct pe *pe, const char *name, struct blob *ret,
			struct pcrcast_error *e)
{
	const struct pe_section *s = pe_section_find(pe, name);

	if (!s)
		return err_set(
			e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			"no section %s: Constellation's tool needs a UKI with .linux, .cmdline and .initrd",
			name);
	return read_section(w, pe, s, ret, e);
}

static int check_sections(struct walk *w, const struct pe *pe, struct pcrcast_error *e)
{
	struct blob ignored;
	int r = 0;

	for (size_t i = 0; i < pe->n_sections && r == 0; i++)
		r = read_section(w, pe, &pe->sections[i], &ignored, e);
	/* The tool sorts them by name, and two of one name in no order that could be relied on. */
	for (size_t i = 0; i < N_MEASURED && r == 0; i++) {
		const struct pe_section *s = pe_section_find(pe, measured_sections[i]);

		for (size_t k = s ? (size_t)(s - pe->sections) + 1 : pe->n_sections;
		     k < pe->n_sections && r == 0; k++)
			if (strcmp(pe->sections[k].name, s->name) == 0)
				r = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
					    "section %s twice: Constellation's tool knows no profiles",
					    s->name);
	}
	return r;
}

/* ---- PCR 4 ---- */

static int add_constant(struct walk *w, uint32_t type, struct slice data, struct slice hashed,
			const char *description, struct pcrcast_error *e)
{
	return walk_event_bytes(w, 4, type, data, hashed, EVENT_CONSTANT,
				(struct event_text){ description, "Constellation, measure/pcr04.go" }, e);
}

/*
 * What go-uefi (authenticode/checksum.go, 2025-10) hashes: Authenticode's bytes, and behind them zeros up to a multiple of
 * 8 whether the file is signed or not.
 */
static int authenticode_of_tool(struct walk *w, const struct pe *pe, struct blob *ret,
				struct pcrcast_error *e)
{
	struct blob_builder b = BLOB_BUILDER(w->pool);
	uint64_t len = pe->headers_len;
	struct blob plain;

	for (size_t i = 0; i < pe->n_sections; i++) {
		len += pe->sections[i].raw_len;
		if (pe->sections[i].raw_len && pe->sections[i].raw_off == 0)
			return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "section %s has no place in the file", pe->sections[i].name);
	}
	if (!pe->cert_entry_off || (pe->cert_len && len > pe->image.len))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "%s: Constellation's tool does not read such a file",
			       pe->cert_entry_off ? "signed, with sections that overlap" :
						    "no entry for a certificate table");
	int r = authenticode_bytes(w->pool, pe, &plain, e);
	if (r < 0)
		return r;
	len = len > pe->image.len ? len : pe->image.len;
	blob_add(&b, &plain);
	blob_add_zeros(&b, (8 - len % 8) % 8);
	return blob_build(&b, ret, e);
}

static int add_stage(struct walk *w, const struct pe *pe, const char *description, const char *source,
		     struct pcrcast_error *e)
{
	struct blob hashed;
	int r = authenticode_of_tool(w, pe, &hashed, e);

	if (r < 0)
		return err_wrap(e, "%s", source);
	return walk_event(w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, SLICE_EMPTY, &hashed,
			  (struct event_text){ description, source }, e);
}

static int measure_stages(struct walk *w, const struct pe *uki, const char *path, struct pcrcast_error *e)
{
	static const char calling[] = "Calling EFI Application from Boot Option";
	static const uint8_t separator[4] = { 0 };
	struct slice zeros = { separator, sizeof separator };
	struct blob bytes;
	struct pe kernel;

	int r = add_constant(w, (uint32_t)EV_EFI_ACTION, SLICE_EMPTY, slice_of_string(calling), calling, e);
	r = r < 0 ? r : add_constant(w, EV_SEPARATOR, zeros, zeros, "EV_SEPARATOR", e);
	r = r < 0 ? r : add_stage(w, uki, "Boot Stage 1: Unified Kernel Image (UKI)", path, e);
	r = r < 0 ? r : need_section(w, uki, ".linux", &bytes, e);
	if (r == 0 && pe_parse(w->pool, &bytes, &kernel, e) < 0)
		r = err_wrap(e, "section .linux");
	return r < 0 ? r : add_stage(w, &kernel, "Boot Stage 2: Linux", "section .linux", e);
}

/* ---- PCR 9 ---- */

/* UTF-16LE of all bytes, NULs and all; what is not UTF-8 becomes U+FFFD byte by byte, as with golang.org/x/text. */
static struct slice to_utf16(struct pool *pool, struct slice text)
{
	uint8_t *bytes =
		pool_array(pool, text.n + 1, 2); /* no character takes more units than it has bytes */
	size_t n = 0;

	if (!bytes)
		return (struct slice){ NULL, 0 };
	while (text.n) {
		uint32_t c = 0xfffd;
		size_t len = utf8_decode(text.p, text.n, &c);

		c = len ? c : 0xfffd;
		len = len ? len : 1;
		if (c > 0xffff) {
			put_u16le(bytes + n, (uint16_t)(0xd800 + ((c - 0x10000) >> 10)));
			n += 2;
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		put_u16le(bytes + n, (uint16_t)c);
		n += 2;
		text = (struct slice){ text.p + len, text.n - len };
	}
	return (struct slice){ bytes, n };
}

/* One character as Go's %q writes it; what it holds to be printable beyond ASCII is taken to be so. */
static size_t quote_character(char out[static 8], struct slice text)
{
	static const char named[] = "\a\b\f\n\r\t\v\"\\", letters[] = "abfnrtv\"\\";
	uint32_t c = 0;
	size_t len = utf8_decode(text.p, text.n, &c);
	const char *name = c && len ? strchr(named, (int)c) : NULL;

	if (len == 0)
		(void)snprintf(out, 8, "\\x%02x", text.p[0]);
	else if (c < 0x80 && name)
		(void)snprintf(out, 8, "\\%c", letters[name - named]);
	else if (c < 0x20 || c == 0x7f)
		(void)snprintf(out, 8, "\\x%02x", c);
	else if ((c >= 0x80 && c <= 0xa0) || c == 0xad)
		(void)snprintf(out, 8, "\\u%04x", c);
	else
		(void)snprintf(out, 8, "%.*s", (int)len, (const char *)text.p);
	return len ? len : 1;
}

static const char *quote(struct pool *pool, struct slice text)
{
	char *out = pool_array(pool, text.n + 1, 6), *p = out; /* "\u00a0" is the longest of a character */

	while (out && text.n) {
		char one[8];
		size_t len = quote_character(one, text), n = strlen(one);

		memcpy(p, one, n);
		p += n;
		text = (struct slice){ text.p + len, text.n - len };
	}
	return out;
}

static int measure_kernel_input(struct walk *w, const struct pe *uki, struct pcrcast_error *e)
{
	struct blob cmdline, initrd;
	struct slice text;

	int r = need_section(w, uki, ".cmdline", &cmdline, e);
	r = r < 0 ? r : need_section(w, uki, ".initrd", &initrd, e);
	r = r < 0 ? r : blob_load(w->pool, &cmdline, CMDLINE_MAX, &text, e);
	if (r < 0)
		return r;
	if (text.n == 0 || text.p[text.n - 1] != 0)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"section .cmdline does not end with a NUL: Constellation's tool does not take such a UKI");
	struct slice wide = to_utf16(w->pool, text);
	const char *quoted = quote(w->pool, text);
	const char *description =
		quoted ? pool_printf(w->pool, "EV_EVENT_TAG: Linux LOAD_FILE2 protocol: cmdline \"%s\"",
				     quoted) :
			 NULL;
	struct blob hashed;
	if (!wide.p || !description)
		return err_nomem(e);
	r = blob_of_bytes(w->pool, wide, &hashed, e);
	r = r < 0 ? r :
		    walk_event(w, 9, EV_EVENT_TAG, wide, &hashed,
			       (struct event_text){ description, "section .cmdline" }, e);
	description = pool_printf(w->pool, "EV_EVENT_TAG: Linux LOAD_FILE2 protocol: initrd %s", digest_tail);
	if (r == 0 && !description)
		r = err_nomem(e);
	return r < 0 ? r :
		       walk_event(w, 9, EV_EVENT_TAG, SLICE_EMPTY, &initrd,
				  (struct event_text){ description, "section .initrd" }, e);
}

/* ---- PCR 11 ---- */

static int measure_section(struct walk *w, const struct pe *uki, const struct pe_section *s, size_t number,
			   struct pcrcast_error *e)
{
	struct slice name = { (const uint8_t *)s->name, strlen(s->name) + 1 };
	const char *source = pool_printf(w->pool, "section %s", s->name);
	const char *first = pool_printf(w->pool, "EV_IPL: UKI section %zu name: %s", number, s->name);
	const char *second = pool_printf(w->pool, "EV_IPL: UKI section %zu%s", number, data_tail);
	struct blob content, hashed;

	if (!source || !first || !second)
		return err_nomem(e);
	int r = read_section(w, uki, s, &content, e);
	r = r < 0 ? r : blob_of_bytes(w->pool, name, &hashed, e);
	r = r < 0 ? r : walk_event(w, 11, EV_IPL, name, &hashed, (struct event_text){ first, source }, e);
	return r < 0 ? r :
		       walk_event(w, 11, EV_IPL, SLICE_EMPTY, &content, (struct event_text){ second, source },
				  e);
}

static int measure_sections(struct walk *w, const struct pe *uki, struct pcrcast_error *e)
{
	size_t number = 0;
	int r = 0;

	for (size_t i = 0; i < N_MEASURED && r == 0; i++) {
		const struct pe_section *s = pe_section_find(uki, measured_sections[i]);

		r = s ? measure_section(w, uki, s, ++number, e) : 0;
	}
	return r;
}

/* ---- the whole ---- */

static int state_limits(struct walk *w, struct pcrcast_error *e)
{
	const struct predict_options *o = w->opt;
	int r = walk_assume(w, "model", "Constellation's measured-boot tool", "--model", e);

	for (uint32_t pcr = 0; pcr < PCR_COUNT && r == 0; pcr++)
		if (!(PREDICT_CONSTELLATION_PCRS & UINT32_C(1) << pcr))
			r = walk_unknown(w, pcr, "Constellation's tool does not compute it", NULL, e);
	if (r == 0 && (o->secure_boot_given || o->confidential_vm || o->failed_attempts || o->n_attempted))
		r = walk_note(
			w,
			"--secure-boot, --confidential-vm, --failed-attempts and --attempted are not used: Constellation's tool knows no such thing",
			e);
	return r;
}

static int boot_by_tool(struct walk *w, struct pcrcast_error *e)
{
	const char *path = w->img->file ? w->img->file : w->opt->boot ? w->opt->boot : boot_path;
	struct blob bytes;
	struct pe uki;

	int r = state_limits(w, e);
	r = r < 0 ? r : tree_open_file(w->img->esp, path, &bytes, &path, e);
	if (r < 0)
		return r;
	r = pe_parse(w->pool, &bytes, &uki, e);
	r = r < 0 ? r : check_sections(w, &uki, e);
	r = r < 0 ? r : measure_stages(w, &uki, path, e);
	r = r < 0 ? r : measure_kernel_input(w, &uki, e);
	r = r < 0 ? r : measure_sections(w, &uki, e);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), k = strlen(tail);

	return n >= k && strcmp(text + n - k, tail) == 0;
}

/* Put digests into the descriptions that have them: known only now. */
static int finish_texts(struct prediction *p, struct pcrcast_error *e)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		struct event *ev = &p->log.events[i];
		bool in_brackets = ends_with(ev->description, digest_tail);
		struct slice digest = event_digest(ev, &p->log, ALG_SHA256);
		char hex[2 * DIGEST_MAX + 1];

		if (digest.n == 0 || (!in_brackets && !ends_with(ev->description, data_tail)))
			continue;
		hex_encode(digest.p, digest.n, hex);
		ev->description =
			pool_printf(&p->log.pool, "%s%s%s", ev->description, hex, in_brackets ? ")" : "");
		if (!ev->description)
			return err_nomem(e);
	}
	return 0;
}

int predict_constellation(struct image *img, const struct predict_options *opt, struct prediction *ret,
			  struct pcrcast_error *e)
{
	struct predict_options o = *opt;

	*ret = PREDICTION_INIT;
	if (!o.banks)
		o.banks = 1u << ALG_SHA256;
	if (!o.pcrs)
		o.pcrs = PREDICT_CONSTELLATION_PCRS;
	if (o.banks != 1u << ALG_SHA256)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "Constellation's tool computes the bank sha256 only");
	int r = walk_boot(img, &o, boot_by_tool, ret, e);
	return r < 0 ? r : finish_texts(ret, e);
}
