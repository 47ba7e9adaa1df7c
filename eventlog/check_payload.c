/*
 * Does the event field of an event hash to its digests?
 *
 * PFP 1.06 section 10.4.1 says for every type what is measured. For some the event field itself is (a mismatch then is
 * an alteration or a fault), for most it only describes what is. Both have exceptions, learnt from logs of real machines:
 * they are rows of a table here or in check_form.c, each with the program or firmware that does so.
 */
#include "eventlog/check.h"

#include <string.h>

#include "base/bytes.h"
#include "eventlog/check_impl.h"

/* ---- comparing ---- */

int event_fit(const struct eventlog *log, const struct event *ev, struct slice bytes, enum fit *ret,
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

/* ---- the whole ---- */

/* The digests are not of the event field, nor of a form that is known: is that to be expected? */
static struct event_check explain_mismatch(const struct event *ev, const struct type_rule *rule)
{
	if (rule->covers == COVERS_DATA) {
		for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
			if (exceptions[i].type == ev->type && exceptions[i].applies(ev))
				return (struct event_check){ MATCH_NO, false, exceptions[i].reason };
		return (struct event_check){
			MATCH_NO, true, "not of the event data, as the specification demands for this type"
		};
	}
	if (event_has_checkable_text(ev))
		return (struct event_check){ MATCH_NO, true, "not of the text that is logged (GRUB)" };
	return (struct event_check){ MATCH_CANNOT_TELL, false, rule->what };
}

static int check_pcclient(const struct eventlog *log, const struct event *ev, struct event_check *ret,
			  struct pcrcast_error *e)
{
	struct event_check check = explain_mismatch(ev, rule_of(ev->type));
	bool some = false;
	enum fit f;

	if (ev->type == EV_NO_ACTION) {
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false, "nothing: the event is not measured" };
		return 0;
	}
	int r = event_fit(log, ev, ev->data, &f, e);
	if (r < 0)
		return r;
	if (f == FIT_NO_DIGEST) {
		check = (struct event_check){ MATCH_CANNOT_TELL, false,
					      "no digest of a bank that can be computed here" };
	} else if (f == FIT_ALL) {
		check = (struct event_check){ MATCH_YES, false, "the event data" };
	} else {
		some = f == FIT_SOME;
		r = event_check_forms(log, ev, &check, &some, e);
		if (r < 0)
			return r;
		if (some && check.match != MATCH_YES)
			check = (struct event_check){
				MATCH_NO, true,
				"of the event data in one bank and of something else in another"
			};
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
			r = event_check_systemd(log, ev, &checks[i], e);
			break;
		case CONTENT_IMA:
			r = event_check_ima(log, ev, &checks[i], e);
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
