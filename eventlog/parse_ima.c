/*
 * IMA lists, binary (binary_runtime_measurements) and text (ascii_runtime_measurements). Linux 6.1, ima_fs.c. A binary
 * entry is PCR, template digest, length and name of the template, length and data; numbers are in the byte order
 * of the machine unless it was booted with ima_canonical_fmt, and the digest is SHA-1 unless the list is of a later kernel
 * that shows other banks too. Neither is said anywhere: the first entry shows it.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>

#include "eventlog/parse.h"

#include "base/encode.h"

enum {
	TEMPLATE_NAME_MAX = 255, /* ima_template.c: MAX_TEMPLATE_NAME_LEN, generously */
	OLD_DIGEST_LEN = 20,     /* in the data of template "ima" */
	NUMBER_LEN_MAX = 10,     /* decimal digits of 32 bits */
};

/* ---- binary lists ---- */

struct form {
	bool big_endian;
	enum alg alg; /* of the template digest, told by its length */
};

static uint32_t get_u32(const struct form *f, struct reader *r)
{
	struct slice s = reader_take(r, 4);

	return s.n == 0 ? 0 : f->big_endian ? get_u32be(s.p) : get_u32le(s.p);
}

static bool first_entry_fits(struct slice bytes, const struct form *f)
{
	struct reader r = reader_over(bytes);
	struct ima_template t;

	uint32_t pcr = get_u32(f, &r);
	(void)reader_take(&r, algs[f->alg].len);
	struct slice name = reader_take(&r, get_u32(f, &r));
	return !r.failed && pcr < PCR_COUNT && ima_template_find(name, &t);
}

static bool find_form(struct slice bytes, struct form *ret)
{
	for (int big_endian = 0; big_endian < 2; big_endian++)
		for (enum alg a = 0; a < ALG_COUNT; a++) {
			struct form f = { .big_endian = big_endian != 0, .alg = a };

			if (first_entry_fits(bytes, &f)) {
				*ret = f;
				return true;
			}
		}
	return false;
}

bool ima_binary_recognise(struct slice bytes)
{
	struct form f;

	return find_form(bytes, &f);
}

struct entry {
	uint64_t offset, data_offset;
	uint32_t pcr;
	struct slice digest, name, data;
	bool old; /* template "ima" */
};

/* ima_measurements_show. */
static int entry_read(struct reader *r, const struct form *f, struct entry *ret, struct pcrcast_error *e)
{
	struct entry entry = { .offset = r->pos };

	entry.pcr = get_u32(f, r);
	entry.digest = reader_take(r, algs[f->alg].len);
	uint64_t at = r->pos;
	uint32_t name_len = get_u32(f, r);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, entry.offset,
			       "%zu bytes left, the head of an entry needs %d", r->end - (size_t)entry.offset,
			       8 + algs[f->alg].len);
	if (name_len == 0 || name_len > TEMPLATE_NAME_MAX)
		return err_set(e, PCRCAST_EFORMAT, at, "a template name of %u bytes, expected 1 to %d",
			       name_len, TEMPLATE_NAME_MAX);
	entry.name = reader_take(r, name_len);
	entry.old = slice_equal_string(entry.name, "ima");
	entry.data_offset = r->pos;
	size_t start = r->pos;
	if (entry.old)
		(void)reader_take(r, OLD_DIGEST_LEN);
	at = r->pos;
	uint32_t n = get_u32(f, r);
	if (!entry.old)
		start = r->pos;
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "the list ends before the length of the template data");
	(void)reader_take(r, n);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "%u bytes of template data, %zu left in the list", n,
			       r->end - r->pos);
	entry.data = (struct slice){ r->base + start, r->pos - start };
	*ret = entry;
	return 0;
}

/* Turn the lengths in the data around; the kernel hashes little-endian ones on every machine. */
static int to_little_endian(const struct entry *entry, const struct ima_template *t, struct pool *pool,
			    struct slice *data, struct pcrcast_error *e)
{
	const struct form big = { .big_endian = true };
	struct reader r = reader_over(*data);
	uint8_t *copy = pool_copy(pool, data->p, data->n);

	if (!copy)
		return err_nomem(e);
	if (entry->old)
		(void)reader_take(&r, OLD_DIGEST_LEN);
	for (size_t i = 0; i < (entry->old ? 1 : t->n); i++) {
		size_t at = r.pos;
		uint32_t n = get_u32(&big, &r);

		(void)reader_take(&r, n);
		if (r.failed)
			break;
		put_u32le(copy + at, n);
	}
	*data = (struct slice){ copy, data->n };
	return 0;
}

/* The template's name as text of the log; the list repeats one name over and over. */
static const char *name_of(struct eventlog *log, const struct event *before, struct slice name)
{
	if (before && slice_equal_string(name, before->template_name))
		return before->template_name;
	return pool_text(&log->pool, (const char *)name.p, name.n);
}

static int event_fill(const struct entry *entry, const struct form *f, struct eventlog *log, size_t n,
		      uint8_t *digests, struct pcrcast_error *e)
{
	struct event *ev = &log->events[n];
	struct ima_template t;
	bool known = ima_template_find(entry->name, &t);

	*ev = (struct event){
		.offset = entry->offset,
		.pcr = entry->pcr,
		.n_digests = 1,
		.digests = { digests, 2 + entry->digest.n },
		.data = entry->data,
		.content = CONTENT_IMA,
	};
	put_u16le(digests, algs[f->alg].tpm_id);
	memcpy(digests + 2, entry->digest.p, entry->digest.n);
	ev->template_name = name_of(log, n > 0 ? &log->events[n - 1] : NULL, entry->name);
	if (!ev->template_name)
		return err_nomem(e);
	if (f->big_endian && known) {
		int rc = to_little_endian(entry, &t, &log->pool, &ev->data, e);
		if (rc < 0)
			return rc;
	}
	if (known && !ima_data_sound(&t, ev->data))
		return eventlog_find(log, entry->data_offset, n, "template-data", e,
				     "%zu bytes of template data are not the fields of template %s",
				     ev->data.n, ev->template_name);
	return 0;
}

/* Count the entries, or fill log->events, which has room for as many as were counted. */
static int entries_read(struct reader r, const struct form *f, struct eventlog *log, uint8_t *digests,
			struct pcrcast_error *e)
{
	size_t n = 0;
	int rc = 0;

	log->end = r.pos;
	while (reader_left(&r) > 0) {
		struct entry entry = { .offset = r.pos };

		rc = entry_read(&r, f, &entry, e);
		if (rc == 0 && digests)
			rc = event_fill(&entry, f, log, n, digests + n * (2 + (size_t)algs[f->alg].len), e);
		if (rc < 0) {
			rc = err_wrap(e, "entry %zu", n);
			break;
		}
		n++;
		log->end = r.pos;
	}
	log->n_events = n;
	return rc;
}

static int parse_binary(struct slice bytes, struct eventlog *log, struct pcrcast_error *e)
{
	struct reader r = reader_over(bytes);
	struct form f = { .big_endian = false, .alg = ALG_SHA1 };

	(void)find_form(bytes, &f); /* if none fits, the error of the usual one is as good as any */
	log->algs[log->n_algs++] = (struct eventlog_alg){ algs[f.alg].tpm_id, algs[f.alg].len };
	int rc = entries_read(r, &f, log, NULL, e);
	size_t n = log->n_events;
	log->n_events = 0;
	if (n == 0)
		return rc;
	struct event *events = pool_array(&log->pool, n, sizeof *events);
	uint8_t *digests = pool_array(&log->pool, n, 2 + (size_t)algs[f.alg].len);
	if (!events || !digests)
		return err_nomem(e);
	log->events = events;
	log->cap = n;
	return entries_read(r, &f, log, digests, e);
}

/* ---- text lists ---- */

static bool is_hex(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (hex_digit(s.p[i]) < 0)
			return false;
	return s.n % 2 == 0;
}

/* s is hex. */
static uint8_t *put_hex(uint8_t *p, struct slice s)
{
	for (size_t i = 0; i < s.n; i += 2)
		*p++ = (uint8_t)(hex_digit(s.p[i]) << 4 | hex_digit(s.p[i + 1]));
	return p;
}

/* What stands before the first space of *rest; *rest is moved behind that space. */
static struct slice word_take(struct slice *rest)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ' ')
		n++;
	struct slice word = { rest->p, n };
	size_t used = n < rest->n ? n + 1 : n;
	*rest = (struct slice){ rest->p + used, rest->n - used };
	return word;
}

/* What stands behind the last space of *rest; *rest then ends before that space. False when there is no space. */
static bool last_word_take(struct slice *rest, struct slice *ret)
{
	size_t n = rest->n;

	while (n > 0 && rest->p[n - 1] != ' ')
		n--;
	if (n == 0)
		return false;
	*ret = (struct slice){ rest->p + n, rest->n - n };
	rest->n = n - 1;
	return true;
}

struct line {
	uint32_t pcr;
	struct slice digest, name, rest; /* digest as hex; rest: the fields */
	enum alg alg;
};

/* The head of a line, "10 <digest> <template> "; false when it is none. */
static bool line_split(struct slice text, struct line *ret)
{
	struct line line = { .alg = ALG_COUNT };

	while (text.n > 0 && text.p[0] == ' ') /* "%2d" */
		text = (struct slice){ text.p + 1, text.n - 1 };
	struct slice pcr = word_take(&text);
	if (pcr.n == 0 || pcr.n > 2)
		return false;
	for (size_t i = 0; i < pcr.n; i++) {
		if (pcr.p[i] < '0' || pcr.p[i] > '9')
			return false;
		line.pcr = line.pcr * 10 + (uint32_t)(pcr.p[i] - '0');
	}
	line.digest = word_take(&text);
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (line.digest.n == 2 * (size_t)algs[a].len && is_hex(line.digest))
			line.alg = a;
	line.name = word_take(&text);
	line.rest = text;
	if (line.alg == ALG_COUNT || line.name.n == 0)
		return false;
	*ret = line;
	return true;
}

static struct slice line_at(struct slice bytes, size_t pos)
{
	const uint8_t *p = bytes.p + pos, *end = memchr(p, '\n', bytes.n - pos);

	return (struct slice){ p, end ? (size_t)(end - p) : bytes.n - pos };
}

bool ima_text_recognise(struct slice bytes)
{
	struct ima_template t;
	struct line line;

	return bytes.n > 0 && line_split(line_at(bytes, 0), &line) && ima_template_find(line.name, &t);
}

/* Is this what the kernel shows for a field of that form? Empty fields are shown as nothing. */
static bool text_fits(enum ima_form form, struct slice text)
{
	const uint8_t *colon = memrchr(text.p, ':', text.n);

	switch (form) {
	case IMA_DIGEST:
	case IMA_BYTES:
		return is_hex(text);
	case IMA_NAMED_DIGEST:
		if (!colon)
			return text.n == 0;
		return is_hex((struct slice){ colon + 1, text.n - (size_t)(colon + 1 - text.p) });
	case IMA_NUMBER_2:
	case IMA_NUMBER_4:
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] < '0' || text.p[i] > '9')
				return false;
		return text.n <= NUMBER_LEN_MAX;
	case IMA_NAME:
		break;
	}
	return true;
}

/*
 * The line's fields as text. A name may hold spaces, so fields are taken from both ends; one that does not look like
 * what belongs there is taken for empty, since tools that strip blanks lose those.
 */
static bool fields_split(const struct ima_template *t, struct slice rest,
			 struct slice ret[static IMA_MAX_FIELDS])
{
	size_t name = 0;

	while (name < t->n && t->fields[name] != IMA_NAME)
		name++;
	for (size_t i = 0; i < name; i++) {
		ret[i] = word_take(&rest);
		if (!text_fits(t->fields[i], ret[i]))
			return false;
	}
	for (size_t i = t->n; i > name + 1; i--) {
		struct slice before = rest;

		if (!last_word_take(&rest, &ret[i - 1]) || !text_fits(t->fields[i - 1], ret[i - 1])) {
			ret[i - 1] = SLICE_EMPTY;
			rest = before;
		}
	}
	if (name < t->n)
		ret[name] = rest;
	else if (rest.n > 0)
		return false;
	return true;
}

/* The value of a field from its text; *p has room for the text and 4 bytes more. */
static uint8_t *put_value(uint8_t *p, enum ima_form form, struct slice text)
{
	size_t prefix = 0;
	uint64_t number = 0;

	switch (form) {
	case IMA_NAMED_DIGEST:
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] == ':')
				prefix = i + 1;
		memcpy(p, text.p, prefix);
		p += prefix;
		if (prefix)
			*p++ = '\0';
		return put_hex(p, (struct slice){ text.p + prefix, text.n - prefix });
	case IMA_DIGEST:
	case IMA_BYTES:
		return put_hex(p, text);
	case IMA_NAME:
		memcpy(p, text.p, text.n);
		p += text.n;
		*p++ = '\0';
		return p;
	case IMA_NUMBER_2:
	case IMA_NUMBER_4:
		for (size_t i = 0; i < text.n; i++)
			number = number * 10 + (uint64_t)(text.p[i] - '0');
		if (form == IMA_NUMBER_2)
			put_u16le(p, (uint16_t)number);
		else
			put_u32le(p, (uint32_t)number);
		return p + (text.n == 0 ? 0 : form == IMA_NUMBER_2 ? 2 : 4);
	}
	return p;
}

/* The template data that the line was made from. */
static int data_rebuild(struct pool *pool, const struct ima_template *t,
			const struct slice texts[static IMA_MAX_FIELDS], struct slice *ret,
			struct pcrcast_error *e)
{
	enum { MORE = 4 + 4 }; /* a field's length; and what its value may have more than its text */
	size_t room = 0;

	for (size_t i = 0; i < t->n; i++)
		room += texts[i].n + MORE;
	uint8_t *bytes = pool_array(pool, room, 1), *p = bytes;
	if (!bytes)
		return err_nomem(e);
	for (size_t i = 0; i < t->n; i++) {
		uint8_t *length = p;
		bool has_length = !(t->old && t->fields[i] == IMA_DIGEST);

		p = put_value(has_length ? p + 4 : p, t->fields[i], texts[i]);
		if (t->old && t->fields[i] == IMA_NAME)
			p--; /* no NUL */
		if (has_length)
			put_u32le(length, (uint32_t)(p - length - 4));
	}
	*ret = (struct slice){ bytes, (size_t)(p - bytes) };
	return 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n-- > 0)
		any |= *p++;
	return any == 0;
}

static int bad_line(struct pcrcast_error *e, uint64_t offset, bool ended, const char *what)
{
	return err_set(e, ended ? PCRCAST_EFORMAT : PCRCAST_ETRUNC, offset, "%s%s", what,
		       ended ? "" : "; the line is not ended");
}

/* One line, without its line feed. A last line that has none may be cut short: only its digest can tell. */
static int line_read(struct slice text, uint64_t offset, bool ended, struct eventlog *log,
		     struct pcrcast_error *e)
{
	struct event_builder b = { .ev = { .offset = offset, .content = CONTENT_IMA } };
	struct slice texts[IMA_MAX_FIELDS];
	struct digest computed;
	struct ima_template t;
	struct line line;
	uint8_t digest[DIGEST_MAX];

	if (!line_split(text, &line))
		return bad_line(e, offset, ended, "expected \"PCR digest template fields\"");
	if (!ima_template_find(line.name, &t))
		return ended ? err_set(e, PCRCAST_EUNSUPPORTED, offset, "template \"%.*s\" is not known",
				       (int)(line.name.n < 64 ? line.name.n : 64), line.name.p) :
			       bad_line(e, offset, ended, "unknown template");
	if (!fields_split(&t, line.rest, texts))
		return bad_line(e, offset, ended, "the fields are not those of the template");
	b.ev.pcr = line.pcr;
	(void)put_hex(digest, line.digest);
	b.ev.template_name = name_of(log, log->n_events ? &log->events[log->n_events - 1] : NULL, line.name);
	int rc = b.ev.template_name ? data_rebuild(&log->pool, &t, texts, &b.ev.data, e) : err_nomem(e);
	if (rc == 0)
		rc = event_builder_digest(&b, log, algs[line.alg].tpm_id,
					  (struct slice){ digest, algs[line.alg].len }, offset, e);
	if (rc < 0)
		return rc;
	bool matches = event_ima_template_digest(&b.ev, line.alg, &computed, NULL) == 0 &&
		       memcmp(computed.bytes, digest, algs[line.alg].len) == 0;
	if (!matches && !ended)
		return bad_line(e, offset, ended, "the template data do not hash to the digest");
	if (!matches && !all_zero(digest, algs[line.alg].len))
		rc = eventlog_find(log, offset, log->n_events, "template-data", e,
				   "the template data that the text leads to do not hash to the digest");
	return rc < 0 ? rc : event_builder_done(&b, log, e);
}

static int parse_text(struct slice bytes, struct eventlog *log, struct pcrcast_error *e)
{
	size_t pos = 0;

	for (size_t n = 1; pos < bytes.n; n++) {
		struct slice text = line_at(bytes, pos);
		size_t end = pos + text.n;
		bool ended = end < bytes.n;

		int rc = text.n == 0 ? 0 : line_read(text, pos, ended, log, e);
		if (rc < 0)
			return err_wrap(e, "line %zu", n);
		pos = ended ? end + 1 : end;
		log->end = pos;
	}
	return 0;
}

/* Is this a list in text? One that begins oddly still consists of printable characters. */
static bool is_text(struct slice bytes)
{
	return bytes.n > 0 &&
	       (ima_text_recognise(bytes) || (bytes.p[0] == ' ' || (bytes.p[0] >= '0' && bytes.p[0] <= '9')));
}

int parse_ima(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e)
{
	struct pcrcast_error local;

	*ret = EVENTLOG_INIT;
	ret->kind = EVENTLOG_IMA;
	ret->spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	if (!e)
		e = &local;
	return is_text(bytes) ? parse_text(bytes, ret, e) : parse_binary(bytes, ret, e);
}
