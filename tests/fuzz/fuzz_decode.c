/*
 * Event bodies. The first 4 bytes are the event's type, the next 4 its register (little endian), the rest is its body. The
 * same body also goes through the readers of base/efi on their own, and through userspace's forms.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/efi/certificate.h"
#include "base/efi/device_path.h"
#include "base/efi/signature_list.h"
#include "base/efi/variable.h"
#include "eventlog/decode.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static bool inside(struct slice part, struct slice whole)
{
	return part.n == 0 ||
	       (part.p >= whole.p && part.n <= whole.n && (size_t)(part.p - whole.p) <= whole.n - part.n);
}

/* Text ends, names are there in groups and not in lists, no name is there twice in a small group. */
static void check_field(const struct field *f)
{
	if (f->kind == FIELD_TEXT)
		CHECK(strlen(f->text) < SIZE_MAX);
	if (f->kind == FIELD_HEX)
		CHECK(f->bytes.p != NULL);
	for (size_t i = 0; i < f->n; i++) {
		const struct field *c = &f->children[i];

		CHECK((c->name == NULL) == (f->kind == FIELD_LIST));
		if (c->name && f->n < 64)
			CHECK(field_find(f, c->name) == c);
		check_field(c);
	}
}

static void decode(const struct eventlog *log, const struct event *ev)
{
	struct pool pool = POOL_INIT;
	struct decoded d;

	CHECK(event_decode(&pool, log, ev, &d, NULL) == 0);
	CHECK(d.summary && d.root.kind == FIELD_GROUP);
	for (const char *p = d.summary; *p; p++)
		CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
	CHECK(inside(d.rest, ev->data));
	CHECK(d.trouble || d.rest.n == 0);
	check_field(&d.root);
	pool_done(&pool);
}

static void read_alone(struct slice bytes)
{
	struct pool pool = POOL_INIT;
	struct device_path path;
	struct efi_variable variable;
	struct load_option option;
	struct certificate certificate;
	struct esl list;

	CHECK(device_path_read(&pool, bytes, &path, NULL) == 0);
	CHECK(path.text && inside(path.rest, bytes) &&
	      (path.trouble != NULL) == (path.rest.n > 0 || !path.complete));
	if (!efi_variable_read(&pool, bytes, &variable))
		CHECK(variable.name && inside(variable.data, bytes) && inside(variable.rest, bytes));
	if (!load_option_read(&pool, bytes, &option))
		CHECK(option.description && inside(option.paths, bytes) &&
		      inside(option.optional_data, bytes));
	if (certificate_read(&pool, bytes, &certificate))
		CHECK(certificate.len <= bytes.n && certificate.subject && certificate.issuer);
	for (struct slice rest = bytes; rest.n && !esl_next(&pool, &rest, &list);) {
		CHECK(inside(list.signatures, bytes) && list.n * list.signature_len == list.signatures.n);
		for (size_t i = 0; i < list.n && i < 100; i++)
			CHECK(inside(esl_signature(&list, i).data, bytes));
	}
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const templates[] = { "ima", "ima-ng",  "ima-sigv2", "ima-modsig",
						 "d|n", "sig|sig", "x" };
	struct eventlog log = EVENTLOG_INIT;
	/* SHA-256 of ".linux" and its NUL: both answers for what a section's event is of are reached. */
	static const uint8_t digests[34] = { 0x0b, 0x00, 0x0d, 0xa2, 0x93, 0xe3, 0x7a, 0xd5 };

	if (n < 8)
		return 0;
	struct slice body = n > 8 ? (struct slice){ data + 8, n - 8 } : SLICE_EMPTY;
	struct event ev = {
		.type = get_u32le(data),
		.pcr = get_u32le(data + 4),
		.n_digests = 1,
		.digests = { digests, sizeof digests },
		.data = body,
	};
	log.algs[0] = (struct eventlog_alg){ 0x000b, 32 };
	log.n_algs = 1;

	decode(&log, &ev);
	log.kind = EVENTLOG_CC;
	decode(&log, &ev);
	ev.content = CONTENT_SYSTEMD;
	decode(&log, &ev);
	ev.content = CONTENT_IMA;
	ev.template_name = templates[ev.pcr % (sizeof templates / sizeof templates[0])];
	decode(&log, &ev);
	ev.content = CONTENT_OTHER;
	decode(&log, &ev);
	read_alone(body);
	eventlog_done(&log);
	return 0;
}
