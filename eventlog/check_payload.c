/*
 * Does the event field of an event hash to its digests?
 *
 * PFP 1.06 section 10.4.1 says for every type what is measured. For some the event field itself is (a mismatch then is
 * an alteration or a fault), for most it only describes what is. Both have exceptions, learnt from logs of real machines:
 * they are rows of a table below, each with the program or firmware that does so.
 */
#include "eventlog/check.h"

#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/json_read.h"

enum { FIRMWARE_PCRS = 8 }; /* PCR 0 to 7 */

/* ---- comparing ---- */

enum fit {
	FIT_ALL,  /* in every bank that can be computed */
	FIT_SOME, /* in some of them: two digests of one event are of different bytes */
	FIT_NONE,
	FIT_NO_DIGEST, /* none of a bank that can be computed */
};

static int fit(const struct eventlog *log, const struct event *ev, struct slice bytes, enum fit *ret,
	       struct pcrcast_error *e)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;
	size_t good = 0, bad = 0;

	while (event_digest_next(log, &rest, &found, &digest)) {
		enum alg alg = alg_by_tpm_id(found.id);
		struct digest d;

		if (alg == ALG_COUNT || digest.n != algs[alg].len)
			continue;
		int r = digest_of(alg, bytes, &d, e);
		if (r < 0)
			return r;
		if (memcmp(d.bytes, digest.p, digest.n) == 0)
			good++;
		else
			bad++;
	}
	*ret = good && bad ? FIT_SOME : good ? FIT_ALL : bad ? FIT_NONE : FIT_NO_DIGEST;
	return 0;
}

/* Is every digest of the event the same byte over and over? */
static bool digests_are_all(const struct eventlog *log, const struct event *ev, uint8_t byte)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;

	while (event_digest_next(log, &rest, &found, &digest))
		for (size_t i = 0; i < digest.n; i++)
			if (digest.p[i] != byte)
				return false;
	return ev->digests.n > 0;
}

/* ---- what is measured, by type ---- */

enum covers {
	COVERS_DATA,  /* the event field: anything else is suspicious */
	COVERS_MAYBE, /* the event field on some machines, what it describes on others */
	COVERS_OTHER, /* something that is not in the log */
};

static const struct type_rule {
	uint32_t type;
	enum covers covers;
	const char *what; /* what the digest is of when it is not the event field */
} type_rules[] = {
	{ EV_PREBOOT_CERT, COVERS_OTHER, "a certificate" },
	{ EV_POST_CODE, COVERS_OTHER, "firmware code or tables, which the event only names" },
	{ EV_SEPARATOR, COVERS_DATA, NULL },
	{ EV_ACTION, COVERS_DATA, NULL },
	{ EV_EVENT_TAG, COVERS_MAYBE, "what the tag names (Linux and systemd measure so)" },
	{ EV_S_CRTM_CONTENTS, COVERS_OTHER, "the CRTM's code" },
	{ EV_S_CRTM_VERSION, COVERS_DATA, NULL },
	{ EV_CPU_MICROCODE, COVERS_OTHER, "the microcode" },
	/* PFP demands the event field, EDK2 measures ACPI tables and fw_cfg items under this type */
	{ EV_PLATFORM_CONFIG_FLAGS, COVERS_MAYBE, "the configuration that the event names" },
	{ EV_TABLE_OF_DEVICES, COVERS_MAYBE, "a table that the event points to" },
	{ EV_COMPACT_HASH, COVERS_MAYBE, "vendor data that the event names" },
	{ EV_IPL, COVERS_MAYBE, "what the event names (a file, a variable, a section)" },
	{ EV_IPL_PARTITION_DATA, COVERS_MAYBE, "a partition table" },
	{ EV_NONHOST_CODE, COVERS_OTHER, "code of another processor of the platform" },
	{ EV_NONHOST_CONFIG, COVERS_MAYBE, "configuration of another processor of the platform" },
	/* Google's firmware measures the event field, Intel's CSME what the event describes */
	{ EV_NONHOST_INFO, COVERS_MAYBE, "state of another processor of the platform" },
	{ EV_OMIT_BOOT_DEVICE_EVENTS, COVERS_DATA, NULL },
	{ EV_POST_CODE2, COVERS_OTHER, "firmware code or tables, which the event only names" },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, COVERS_DATA, NULL },
	{ EV_EFI_VARIABLE_BOOT, COVERS_DATA, NULL },
	{ EV_EFI_BOOT_SERVICES_APPLICATION, COVERS_OTHER, "the image (its Authenticode digest)" },
	{ EV_EFI_BOOT_SERVICES_DRIVER, COVERS_OTHER, "the image (its Authenticode digest)" },
	{ EV_EFI_RUNTIME_SERVICES_DRIVER, COVERS_OTHER, "the image (its Authenticode digest)" },
	{ EV_EFI_GPT_EVENT, COVERS_DATA, NULL },
	{ EV_EFI_ACTION, COVERS_DATA, NULL },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB, COVERS_OTHER, "the firmware at the address in the event" },
	{ EV_EFI_HANDOFF_TABLES, COVERS_OTHER, "the tables that the event points to" },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB2, COVERS_OTHER, "the firmware at the address in the event" },
	{ EV_EFI_HANDOFF_TABLES2, COVERS_OTHER, "the tables that the event points to" },
	{ EV_EFI_VARIABLE_BOOT2, COVERS_DATA, NULL },
	{ EV_EFI_GPT_EVENT2, COVERS_DATA, NULL },
	{ EV_EFI_HCRTM_EVENT, COVERS_OTHER, "what the H-CRTM measured" },
	{ EV_EFI_VARIABLE_AUTHORITY, COVERS_DATA, NULL },
	{ EV_EFI_SPDM_DEVICE_BLOB, COVERS_MAYBE, "a device's measurement" },
	{ EV_EFI_SPDM_DEVICE_CONFIG, COVERS_MAYBE, "a device's measurement" },
	{ EV_EFI_SPDM_DEVICE_POLICY, COVERS_DATA, NULL },
	{ EV_EFI_SPDM_DEVICE_AUTHORITY, COVERS_DATA, NULL },
};

static const struct type_rule unknown_type = { 0, COVERS_OTHER,
					       "what the event's type, which is not known here, says" };

static const struct type_rule *rule_of(uint32_t type)
{
	for (size_t i = 0; i < sizeof type_rules / sizeof type_rules[0]; i++)
		if (type_rules[i].type == type)
			return &type_rules[i];
	return &unknown_type;
}

/* ---- bytes that were measured in place of the event field ---- */

/* A form makes the bytes; false when it does not apply to this event. Bytes that are made come from pool. */

static bool starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static bool variable_data(struct pool *pool, const struct event *ev, struct slice *ret)
{
	enum {
		HEADER = 32,
		AT_NAME_LEN = 16,
		AT_DATA_LEN = 24
	}; /* UEFI_VARIABLE_DATA, PFP 1.06 section 10.2.6 */

	(void)pool;
	if (ev->data.n < HEADER)
		return false;
	uint64_t name_len = get_u64le(ev->data.p + AT_NAME_LEN),
		 data_len = get_u64le(ev->data.p + AT_DATA_LEN);
	/* what lies behind the data would be covered by nothing */
	if (name_len > (ev->data.n - HEADER) / 2 || data_len != ev->data.n - HEADER - 2 * name_len)
		return false;
	return slice_at(ev->data, HEADER + 2 * name_len, data_len, ret);
}

static bool without_last_byte(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return ev->data.n > 0 && slice_at(ev->data, 0, ev->data.n - 1, ret);
}

static bool with_zero_byte(struct pool *pool, const struct event *ev, struct slice *ret)
{
	uint8_t *copy = pool_array(pool, ev->data.n + 1, 1);

	if (!copy)
		return false;
	memcpy(copy, ev->data.p, ev->data.n);
	*ret = (struct slice){ copy, ev->data.n + 1 };
	return true;
}

static bool without_nul(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return ev->data.n > 0 && ev->data.p[ev->data.n - 1] == 0 &&
	       slice_at(ev->data, 0, ev->data.n - 1, ret);
}

/* Upstream (commands/tpm.c), and the patched 2.02 of RHEL 8 and its kin. */
static const char *const grub_prefixes[] = { "grub_cmd: ", "kernel_cmdline: ",     "module_cmdline: ",
					     "grub_cmd ",  "grub_kernel_cmdline ", "grub_module_cmdline " };

/* What follows GRUB's prefix up to the NUL (behind which Alibaba's build logs one byte of something else), or with it. */
static bool after_prefix(const struct event *ev, bool nul, struct slice *ret)
{
	struct slice s = ev->data;

	for (size_t i = 0; i < sizeof grub_prefixes / sizeof grub_prefixes[0]; i++) {
		size_t skip = strlen(grub_prefixes[i]);

		if (!starts_with(s, grub_prefixes[i]))
			continue;
		const uint8_t *end = memchr(s.p, 0, s.n);
		size_t n = end ? (size_t)(end - s.p) : s.n;
		if ((nul && n == s.n) || s.n - n > 2)
			return false;
		return slice_at(s, skip, n - skip + nul, ret);
	}
	return false;
}

static bool grub_text(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return after_prefix(ev, false, ret);
}

static bool grub_text_nul(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return after_prefix(ev, true, ret);
}

/* The ASCII form, with a NUL, of an event field that is UTF-16: the name of a section. */
static bool section_name(struct pool *pool, const struct event *ev, struct slice *ret)
{
	enum { NAME_MAX_LEN = 16 }; /* PE section names have 8 bytes; room for the dot and the NUL */
	size_t n = ev->data.n / 2;

	if (ev->data.n % 2 || n < 2 || n > NAME_MAX_LEN || get_u16le(ev->data.p) != '.')
		return false;
	uint8_t *text = pool_array(pool, n, 1);
	if (!text)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint16_t c = get_u16le(ev->data.p + 2 * i);

		if (c > 0x7f || (c == 0) != (i == n - 1))
			return false;
		text[i] = (uint8_t)c;
	}
	*ret = (struct slice){ text, n };
	return true;
}

static bool tagged_data(struct pool *pool, const struct event *ev, struct slice *ret)
{
	enum { HEADER = 8, AT_LEN = 4 }; /* TCG_PCClientTaggedEvent: id, length, data */

	(void)pool;
	return ev->data.n >= HEADER && get_u32le(ev->data.p + AT_LEN) == ev->data.n - HEADER &&
	       slice_at(ev->data, HEADER, ev->data.n - HEADER, ret);
}

static bool separator_error(struct pool *pool, const struct event *ev, struct slice *ret)
{
	static const uint8_t one[4] = { 1, 0, 0, 0 };

	(void)pool;
	/* an ordinary separator is what it says: an error must not hide behind it */
	if (ev->data.n == 4 && (get_u32le(ev->data.p) == 0 || get_u32le(ev->data.p) == UINT32_MAX))
		return false;
	*ret = (struct slice){ one, sizeof one };
	return true;
}

static const struct form {
	uint32_t type;
	bool (*bytes)(struct pool *pool, const struct event *ev, struct slice *ret);
	const char *reason;
	bool tpm12_only;
} forms[] = {
	{ EV_EFI_VARIABLE_BOOT, variable_data, "the variable's data alone (EDK2 and PFP before 1.06)",
	  false },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, variable_data, "the variable's data alone (firmware for TPM 1.2)",
	  true },
	/* shim computed the structure's size with its padding: the event is 6 bytes too long, and one of them is not hashed */
	{ EV_EFI_VARIABLE_AUTHORITY, without_last_byte, "the event data but its last byte (shim before 15.2)",
	  false },
	{ EV_SEPARATOR, separator_error,
	  "the error value 1 (PFP 1.06 section 10.4.1: EV_SEPARATOR after an error)", false },
	{ EV_IPL, grub_text, "the text without its prefix (GRUB)", false },
	{ EV_IPL, grub_text_nul, "the text without its prefix, with its NUL (GRUB 2.02 of RHEL 8)", false },
	{ EV_IPL, section_name, "the section's name in ASCII, with its NUL (systemd-stub)", false },
	{ EV_IPL, with_zero_byte, "the event data and one zero byte more (systemd-boot before 251)", false },
	{ EV_IPL, without_nul, "the event data without its NUL", false },
	{ EV_EVENT_TAG, tagged_data, "the tagged data without its header", false },
};

/* Event fields for which a rule of their own holds: a digest that none of the forms explains is suspicious. */
static bool has_checkable_text(const struct event *ev)
{
	for (size_t i = 0; i < sizeof grub_prefixes / sizeof grub_prefixes[0]; i++)
		if (ev->type == EV_IPL && starts_with(ev->data, grub_prefixes[i]))
			return true;
	return false;
}

/* ---- firmware that measures something else than the specification demands ---- */

/* A version as Dell's servers log it, in UTF-16: "2.3.5". */
static bool is_dell_version(const struct event *ev)
{
	size_t dots = 0;
	bool digit = false;

	if (ev->data.n < 4 || ev->data.n % 2 || get_u16le(ev->data.p + ev->data.n - 2) != 0)
		return false;
	for (size_t i = 0; i + 2 < ev->data.n; i += 2) {
		uint16_t c = get_u16le(ev->data.p + i);

		if (c == '.' ? !digit : c < '0' || c > '9')
			return false;
		dots += c == '.';
		digit = c != '.';
	}
	return dots == 2 && digit;
}

static const struct exception {
	uint32_t type;
	bool (*applies)(const struct event *ev);
	const char *reason;
} exceptions[] = {
	{ EV_S_CRTM_VERSION, is_dell_version,
	  "not of the version that is logged: firmware of Dell's servers is known for it" },
};

/* ---- logs that are not firmware's ---- */

/*
 * Is every digest the hash in its bank, or SHA-1 filled up with zeros? Linux extends the latter into a bank whose hash
 * it cannot compute when IMA starts, and did so for every bank before 5.8 (ima_crypto.c).
 */
static int ima_fit(const struct eventlog *log, const struct event *ev, enum fit *ret, struct pcrcast_error *e)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;
	struct digest sha1 = { .alg = ALG_SHA1 };
	size_t good = 0, bad = 0;

	int r = event_ima_template_digest(ev, ALG_SHA1, &sha1, e);
	while (r == 0 && event_digest_next(log, &rest, &found, &digest)) {
		enum alg alg = alg_by_tpm_id(found.id);
		uint8_t padded[DIGEST_MAX] = { 0 };
		struct digest d;

		if (alg == ALG_COUNT || digest.n != algs[alg].len)
			continue;
		memcpy(padded, sha1.bytes, algs[ALG_SHA1].len);
		r = event_ima_template_digest(ev, alg, &d, e);
		if (r == 0 &&
		    (memcmp(d.bytes, digest.p, digest.n) == 0 || memcmp(padded, digest.p, digest.n) == 0))
			good++;
		else
			bad++;
	}
	*ret = good && bad ? FIT_SOME : good ? FIT_ALL : bad ? FIT_NONE : FIT_NO_DIGEST;
	return r;
}

static int check_ima(const struct eventlog *log, const struct event *ev, struct event_check *ret,
		     struct pcrcast_error *e)
{
	enum fit f;

	if (digests_are_all(log, ev, 0x00) || digests_are_all(log, ev, 0xff)) {
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false,
					     "a violation: the file was changed while it was measured" };
		return 0;
	}
	int r = ima_fit(log, ev, &f, e);
	if (r < 0)
		return r;
	if (f == FIT_ALL)
		*ret = (struct event_check){ MATCH_YES, false, "the template's data" };
	else if (f == FIT_NO_DIGEST)
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false,
					     "no digest of a bank that can be computed here" };
	else
		*ret = (struct event_check){ MATCH_NO, true, "not of the template's data" };
	return 0;
}

/*
 * Undo the escapes of C strings, as systemd's cescape() makes them: \\, \", \n …, and three octal digits. Returns the
 * length, which is at most the text's; false when it is malformed.
 */
static bool unescape(const char *text, uint8_t *ret, size_t *ret_len)
{
	static const char letters[] = "abfnrtv\\\"'", bytes[] = "\a\b\f\n\r\t\v\\\"'";
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p != '\\') {
			ret[n++] = (uint8_t)*p;
			continue;
		}
		p++;
		const char *letter = *p ? strchr(letters, *p) : NULL;
		if (letter) {
			ret[n++] = (uint8_t)bytes[letter - letters];
		} else {
			unsigned v = 0;

			for (int i = 0; i < 3; i++, p++) {
				if (*p < '0' || *p > '7')
					return false;
				v = v * 8 + (unsigned)(*p - '0');
			}
			p--;
			if (v > UINT8_MAX)
				return false;
			ret[n++] = (uint8_t)v;
		}
	}
	*ret_len = n;
	return true;
}

/*
 * systemd measures the word that it logs as "string" (tpm2_pcr_extend_bytes, systemd 257), save volume keys: there the
 * word is keyed with the volume key. Words above 1024 characters are logged cut.
 */
static int check_systemd(const struct eventlog *log, const struct event *ev, struct event_check *ret,
			 struct pcrcast_error *e)
{
	enum { CUT = 1024 };
	struct pool scratch = POOL_INIT;
	struct cJSON *content = NULL;
	const char *word = NULL, *kind = "";
	enum fit f = FIT_NO_DIGEST;
	int r = 0;

	*ret = (struct event_check){ MATCH_CANNOT_TELL, false,
				     "the content has no word that could be measured" };
	if (json_parse(ev->data, &content, NULL) < 0)
		return 0;
	(void)json_string(json_get(content, "eventType"), &kind);
	if (json_string(json_get(content, "string"), &word)) {
		size_t n = strlen(word), len = 0;
		uint8_t *bytes = pool_array(&scratch, n + 1, 1);

		if (!bytes)
			r = err_nomem(e);
		else if (unescape(word, bytes, &len))
			r = fit(log, ev, (struct slice){ bytes, len }, &f, e);
		else
			f = FIT_NONE;
		if (r == 0 && f == FIT_ALL)
			*ret = (struct event_check){ MATCH_YES, false, "the word that is logged (systemd)" };
		else if (ev->pcr >= FIRMWARE_PCRS &&
			 (strcmp(kind, "volume-key") == 0 || strcmp(kind, "keyslot") == 0))
			ret->reason = "the word, keyed with the volume key (systemd-cryptsetup)";
		else if (n >= CUT)
			ret->reason = "a word that is logged cut off";
		else if (f == FIT_NONE || f == FIT_SOME)
			*ret = (struct event_check){ MATCH_NO, true,
						     "not of the word that is logged (systemd)" };
	}
	json_free(content);
	pool_done(&scratch);
	return r;
}

/* ---- firmware's events ---- */

static int check_forms(const struct eventlog *log, const struct event *ev, struct event_check *ret,
		       bool *ret_some, struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT;
	int r = 0;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0] && r == 0; i++) {
		struct slice bytes;
		enum fit f;

		if (forms[i].tpm12_only && log->spec_id.version_major >= 2)
			continue;
		if (forms[i].type != ev->type || !forms[i].bytes(&scratch, ev, &bytes))
			continue;
		r = fit(log, ev, bytes, &f, e);
		if (r < 0)
			break;
		if (f == FIT_SOME)
			*ret_some = true;
		if (f == FIT_ALL) {
			*ret = (struct event_check){ MATCH_YES, false, forms[i].reason };
			break;
		}
	}
	pool_done(&scratch);
	return r;
}

static int check_pcclient(const struct eventlog *log, const struct event *ev, struct event_check *ret,
			  struct pcrcast_error *e)
{
	const struct type_rule *rule = rule_of(ev->type);
	struct event_check check = { MATCH_CANNOT_TELL, false, rule->what };
	bool some = false;
	enum fit f;

	if (ev->type == EV_NO_ACTION) {
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false, "nothing: the event is not measured" };
		return 0;
	}
	int r = fit(log, ev, ev->data, &f, e);
	if (r < 0)
		return r;
	if (f == FIT_NO_DIGEST) {
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false,
					     "no digest of a bank that can be computed here" };
		return 0;
	}
	some = f == FIT_SOME;
	if (f == FIT_ALL) {
		*ret = (struct event_check){ MATCH_YES, false, "the event data" };
		return 0;
	}
	r = check_forms(log, ev, &check, &some, e);
	if (r < 0)
		return r;
	if (check.match == MATCH_YES) {
		*ret = check;
		return 0;
	}
	if (some) {
		check = (struct event_check){
			MATCH_NO, true, "of the event data in one bank and of something else in another"
		};
	} else if (rule->covers == COVERS_DATA) {
		check = (struct event_check){
			MATCH_NO, true, "not of the event data, as the specification demands for this type"
		};
		for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
			if (exceptions[i].type == ev->type && exceptions[i].applies(ev))
				check = (struct event_check){ MATCH_NO, false, exceptions[i].reason };
	} else if (has_checkable_text(ev)) {
		check = (struct event_check){ MATCH_NO, true, "not of the text that is logged (GRUB)" };
	}
	*ret = check;
	return 0;
}

int eventlog_check_payloads(struct pool *pool, const struct eventlog *log, struct event_check **ret,
			    struct pcrcast_error *e)
{
	struct event_check *checks = pool_array(pool, log->n_events ? log->n_events : 1, sizeof *checks);

	if (!checks)
		return err_nomem(e);
	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		int r = 0;

		switch (ev->content) {
		case CONTENT_PCCLIENT:
			r = check_pcclient(log, ev, &checks[i], e);
			break;
		case CONTENT_SYSTEMD:
			r = check_systemd(log, ev, &checks[i], e);
			break;
		case CONTENT_IMA:
			r = check_ima(log, ev, &checks[i], e);
			break;
		case CONTENT_OTHER:
			checks[i] = (struct event_check){ MATCH_CANNOT_TELL, false,
							  "content of a type that is not known here" };
			break;
		}
		if (r < 0)
			return r;
	}
	*ret = checks;
	return 0;
}
