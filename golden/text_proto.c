#include "golden/text_proto.h"

#include <inttypes.h>
#include <stdlib.h>

#include <protobuf-c/protobuf-c.h>

#include "base/encode.h"
#include "golden/evidence_container.h"
#include "golden/text_token.h"

enum {
	MAX_NAME = 64,   /* characters of a name that is looked up */
	MAX_DEPTH = 64,  /* of brackets in a field that is passed over */
	MAX_FIELDS = 32, /* of a message definition */
};

/* ---- bytes that grow ---- */

struct wire {
	uint8_t *p;
	size_t n, cap;
};

static void wire_done(struct wire *w)
{
	free(w->p);
}

static int wire_put(struct wire *w, const void *bytes, size_t n, struct pcrcast_error *e)
{
	if (n > w->cap - w->n) {
		size_t cap = w->cap ? w->cap : 64;

		while (cap - w->n < n) {
			if (cap > SIZE_MAX / 2)
				return err_nomem(e);
			cap *= 2;
		}
		uint8_t *p = realloc(w->p, cap);
		if (!p)
			return err_nomem(e);
		w->p = p;
		w->cap = cap;
	}
	if (n)
		memcpy(w->p + w->n, bytes, n);
	w->n += n;
	return 0;
}

static int wire_put_byte(struct wire *w, unsigned byte, struct pcrcast_error *e)
{
	uint8_t b = (uint8_t)byte;

	return wire_put(w, &b, 1, e);
}

static int wire_put_varint(struct wire *w, uint64_t value, struct pcrcast_error *e)
{
	int rc = 0;

	for (; rc == 0 && value > 0x7f; value >>= 7)
		rc = wire_put_byte(w, (unsigned)(value & 0x7f) | 0x80, e);
	return rc < 0 ? rc : wire_put_byte(w, (unsigned)value, e);
}

/* ---- values ---- */

/* Decimal, 0x hexadecimal, or octal with a leading zero. */
static int take_number(struct text_parser *t, uint64_t max, uint64_t *ret)
{
	const struct slice s = t->text;
	bool hex = s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x';
	unsigned base = hex ? 16 : s.n > 1 && s.p[0] == '0' ? 8 : 10;
	uint64_t value = 0;

	if (t->kind != TOKEN_NUMBER)
		return text_unexpected(t, "a number");
	for (size_t i = hex ? 2 : 0; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return text_unexpected(t, "a number without sign and fraction");
		if (value > (max - (unsigned)digit) / base)
			return err_set(t->e, PCRCAST_EFORMAT, t->at, "text protobuf: a number above %" PRIu64,
				       max);
		value = value * base + (unsigned)digit;
	}
	*ret = value;
	return text_advance(t);
}

/* The text of a name, NUL-terminated; false when it is longer than any that is known. */
static bool name_of(const struct text_parser *t, char ret[static MAX_NAME + 1])
{
	if (t->text.n > MAX_NAME)
		return false;
	memcpy(ret, t->text.p, t->text.n);
	ret[t->text.n] = '\0';
	return true;
}

static int take_enum(struct text_parser *t, const ProtobufCEnumDescriptor *d, uint64_t *ret)
{
	char name[MAX_NAME + 1];

	if (t->kind != TOKEN_NAME)
		return take_number(t, INT32_MAX, ret);
	const ProtobufCEnumValue *v =
		name_of(t, name) ? protobuf_c_enum_descriptor_get_value_by_name(d, name) : NULL;
	if (!v)
		return text_unexpected(t, "a number or a name of the enumeration");
	*ret = (uint64_t)v->value;
	return text_advance(t);
}

static int put_utf8(struct wire *w, uint32_t c, struct pcrcast_error *e)
{
	uint8_t b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (uint8_t)(0x80 | (c & 0x3f));
	b[0] = (uint8_t)(n == 1 ? c : (0xf00u >> n & 0xffu) | c);
	return wire_put(w, b, n, e);
}

/* Digits of a base at s->p[*i], at least one and at most n of them. */
static bool escape_digits(struct slice s, size_t *i, size_t n, unsigned base, uint32_t *ret)
{
	size_t start = *i;
	uint32_t value = 0;

	for (; *i < s.n && *i - start < n; (*i)++) {
		int digit = hex_digit(s.p[*i]);

		if (digit < 0 || (unsigned)digit >= base)
			break;
		value = value * base + (unsigned)digit;
	}
	*ret = value;
	return *i > start;
}

/* s.p[*i] is the character behind a backslash. */
static int put_escape(struct text_parser *t, struct slice s, size_t *i, struct wire *w)
{
	static const char letters[] = "abfnrtv\\'\"?", bytes[] = "\a\b\f\n\r\t\v\\'\"?";
	uint64_t at = t->at + 1 + *i;
	uint8_t c = *i < s.n ? s.p[*i] : 0;
	const char *simple = c ? strchr(letters, c) : NULL;
	uint32_t value;

	if (simple) {
		(*i)++;
		return wire_put_byte(w, (uint8_t)bytes[simple - letters], t->e);
	}
	if (c >= '0' && c <= '7' && escape_digits(s, i, 3, 8, &value) && value <= 0xff)
		return wire_put_byte(w, value, t->e);
	if (c == 'x' || c == 'X') {
		(*i)++;
		if (escape_digits(s, i, 2, 16, &value))
			return wire_put_byte(w, value, t->e);
	} else if (c == 'u' || c == 'U') {
		size_t n = c == 'u' ? 4 : 8, start = ++*i;

		if (escape_digits(s, i, n, 16, &value) && *i - start == n && value <= 0x10ffff &&
		    (value < 0xd800 || value > 0xdfff))
			return put_utf8(w, value, t->e);
	}
	return err_set(t->e, PCRCAST_EFORMAT, at, "text protobuf: an escape that is none");
}

/* One string or several, which are joined. */
static int take_string(struct text_parser *t, struct wire *w)
{
	if (t->kind != TOKEN_STRING)
		return text_unexpected(t, "a string in quotes");
	while (t->kind == TOKEN_STRING) {
		const struct slice s = t->text;
		size_t start = 0;
		int rc = 0;

		for (size_t i = 0; rc == 0 && i < s.n; start = i) {
			while (i < s.n && s.p[i] != '\\')
				i++;
			rc = wire_put(w, s.p + start, i - start, t->e);
			if (rc == 0 && i < s.n) {
				i++;
				rc = put_escape(t, s, &i, w);
			}
		}
		if (rc == 0)
			rc = text_advance(t);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- fields ---- */

static int take_fields(struct text_parser *t, const ProtobufCMessageDescriptor *m, char closer,
		       struct wire *w);

static int take_message(struct text_parser *t, const ProtobufCMessageDescriptor *m, struct wire *w)
{
	char closer = text_at_sign(t, '{') ? '}' : text_at_sign(t, '<') ? '>' : '\0';

	if (!closer)
		return text_unexpected(t, "'{'");
	int rc = text_advance(t);
	return rc < 0 ? rc : take_fields(t, m, closer, w);
}

static int take_value(struct text_parser *t, const ProtobufCFieldDescriptor *f, struct wire *w)
{
	_cleanup_(wire_done) struct wire inner = { 0 };
	uint64_t number = 0;
	bool bytes = false;
	int rc;

	switch (f->type) {
	case PROTOBUF_C_TYPE_UINT32:
		rc = take_number(t, UINT32_MAX, &number);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		rc = take_number(t, UINT64_MAX, &number);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		rc = take_enum(t, f->descriptor, &number);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		bytes = true;
		rc = take_message(t, f->descriptor, &inner);
		break;
	default: /* bytes and strings: the definition has no other types */
		bytes = true;
		rc = take_string(t, &inner);
		break;
	}
	if (rc == 0)
		rc = wire_put_varint(w, (uint64_t)f->id << 3 | (bytes ? 2 : 0), t->e);
	if (rc == 0)
		rc = wire_put_varint(w, bytes ? inner.n : number, t->e);
	return rc < 0 || !bytes ? rc : wire_put(w, inner.p, inner.n, t->e);
}

/* "[ value, value ]", which only a repeated field may have. */
static int take_list(struct text_parser *t, const ProtobufCFieldDescriptor *f, struct wire *w)
{
	bool more;
	int rc;

	if (f->label != PROTOBUF_C_LABEL_REPEATED)
		return text_unexpected(t, "one value");
	rc = text_advance(t);
	if (rc < 0 || text_at_sign(t, ']'))
		return rc < 0 ? rc : text_advance(t);
	do {
		rc = take_value(t, f, w);
		if (rc == 0)
			rc = text_accept_sign(t, ',', &more);
	} while (rc == 0 && more);
	if (rc < 0)
		return rc;
	return text_at_sign(t, ']') ? text_advance(t) : text_unexpected(t, "',' or ']'");
}

/* What stands behind the name of a field that the definition has. */
static int take_field(struct text_parser *t, const ProtobufCFieldDescriptor *f, struct wire *w)
{
	bool colon;

	int rc = text_accept_sign(t, ':', &colon);
	if (rc < 0)
		return rc;
	if (!colon && f->type != PROTOBUF_C_TYPE_MESSAGE)
		return text_unexpected(t, "':'");
	return text_at_sign(t, '[') ? take_list(t, f, w) : take_value(t, f, w);
}

/* What stands behind the name of another field: a value, a list or a message; brackets are paired, no more is checked. */
static int skip_field(struct text_parser *t)
{
	char closers[MAX_DEPTH];
	size_t depth = 0;
	bool colon;

	int rc = text_accept_sign(t, ':', &colon);
	if (rc == 0 && t->kind == TOKEN_STRING) {
		while (rc == 0 && t->kind == TOKEN_STRING)
			rc = text_advance(t);
		return rc;
	}
	do {
		char opener = t->kind == TOKEN_SIGN ? (char)t->text.p[0] : '\0';
		const char *pair = opener ? strchr("{}<>[]", opener) : NULL;

		if (t->kind == TOKEN_END)
			return text_unexpected(t, "a value");
		if (depth && text_at_sign(t, closers[depth - 1])) {
			depth--;
		} else if (pair && (opener == '{' || opener == '<' || opener == '[')) {
			if (depth == MAX_DEPTH)
				return err_set(t->e, PCRCAST_ELIMIT, t->at,
					       "text protobuf: nested deeper than %d", MAX_DEPTH);
			closers[depth++] = pair[1];
		} else if (pair || (depth == 0 && t->kind == TOKEN_SIGN)) {
			return text_unexpected(t, "a value");
		}
		rc = text_advance(t);
	} while (rc == 0 && depth > 0);
	return rc;
}

static int take_named(struct text_parser *t, const ProtobufCMessageDescriptor *m, uint32_t *seen,
		      struct wire *w)
{
	char name[MAX_NAME + 1];
	const ProtobufCFieldDescriptor *f =
		name_of(t, name) ? protobuf_c_message_descriptor_get_field_by_name(m, name) : NULL;

	if (!f) {
		int rc = evidence_note(t->ev, t->e, "field \"%.*s\" is not looked at",
				       (int)(t->text.n < MAX_NAME ? t->text.n : MAX_NAME),
				       (const char *)t->text.p);
		if (rc == 0)
			rc = text_advance(t);
		return rc < 0 ? rc : skip_field(t);
	}
	uint32_t bit = UINT32_C(1) << (size_t)(f - m->fields) % MAX_FIELDS;
	if (f->label != PROTOBUF_C_LABEL_REPEATED && *seen & bit)
		return err_set(t->e, PCRCAST_EFORMAT, t->at, "text protobuf: %s is there twice", f->name);
	*seen |= bit;
	int rc = text_advance(t);
	if (rc == 0)
		rc = take_field(t, f, w);
	return rc;
}

/* Fields up to a closing bracket, or to the end when closer is NUL. As deep as the definition, which does not contain itself. */
static int take_fields(struct text_parser *t, const ProtobufCMessageDescriptor *m, char closer,
		       struct wire *w)
{
	uint32_t seen = 0;
	bool separator;
	int rc = 0;

	while (rc == 0 && t->kind == TOKEN_NAME) {
		rc = take_named(t, m, &seen, w);
		if (rc == 0)
			rc = text_accept_sign(t, ',', &separator);
		if (rc == 0 && !separator)
			rc = text_accept_sign(t, ';', &separator);
	}
	if (rc < 0)
		return rc;
	if (!closer)
		return t->kind == TOKEN_END ? 0 : text_unexpected(t, "the name of a field");
	return text_at_sign(t, closer) ? text_advance(t) :
					 text_unexpected(t, "the name of a field or a closing bracket");
}

int text_proto_to_wire(struct slice text, const struct ProtobufCMessageDescriptor *message,
		       struct evidence *ev, struct slice *ret, struct pcrcast_error *e)
{
	_cleanup_(wire_done) struct wire w = { 0 };
	struct text_parser t = { .p = text.p, .end = text.n, .ev = ev, .e = e };

	int rc = text_advance(&t);
	if (rc == 0)
		rc = take_fields(&t, message, '\0', &w);
	return rc < 0 ? rc : evidence_copy(ev, (struct slice){ w.p ? w.p : text.p, w.n }, ret, e);
}
