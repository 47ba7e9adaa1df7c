/*
 * Keylime's policy "example" over an event log: every event must be one that the policy knows, and some must be what the state says.
 * The tables follow example.py of Keylime 7.14; what it compares at the end (firmware, shim, GRUB, kernel) is in
 * keylime_boot.c, its signatures in keylime_keys.c.
 */
#include "golden/keylime_check.h"

#include <stdarg.h>

#include "base/efi/variable.h"
#include "golden/keylime_parts.h"

int keylime_find(struct keylime_checking *k, const char *name, size_t event, enum match answer,
		 struct pcrcast_error *e, const char *fmt, ...)
{
	struct keylime_finding *f =
		pool_push(k->pool, &k->result->findings, &k->result->n, &k->result->cap, sizeof *f);
	va_list ap;

	if (!f)
		return err_nomem(e);
	va_start(ap, fmt);
	*f = (struct keylime_finding){ name, event, answer, pool_vprintf(k->pool, fmt, ap) };
	va_end(ap);
	if (!f->text)
		k->result->n--;
	return f->text ? 0 : err_nomem(e);
}

enum match keylime_answer(const struct keylime_result *result)
{
	enum match answer = MATCH_YES;

	for (size_t i = 0; i < result->n; i++)
		if (answer != MATCH_NO)
			answer = result->findings[i].answer;
	return answer;
}

/* ---- what single events must be ---- */

/* Is one of the event's digests that of the words? */
static bool has_digest_of(const struct keylime_checking *k, const struct event *ev, struct slice words)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct slice digest = event_digest(ev, k->log, alg);
		struct digest want;

		if (digest.n && digest_of(alg, words, &want, NULL) == 0 &&
		    slice_equal(digest, (struct slice){ want.bytes, algs[alg].len }))
			return true;
	}
	return false;
}

/*
 * The policy has "FFFFFFFF" for the separator of an error too; tpm2_eventlog prints that in lower case, so such a log does not
 * pass, as it should not.
 */
static int separator(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	static const uint8_t zeros[4];
	struct slice words = { zeros, sizeof zeros };

	if (slice_equal(ev->data, words) && has_digest_of(k, ev, words))
		return 0;
	return keylime_find(k, "separator", i, MATCH_NO, e,
			    "separator of PCR %u: expected 00000000 and the digest of that", ev->pcr);
}

static int action(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	static const struct {
		uint32_t pcr;
		const char *text;
	} actions[] = {
		{ 1, "Entering ROM Based Setup" },
		{ 4, "Calling EFI Application from Boot Option" },
		{ 4, "Returning from EFI Application from Boot Option" },
		{ 5, "Exit Boot Services Invocation" },
		{ 5, "Exit Boot Services Returned with Failure" },
		{ 5, "Exit Boot Services Returned with Success" },
	};
	struct slice text = { ev->data.p, strnlen((const char *)ev->data.p, ev->data.n) };

	for (size_t n = 0; n < sizeof actions / sizeof actions[0]; n++)
		if (actions[n].pcr == ev->pcr && slice_equal_string(text, actions[n].text) &&
		    has_digest_of(k, ev, text))
			return 0;
	return keylime_find(
		k, "action", i, MATCH_NO, e,
		"EV_EFI_ACTION in PCR %u: none of the actions that the policy knows, or with another digest",
		ev->pcr);
}

static int unexpected(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	char name[11];

	return keylime_find(k, "unexpected-event", i, MATCH_NO, e,
			    "event %zu, %s in PCR %u, is none that the policy knows", i,
			    event_type_name(ev->type, name), ev->pcr);
}

static int boot_variable(struct keylime_checking *k, const struct event *ev, size_t i,
			 struct pcrcast_error *e)
{
	struct efi_variable v;
	bool ok = !efi_variable_read(k->pool, ev->data, &v) && guid_equal(&v.guid, &guid_efi_global) &&
		  strncmp(v.name, "Boot", 4) == 0;

	if (ok && strcmp(v.name, "BootOrder") != 0)
		ok = v.name[4] && v.name[4 + strspn(v.name + 4, "0123456789abcdefABCDEF")] == '\0';
	return ok ? 0 :
		    keylime_find(k, "unexpected-event", i, MATCH_NO, e,
				 "event %zu: a variable that is neither BootOrder nor Boot####", i);
}

/* ---- EV_IPL: shim and GRUB ---- */

static int mok(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	struct slice name = keylime_string(ev);
	bool list = slice_equal_string(name, "MokList");
	const struct keylime_list *l = &k->state->lists[list ? KEYLIME_MOK : KEYLIME_MOKX];

	if (slice_equal_string(name, "MokListTrusted"))
		return k->n_mok_trusted++ ? keylime_find(k, "repeated-event", i, MATCH_NO, e,
							 "event %zu: MokListTrusted a second time", i) :
					    0;
	if (!list && !slice_equal_string(name, "MokListX"))
		return unexpected(k, ev, i, e);
	for (size_t n = 0; n < l->n; n++)
		if (slice_equal(event_digest(ev, k->log, l->claims[n]->alg), l->claims[n]->bytes))
			return 0;
	return keylime_find(k, list ? "mok" : "mokx", i, MATCH_NO, e,
			    "%s: the state has another digest (%s that shim built in, or that were enrolled)",
			    list ? "MokList" : "MokListX", list ? "keys" : "hashes");
}

static int keep(struct keylime_checking *k, struct keylime_events *list, size_t i, struct pcrcast_error *e)
{
	size_t *place = pool_push(k->pool, &list->events, &list->n, &list->cap, sizeof *place);

	if (!place)
		return err_nomem(e);
	*place = i;
	return 0;
}

/* Files that GRUB opened. The first of these that fits counts, as in the policy. */
static int grub_file(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	struct slice name = keylime_string(ev);

	if (keylime_contains(name, "\n"))
		return unexpected(k, ev, i, e);
	if (keylime_contains(name, "/loader/entries") || keylime_contains(name, "/grub"))
		return 0;
	if (keylime_contains(name, "/vmlinuz"))
		return keep(k, &k->kernel_files, i, e);
	if (keylime_contains(name, "/initrd") || keylime_contains(name, "/initramfs"))
		return keep(k, &k->initrds, i, e);
	return keylime_find(k, "unexpected-event", i, MATCH_NO, e,
			    "event %zu: GRUB opened a file that the policy does not know", i);
}

static int grub_command(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	static const char command[] = "grub_cmd: ";
	struct slice text = keylime_string(ev), line;

	if (text.n >= sizeof command - 1 && memcmp(text.p, command, sizeof command - 1) == 0)
		return 0;
	if (keylime_cmdline(ev, &line) && !keylime_contains(line, "\n"))
		return keep(k, &k->cmdlines, i, e);
	return keylime_find(k, "unexpected-event", i, MATCH_NO, e,
			    "event %zu: GRUB logged neither a command nor a kernel command line", i);
}

/* ---- the dispatcher ---- */

static int accept(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	(void)k, (void)ev, (void)i, (void)e;
	return 0;
}

static int scrtm(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	(void)ev;
	return keep(k, &k->scrtms, i, e);
}

static int firmware(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	(void)ev;
	return keep(k, &k->blobs, i, e);
}

static int program(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e)
{
	(void)ev;
	return keep(k, &k->programs, i, e);
}

enum { ANY_NUMBER = 0, SEPARATORS = 8 };

/* most: how often an event may be there. Separators of PCR 0 to 7 are apart. */
static const struct {
	uint32_t pcr, type;
	unsigned most;
	int (*check)(struct keylime_checking *k, const struct event *ev, size_t i, struct pcrcast_error *e);
} known[] = {
	{ 0, EV_NO_ACTION, 1, accept },
	{ 0, EV_S_CRTM_VERSION, ANY_NUMBER, scrtm },
	{ 0, EV_EFI_PLATFORM_FIRMWARE_BLOB, ANY_NUMBER, firmware },
	{ 0, EV_EFI_PLATFORM_FIRMWARE_BLOB2, ANY_NUMBER, firmware },
	{ 1, EV_CPU_MICROCODE, 1, accept },
	{ 1, EV_EFI_HANDOFF_TABLES, 1, accept },
	{ 1, EV_EFI_HANDOFF_TABLES2, 1, accept },
	{ 1, EV_EFI_VARIABLE_BOOT, ANY_NUMBER, boot_variable },
	{ 1, EV_PLATFORM_CONFIG_FLAGS, 4, accept },
	{ 1, EV_EFI_ACTION, ANY_NUMBER, action },
	{ 2, EV_EFI_BOOT_SERVICES_DRIVER, ANY_NUMBER, accept },
	{ 4, EV_EFI_ACTION, ANY_NUMBER, action },
	{ 4, EV_EFI_BOOT_SERVICES_APPLICATION, ANY_NUMBER, program },
	{ 5, EV_EFI_ACTION, ANY_NUMBER, action },
	{ 5, EV_EFI_GPT_EVENT, 1, accept },
	{ 7, EV_EFI_VARIABLE_DRIVER_CONFIG, ANY_NUMBER, keylime_variable },
	{ 7, EV_EFI_VARIABLE_AUTHORITY, ANY_NUMBER, keylime_variable },
	{ 8, EV_IPL, ANY_NUMBER, grub_command },
	{ 9, EV_IPL, ANY_NUMBER, grub_file },
	{ 14, EV_IPL, ANY_NUMBER, mok },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

static int check_event(struct keylime_checking *k, unsigned counts[static N_KNOWN], size_t i,
		       struct pcrcast_error *e)
{
	const struct event *ev = &k->log->events[i];
	size_t n = 0;

	if (ev->content == CONTENT_PCCLIENT && ev->type == EV_SEPARATOR && ev->pcr < SEPARATORS)
		return separator(k, ev, i, e);
	while (n < N_KNOWN && (known[n].pcr != ev->pcr || known[n].type != ev->type))
		n++;
	if (n == N_KNOWN || ev->content != CONTENT_PCCLIENT)
		return unexpected(k, ev, i, e);
	if (known[n].most && ++counts[n] > known[n].most) {
		char name[11];

		return keylime_find(k, "repeated-event", i, MATCH_NO, e,
				    "event %zu, %s in PCR %u: the policy takes %u of these at most%s", i,
				    event_type_name(ev->type, name), ev->pcr, known[n].most,
				    ev->type == EV_NO_ACTION ? ", the Spec ID event among them" : "");
	}
	return known[n].check(k, ev, i, e);
}

int keylime_check(struct pool *pool, const struct keylime_state *state, const struct eventlog *log,
		  struct keylime_result *ret, struct pcrcast_error *e)
{
	struct keylime_checking k = { .pool = pool, .state = state, .log = log, .result = ret };
	unsigned counts[N_KNOWN] = { log->spec_id.version_major > 0 };
	int r = 0;

	*ret = (struct keylime_result){ 0 };
	if (log->kind == EVENTLOG_CC)
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "a Keylime state is about PCRs, this log about CC measurement registers");
	r = keylime_keys_index(&k, e);
	for (size_t i = 0; i < log->n_events && r == 0; i++)
		r = check_event(&k, counts, i, e);
	r = r < 0 ? r : keylime_compare_firmware(&k, e);
	return r < 0 ? r : keylime_compare_kernels(&k, e);
}
