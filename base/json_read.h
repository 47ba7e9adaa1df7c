/*
 * JSON input: strict where cJSON is lax. Length-limited, trailing text refused, keys matched with case, duplicate
 * keys refused, numbers range-checked. Private use of cJSON as in base/json.h.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

struct cJSON;

enum { JSON_MAX = 64 << 20, JSON_MAX_DEPTH = 64 };

/* One JSON text, with nothing but blanks around it. Free with json_free (base/json.h). Errors carry the byte offset. */
int json_parse(struct slice text, struct cJSON **ret, struct pcrcast_error *e);

/* The first JSON text in *rest; *rest is moved behind it. For sequences. */
int json_parse_next(struct slice *rest, struct cJSON **ret, struct pcrcast_error *e);

bool json_is_object(const struct cJSON *node);
bool json_is_array(const struct cJSON *node);
bool json_is_null(const struct cJSON *node); /* the word null; false for a NULL node */

/* Children of an array or object, in order; NULL at the end. json_key is the key of an object's child. */
const struct cJSON *json_first(const struct cJSON *node);
const struct cJSON *json_next(const struct cJSON *node);
const char *json_key(const struct cJSON *node);

/* A child by key, NULL when there is none. */
const struct cJSON *json_get(const struct cJSON *object, const char *key);

/* The value of a node; false when it is of another type or out of range (integers: 0 to 2^53, no fraction). */
bool json_string(const struct cJSON *node, const char **ret);
bool json_u64(const struct cJSON *node, uint64_t *ret);
bool json_bool(const struct cJSON *node, bool *ret);

/* The string under a key, copied to pool; NULL when there is none. PCRCAST_EFORMAT: something else is there. */
int json_get_text(struct pool *pool, const struct cJSON *object, const char *key, const char **ret,
		  struct pcrcast_error *e);

/* An even number of hex digits, either case; the bytes come from pool. */
bool json_hex(struct pool *pool, const struct cJSON *node, struct slice *ret);

/* Base64 as base64_decode (base/encode.h) reads it; the bytes come from pool. */
bool json_base64(struct pool *pool, const struct cJSON *node, struct slice *ret);

/* The node as compact JSON text, in pool. NULL when memory gives out. */
char *json_text(struct pool *pool, const struct cJSON *node);
