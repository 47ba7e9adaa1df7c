/* What operating systems log: Windows' boot loader, systemd's userspace, IMA. */
#include "decode_writer.h"

static void put_sipa(struct bytes *b, uint32_t id, const void *data, size_t n)
{
	put32(b, id);
	put32(b, (uint32_t)n);
	put(b, data, n);
}

static void windows_containers_nest(void **state)
{
	struct bytes name = { .n = 0 }, module = { .n = 0 }, outer = { .n = 0 }, b = { .n = 0 };
	struct decoding x;

	(void)state;
	put_utf16(&name, "\\Windows\\a.sys");
	put16(&name, 0);
	put_sipa(&module, 0x00070001, name.p, name.n);
	put_sipa(&module, 0x00070002, "\0\x10\0\0\0\0\0\0", 8);
	put_sipa(&outer, 0x40010003, module.p, module.n);
	put_sipa(&outer, 0x00050003, "\1", 1);
	put_sipa(&outer, 0x000fffff, "\1\2\3", 3);
	put_sipa(&b, 0x40010001, outer.p, outer.n);
	decode(&x, EV_EVENT_TAG, 13, &b);
	assert_summary(&x, "Windows TrustBoundary: \\Windows\\a.sys");
	assert_text(&x, "events/0/name", "TrustBoundary");
	assert_text(&x, "events/0/events/0/events/0/string", "\\Windows\\a.sys");
	assert_number(&x, "events/0/events/0/events/1/value", 4096);
	assert_text(&x, "events/0/events/1/name", "TestSigning");
	assert_number(&x, "events/0/events/1/enabled", 1);
	assert_bytes(&x, "events/0/events/2/data", "\1\2\3", 3);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations((struct event){ .type = EV_EVENT_TAG }, &b, false);
	try_truncations((struct event){ .type = EV_NO_ACTION }, &b, false);

	/* a length inside that runs past its container */
	b.p[8 + 4] = 0xff;
	decode(&x, EV_EVENT_TAG, 13, &b);
	assert_non_null(x.d.trouble);
	decoding_done(&x);
}

static void windows_containers_have_an_end(void **state)
{
	struct bytes b = { .n = 0 };
	struct decoding x;

	(void)state;
	for (uint32_t depth = 0; depth < 200; depth++) {
		put32(&b, 0x40010001);
		put32(&b, (199 - depth) * 8);
	}
	decode(&x, EV_EVENT_TAG, 13, &b);
	assert_string_equal(x.d.trouble, "more than 8 containers inside one another");
	decoding_done(&x);
}

static void entries_have_a_limit(void **state)
{
	enum { N = 20000 };
	uint8_t *p = calloc(N, 8);
	struct decoding x;

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < N; i++)
		put_u32le(p + 8 * i, 0x00020002);
	decode_as(&x, (struct event){ .type = EV_EVENT_TAG }, p, N * 8);
	assert_string_equal(x.d.trouble, "more than 16384 entries");
	assert_int_equal(at(&x, "events")->n, 16384);
	decoding_done(&x);
	free(p);
}

static void systemd_events_are_json(void **state)
{
	static const char text[] =
		"{\"string\":\"enter-initrd\",\"bootId\":\"ab\",\"timestamp\":12,\"eventType\":\"phase\",\"more\":[1]}";
	const struct event ev = { .pcr = 11, .content = CONTENT_SYSTEMD };
	struct decoding x;

	(void)state;
	decode_as(&x, ev, text, sizeof text - 1);
	assert_summary(&x, "phase: enter-initrd");
	assert_number(&x, "timestamp", 12);
	assert_text(&x, "more", "[1]");
	assert_null(x.d.trouble);
	decoding_done(&x);

	struct bytes b = { .n = 0 };
	put(&b, text, sizeof text - 1);
	try_truncations(ev, &b, true);
}

static void put_ima_field(struct bytes *b, const void *p, size_t n)
{
	put32(b, (uint32_t)n);
	put(b, p, n);
}

static void ima_templates(void **state)
{
	const struct event ng = { .pcr = 10, .content = CONTENT_IMA, .template_name = "ima-ng" };
	struct bytes b = { .n = 0 }, old = { .n = 0 };
	struct decoding x;

	(void)state;
	put_ima_field(&b, "sha256:\0\1\2", 10);
	put_ima_field(&b, "/bin/sh", 8);
	decode_as(&x, ng, b.p, b.n);
	assert_summary(&x, "/bin/sh");
	assert_text(&x, "digestAlgorithm", "sha256");
	assert_bytes(&x, "digest", "\1\2", 2);
	assert_null(x.d.trouble);
	decoding_done(&x);
	try_truncations(ng, &b, true);

	put_ima_field(&b, "\3\2", 2);
	decode_as(&x, (struct event){ .content = CONTENT_IMA, .template_name = "ima-sig" }, b.p, b.n);
	assert_bytes(&x, "signature", "\3\2", 2);
	assert_null(x.d.trouble);
	decoding_done(&x);
	decode_as(&x, ng, b.p, b.n);
	assert_string_equal(x.d.trouble, "6 bytes behind the end of the IMA event");
	decoding_done(&x);
	decode_as(&x, (struct event){ .content = CONTENT_IMA, .template_name = "n-ng|n-ng" }, b.p, b.n);
	assert_string_equal(x.d.trouble, "field 1 of template n-ng|n-ng is there twice");
	decoding_done(&x);
	decode_as(&x, (struct event){ .content = CONTENT_IMA, .template_name = "mine" }, b.p, b.n);
	assert_string_equal(x.d.trouble, "the fields of template mine are not known");
	decoding_done(&x);

	put_fill(&old, 9, 20);
	put_ima_field(&old, "/bin/sh", 7);
	decode_as(&x, (struct event){ .content = CONTENT_IMA, .template_name = "ima" }, old.p, old.n);
	assert_summary(&x, "/bin/sh");
	assert_int_equal(at(&x, "digest")->bytes.n, 20);
	decoding_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_containers_nest), cmocka_unit_test(windows_containers_have_an_end),
		cmocka_unit_test(entries_have_a_limit),    cmocka_unit_test(systemd_events_are_json),
		cmocka_unit_test(ima_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
