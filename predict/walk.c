/*
 * Events of a walk through a boot, and what is said beside them.
 */
#include "predict/cc.h"

#include "base/bytes.h"
#include "uki/authenticode.h"

enum { NOTES_MAX = 100 }; /* nobody reads more; each is compared with those before */

/* The source may be a path that belongs to the image, which the prediction outlives (predict.h): it is copied. */
static int add_event(struct walk *w, struct event ev, struct pcrcast_error *e)
{
	struct eventlog *log = &w->out->log;

	if (ev.source && !(ev.source = pool_text(w->pool, ev.source, strlen(ev.source))))
		return err_nomem(e);
	struct event *place = pool_push(w->pool, &log->events, &log->n_events, &log->cap, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = ev;
	return 0;
}

static bool wanted(const struct walk *w, uint32_t pcr)
{
	return pcr < PCR_COUNT && w->opt->pcrs & UINT32_C(1) << pcr;
}

static int add_hashed(struct walk *w, struct event ev, const struct blob *hashed, struct pcrcast_error *e)
{
	bool taken;
	int taking = cc_takes(w, &ev, &taken, e);

	if (taking < 0 || !taken)
		return taking;
	if (wanted(w, ev.pcr)) {
		struct event_job *j =
			pool_push(w->pool, &w->event_jobs, &w->n_event_jobs, &w->cap_event_jobs, sizeof *j);

		if (!j)
			return err_nomem(e);
		j->event = w->out->log.n_events;
		int r = hash_jobs_add(w->jobs, hashed, &j->job, e);
		if (r < 0)
			return r;
	}
	return add_event(w, ev, e);
}

/* Without digests. */
static struct event event_of(uint32_t pcr, uint32_t type, struct slice data, enum event_origin origin,
			     struct event_text text)
{
	return (struct event){ .pcr = pcr,
			       .type = type,
			       .origin = origin,
			       .digests = SLICE_EMPTY,
			       .data = data,
			       .description = text.description,
			       .source = text.source };
}

int walk_event(struct walk *w, uint32_t pcr, uint32_t type, struct slice data, const struct blob *hashed,
	       struct event_text text, struct pcrcast_error *e)
{
	struct event ev = event_of(pcr, type, data, EVENT_COMPUTED, text);

	return add_hashed(w, ev, hashed, e);
}

int walk_event_bytes(struct walk *w, uint32_t pcr, uint32_t type, struct slice data, struct slice hashed,
		     enum event_origin origin, struct event_text text, struct pcrcast_error *e)
{
	struct event ev = event_of(pcr, type, data, origin, text);
	struct blob b;
	int r = blob_of_bytes(w->pool, hashed, &b, e);

	return r < 0 ? r : add_hashed(w, ev, &b, e);
}

int walk_unknown(struct walk *w, uint32_t pcr, const char *reason, const char *option,
		 struct pcrcast_error *e)
{
	struct prediction *p = w->out;

	if (!reason)
		return err_nomem(e);
	for (size_t i = 0; i < p->n_unknowns; i++)
		if (p->unknowns[i].pcr == pcr && strcmp(p->unknowns[i].reason, reason) == 0)
			return 0;
	struct unknown *u = pool_push(w->pool, &p->unknowns, &p->n_unknowns, &w->cap_unknowns, sizeof *u);
	if (!u)
		return err_nomem(e);
	*u = (struct unknown){ pcr, reason, option };
	p->incomplete |= UINT32_C(1) << pcr;
	return 0;
}

int walk_event_unknown(struct walk *w, uint32_t pcr, uint32_t type, struct event_text text,
		       const char *reason, const char *option, struct pcrcast_error *e)
{
	struct event ev = event_of(pcr, type, SLICE_EMPTY, EVENT_UNKNOWN, text);
	bool taken;
	int r = cc_takes(w, &ev, &taken, e);

	if (r < 0 || !taken)
		return r;
	r = walk_unknown(w, pcr, reason, option, e);
	return r < 0 ? r : add_event(w, ev, e);
}

int walk_assume(struct walk *w, const char *what, const char *value, const char *option,
		struct pcrcast_error *e)
{
	struct prediction *p = w->out;

	for (size_t i = 0; i < p->n_assumptions; i++)
		if (strcmp(p->assumptions[i].what, what) == 0 && strcmp(p->assumptions[i].value, value) == 0)
			return 0;
	struct assumption *a =
		pool_push(w->pool, &p->assumptions, &p->n_assumptions, &w->cap_assumptions, sizeof *a);
	if (!a)
		return err_nomem(e);
	*a = (struct assumption){ what, value, option };
	return 0;
}

int walk_note(struct walk *w, const char *note, struct pcrcast_error *e)
{
	struct prediction *p = w->out;

	if (!note)
		return err_nomem(e);
	if (p->n_notes > NOTES_MAX)
		return 0;
	for (size_t i = 0; i < p->n_notes; i++)
		if (strcmp(p->notes[i], note) == 0)
			return 0;
	if (p->n_notes == NOTES_MAX)
		note = "further notes are left out";
	const char **place = pool_push(w->pool, &p->notes, &p->n_notes, &w->cap_notes, sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = note;
	return 0;
}

/* ---- events with digests of their own ---- */

/* In each bank that is computed, in the order of the algorithm table, as logs have them. */
int walk_set_digests(struct walk *w, struct event *ev, const struct digest digests[static ALG_COUNT],
		     struct pcrcast_error *e)
{
	uint8_t *bytes = pool_array(w->pool, ALG_COUNT, 2 + DIGEST_MAX), *p = bytes;

	if (!bytes)
		return err_nomem(e);
	ev->n_digests = 0;
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		if (!(w->opt->banks & 1u << a))
			continue;
		put_u16le(p, algs[a].tpm_id);
		memcpy(p + 2, digests[a].bytes, algs[a].len);
		p += 2 + algs[a].len;
		ev->n_digests++;
	}
	ev->digests = (struct slice){ bytes, (size_t)(p - bytes) };
	return 0;
}

int walk_event_digests(struct walk *w, uint32_t pcr, uint32_t type, struct slice data,
		       const struct digest digests[static ALG_COUNT], enum event_origin origin,
		       struct event_text text, struct pcrcast_error *e)
{
	struct event ev = event_of(pcr, type, data, origin, text);
	int r = walk_set_digests(w, &ev, digests, e);

	return r < 0 ? r : add_event(w, ev, e);
}

int walk_event_observed(struct walk *w, const struct eventlog *log, const struct event *ev,
			struct event_text text, struct pcrcast_error *e)
{
	const uint8_t *data = pool_copy(w->pool, ev->data.p, ev->data.n);
	struct digest digests[ALG_COUNT] = { 0 };

	if (!data)
		return err_nomem(e);
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		struct slice d = event_digest(ev, log, a);

		if (d.n == algs[a].len) /* what is not extended may have no digest: zeros */
			memcpy(digests[a].bytes, d.p, d.n);
	}
	return walk_event_digests(w, ev->pcr, ev->type, (struct slice){ data, ev->data.n }, digests,
				  EVENT_OBSERVED, text, e);
}

/* ---- event bodies ---- */

int walk_ipl(struct walk *w, uint32_t pcr, struct utf16 data, const struct blob *hashed,
	     struct event_text text, struct pcrcast_error *e)
{
	struct slice bytes = utf16_bytes(w->pool, data, true);

	if (!bytes.p)
		return err_nomem(e);
	return walk_event(w, pcr, EV_IPL, bytes, hashed, text, e);
}

int walk_command_line(struct walk *w, struct utf16 line, enum event_origin origin, struct event_text text,
		      struct pcrcast_error *e)
{
	struct slice bytes = utf16_bytes(w->pool, line, true);

	if (!bytes.p)
		return err_nomem(e);
	return walk_event_bytes(w, 12, EV_IPL, bytes, bytes, origin, text, e);
}

int walk_tagged(struct walk *w, uint32_t pcr, uint32_t tag, const char *name, const struct blob *hashed,
		struct event_text text, struct pcrcast_error *e)
{
	struct utf16 wide;
	int r = utf16_of_utf8(w->pool, name, &wide, e);
	if (r < 0)
		return r;
	struct slice s = utf16_bytes(w->pool, wide, true);
	uint8_t *data = s.p ? pool_array(w->pool, s.n + 8, 1) : NULL;
	if (!data)
		return err_nomem(e);
	put_u32le(data, tag);
	put_u32le(data + 4, (uint32_t)s.n);
	memcpy(data + 8, s.p, s.n);
	return walk_event(w, pcr, EV_EVENT_TAG, (struct slice){ data, s.n + 8 }, hashed, text, e);
}

/*
 * UEFI_IMAGE_LOAD_EVENT (PFP 1.06 section 10.2.5): u64 location in memory, u64 length, u64 link time address,
 * u64 length of the device path, device path. Where the image will lie and which disk it comes from is
 * not known, so the location is 0 and the device path has the file path only.
 */
static int image_load_data(struct walk *w, uint64_t image_len, uint64_t link_address, const char *path,
			   bool ended, struct slice *ret, struct pcrcast_error *e)
{
	enum { FIXED = 32, NODE = 4, END = 4 };
	struct slice name = SLICE_EMPTY;

	if (path) {
		struct utf16 wide;
		int r = utf16_of_utf8(w->pool, path, &wide, e);

		if (r < 0)
			return r;
		name = utf16_bytes(w->pool, wide, true);
		if (!name.p)
			return err_nomem(e);
		if (name.n > UINT16_MAX - NODE)
			return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
				       "path of %zu bytes does not fit a device path", name.n);
	}
	size_t path_len = (path ? NODE + name.n : 0) + (ended ? END : 0);
	uint8_t *data = pool_array(w->pool, FIXED + path_len, 1);
	if (!data)
		return err_nomem(e);
	put_u64le(data + 8, image_len);
	put_u64le(data + 16, link_address);
	put_u64le(data + 24, path_len);
	uint8_t *p = data + FIXED;
	if (path) {
		p[0] = 0x04; /* media device path, file path (UEFI 2.10, section 10.3.5.4) */
		p[1] = 0x04;
		put_u16le(p + 2, (uint16_t)(NODE + name.n));
		memcpy(p + NODE, name.p, name.n);
		p += NODE + name.n;
	}
	if (ended)
		memcpy(p, "\x7f\xff\x04\x00", END); /* end of the entire device path */
	*ret = (struct slice){ data, FIXED + path_len };
	return 0;
}

/* ImageBase of the optional header: at 28 in PE32, 64 bits at 24 in PE32+ (PE specification 8.3, section 3.4.2). */
static int link_address(const struct pe *pe, uint64_t *ret, struct pcrcast_error *e)
{
	uint8_t bytes[8] = { 0 };
	int r = blob_read(&pe->image, (uint64_t)pe->optional_off + (pe->plus ? 24 : 28), bytes,
			  pe->plus ? 8 : 4, e);

	*ret = get_u64le(bytes);
	return r;
}

int walk_application_load(struct walk *w, const struct pe *pe, const char *path, bool linked,
			  struct event_text text, struct pcrcast_error *e)
{
	struct slice data = SLICE_EMPTY;
	uint64_t address = 0;
	struct blob hashed;

	int r = authenticode_bytes(w->pool, pe, &hashed, e);
	if (r == 0 && linked)
		r = link_address(pe, &address, e);
	if (r == 0)
		r = image_load_data(w, pe->image.len, address, path, path, &data, e);
	if (r < 0)
		return err_wrap(e, "%s", text.source);
	w->shim_speaks = true; /* the one boot loader that does it */
	r = walk_event(w, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION, data, &hashed, text, e);
	w->shim_speaks = false;
	return r;
}

int walk_image_load(struct walk *w, const struct pe *pe, const char *path, struct event_text text,
		    struct pcrcast_error *e)
{
	/* EDK2 DxeTpm2MeasureBootLib: applications go to PCR 4, drivers to PCR 2. */
	static const struct {
		uint16_t subsystem;
		uint32_t pcr, type;
	} kinds[] = {
		{ PE_EFI_APPLICATION, 4, (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION },
		{ PE_EFI_BOOT_SERVICES_DRIVER, 2, (uint32_t)EV_EFI_BOOT_SERVICES_DRIVER },
		{ PE_EFI_RUNTIME_DRIVER, 2, (uint32_t)EV_EFI_RUNTIME_SERVICES_DRIVER },
	};
	struct slice data = SLICE_EMPTY;
	struct blob hashed;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (kinds[i].subsystem != pe->subsystem)
			continue;
		int r = authenticode_bytes(w->pool, pe, &hashed, e);
		if (r == 0)
			r = image_load_data(w, pe->image.len, 0, path, true, &data, e);
		if (r < 0)
			return err_wrap(e, "%s", text.source);
		return walk_event(w, kinds[i].pcr, kinds[i].type, data, &hashed, text, e);
	}
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
		       "%s: subsystem %u is none that UEFI firmware starts (10, 11, 12)", text.source,
		       pe->subsystem);
}

/* ---- looking things up ---- */

int walk_no_confidential_vm(struct walk *w, struct pcrcast_error *e)
{
	return w->opt->confidential_vm ? 0 : walk_assume(w, "confidential-vm", "no", "--confidential-vm", e);
}

int walk_count_text(struct walk *w, uint64_t n, const char *source, struct pcrcast_error *e)
{
	enum { TEXT_MAX = 64 << 20 }; /* bytes; those of a full boot menu have some MiB */

	w->n_text += n;
	return w->n_text <= TEXT_MAX ?
		       0 :
		       err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%s: with the texts before it more than the %d MiB that are read in one boot",
			       source, TEXT_MAX >> 20);
}

int walk_comes_back(struct walk *w, enum way_back how, int error)
{
	w->back = how;
	return error;
}

int walk_open_start(struct walk *w, struct tree *volume, const char *path, struct start *ret,
		    struct pcrcast_error *e)
{
	struct start s = { .volume = volume, .options = SLICE_EMPTY };
	struct blob bytes;
	int r = tree_open_file(volume, path, &bytes, &s.path, e);

	if (r < 0)
		return r;
	s.real_path = s.path;
	r = pe_parse(w->pool, &bytes, &s.pe, e);
	if (r == 0)
		r = sd_identify(w->pool, &s.pe, &s.id, e);
	if (r < 0)
		return err_wrap(e, "%s", s.path);
	*ret = s;
	return 0;
}
