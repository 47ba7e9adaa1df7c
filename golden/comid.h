/*
 * CoMID, the concise module identifier of draft-ietf-rats-corim-11 (July 2026), as far as reference values of registers go; shared
 * by its CBOR form (format_corim.c) and veraison's JSON templates (format_comid_json.c). Private to golden/.
 *
 * A reference-triple-record states one state of one environment: section "Reference Values Triple" wants different states in
 * records of their own. The digests of a register in "integrity-registers" are one measured object under several algorithms:
 * "Comparison for digests entries" lets two values of one algorithm match nothing. So a register that may hold several values is
 * written as several records, one for each state (each combination of the values of all registers), and records are read as sets of
 * one state, which are joined again when they are every combination.
 *
 * Environment: class.vendor is identity.vendor, class.model is identity.image. What else it has (class.id, layer, index) and what
 * identifies the tag are extras of "comid-json", whichever form they came in; what has no place there keeps its encoding as
 * extras of "corim".
 *
 * CC registers have no numbers that the draft or a registry gives: their names ("mrtd", "rtmr0" …) are text identifiers.
 */
#pragma once

#include "base/cbor.h"
#include "golden/format.h"

enum {
	COMID_MAX_EXTRA =
		4096, /* bytes of a field that is kept; it hangs on each of at most GOLDEN_MAX_SETS sets, and sets are compared by it */
	UUID_BYTES = 16,
};

/* Keys of maps: cddl/environment-map, class-map, measurement-map, measurement-values-map, triples-map. */
enum {
	COMID_ENV_CLASS = 0,
	COMID_ENV_INSTANCE = 1,
	COMID_ENV_GROUP = 2,
	COMID_CLASS_ID = 0,
	COMID_CLASS_VENDOR = 1,
	COMID_CLASS_MODEL = 2,
	COMID_CLASS_LAYER = 3,
	COMID_CLASS_INDEX = 4,
	COMID_MEASUREMENT_KEY = 0,
	COMID_MEASUREMENT_VALUE = 1,
	COMID_MEASUREMENT_AUTHORIZED = 2,
	COMID_VALUE_REGISTERS = 14,
	COMID_TRIPLES_REFERENCE = 0,
};

/* Tags of a class id, cddl/class-id-type-choice. */
enum {
	COMID_TAG_UUID = 37,
	COMID_TAG_OID = 111,
	COMID_TAG_BYTES = 560,
};

/* ---- words and numbers ---- */

/* The bank of a name ("sha-256", any case) or number of the IANA registry "Named Information Hash Algorithms"; ALG_COUNT: none. */
enum alg comid_alg_by_name(const char *name);
enum alg comid_alg_by_number(uint64_t number);
/* A bank's name and number there; SHA-1 has neither (NULL, 0). */
const char *comid_alg_name(enum alg alg);
uint64_t comid_alg_number(enum alg alg);

/* "43bbe37f-2e61-4b33-aed3-53cff1428b16", either case. */
bool comid_uuid_parse(const char *text, uint8_t ret[static UUID_BYTES]);
char *comid_uuid_text(struct pool *pool, const uint8_t uuid[static UUID_BYTES]);

/* An object identifier, "2.5.2.8192", and its BER content octets (X.690 section 8.19), arcs of up to 64 bits. */
bool comid_oid_parse(struct pool *pool, const char *text, struct slice *ret);
char *comid_oid_text(struct pool *pool, struct slice ber);

/* ---- extras ---- */

/* The JSON text of a set's extra; NULL when it has none. */
const char *comid_extra(const struct golden_set *s, const char *format, const char *key);
/* As a document, to be freed with json_free; NULL when there is none or memory gives out. */
struct cJSON *comid_extra_json(const struct golden_set *s, const char *format, const char *key);

/* Keep a string, a number, or the encoding of a CBOR item (as hex). */
int comid_keep_text(struct golden *g, struct golden_set *s, const char *format, const char *key,
		    const char *text, struct pcrcast_error *e);
int comid_keep_number(struct golden *g, struct golden_set *s, const char *key, uint64_t number,
		      struct pcrcast_error *e);

/* Do two sets belong into one CoMID: are what identifies the tag, its language and its authors the same? */
bool comid_same_tag(const struct golden_set *a, const struct golden_set *b);

/* ---- reading ---- */

/* A digest of a register; an error when the state has one of this bank already. */
int comid_add_digest(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index, struct slice value,
		     struct pcrcast_error *e);

/* Join sets from first on that are the states of one environment, where they are every combination of the values of registers. */
int comid_join(struct golden *g, size_t first, struct pcrcast_error *e);

/* When no set was read, say what there is instead: so many records without registers. */
int comid_check_any(const struct golden *g, size_t other_records, struct pcrcast_error *e);

/* ---- writing ---- */

/* The states of a set, one after the other. */
struct comid_states {
	const struct golden_set *s;
	struct golden_register *registers; /* as the set's, each value once */
	size_t *at;                        /* which value of each register */
	size_t n;                          /* states in all */
};

/* PCRCAST_EUNSUPPORTED: several values in several banks, too many states, or nothing to tell the environment by. */
int comid_states_init(struct pool *pool, const struct golden_set *s, struct comid_states *ret,
		      struct pcrcast_error *e);
/* The error that n states are more than one file may have. */
int comid_too_many(size_t n, struct pcrcast_error *e);
/* Go to the next state; false when there is none. */
bool comid_states_next(struct comid_states *st);
/* The value of register i of the set in this state. */
struct slice comid_state_value(const struct comid_states *st, size_t i);

/* The registers of a set, any bank, ascending. */
size_t comid_indices(const struct golden_set *s, uint32_t ret[static PCR_COUNT]);

/* Identity that has no place in a CoMID, and extras that only the other form can hold, are told. */
int comid_tell_losses(const struct golden_set *s, bool cbor, struct golden_writer *w,
		      struct pcrcast_error *e);

/* The triples-map of n sets as CBOR; fields of kind "corim" only if with_encoded. */
int comid_encode_triples(struct pool *pool, const struct golden_set *sets, size_t n, bool with_encoded,
			 struct slice *ret, struct pcrcast_error *e);

/* Write the item that an extra of "corim" keeps. */
int comid_put_encoded(struct cbor_writer *w, const struct golden_set *s, const char *key,
		      struct pcrcast_error *e);

/*
 * A UUID of version 8 (RFC 9562 section 5.8) made of content: the first 128 bits of SHA-256(purpose || 0 || content), save version
 * and variant. Equal content gives an equal id, on every machine.
 */
int comid_derive_id(const char *purpose, struct slice content, uint8_t ret[static UUID_BYTES],
		    struct pcrcast_error *e);
