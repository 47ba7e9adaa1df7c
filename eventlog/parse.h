/*
 * The readers, one per kind of log; eventlog_read chooses. All follow its rules: bytes outlive ret, what is
 * sound before an error stays. Private to eventlog/.
 */
#pragma once

#include "base/json_read.h"
#include "base/reader.h"
#include "eventlog/eventlog.h"

int parse_tcg1(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e);
int parse_cel_json(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e);
int parse_cel_tlv(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e);
int parse_systemd(struct slice bytes, struct eventlog *ret,
		  struct pcrcast_error *e); /* JSON sequence, RFC 7464 */
int parse_ima(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e); /* binary or text */

/* ---- TCG framing, SHA-1 and crypto-agile ---- */

enum {
	CC_HEADER_INDEX = 1
}; /* RTMR0, where TdTcg2Dxe.c (EDK2) logs the Spec ID event; on a TPM it is PCR 0 */

enum { TCG1_SHA1_LEN = 20 }; /* TCG_PCR_EVENT, which is also the form of a crypto-agile log's first event */

/* The fixed part of a TCG_PCR_EVENT and where its data lies. PFP 1.06 section 10.2.1. */
struct tcg1_event {
	uint64_t offset, data_offset;
	uint32_t pcr, type;
	struct slice digest, data;
};

int tcg1_event_read(struct reader *r, struct tcg1_event *ret, struct pcrcast_error *e);

/* The 16 bytes that a Spec ID event begins with: "Spec ID Event00", "…02", "…03" and a NUL. */
bool is_spec_id(struct slice data, const char *signature);

/* A TCG_EfiSpecIDEvent of a crypto-agile log; b is confined to it. log->spec_id and log->algs are set. */
int spec_id_03_read(struct reader b, struct eventlog *log, struct pcrcast_error *e);

/* Where the runs of equal bytes begin that reach to the end of the log. */
struct tcg_padding {
	size_t zeros, ones;
};

struct tcg_padding tcg_padding_find(struct slice bytes);
/* True when the log ends here, by padding. */
bool tcg_padding_at(const struct reader *r, const struct tcg_padding *padding);

/*
 * Set the kind that the events show (CC registers, Windows) and, when the log was read without an error, note what
 * follows log->end. rc is the result of reading and is returned when it is an error.
 */
int tcg_finish(struct slice bytes, struct eventlog *log, int rc, struct pcrcast_error *e);

/* ---- canonical event logs and the like: one digest after the other ---- */

enum { DIGEST_ENTRY_MAX = 2 + DIGEST_MAX }; /* TPM_ALG_ID and digest, as in an event's digests */

/* An event under construction. */
struct event_builder {
	struct event ev;
	size_t digests_len;
	uint8_t digests[EVENTLOG_MAX_ALGS * DIGEST_ENTRY_MAX];
};

/* Add a digest of an algorithm that log->algs has or gets by this. */
int event_builder_digest(struct event_builder *b, struct eventlog *log, uint16_t id, struct slice digest,
			 uint64_t offset, struct pcrcast_error *e);

/* Append the event to the log, save the Spec ID event of a crypto-agile log, which fills log->spec_id. */
int event_builder_done(struct event_builder *b, struct eventlog *log, struct pcrcast_error *e);

/* One record, an object at offset in the file. For CEL-JSON and systemd's log. */
int cel_json_record(const struct cJSON *record, uint64_t offset, struct eventlog *log,
		    struct pcrcast_error *e);

/* ---- IMA ---- */

enum { IMA_MAX_FIELDS = 15 }; /* ima_template.h: IMA_TEMPLATE_NUM_FIELDS_MAX */

/* What a field of template data holds, and how text lists show it. Linux 6.1, ima_template_lib.c. */
enum ima_form {
	IMA_DIGEST,       /* the digest alone; shown as hex */
	IMA_NAMED_DIGEST, /* "sha256:", NUL, digest; shown as "sha256:hex" */
	IMA_NAME,         /* text and NUL */
	IMA_BYTES,        /* shown as hex */
	IMA_NUMBER_2,     /* native byte order; shown as decimal */
	IMA_NUMBER_4,
};

struct ima_template {
	bool old; /* "ima": a digest of 20 bytes without a length, and a name without NUL */
	enum ima_form fields[IMA_MAX_FIELDS];
	size_t n;
};

/* The fields of one of Linux' own templates, "d-ng|n-ng"; NULL: it is none of them. */
const char *ima_template_fields(struct slice name);

/* The template of that name, or the one that a list of fields such as "d-ng|n-ng" stands for. False: not known. */
bool ima_template_find(struct slice name, struct ima_template *ret);

/* Does the data consist of the template's fields, each with its length? */
bool ima_data_sound(const struct ima_template *t, struct slice data);

/* Do the bytes begin as a list does? */
bool ima_binary_recognise(struct slice bytes);
bool ima_text_recognise(struct slice bytes);
