/*
 * A Keylime reference state of an event log, as create_mb_refstate makes it. Where that leaves a hole in the state, which the policy
 * then stumbles over, the log is refused here.
 */
#define _GNU_SOURCE
#include "base/efi/signature_list.h"
#include "base/efi/variable.h"
#include "base/reader.h"
#include "base/utf16.h"
#include "golden/keylime.h"

/* ---- events ---- */

struct slice keylime_string(const struct event *ev)
{
	struct slice s = ev->data;

	if (s.n && s.p[s.n - 1] == '\0')
		s.n--;
	return s;
}

bool keylime_contains(struct slice text, const char *words)
{
	return memmem(text.p, text.n, words, strlen(words)) != NULL;
}

bool keylime_cmdline(const struct event *ev, struct slice *ret)
{
	static const char prefix[] = "kernel_cmdline: ";
	struct slice s = keylime_string(ev);
	size_t n = sizeof prefix - 1;

	if (ev->type != EV_IPL || ev->pcr != 8 || s.n < n || memcmp(s.p, prefix, n) != 0)
		return false;
	*ret = (struct slice){ s.p + n, s.n - n };
	return true;
}

/* EFI_SIGNATURE_DATA with a certificate whose DER says in two bytes how long it is: what Keylime's tpm_bootlog_enrich.py takes. */
bool keylime_vendor_signature(struct slice *rest, struct guid *ret_owner, struct slice *ret_data)
{
	const uint8_t *der = rest->p + GUID_LEN;
	struct slice data;

	if (rest->n < GUID_LEN + 4 || der[0] != 0x30 || der[1] != 0x82 ||
	    !slice_at(*rest, GUID_LEN, 4u + (size_t)(der[2] << 8 | der[3]), &data))
		return false;
	*ret_owner = guid_of_bytes(rest->p);
	*ret_data = data;
	*rest = (struct slice){ data.p + data.n, rest->n - GUID_LEN - data.n };
	return true;
}

/*
 * Is it a program in a firmware volume (a boot menu)? Keylime leaves these out: its device path begins with a volume and a file in it (UEFI 2.10,
 * section 10.3.5 and PI 1.8 volume 3, section 3.3.1: type 4, subtypes 7 and 6). The path follows the 32 bytes of UEFI_IMAGE_LOAD_EVENT.
 */
static bool is_firmware_program(const struct event *ev)
{
	static const uint8_t volume[] = { 4, 7, 20, 0 }, file[] = { 4, 6, 20, 0 };
	struct slice nodes;

	return slice_at(ev->data, 32, 40, &nodes) && memcmp(nodes.p, volume, 4) == 0 &&
	       memcmp(nodes.p + 20, file, 4) == 0;
}

/* ---- building ---- */

struct making {
	struct pool *pool;
	const struct eventlog *log;
	struct pcrcast_error *e;
	struct golden_claim *claims;
	size_t n, cap;
};

/* More about why a log is none of shim and GRUB. */
static const char *other_chain(const struct eventlog *log)
{
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].pcr == 11)
			return "; PCR 11 is extended (by a UKI or Windows, for which Keylime's state has no place)";
	return "";
}

static int lacks(const struct making *m, const char *what)
{
	return err_set(m->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
		       "keylime-mb describes a boot by way of shim, GRUB and a kernel: the log has no %s%s",
		       what, other_chain(m->log));
}

static struct golden_claim *add(struct making *m, enum keylime_role role, size_t group)
{
	struct golden_claim *c = pool_push(m->pool, &m->claims, &m->n, &m->cap, sizeof *c);

	if (!c) {
		err_nomem(m->e);
		return NULL;
	}
	c->role = keylime_role_names[role];
	c->group = group;
	c->alg = ALG_COUNT;
	c->bytes = SLICE_EMPTY;
	return c;
}

static int add_digest(struct making *m, enum keylime_role role, size_t group, const struct event *ev)
{
	struct slice digest = event_digest(ev, m->log, ALG_SHA256);
	struct golden_claim *c;

	if (digest.n == 0)
		return err_set(m->e, PCRCAST_EUNSUPPORTED, ev->offset,
			       "keylime-mb has SHA-256 digests: event %zu has none",
			       (size_t)(ev - m->log->events));
	c = add(m, role, group);
	if (!c)
		return -PCRCAST_ENOMEM;
	c->alg = ALG_SHA256;
	c->bytes = digest;
	return 0;
}

static int add_signature(struct making *m, enum keylime_role role, const struct guid *owner,
			 struct slice data)
{
	struct golden_claim *c = add(m, role, 0);
	char text[GUID_TEXT];

	if (!c)
		return -PCRCAST_ENOMEM;
	guid_format(owner, text);
	c->owner = pool_text(m->pool, text, strlen(text));
	c->bytes = data;
	return c->owner ? 0 : err_nomem(m->e);
}

static int add_text(struct making *m, enum keylime_role role, size_t group, const char *text)
{
	struct golden_claim *c = text ? add(m, role, group) : NULL;

	if (!c)
		return err_nomem(m->e);
	c->text = text;
	return 0;
}

/* ---- firmware and its variables ---- */

static int add_firmware(struct making *m, size_t group)
{
	const struct event *scrtm = NULL;
	int r = 0;

	for (size_t i = 0; i < m->log->n_events && !scrtm; i++)
		if (m->log->events[i].type == EV_S_CRTM_VERSION)
			scrtm = &m->log->events[i];
	if (!scrtm)
		return lacks(m, "EV_S_CRTM_VERSION event");
	r = add_digest(m, KEYLIME_SCRTM, group, scrtm);
	for (size_t i = 0; i < m->log->n_events && r == 0; i++) {
		const struct event *ev = &m->log->events[i];

		if (ev->type == EV_EFI_PLATFORM_FIRMWARE_BLOB || ev->type == EV_EFI_PLATFORM_FIRMWARE_BLOB2)
			r = add_digest(m, KEYLIME_FIRMWARE, group, ev);
	}
	return r;
}

static int add_signature_lists(struct making *m, enum keylime_role role, const char *name, struct slice rest)
{
	while (rest.n) {
		struct esl list;
		const char *why = esl_next(m->pool, &rest, &list);

		if (why)
			return err_set(m->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
				       "keylime-mb: variable %s: %s", name, why);
		for (size_t i = 0; i < list.n; i++) {
			struct esl_signature s = esl_signature(&list, i);
			int r = add_signature(m, role, &s.owner, s.data);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The last event of a type about a variable; false when there is none. */
static bool find_variable(const struct making *m, uint32_t type, const char *name, struct efi_variable *ret)
{
	for (size_t i = m->log->n_events; i-- > 0;) {
		const struct event *ev = &m->log->events[i];
		struct efi_variable v;

		if (ev->type == type && !efi_variable_read(m->pool, ev->data, &v) &&
		    strcmp(v.name, name) == 0) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static int add_vendor_db(struct making *m)
{
	int r = 0;

	for (size_t i = 0; i < m->log->n_events && r == 0; i++) {
		const struct event *ev = &m->log->events[i];
		struct efi_variable v;
		struct guid owner;
		struct slice data;

		if (ev->type != EV_EFI_VARIABLE_AUTHORITY || efi_variable_read(m->pool, ev->data, &v) ||
		    strcmp(v.name, "vendor_db") != 0)
			continue;
		while (r == 0 && keylime_vendor_signature(&v.data, &owner, &data))
			r = add_signature(m, KEYLIME_VENDOR_DB, &owner, data);
	}
	return r;
}

static int add_variables(struct making *m, bool *ret_secure_boot)
{
	static const struct {
		const char *name;
		enum keylime_role role;
	} lists[] = {
		{ "PK", KEYLIME_PK },
		{ "KEK", KEYLIME_KEK },
		{ "db", KEYLIME_DB },
		{ "dbx", KEYLIME_DBX },
	};
	struct efi_variable v;

	if (!find_variable(m, EV_EFI_VARIABLE_DRIVER_CONFIG, "SecureBoot", &v) || v.data.n > 1)
		return lacks(
			m,
			"event about the variable SecureBoot, so it does not tell whether Secure Boot was on");
	*ret_secure_boot = v.data.n && v.data.p[0];
	int r = add_text(m, KEYLIME_SECURE_BOOT, 0, *ret_secure_boot ? "on" : "off");
	for (size_t i = 0; i < sizeof lists / sizeof lists[0] && r == 0; i++)
		if (find_variable(m, EV_EFI_VARIABLE_DRIVER_CONFIG, lists[i].name, &v))
			r = add_signature_lists(m, lists[i].role, lists[i].name, v.data);
	return r < 0 ? r : add_vendor_db(m);
}

/* ---- shim, GRUB, kernel ---- */

static int add_mok(struct making *m, size_t *group)
{
	int r = 0;

	for (size_t i = 0; i < m->log->n_events && r == 0; i++) {
		const struct event *ev = &m->log->events[i];

		if (ev->type != EV_IPL)
			continue;
		if (slice_equal_string(keylime_string(ev), "MokList"))
			r = add_digest(m, KEYLIME_MOK, (*group)++, ev);
		else if (slice_equal_string(keylime_string(ev), "MokListX"))
			r = add_digest(m, KEYLIME_MOKX, (*group)++, ev);
	}
	return r;
}

/* shim, GRUB and, where shim is asked about it, the kernel, which may be measured twice. */
static int add_programs(struct making *m, bool secure_boot, size_t group)
{
	static const enum keylime_role roles[] = { KEYLIME_SHIM, KEYLIME_GRUB, KEYLIME_KERNEL };
	const struct event *programs[4];
	size_t n = 0, wanted = secure_boot ? 3 : 2;
	int r = 0;

	for (size_t i = 0; i < m->log->n_events; i++) {
		const struct event *ev = &m->log->events[i];

		if (ev->type != EV_EFI_BOOT_SERVICES_APPLICATION || is_firmware_program(ev))
			continue;
		if (n < 4)
			programs[n] = ev;
		n++;
	}
	if (n != wanted && !(secure_boot && n == 4))
		return err_set(
			m->e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"keylime-mb describes a boot by way of %s, %s boot applications: the log has %zu%s",
			secure_boot ? "shim, GRUB and a kernel with Secure Boot" :
				      "shim and GRUB without Secure Boot",
			secure_boot ? "3 or 4" : "2", n, other_chain(m->log));
	for (size_t i = 0; i < wanted && r == 0; i++)
		r = add_digest(m, roles[i], group, programs[i]);
	return r;
}

/* The first file that GRUB opened whose name has one of the words. */
static const struct event *find_file(const struct eventlog *log, const char *word, const char *other)
{
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (ev->type == EV_IPL && ev->pcr == 9 &&
		    (keylime_contains(keylime_string(ev), word) ||
		     keylime_contains(keylime_string(ev), other)))
			return ev;
	}
	return NULL;
}

/* re.escape() of Python 3.7 and later. NULL: memory gave out. */
static char *escape(struct pool *pool, struct slice s)
{
	static const char special[] = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
	char *out = pool_array(pool, s.n + 1, 2), *p = out;

	for (size_t i = 0; i < s.n && out; i++) {
		if (strchr(special, s.p[i]))
			*p++ = '\\';
		*p++ = (char)s.p[i];
	}
	return out;
}

static bool is_text(struct slice s)
{
	uint32_t c;

	for (size_t i = 0, len; i < s.n; i += len) {
		len = utf8_decode(s.p + i, s.n - i, &c);
		if (len == 0 || c == 0)
			return false;
	}
	return true;
}

static int add_cmdline(struct making *m, size_t group)
{
	for (size_t i = 0; i < m->log->n_events; i++) {
		struct slice line;

		if (!keylime_cmdline(&m->log->events[i], &line))
			continue;
		if (!is_text(line))
			return err_set(m->e, PCRCAST_EUNSUPPORTED, m->log->events[i].offset,
				       "keylime-mb: the kernel command line in event %zu is no UTF-8 text",
				       i);
		return add_text(m, KEYLIME_CMDLINE, group, escape(m->pool, line));
	}
	return lacks(m, "\"kernel_cmdline: …\" in PCR 8, which GRUB logs");
}

static int add_kernel(struct making *m, bool secure_boot, size_t group)
{
	const struct event *initrd = find_file(m->log, "initrd", "initramfs");
	const struct event *kernel = find_file(m->log, "vmlinuz", "vmlinuz");

	int r = add_programs(m, secure_boot, group);
	if (r == 0 && !initrd)
		r = lacks(m,
			  "EV_IPL event in PCR 9 of a file \"…initrd…\" or \"…initramfs…\", which GRUB logs");
	if (r == 0 && !secure_boot && !kernel)
		r = lacks(m, "EV_IPL event in PCR 9 of a file \"…vmlinuz…\", which GRUB logs");
	r = r < 0 ? r : add_digest(m, KEYLIME_INITRD, group, initrd);
	if (r == 0 && !secure_boot)
		r = add_digest(m, KEYLIME_KERNEL_FILE, group, kernel);
	return r < 0 ? r : add_cmdline(m, group);
}

int keylime_claims_of_log(struct pool *pool, const struct eventlog *log, struct golden_claim **ret,
			  size_t *ret_n, struct pcrcast_error *e)
{
	struct making m = { .pool = pool, .log = log, .e = e };
	bool secure_boot = false;
	size_t group = 1; /* 0 has what stands alone */

	if (log->kind == EVENTLOG_CC)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "keylime-mb is about PCRs, this log about CC measurement registers");
	int r = add_variables(&m, &secure_boot);
	r = r < 0 ? r : add_firmware(&m, group++);
	r = r < 0 ? r : add_mok(&m, &group);
	r = r < 0 ? r : add_kernel(&m, secure_boot, group);
	if (r < 0)
		return r;
	*ret = m.claims;
	*ret_n = m.n;
	return 0;
}
