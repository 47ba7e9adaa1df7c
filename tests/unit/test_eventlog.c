/* The event log: reading and writing crypto-agile logs, built here byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tcg2_writer.h"

static void assert_parse_fails(const struct bytes *b, enum pcrcast_code code, uint64_t offset,
			       size_t n_events)
{
	struct parsed p = parse(b);

	assert_int_equal(p.rc, -(int)code);
	assert_int_equal(p.e.offset, offset);
	assert_int_equal(p.log.n_events, n_events);
	if (p.log.end == 0) /* the header failed: nothing of it is left */
		assert_int_equal(p.log.n_algs, 0);
	done(&p);
}

/* ---- names ---- */

static void types_have_the_names_of_the_specification(void **state)
{
	char buf[11];

	(void)state;
	assert_string_equal(event_type_name(0, buf), "EV_PREBOOT_CERT");
	assert_string_equal(event_type_name(0x0d, buf), "EV_IPL");
	assert_string_equal(event_type_name(0x80000003, buf), "EV_EFI_BOOT_SERVICES_APPLICATION");
	assert_string_equal(event_type_name(0x800000e4, buf), "EV_EFI_SPDM_DEVICE_AUTHORITY");
	assert_string_equal(event_type_name(0xabcd, buf), "0x0000abcd");
	assert_string_equal(event_type_name(UINT32_MAX, buf), "0xffffffff");
	assert_string_equal(event_origin_name(EVENT_RECORDED), "recorded");
	assert_string_equal(event_origin_name(EVENT_UNKNOWN), "unknown");
}

/* ---- reading ---- */

static void a_log_is_read_as_it_is(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	struct parsed p = parse(&b);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_algs, 3);
	assert_int_equal(p.log.algs[2].id, SM3);
	assert_int_equal(p.log.spec_id.version_major, 2);
	assert_int_equal(p.log.n_events, 3);
	assert_int_equal(p.log.end, b.n);

	const struct event *ev = &p.log.events[2];
	assert_int_equal(ev->offset, ends[2]);
	assert_int_equal(ev->pcr, 9);
	assert_int_equal(ev->type, EV_SEPARATOR);
	assert_int_equal(ev->origin, EVENT_RECORDED);
	assert_int_equal(ev->data.n, 4);
	assert_int_equal(p.log.events[1].data.n, 0);
	assert_non_null(p.log.events[1].data.p);

	struct slice digest = event_digest(ev, &p.log, ALG_SHA256);
	char hex[65];
	assert_int_equal(digest.n, 32);
	hex_encode(digest.p, digest.n, hex);
	assert_string_equal(hex, separator_sha256);
	assert_int_equal(event_digest(ev, &p.log, ALG_SHA384).n, 0);
	assert_true(sizeof(struct event) < 256);
	done(&p);
}

static void every_truncation_is_noticed(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);

	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		struct parsed p = parse_n(&b, n);
		size_t whole = 0; /* events */

		while (whole < 3 && n >= ends[whole + 1])
			whole++;
		assert_int_equal(p.rc, n >= ends[0] && n == ends[whole] ? 0 : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, whole);
		done(&p);
	}
}

static void padding_ends_a_log(void **state)
{
	static const struct {
		uint8_t value;
		size_t n;
		bool sound;
	} cases[] = {
		{ 0xff, 5, true },  { 0xff, 8, true },  { 0xff, 2000, true }, { 0x00, 5, true },
		{ 0x00, 12, true }, { 0x00, 16, true }, { 0x00, 2000, true }, { 0x00, 4, false },
		{ 0xff, 4, false }, { 0x00, 1, false }, { 0x42, 12, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t ends[4];
		struct bytes b = small_log(ends);
		size_t end = b.n;

		put_fill(&b, cases[i].value, cases[i].n);
		struct parsed p = parse(&b);
		assert_int_equal(p.rc == 0, cases[i].sound);
		assert_int_equal(p.log.n_events, 3);
		assert_int_equal(p.log.end, end);
		done(&p);
	}
}

static void what_follows_all_ones_is_not_read_but_what_follows_zeros_is_an_error(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends), zeros = b;

	(void)state;
	put_fill(&b, 0xff, 8);
	put(&b, "\3\0\0\0another log", 15);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 3);
	assert_int_equal(p.log.end, ends[3]);
	done(&p);

	put_fill(&zeros, 0x00, 16); /* an event of type 0 without digests */
	put(&zeros, "\1", 1);
	assert_parse_fails(&zeros, PCRCAST_ETRUNC, ends[3] + 16, 4);
}

static void an_event_with_pcr_all_ones_is_no_padding(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_event(&b, UINT32_MAX, EV_NO_ACTION, separator_sha256, "x", 1); /* as Windows logs its own */
	put_separator(&b, 7);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 2);
	done(&p);
}

static void other_logs_are_not_taken_for_crypto_agile(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	b.p[32 + 14] = '2'; /* Spec ID Event02 */
	assert_parse_fails(&b, PCRCAST_EUNSUPPORTED, 0, 0);
	b.p[32 + 14] = '3';
	b.p[4] = EV_SEPARATOR;
	assert_parse_fails(&b, PCRCAST_EUNSUPPORTED, 0, 0);
}

static void a_header_must_make_sense(void **state)
{
	uint16_t many[EVENTLOG_MAX_ALGS + 1][2];
	struct bytes b = { .n = 0 };

	(void)state;
	put_header(&b, NULL, 0);
	assert_parse_fails(&b, PCRCAST_EFORMAT, 56, 0);

	for (size_t i = 0; i <= EVENTLOG_MAX_ALGS; i++) {
		many[i][0] = (uint16_t)(0x100 + i);
		many[i][1] = 1;
	}
	b.n = 0;
	put_header(&b, (const uint16_t(*)[2])many, EVENTLOG_MAX_ALGS);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	done(&p);
	b.n = 0;
	put_header(&b, (const uint16_t(*)[2])many, EVENTLOG_MAX_ALGS + 1);
	assert_parse_fails(&b, PCRCAST_ELIMIT, 56, 0);

	b.n = 0;
	put_header(&b, (const uint16_t[][2]){ { SHA1, 20 }, { SHA1, 20 } }, 2);
	assert_parse_fails(&b, PCRCAST_EFORMAT, 64, 0);

	static const uint16_t bad[][2] = { { SHA256, 20 }, { SHA256, 0 }, { SM3, 0 }, { SM3, 65 } };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		b.n = 0;
		put_header(&b, &bad[i], 1);
		assert_parse_fails(&b, PCRCAST_EFORMAT, 60, 0);
	}

	/* The event is too short for what it announces, although the log is not. */
	for (uint32_t size = 16; size < 33; size++) {
		b.n = 0;
		put_sha256_header(&b);
		put_separator(&b, 0);
		put_u32le(b.p + 28, size);
		p = parse(&b);
		assert_int_equal(p.rc, -PCRCAST_EFORMAT);
		done(&p);
	}

	b.n = 0;
	put_sha256_header(&b);
	b.p[b.n - 1] = 1; /* one byte of vendor information, which is not there */
	assert_parse_fails(&b, PCRCAST_EFORMAT, 64, 0);
}

static void digests_must_be_announced_and_occur_once(void **state)
{
	struct bytes b = { .n = 0 };
	size_t start;

	(void)state;
	put_header(&b, (const uint16_t[][2]){ { SHA256, 32 }, { SM3, 32 } }, 2);
	put_separator(&b, 1);
	start = b.n;
	put32(&b, 0);
	put32(&b, EV_SEPARATOR);
	put32(&b, 2);
	put16(&b, SHA256);
	put_hex(&b, separator_sha256);
	size_t second = b.n;
	put16(&b, SM3);
	put_hex(&b, separator_sha256);
	put32(&b, 0);

	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0); /* one digest of two, as the first event has, is sound */
	done(&p);

	put_u16le(b.p + second, SHA256);
	assert_parse_fails(&b, PCRCAST_EFORMAT, second, 1);
	put_u16le(b.p + second, 0x1234);
	assert_parse_fails(&b, PCRCAST_EFORMAT, second, 1);
	put_u32le(b.p + start + 8, 3);
	assert_parse_fails(&b, PCRCAST_EFORMAT, start + 8, 1);
	put_u32le(b.p + start + 8, UINT32_MAX);
	assert_parse_fails(&b, PCRCAST_EFORMAT, start + 8, 1);
}

static void event_data_past_the_end_is_an_error_that_says_where(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_separator(&b, 0);
	put_separator(&b, 1);
	put_u32le(b.p + b.n - 8, UINT32_MAX);

	struct parsed p = parse(&b);
	assert_int_equal(p.rc, -PCRCAST_ETRUNC);
	assert_int_equal(p.e.offset, b.n - 8);
	assert_string_equal(p.e.msg, "event 1: 4294967295 bytes of event data, 4 left in the log");
	assert_int_equal(p.log.n_events, 1);
	assert_int_equal(p.log.end, p.log.events[0].offset + 54);
	done(&p);

	/* Without an error object the answer is the same. */
	struct eventlog log;
	assert_int_equal(eventlog_parse_tcg2((struct slice){ b.p, b.n }, &log, NULL), -PCRCAST_ETRUNC);
	eventlog_done(&log);
}

/* ---- writing ---- */

static void a_log_is_written_as_it_was_read(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	struct pool pool = POOL_INIT;
	struct slice out;

	(void)state;
	/* Everything that the header can say, and padding, which is not written. */
	b.p[0] = 1;
	b.p[48] = 1;
	b.p[54] = 105;
	put_fill(&b, 0xff, 100);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), 0);
	assert_int_equal(out.n, ends[3]);
	assert_memory_equal(out.p, b.p, out.n);
	done(&p);
	pool_done(&pool);

	b.n = 0;
	put_header(&b, (const uint16_t[][2]){ { SHA256, 32 } }, 1);
	b.p[b.n - 1] = 3;
	b.p[28] = (uint8_t)(b.p[28] + 3);
	put(&b, "abc", 3);
	p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), 0);
	assert_int_equal(out.n, b.n);
	assert_memory_equal(out.p, b.p, out.n);
	done(&p);
	pool_done(&pool);
}

static void a_new_log_has_the_header_of_edk2(void **state)
{
	/* The first event of a log recorded under OVMF (edk2 2022.11) with four banks. */
	static const char recorded[] = "000000000300000000000000000000000000000000000000000000002d000000"
				       "53706563204944204576656e7430330000000000000200020400000004001400"
				       "0b0020000c0030000d00400000";
	struct eventlog log = EVENTLOG_INIT;
	struct pool pool = POOL_INIT;
	struct bytes want = { .n = 0 };
	struct slice out;

	(void)state;
	put_hex(&want, recorded);
	assert_int_equal(eventlog_write_tcg2(&log, &pool, &out, NULL), -PCRCAST_EINVAL);
	for (; log.n_algs < ALG_COUNT; log.n_algs++)
		log.algs[log.n_algs] = (struct eventlog_alg){ algs[log.n_algs].tpm_id, algs[log.n_algs].len };
	assert_int_equal(eventlog_write_tcg2(&log, &pool, &out, NULL), 0);
	assert_int_equal(out.n, want.n);
	assert_memory_equal(out.p, want.p, out.n);
	pool_done(&pool);
	eventlog_done(&log);
}

static void events_that_a_reader_would_refuse_are_not_written(void **state)
{
	struct bytes b = { .n = 0 };
	struct pool pool = POOL_INIT;
	struct slice out;

	(void)state;
	put_header(&b, (const uint16_t[][2]){ { SHA1, 20 }, { SHA256, 32 } }, 2);
	put_separator(&b, 0);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), -PCRCAST_EFORMAT);
	assert_string_equal(p.e.msg, "event 0 cannot be written: no digest of algorithm 0x0004");

	/* Fewer digests announced than the event has. */
	p.log.algs[0] = p.log.algs[1];
	p.log.n_algs = 1;
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), 0);
	p.log.events[0].n_digests = 2;
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), -PCRCAST_EFORMAT);
	p.log.events[0].n_digests = 1;
	p.log.events[0].digests.n--;
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), -PCRCAST_EFORMAT);
	p.log.events[0].digests.n += 2;
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), -PCRCAST_EFORMAT);
	p.log.events[0].digests = SLICE_EMPTY; /* a predicted event that cannot be known */
	p.log.events[0].n_digests = 0;
	assert_int_equal(eventlog_write_tcg2(&p.log, &pool, &out, &p.e), -PCRCAST_EFORMAT);
	done(&p);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_the_names_of_the_specification),
		cmocka_unit_test(a_log_is_read_as_it_is),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(padding_ends_a_log),
		cmocka_unit_test(what_follows_all_ones_is_not_read_but_what_follows_zeros_is_an_error),
		cmocka_unit_test(an_event_with_pcr_all_ones_is_no_padding),
		cmocka_unit_test(other_logs_are_not_taken_for_crypto_agile),
		cmocka_unit_test(a_header_must_make_sense),
		cmocka_unit_test(digests_must_be_announced_and_occur_once),
		cmocka_unit_test(event_data_past_the_end_is_an_error_that_says_where),
		cmocka_unit_test(a_log_is_written_as_it_was_read),
		cmocka_unit_test(a_new_log_has_the_header_of_edk2),
		cmocka_unit_test(events_that_a_reader_would_refuse_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
