/*
 * YAML input: the only door to libyaml, and a small part of YAML. One document of mappings, sequences and scalars;
 * anchors, aliases, tags and %TAG directives are refused, as are keys that are not scalars and a key twice in one mapping.
 *
 * What a plain scalar means (a number, true, nothing) is for who reads the tree: schemas differ. Nothing is resolved here.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

enum {
	YAML_MAX = 64 << 20, /* bytes of text */
	YAML_MAX_DEPTH = 64, /* mappings and sequences inside each other */
	YAML_MAX_NODES =
		1 << 20, /* a node takes some 100 bytes: bounds the memory for a text of short values */
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

enum yaml_style {
	YAML_PLAIN,
	YAML_QUOTED,
	YAML_BLOCK
}; /* of a scalar; YAML_QUOTED: ' or ", YAML_BLOCK: | or > */

struct yaml_node {
	enum yaml_kind kind;
	enum yaml_style style;
	uint64_t offset;   /* byte of the text where it begins */
	struct slice text; /* a scalar's UTF-8, a 0 behind it; it may hold NUL characters ("\0") */
	struct slice key;  /* a mapping's child: its key, a 0 behind it */
	enum yaml_style key_style;
	const struct yaml_node *first; /* children of a mapping or sequence, in order */
	const struct yaml_node *next;  /* the following child of the same parent */
};

/* One document, and nothing beside it. The tree and its texts come from pool. Errors carry the byte offset. */
int yaml_parse(struct slice text, struct pool *pool, const struct yaml_node **ret, struct pcrcast_error *e);

/* A mapping's child by key; NULL when there is none, or node is NULL or no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);
