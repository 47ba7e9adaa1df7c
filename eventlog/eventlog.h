/*
 * The event log: what a machine logged, or what one would log. A recorded log and a prediction are the
 * same structure, so replay, comparison and writing exist once.
 *
 * Sources: TCG PC Client Platform Firmware Profile (PFP) 1.06, sections 9 and 10.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

/* Event types, PFP 1.06 section 10.4.1. Plain 32-bit numbers: a log may hold any other. */
enum event_type {
	EV_PREBOOT_CERT = 0x00,
	EV_POST_CODE = 0x01,
	EV_UNUSED = 0x02,
	EV_NO_ACTION = 0x03,
	EV_SEPARATOR = 0x04,
	EV_ACTION = 0x05,
	EV_EVENT_TAG = 0x06,
	EV_S_CRTM_CONTENTS = 0x07,
	EV_S_CRTM_VERSION = 0x08,
	EV_CPU_MICROCODE = 0x09,
	EV_PLATFORM_CONFIG_FLAGS = 0x0a,
	EV_TABLE_OF_DEVICES = 0x0b,
	EV_COMPACT_HASH = 0x0c,
	EV_IPL = 0x0d,
	EV_IPL_PARTITION_DATA = 0x0e,
	EV_NONHOST_CODE = 0x0f,
	EV_NONHOST_CONFIG = 0x10,
	EV_NONHOST_INFO = 0x11,
	EV_OMIT_BOOT_DEVICE_EVENTS = 0x12,
	EV_POST_CODE2 = 0x13,
	EV_EFI_EVENT_BASE = 0x80000000,
	EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001,
	EV_EFI_VARIABLE_BOOT = 0x80000002,
	EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003,
	EV_EFI_BOOT_SERVICES_DRIVER = 0x80000004,
	EV_EFI_RUNTIME_SERVICES_DRIVER = 0x80000005,
	EV_EFI_GPT_EVENT = 0x80000006,
	EV_EFI_ACTION = 0x80000007,
	EV_EFI_PLATFORM_FIRMWARE_BLOB = 0x80000008,
	EV_EFI_HANDOFF_TABLES = 0x80000009,
	EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000a,
	EV_EFI_HANDOFF_TABLES2 = 0x8000000b,
	EV_EFI_VARIABLE_BOOT2 = 0x8000000c,
	EV_EFI_GPT_EVENT2 = 0x8000000d,
	EV_EFI_HCRTM_EVENT = 0x80000010,
	EV_EFI_VARIABLE_AUTHORITY = 0x800000e0,
	EV_EFI_SPDM_DEVICE_BLOB = 0x800000e1,   /* PFP 1.05: EV_EFI_SPDM_FIRMWARE_BLOB */
	EV_EFI_SPDM_DEVICE_CONFIG = 0x800000e2, /* PFP 1.05: EV_EFI_SPDM_FIRMWARE_CONFIG */
	EV_EFI_SPDM_DEVICE_POLICY = 0x800000e3,
	EV_EFI_SPDM_DEVICE_AUTHORITY = 0x800000e4,
};

/* "EV_IPL"; for a type without a name "0x0000abcd", written to buf. */
const char *event_type_name(uint32_t type, char buf[static 11]);

/* Where a predicted event's digest came from. Recorded events are all EVENT_RECORDED. */
enum event_origin {
	EVENT_RECORDED,
	EVENT_COMPUTED, /* from bytes of the image: source says which */
	EVENT_CONSTANT, /* fixed by a document or program: source names it */
	EVENT_OBSERVED, /* taken from a baseline log */
	EVENT_ASSUMED,  /* from an option or its default */
	EVENT_UNKNOWN,  /* it will happen, but its digest cannot be known: digests is empty */
};

const char *event_origin_name(enum event_origin origin);

/* What the event field of an event is. */
enum event_content {
	CONTENT_PCCLIENT, /* as PFP 1.06 defines it for the event's type */
	CONTENT_SYSTEMD,  /* systemd's userspace log: data is the JSON text of "content", type is 0 */
	CONTENT_IMA, /* an IMA list: data is the template data, template_name says how it is made up; type is 0 */
	CONTENT_OTHER, /* a CEL content type that is not known here: data is its text or bytes, type is 0 */
};

struct event {
	uint64_t offset; /* of the event in its log; 0 in a prediction */
	uint32_t pcr;    /* as logged; may be any number in a recorded log */
	uint32_t type;   /* enum event_type or any other number */
	uint32_t n_digests;
	enum event_origin origin;
	struct slice digests; /* as logged (TPML_DIGEST_VALUES): n_digests times u16 LE TPM_ALG_ID, digest */
	struct slice data;    /* the event field */
	enum event_content content;
	const char *template_name; /* CONTENT_IMA: "ima-ng"; CONTENT_OTHER: the CEL content type; else NULL */
	const char *description;   /* a prediction's words for it; NULL in a recorded log */
	const char *source;        /* where its bytes come from; NULL in a recorded log */
};

/* An algorithm announced by the log's Spec ID event, known to this program or not. */
struct eventlog_alg {
	uint16_t id;  /* TPM_ALG_ID */
	uint16_t len; /* digest bytes */
};

enum { EVENTLOG_MAX_ALGS = 16 }; /* more than TPM_ALG_ID has hash algorithms; bounds every digest count */

/* What else a log's Spec ID event says: TCG_EfiSpecIDEvent, PFP 1.06 section 10.4.5.1. */
struct eventlog_spec_id {
	uint32_t pcr;            /* 0; firmware with CC registers logs 1 here */
	uint32_t platform_class; /* 0 client, 1 server */
	uint8_t version_minor, version_major, errata;
	uint8_t uintn_size;       /* 1: 32-bit firmware, 2: 64-bit firmware */
	struct slice vendor_info; /* at most 255 bytes */
};

/* How a log is framed; the words of "--kind". */
enum eventlog_kind {
	EVENTLOG_TCG1, /* SHA-1 only (PC Client 1.2, Spec ID Event00 and 02, or no Spec ID event at all) */
	EVENTLOG_TCG2, /* crypto-agile (Spec ID Event03) */
	EVENTLOG_CC, /* crypto-agile, but the register numbers are those of CC measurement registers (CCEL) */
	EVENTLOG_WBCL, /* Windows boot configuration log: one of the two above with Windows' events in it */
	EVENTLOG_CEL_JSON, /* TCG Canonical Event Log 1.0, JSON */
	EVENTLOG_CEL_TLV,  /* the same as type, length, value */
	EVENTLOG_SYSTEMD,  /* JSON sequence of tpm2-measure.log (systemd 255 and later) */
	EVENTLOG_IMA,      /* Linux IMA list, binary or text */
	EVENTLOG_KINDS,
};

/* "tcg1 tcg2 cc wbcl cel-json cel-tlv systemd ima"; EVENTLOG_KINDS when there is none of that name. */
const char *eventlog_kind_name(enum eventlog_kind kind);
enum eventlog_kind eventlog_kind_by_name(const char *name);

/* Something odd about a log that was read; reading went on. */
struct finding {
	uint64_t offset;  /* in the log's bytes; PCRCAST_NO_OFFSET when it is about no byte */
	size_t event;     /* index of the event it is about; SIZE_MAX: about the log */
	const char *code; /* a stable word for scripts: "padding", "truncated", "digest-count", … */
	const char *text; /* one line, what was expected and what was found */
};

enum { FINDING_CODES_MAX = 64 }; /* more than there are codes */

/*
 * Events in order. In a log that was read, data, digests and vendor_info borrow from the log's bytes and
 * the Spec ID event is not among the events. No algorithm occurs twice in algs, and no event that was
 * read has two digests of one algorithm.
 */
struct eventlog {
	struct pool pool; /* owns events, and what they point to unless borrowed */
	enum eventlog_kind kind;
	struct eventlog_spec_id spec_id;
	struct eventlog_alg algs[EVENTLOG_MAX_ALGS];
	size_t n_algs;
	struct event *events;
	size_t n_events, cap;
	struct finding *findings;
	size_t n_findings, cap_findings;
	struct finding_count {
		const char *code;
		size_t n;
	} finding_counts[FINDING_CODES_MAX]; /* eventlog_find's */
	uint64_t end; /* of the last sound event in a log that was read; what follows is padding or unsound */
	bool ima_padded; /* how IMA events extend a bank that the list has no digests of: see event_extended */
};

/* An empty log whose Spec ID event is the one that 64-bit EDK2 writes (Tcg2Dxe.c, edk2-stable202605). */
#define EVENTLOG_INIT                  \
	((struct eventlog){            \
		.pool = POOL_INIT,     \
		.kind = EVENTLOG_TCG2, \
		.spec_id = { .version_major = 2, .uintn_size = 2, .vendor_info = SLICE_EMPTY } })

void eventlog_done(struct eventlog *log);

/*
 * Read a log of any kind. kind EVENTLOG_KINDS: recognise it from the bytes. The bytes must outlive ret. When framing is
 * lost the error is returned and ret holds the sound events before it (ret->kind is set as soon as it is
 * known); ret is to be done with eventlog_done either way.
 */
int eventlog_read(struct slice bytes, enum eventlog_kind kind, struct eventlog *ret, struct pcrcast_error *e);

/* What the bytes look like; EVENTLOG_KINDS when they look like no log. *ret_why then says what was found. */
enum eventlog_kind eventlog_recognise(struct slice bytes, const char **ret_why);

/* Note something odd. event SIZE_MAX: about the log. */
int eventlog_find(struct eventlog *log, uint64_t offset, size_t event, const char *code,
		  struct pcrcast_error *e, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/*
 * Read a crypto-agile log (PFP 1.06 section 10.2.2, Spec ID Event03). The bytes must outlive ret. When
 * framing is lost the error is returned and ret holds the sound events before it; ret is to be done with
 * eventlog_done either way. Padding (0xff or zeros) after the last event ends the log.
 */
int eventlog_parse_tcg2(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e);

/*
 * Write log as a crypto-agile log: Spec ID Event03 header announcing log->algs, then every event. Events
 * without a digest for every announced algorithm are refused. The bytes come from pool.
 */
int eventlog_write_tcg2(const struct eventlog *log, struct pool *pool, struct slice *ret,
			struct pcrcast_error *e);

/*
 * Take the first digest off *digests, which begins as the digests of an event of log. False, with
 * *digests untouched, when there is none or it is none of the log's algorithms.
 */
bool event_digest_next(const struct eventlog *log, struct slice *digests, struct eventlog_alg *ret_alg,
		       struct slice *ret);

/* The digest of ev in a bank; an empty slice when it has none. */
struct slice event_digest(const struct event *ev, const struct eventlog *log, enum alg alg);

/*
 * What ev extends its register with in a bank: its digest, save for an IMA event. Linux (6.1, ima_queue.c and
 * ima_crypto.c) extends a violation, which it logs with a digest of zeros, with all ones; and it logs a digest for one
 * bank only. For another bank it hashes the template data, if its kernel knew that hash when IMA began, else it pads
 * the SHA-1 digest with zeros (as all kernels before 5.8 do). The list does not tell which: log->ima_padded does, and
 * is to be tried both ways. Returns 1, or 0 when the event has no digest for this bank, or an error.
 */
int event_extended(const struct eventlog *log, const struct event *ev, enum alg alg, struct digest *ret,
		   struct pcrcast_error *e);

/* The hash of an IMA event's template data, as Linux computes the template digest. */
int event_ima_template_digest(const struct event *ev, enum alg alg, struct digest *ret,
			      struct pcrcast_error *e);

/*
 * Replay: the bank that the events lead to from the reset values. EV_NO_ACTION is not extended; its
 * StartupLocality form tells the start value of PCR 0, and an EV_EFI_HCRTM_EVENT that it was locality 4
 * (PFP 1.06 sections 10.4.5.3 and 3.3.2). Events with a PCR above 23 (NV index events) are skipped. A
 * bank that the log does not announce and an event without a digest in this bank are errors, save in a list of
 * IMA events only, which gives every bank (event_extended). In a CC log the PCRs are CC registers: 0 is MRTD,
 * 1 to 4 are RTMR0 to RTMR3; all begin with zeros.
 */
int eventlog_replay(const struct eventlog *log, enum alg alg, struct pcr_bank *ret, struct pcrcast_error *e);

/* The bank before the first event: reset values, and the startup locality in PCR 0. */
int eventlog_start(const struct eventlog *log, enum alg alg, struct pcr_bank *ret, struct pcrcast_error *e);

/*
 * The same, leaving out events without a digest in this bank and counting them: Windows logs only one
 * bank's digest for the events of its own loader. The values are the machine's only when there are none.
 */
int eventlog_replay_partial(const struct eventlog *log, enum alg alg, struct pcr_bank *ret,
			    size_t *ret_missing, struct pcrcast_error *e);
