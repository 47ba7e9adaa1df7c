/*
 * Numbers of CoRIM, draft-ietf-rats-corim-11. Private to format_corim.c and format_corim_write.c.
 */
#pragma once

#include "golden/comid.h"

enum {
	TAG_COSE_SIGN1 = 18,
	TAG_CORIM_OLD = 500,
	TAG_CORIM = 501,
	TAG_CORIM_SIGNED_OLD = 502,
	TAG_COMID = 506,
};

/* cddl/corim-map */
enum {
	CORIM_ID = 0,
	CORIM_TAGS = 1,
	CORIM_DEPENDENT = 2,
	CORIM_PROFILE = 3,
	CORIM_VALIDITY = 4,
	CORIM_ENTITIES = 5,
};

/* cddl/concise-mid-tag */
enum {
	COMID_LANGUAGE = 0,
	COMID_IDENTITY = 1,
	COMID_ENTITIES = 2,
	COMID_LINKED = 3,
	COMID_TRIPLES = 4,
};

/* Fields of the manifest that hang on each of its sets, as they were encoded. The first is corim-id. */
static const struct {
	uint64_t key;
	const char *name;
} corim_fields[] = {
	{ CORIM_ID, "corim-id" },
	{ CORIM_PROFILE, "profile" },
	{ CORIM_VALIDITY, "validity" },
	{ CORIM_ENTITIES, "corim-entities" },
};

enum { N_CORIM_FIELDS = sizeof corim_fields / sizeof corim_fields[0] };
