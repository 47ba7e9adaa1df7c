#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/digest.h"
#include "base/utf16.h"

struct cJSON *json_object(struct json_doc *d)
{
	cJSON *node = cJSON_CreateObject();

	d->failed |= !node;
	return node;
}

struct cJSON *json_array(struct json_doc *d)
{
	cJSON *node = cJSON_CreateArray();

	d->failed |= !node;
	return node;
}

void json_free(struct cJSON *node)
{
	cJSON_Delete(node);
}

void json_add(struct json_doc *d, struct cJSON *object, const char *key, struct cJSON *child)
{
	if (d->failed || !cJSON_AddItemToObject(object, key, child)) {
		cJSON_Delete(child);
		d->failed = true;
	}
}

void json_append(struct json_doc *d, struct cJSON *array, struct cJSON *child)
{
	if (d->failed || !cJSON_AddItemToArray(array, child)) {
		cJSON_Delete(child);
		d->failed = true;
	}
}

static cJSON *string_node(struct json_doc *d, const char *text)
{
	cJSON *node = NULL;

	if (utf8_valid(slice_of_string(text))) {
		node = cJSON_CreateString(text);
	} else {
		size_t n = strlen(text);
		char *hex = malloc(2 * n + 1);

		if (hex) {
			hex_encode((const uint8_t *)text, n, hex);
			node = cJSON_CreateString(hex);
		}
		free(hex);
	}
	d->failed |= !node;
	return node;
}

void json_add_string(struct json_doc *d, struct cJSON *object, const char *key, const char *text)
{
	json_add(d, object, key, string_node(d, text));
}

void json_append_string(struct json_doc *d, struct cJSON *array, const char *text)
{
	json_append(d, array, string_node(d, text));
}

void json_add_hex(struct json_doc *d, struct cJSON *object, const char *key, const uint8_t *bytes, size_t n)
{
	char *hex = n < SIZE_MAX / 2 ? malloc(2 * n + 1) : NULL;

	if (!hex) {
		d->failed = true;
		return;
	}
	hex_encode(bytes, n, hex);
	json_add_string(d, object, key, hex);
	free(hex);
}

void json_add_bool(struct json_doc *d, struct cJSON *object, const char *key, bool value)
{
	json_add(d, object, key, cJSON_CreateBool(value));
}

void json_add_raw(struct json_doc *d, struct cJSON *object, const char *key, const char *text)
{
	json_add(d, object, key, cJSON_CreateRaw(text));
}

static cJSON *number_node(struct json_doc *d, uint64_t value)
{
	char text[sizeof "0x" + 16];

	if (value > UINT64_C(1) << 53) {
		(void)snprintf(text, sizeof text, "0x%" PRIx64, value);
		return string_node(d, text);
	}
	/* Raw: cJSON prints numbers with 15 digits where it finds that near enough, so 2^53 - 1 would lose 1. */
	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	return cJSON_CreateRaw(text);
}

void json_add_u64(struct json_doc *d, struct cJSON *object, const char *key, uint64_t value)
{
	json_add(d, object, key, number_node(d, value));
}

void json_append_u64(struct json_doc *d, struct cJSON *array, uint64_t value)
{
	json_append(d, array, number_node(d, value));
}

bool json_write(struct json_doc *d, struct cJSON *root, bool compact, FILE *out)
{
	char *text = d->failed ? NULL : compact ? cJSON_PrintUnformatted(root) : cJSON_Print(root);
	bool ok = text && fputs(text, out) >= 0 && fputc('\n', out) >= 0;

	cJSON_free(text);
	return ok;
}

static bool put_line(FILE *out, unsigned blanks)
{
	bool ok = fputc('\n', out) != EOF;

	for (; ok && blanks > 0; blanks--)
		ok = fputc(' ', out) != EOF;
	return ok;
}

/* A string, a number, true, false, null, or text that is JSON already. */
static bool put_scalar(const cJSON *node, FILE *out)
{
	char *text = cJSON_PrintUnformatted(node);
	bool ok = text && fputs(text, out) >= 0;

	cJSON_free(text);
	return ok;
}

static bool put_key(const char *key, FILE *out)
{
	cJSON *node = cJSON_CreateStringReference(key);
	bool ok = node && put_scalar(node, out) && fputs(": ", out) >= 0;

	cJSON_Delete(node);
	return ok;
}

static bool put_node(const cJSON *node, unsigned blanks, unsigned depth, FILE *out)
{
	bool object = cJSON_IsObject(node);

	if (!object && !cJSON_IsArray(node))
		return put_scalar(node, out);
	if (!node->child)
		return fputs(object ? "{}" : "[]", out) >= 0;
	bool ok = fputc(object ? '{' : '[', out) != EOF;
	for (const cJSON *c = node->child; ok && c; c = c->next) {
		ok = (c == node->child || fputc(',', out) != EOF) && put_line(out, blanks * (depth + 1));
		if (ok && object)
			ok = put_key(c->string, out);
		ok = ok && put_node(c, blanks, depth + 1, out);
	}
	return ok && put_line(out, blanks * depth) && fputc(object ? '}' : ']', out) != EOF;
}

bool json_write_indented(struct json_doc *d, const struct cJSON *root, unsigned blanks, FILE *out)
{
	return !d->failed && root && put_node(root, blanks, 0, out) && fputc('\n', out) != EOF;
}
