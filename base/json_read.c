#include "base/json_read.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/encode.h"
#include "base/json.h"

enum {
	/* cJSON builds a node of 64 bytes for every value: bounds the memory for a text of short values to 256 MiB. */
	JSON_MAX_VALUES = 4 << 20,
	JSON_MAX_NUMBER = 60, /* characters: cJSON 1.7 reads numbers through a buffer of 63 */
};

/* Integers up to here are exact in a double. */
#define JSON_MAX_INTEGER (UINT64_C(1) << 53)

/*
 * A strict scan of one JSON text by RFC 8259, before cJSON reads it: cJSON lets pass control characters, bytes
 * that are not UTF-8 and malformed numbers, cuts strings at an escaped NUL, and does not tell where or why it failed.
 */
struct scan {
	const uint8_t *p;
	size_t pos, end;
	size_t n_values;
	struct pcrcast_error *e;
};

static int cut_short(const struct scan *s)
{
	return err_set(s->e, PCRCAST_ETRUNC, s->end, "JSON text ends too early");
}

static int unexpected(const struct scan *s, const char *expected)
{
	if (s->pos == s->end)
		return cut_short(s);
	uint8_t c = s->p[s->pos];
	if (c > 0x20 && c < 0x7f)
		return err_set(s->e, PCRCAST_EFORMAT, s->pos, "JSON: expected %s, found '%c'", expected, c);
	return err_set(s->e, PCRCAST_EFORMAT, s->pos, "JSON: expected %s, found byte 0x%02x", expected, c);
}

static bool at(const struct scan *s, char c)
{
	return s->pos < s->end && s->p[s->pos] == (uint8_t)c;
}

static void skip_blanks(struct scan *s)
{
	while (at(s, ' ') || at(s, '\t') || at(s, '\n') || at(s, '\r'))
		s->pos++;
}

static bool skip_digits(struct scan *s)
{
	size_t start = s->pos;

	while (s->pos < s->end && s->p[s->pos] >= '0' && s->p[s->pos] <= '9')
		s->pos++;
	return s->pos > start;
}

/* RFC 8259 section 6. */
static int scan_number(struct scan *s)
{
	size_t start = s->pos;

	if (at(s, '-'))
		s->pos++;
	if (at(s, '0'))
		s->pos++;
	else if (!skip_digits(s))
		return unexpected(s, "a digit");
	if (at(s, '.')) {
		s->pos++;
		if (!skip_digits(s))
			return unexpected(s, "a digit");
	}
	if (at(s, 'e') || at(s, 'E')) {
		s->pos++;
		if (at(s, '+') || at(s, '-'))
			s->pos++;
		if (!skip_digits(s))
			return unexpected(s, "a digit");
	}
	if (s->pos - start > JSON_MAX_NUMBER)
		return err_set(s->e, PCRCAST_ELIMIT, start,
			       "JSON number of %zu characters, at most %d handled", s->pos - start,
			       JSON_MAX_NUMBER);
	return 0;
}

/* The four digits of \uXXXX. */
static int scan_unicode(struct scan *s, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++, s->pos++) {
		int digit = s->pos < s->end ? hex_digit(s->p[s->pos]) : -1;

		if (digit < 0)
			return unexpected(s, "a hex digit");
		value = value << 4 | (unsigned)digit;
	}
	*ret = value;
	return 0;
}

static int scan_escape(struct scan *s)
{
	unsigned unit, low;
	size_t start = s->pos++;

	if (s->pos == s->end)
		return cut_short(s);
	uint8_t c = s->p[s->pos];
	if (c != 'u') {
		if (c == 0 || !strchr("\"\\/bfnrt", c))
			return unexpected(s, "an escape character");
		s->pos++;
		return 0;
	}
	s->pos++;
	int rc = scan_unicode(s, &unit);
	if (rc < 0)
		return rc;
	if (unit == 0) /* strings are C strings from here on */
		return err_set(s->e, PCRCAST_EUNSUPPORTED, start, "JSON: a NUL character in a string");
	if (unit < 0xd800 || unit > 0xdfff)
		return 0;
	if (unit > 0xdbff)
		return err_set(s->e, PCRCAST_EFORMAT, start,
			       "JSON: the second half of a surrogate pair comes first");
	if (!at(s, '\\'))
		return unexpected(s, "the second half of a surrogate pair");
	s->pos++;
	if (!at(s, 'u'))
		return unexpected(s, "the second half of a surrogate pair");
	s->pos++;
	rc = scan_unicode(s, &low);
	if (rc < 0)
		return rc;
	if (low < 0xdc00 || low > 0xdfff)
		return err_set(s->e, PCRCAST_EFORMAT, start, "JSON: half a surrogate pair");
	return 0;
}

/* One character beyond ASCII, well formed in the sense of RFC 3629 section 4. */
static int scan_utf8(struct scan *s)
{
	uint8_t lead = s->p[s->pos];
	size_t more = lead >= 0xc2 && lead < 0xe0 ? 1 :
		      (lead & 0xf0) == 0xe0       ? 2 :
		      lead >= 0xf0 && lead < 0xf5 ? 3 :
						    0;

	if (more == 0)
		return err_set(s->e, PCRCAST_EFORMAT, s->pos, "JSON: byte 0x%02x is not UTF-8", lead);
	for (size_t i = 1; i <= more; i++) {
		if (i == s->end - s->pos)
			return cut_short(s);
		uint8_t c = s->p[s->pos + i];
		uint8_t low = i > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
		uint8_t high = i > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

		if (c < low || c > high)
			return err_set(s->e, PCRCAST_EFORMAT, s->pos + i, "JSON: byte 0x%02x is not UTF-8",
				       c);
	}
	s->pos += more + 1;
	return 0;
}

static int scan_string(struct scan *s)
{
	int rc = 0;

	if (!at(s, '"'))
		return unexpected(s, "a string");
	s->pos++;
	while (rc == 0 && !at(s, '"')) {
		if (s->pos == s->end)
			return cut_short(s);
		uint8_t c = s->p[s->pos];
		if (c == '\\')
			rc = scan_escape(s);
		else if (c >= 0x80)
			rc = scan_utf8(s);
		else if (c < 0x20)
			return err_set(s->e, PCRCAST_EFORMAT, s->pos,
				       "JSON: control character 0x%02x in a string", c);
		else
			s->pos++;
	}
	if (rc == 0)
		s->pos++;
	return rc;
}

static int scan_word(struct scan *s, const char *word)
{
	for (; *word; word++, s->pos++)
		if (!at(s, *word))
			return unexpected(s, "true, false or null");
	return 0;
}

static int scan_scalar(struct scan *s)
{
	if (at(s, '"'))
		return scan_string(s);
	if (at(s, 't'))
		return scan_word(s, "true");
	if (at(s, 'f'))
		return scan_word(s, "false");
	if (at(s, 'n'))
		return scan_word(s, "null");
	if (at(s, '-') || (s->pos < s->end && s->p[s->pos] >= '0' && s->p[s->pos] <= '9'))
		return scan_number(s);
	return unexpected(s, "a value");
}

/* What may come next. */
enum place {
	PLACE_VALUE,
	PLACE_FIRST, /* the first value or key of the innermost array or object, or its end */
	PLACE_KEY,
	PLACE_AFTER, /* behind a value */
};

static int scan_key(struct scan *s)
{
	int rc = scan_string(s);

	if (rc < 0)
		return rc;
	skip_blanks(s);
	if (!at(s, ':'))
		return unexpected(s, "':'");
	s->pos++;
	return 0;
}

/* One value with everything in it; no recursion, so hostile nesting costs nothing. */
static int scan_value(struct scan *s)
{
	char closers[JSON_MAX_DEPTH];
	size_t depth = 0;
	enum place place = PLACE_VALUE;
	int rc = 0;

	do {
		skip_blanks(s);
		char closer = depth > 0 ? closers[depth - 1] : '\0';

		if ((place == PLACE_FIRST || place == PLACE_AFTER) && at(s, closer)) {
			s->pos++;
			depth--;
			place = PLACE_AFTER;
			continue;
		}
		if (place == PLACE_AFTER) {
			if (!at(s, ','))
				return unexpected(s, closer == '}' ? "',' or '}'" : "',' or ']'");
			s->pos++;
			place = closer == '}' ? PLACE_KEY : PLACE_VALUE;
			continue;
		}
		if (place == PLACE_KEY || (place == PLACE_FIRST && closer == '}')) {
			rc = scan_key(s);
			place = PLACE_VALUE;
			continue;
		}
		if (++s->n_values > JSON_MAX_VALUES)
			return err_set(s->e, PCRCAST_ELIMIT, s->pos, "JSON text of more than %d values",
				       JSON_MAX_VALUES);
		if (at(s, '{') || at(s, '[')) {
			if (depth == JSON_MAX_DEPTH)
				return err_set(s->e, PCRCAST_ELIMIT, s->pos, "JSON nested deeper than %d",
					       JSON_MAX_DEPTH);
			closers[depth++] = at(s, '{') ? '}' : ']';
			s->pos++;
			place = PLACE_FIRST;
			continue;
		}
		rc = scan_scalar(s);
		place = PLACE_AFTER;
	} while (rc == 0 && (depth > 0 || place != PLACE_AFTER));
	return rc;
}

static int key_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_keys(const cJSON *object, size_t at_pos, struct pcrcast_error *e)
{
	size_t n = 0, i = 0;

	for (const cJSON *c = object->child; c; c = c->next)
		n++;
	if (n < 2)
		return 0;
	const char **keys = calloc(n, sizeof *keys);
	if (!keys)
		return err_nomem(e);
	for (const cJSON *c = object->child; c; c = c->next)
		keys[i++] = c->string;
	qsort(keys, n, sizeof *keys, key_order);
	int rc = 0;
	for (i = 1; i < n && rc == 0; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			rc = err_set(e, PCRCAST_EFORMAT, at_pos, "JSON: key \"%.64s\" twice in one object",
				     keys[i]);
	free(keys);
	return rc;
}

/* Two equal keys in one object mean different things to different readers: refused. At most JSON_MAX_DEPTH deep. */
static int check_duplicates(const cJSON *node, size_t at_pos, struct pcrcast_error *e)
{
	int rc = cJSON_IsObject(node) ? check_keys(node, at_pos, e) : 0;

	for (const cJSON *c = node->child; c && rc == 0; c = c->next)
		rc = check_duplicates(c, at_pos, e);
	return rc;
}

int json_parse_next(struct slice *rest, struct cJSON **ret, struct pcrcast_error *e)
{
	struct scan s = { .p = rest->p, .end = rest->n, .e = e };

	skip_blanks(&s);
	size_t start = s.pos;
	int rc = scan_value(&s);
	if (rc < 0)
		return rc;
	if (s.pos - start > JSON_MAX)
		return err_set(e, PCRCAST_ELIMIT, start, "JSON text of %zu bytes, at most %d handled",
			       s.pos - start, JSON_MAX);

	cJSON *node = cJSON_ParseWithLengthOpts((const char *)rest->p + start, s.pos - start, NULL, false);
	if (!node)
		return err_nomem(e); /* the text is well formed */
	rc = check_duplicates(node, start, e);
	if (rc < 0) {
		cJSON_Delete(node);
		return rc;
	}
	*rest = (struct slice){ rest->p + s.pos, rest->n - s.pos };
	*ret = node;
	return 0;
}

int json_parse(struct slice text, struct cJSON **ret, struct pcrcast_error *e)
{
	struct slice rest = text;
	cJSON *node;

	if (text.n > JSON_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "JSON text of %zu bytes, at most %d handled", text.n, JSON_MAX);
	int rc = json_parse_next(&rest, &node, e);
	if (rc < 0)
		return rc;
	struct scan s = { .p = text.p, .pos = text.n - rest.n, .end = text.n, .e = e };
	skip_blanks(&s);
	if (s.pos < s.end) {
		cJSON_Delete(node);
		return unexpected(&s, "the end of the JSON text");
	}
	*ret = node;
	return 0;
}

bool json_is_object(const struct cJSON *node)
{
	return cJSON_IsObject(node);
}

bool json_is_array(const struct cJSON *node)
{
	return cJSON_IsArray(node);
}

bool json_is_null(const struct cJSON *node)
{
	return cJSON_IsNull(node);
}

const struct cJSON *json_first(const struct cJSON *node)
{
	return node ? node->child : NULL;
}

const struct cJSON *json_next(const struct cJSON *node)
{
	return node ? node->next : NULL;
}

const char *json_key(const struct cJSON *node)
{
	return node ? node->string : NULL;
}

const struct cJSON *json_get(const struct cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

bool json_string(const struct cJSON *node, const char **ret)
{
	if (!cJSON_IsString(node))
		return false;
	*ret = node->valuestring;
	return true;
}

bool json_u64(const struct cJSON *node, uint64_t *ret)
{
	if (!cJSON_IsNumber(node) || !(node->valuedouble >= 0) ||
	    node->valuedouble > (double)JSON_MAX_INTEGER)
		return false;
	uint64_t value = (uint64_t)node->valuedouble;
	if ((double)value < node->valuedouble)
		return false;
	*ret = value;
	return true;
}

bool json_bool(const struct cJSON *node, bool *ret)
{
	if (!cJSON_IsBool(node))
		return false;
	*ret = cJSON_IsTrue(node);
	return true;
}

int json_get_text(struct pool *pool, const struct cJSON *object, const char *key, const char **ret,
		  struct pcrcast_error *e)
{
	const struct cJSON *node = json_get(object, key);
	const char *text;

	*ret = NULL;
	if (!node)
		return 0;
	if (!json_string(node, &text))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected a string", key);
	*ret = pool_text(pool, text, strlen(text));
	return *ret ? 0 : err_nomem(e);
}

bool json_hex(struct pool *pool, const struct cJSON *node, struct slice *ret)
{
	const char *text;

	return json_string(node, &text) && hex_decode(pool, slice_of_string(text), ret);
}

bool json_base64(struct pool *pool, const struct cJSON *node, struct slice *ret)
{
	const char *text;

	return json_string(node, &text) && base64_decode(pool, slice_of_string(text), ret);
}

char *json_text(struct pool *pool, const struct cJSON *node)
{
	char *text = cJSON_PrintUnformatted(node);
	char *copy = text ? pool_text(pool, text, strlen(text)) : NULL;

	cJSON_free(text);
	return copy;
}
