/*
 * What the formats of Constellation (edgelesssys/constellation) share. Private to golden/.
 *
 * Source: Constellation v2.24, internal/attestation/measurements/measurements.go and internal/cloud/cloudprovider. A map of
 * measurements has values of one length only: 32 bytes are PCRs of the SHA-256 bank, 48 bytes are TDX registers,
 * where 0 is MRTD and 1 to 4 are RTMR0 to RTMR3.
 */
#pragma once

#include "golden/format.h"

enum { CONSTELLATION_PCR_LEN = 32, CONSTELLATION_TDX_LEN = 48 };

/* Attestation variants: their word in JSON, and in names of Go. */
struct constellation_variant {
	const char *name, *go_name;
};

extern const struct constellation_variant constellation_variants[];
extern const size_t n_constellation_variants;

/* Clouds in their order, as JSON has them ("AWS") and as names of Go begin ("aws"). */
struct constellation_csp {
	const char *name, *go_name;
};

enum { CONSTELLATION_CSPS = 5 };
extern const struct constellation_csp constellation_csps[CONSTELLATION_CSPS];

/* The cloud of that name in any case ("stackit" is OpenStack, as for Constellation); CONSTELLATION_CSPS: none. */
size_t constellation_csp_by_name(const char *name);

/* A map of measurements that is being read into a set. */
struct constellation_map {
	struct golden *g;
	struct golden_set *s;
	enum golden_origin origin;
	size_t len;  /* bytes of the values so far; 0: there is none yet */
	bool base64; /* a note says already that one is in base64 */
};

/* Add register index. A register a second time, or a value of another length than the others, is refused. */
int constellation_add(struct constellation_map *m, uint32_t index, struct slice value, bool warn_only,
		      struct pcrcast_error *e);

/* The same from text: the index in decimal, the value in hex; 32 bytes in base64 are read with a note. */
int constellation_add_text(struct constellation_map *m, struct slice index, struct slice value,
			   bool warn_only, struct pcrcast_error *e);

/* { "4": { "expected": hex, "warnOnly": false }, … } or { "4": hex }. */
int constellation_add_json(struct constellation_map *m, const struct cJSON *node, struct pcrcast_error *e);

/* Is it a map of that kind, to judge by its keys and its first value? */
bool constellation_is_map(const struct cJSON *node);

/* A set's csp from text: one that Constellation does not know is kept, with a note. */
int constellation_set_csp(struct golden *g, struct golden_set *s, const char *text, struct pcrcast_error *e);

/* A note about each key of an object that is none of these (NULL ends them): Constellation passes over it. */
int constellation_note_keys(struct golden *g, const struct cJSON *object, const char *const *keys,
			    struct pcrcast_error *e);

/* ---- writing ---- */

/* What a form holds of a set's identity. */
enum {
	CONSTELLATION_IMAGE = 1 << 0,
	CONSTELLATION_CSP = 1 << 1,
	CONSTELLATION_VARIANT = 1 << 2,
	CONSTELLATION_VERSION = 1 << 3, /* version, ref and stream */
};

/* Tell what is stated of a set beyond held (CONSTELLATION_ bits). */
int constellation_tell_lost(struct golden_writer *w, const struct golden_set *s, unsigned held,
			    struct pcrcast_error *e);

/* PCRCAST_EUNSUPPORTED unless the set's values are of the one bank that Constellation has for them. */
int constellation_check(const struct golden_set *s, struct pcrcast_error *e);

/* The registers of a set in the order of their decimal text: "11" before "4", as Go writes the keys of a map. */
void constellation_string_order(const struct golden_set *s,
				const struct golden_register *ret[static PCR_COUNT]);

/* The map of a set whose registers are all of one bank. */
struct cJSON *constellation_map_json(struct json_doc *d, const struct golden_set *s, bool warn_only);

/*
 * The older forms state cloud and image both or neither: are both there? What is left out is told. (format_constellation_json.c)
 */
int constellation_metadata(const struct golden_set *s, struct golden_writer *w, bool *ret,
			   struct pcrcast_error *e);

/*
 * Write root as Go's json.Encoder does, and free it: one line, with &, <, >, U+2028 and U+2029 of strings as \u escapes.
 */
int constellation_write_json(struct golden_writer *w, struct json_doc *d, struct cJSON *root,
			     struct pcrcast_error *e);
