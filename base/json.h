/*
 * JSON output: the only door to cJSON.
 *
 * A document keeps one flag: when memory gives out while it is built, every later call does nothing and
 * json_write reports it, so a caller that renders a result need not check each line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_doc {
	bool failed;
};

struct cJSON; /* a node; belongs to its parent once added */

struct cJSON *json_object(struct json_doc *d);
struct cJSON *json_array(struct json_doc *d);
void json_free(struct cJSON *node);

/* Add a child to an object under a key; the child belongs to the object afterwards, on failure it is freed. */
void json_add(struct json_doc *d, struct cJSON *object, const char *key, struct cJSON *child);
void json_append(struct json_doc *d, struct cJSON *array, struct cJSON *child);

/* Text that is not valid UTF-8 is written as lower-case hex of its bytes. */
void json_add_string(struct json_doc *d, struct cJSON *object, const char *key, const char *text);
/* As json_add_u64. */
void json_append_u64(struct json_doc *d, struct cJSON *array, uint64_t value);
void json_append_string(struct json_doc *d, struct cJSON *array, const char *text);
void json_add_hex(struct json_doc *d, struct cJSON *object, const char *key, const uint8_t *bytes, size_t n);
void json_add_bool(struct json_doc *d, struct cJSON *object, const char *key, bool value);

/* text is JSON already (json_text made it). */
void json_add_raw(struct json_doc *d, struct cJSON *object, const char *key, const char *text);

/* Numbers above 2^53 do not survive in a reader's doubles: they are written as "0x…" strings. */
void json_add_u64(struct json_doc *d, struct cJSON *object, const char *key, uint64_t value);

/* Write the document and a newline, one line when compact. False when the document is incomplete or the stream failed. */
bool json_write(struct json_doc *d, struct cJSON *root, bool compact, FILE *out);

/* The same with each level indented by so many blanks, as serde_json (2) and Go's encoding/json lay out what they print. */
bool json_write_indented(struct json_doc *d, const struct cJSON *root, unsigned blanks, FILE *out);
