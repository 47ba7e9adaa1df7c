/* The event log: reading, replaying and writing crypto-agile logs, built here byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eventlog/eventlog.h"
#include "tests/unit/byte_writer.h"

enum { SM3 = 0x0012, SHA256 = 0x000b, SHA1 = 0x0004 };

/* SHA-256 and SHA-1 of four zero bytes: head -c4 /dev/zero | sha256sum, sha1sum. */
static const char separator_sha256[] = "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119";
static const char separator_sha1[] = "9069ca78e7450a285173431b3e52c5c25299e473";

/* ---- building logs ---- */

/* A Spec ID event whose algorithms are (id, len) pairs. */
static void put_header(struct bytes *b, const uint16_t (*algorithms)[2], uint32_t n)
{
	put32(b, 0);
	put32(b, EV_NO_ACTION);
	put_fill(b, 0, 20);
	put32(b, 28 + 4 * n + 1);
	put(b, "Spec ID Event03", 16);
	put32(b, 0);
	put8(b, 0);
	put8(b, 2);
	put8(b, 0);
	put8(b, 2);
	put32(b, n);
	for (uint32_t i = 0; i < n; i++) {
		put16(b, algorithms[i][0]);
		put16(b, algorithms[i][1]);
	}
	put8(b, 0);
}

static void put_sha256_header(struct bytes *b)
{
	put_header(b, (const uint16_t[][2]){ { SHA256, 32 } }, 1);
}

/* An event with a SHA-256 digest only. */
static void put_event(struct bytes *b, uint32_t pcr, uint32_t type, const char *digest, const void *data,
		      uint32_t n)
{
	put32(b, pcr);
	put32(b, type);
	put32(b, 1);
	put16(b, SHA256);
	put_hex(b, digest);
	put32(b, n);
	put(b, data, n);
}

static void put_separator(struct bytes *b, uint32_t pcr)
{
	put_event(b, pcr, EV_SEPARATOR, separator_sha256, "\0\0\0", 4);
}

static void put_locality(struct bytes *b, const void *data, uint32_t n)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

	put_event(b, 0, EV_NO_ACTION, zeros, data, n);
}

/* ---- a log and the exact heap block it was read from ---- */

struct parsed {
	uint8_t *bytes;
	struct eventlog log;
	struct pcrcast_error e;
	int rc;
};

static struct parsed parse_n(const struct bytes *b, size_t n)
{
	struct parsed p = { .bytes = malloc(n ? n : 1) };

	assert_non_null(p.bytes);
	memcpy(p.bytes, b->p, n);
	p.rc = eventlog_parse_tcg2((struct slice){ p.bytes, n }, &p.log, &p.e);
	return p;
}

static struct parsed parse(const struct bytes *b)
{
	return parse_n(b, b->n);
}

static void done(struct parsed *p)
{
	eventlog_done(&p->log);
	free(p->bytes);
}

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

static void assert_pcr(const struct bytes *b, enum alg alg, int pcr, const char *want)
{
	struct parsed p = parse(b);
	struct pcr_bank bank;
	char hex[2 * DIGEST_MAX + 1];

	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_replay(&p.log, alg, &bank, &p.e), 0);
	hex_encode(bank.pcr[pcr], algs[alg].len, hex);
	assert_string_equal(hex, want);
	done(&p);
}

static int replay_of(const struct bytes *b, enum alg alg)
{
	struct parsed p = parse(b);
	struct pcr_bank bank;

	assert_int_equal(p.rc, 0);
	int rc = eventlog_replay(&p.log, alg, &bank, &p.e);
	done(&p);
	return rc;
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

/* Three events; the second has no data. Returns the offsets at which the log may end. */
static struct bytes small_log(size_t ends[4])
{
	struct bytes b = { .n = 0 };

	put_header(&b, (const uint16_t[][2]){ { SHA1, 20 }, { SHA256, 32 }, { SM3, 32 } }, 3);
	ends[0] = b.n;
	for (uint32_t i = 0; i < 3; i++) {
		put32(&b, 7 + i);
		put32(&b, EV_SEPARATOR);
		put32(&b, 3);
		put16(&b, SM3);
		put_fill(&b, 0x33, 32);
		put16(&b, SHA1);
		put_hex(&b, separator_sha1);
		put16(&b, SHA256);
		put_hex(&b, separator_sha256);
		put32(&b, i == 1 ? 0 : 4);
		put_fill(&b, 0, i == 1 ? 0 : 4);
		ends[i + 1] = b.n;
	}
	return b;
}

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

/* ---- replay: values by python3 hashlib ---- */

static void replay_extends(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	struct parsed p = parse(&b);
	struct pcr_bank bank;

	(void)state;
	assert_pcr(&b, ALG_SHA256, 7, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
	assert_pcr(&b, ALG_SHA1, 9, "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236");
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &p.e), 0);
	assert_int_equal(bank.extended, 7 << 7);
	assert_int_equal(bank.count[8], 1);
	assert_int_equal(bank.pcr[17][0], 0xff);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA384, &bank, &p.e), -PCRCAST_ENOTFOUND);
	done(&p);

	b.n = 0;
	put_sha256_header(&b);
	put_separator(&b, 17);
	assert_pcr(&b, ALG_SHA256, 17, "c2bb0b4d4d51d6296b69c58ae7cf49854c56d544546a17239d07d7673b224762");
}

static void startup_locality_is_the_start_of_pcr_0(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocality\0\3", 17);
	size_t separator = b.n;
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "50bd7d88f0414b40608f8ffc56fd4f3201b5ed0644e36b8128d33624ebe0f053");

	/* Twice the same is no contradiction, another value is. */
	put_locality(&b, "StartupLocality\0\3", 17);
	assert_pcr(&b, ALG_SHA256, 0, "50bd7d88f0414b40608f8ffc56fd4f3201b5ed0644e36b8128d33624ebe0f053");
	b.p[b.n - 1] = 0;
	assert_int_equal(replay_of(&b, ALG_SHA256), -PCRCAST_EFORMAT);

	/* A locality that TPM2_Startup does not know, and none. */
	b.n = separator;
	b.p[b.n - 1] = 2;
	assert_int_equal(replay_of(&b, ALG_SHA256), -PCRCAST_EFORMAT);
	b.n = 0;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocality", 16);
	assert_int_equal(replay_of(&b, ALG_SHA256), -PCRCAST_EFORMAT);

	/* Other EV_NO_ACTION events mean nothing here, nor does this one outside PCR 0. */
	b.n = 0;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocalitx\0\3", 17);
	put_locality(&b, "SP800-155 Event", 16);
	put_event(&b, 1, EV_NO_ACTION, separator_sha256, "StartupLocality\0\3", 17);
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
}

static void h_crtm_is_locality_4(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_locality(&b, "StartupLocality\0\4", 17);
	size_t separator = b.n;
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "a4106eb945468aeffd03f996821141d83aec28c4e41b520f4b8508ca867aa20e");

	/* printf HCRTM | sha256sum */
	b.n = separator;
	b.p[b.n - 1] = 3;
	put_event(&b, 0, EV_EFI_HCRTM_EVENT,
		  "88356cd60a1f7d51441ad4466df8ebca30eab0fee284055885bc695e8ace3e65", "HCRTM", 5);
	put_separator(&b, 0);
	assert_pcr(&b, ALG_SHA256, 0, "f9540cbdaceac7ac4cf50e5559deb2a44e4f05c6f1b6721858c2023aeb85de2e");
}

static void pcrs_above_23_are_not_extended(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_sha256_header(&b);
	put_separator(&b, 24);
	put_separator(&b, 0x01c40200);
	put_separator(&b, UINT32_MAX);
	put_separator(&b, 23);
	struct parsed p = parse(&b);
	struct pcr_bank bank;
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &p.e), 0);
	assert_int_equal(bank.extended, 1 << 23);
	done(&p);
}

static void an_event_without_a_digest_has_no_value_in_that_bank(void **state)
{
	struct bytes b = { .n = 0 };
	struct pcr_bank bank;
	size_t missing = 99;

	(void)state;
	put_header(&b, (const uint16_t[][2]){ { SHA1, 20 }, { SHA256, 32 } }, 2);
	put_event(&b, 0, EV_NO_ACTION, separator_sha256, "", 0); /* not extended, so not missed */
	put_separator(&b, 30);
	put_separator(&b, 7);
	struct parsed p = parse(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &p.e), 0);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA1, &bank, &p.e), -PCRCAST_ENOTFOUND);
	assert_int_equal(p.e.offset, p.log.events[2].offset);
	assert_int_equal(eventlog_replay_partial(&p.log, ALG_SHA1, &bank, &missing, &p.e), 0);
	assert_int_equal(missing, 1);
	assert_int_equal(bank.extended, 0);
	assert_int_equal(eventlog_replay_partial(&p.log, ALG_SHA256, &bank, &missing, &p.e), 0);
	assert_int_equal(missing, 0);
	done(&p);
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
		cmocka_unit_test(replay_extends),
		cmocka_unit_test(startup_locality_is_the_start_of_pcr_0),
		cmocka_unit_test(h_crtm_is_locality_4),
		cmocka_unit_test(pcrs_above_23_are_not_extended),
		cmocka_unit_test(an_event_without_a_digest_has_no_value_in_that_bank),
		cmocka_unit_test(a_log_is_written_as_it_was_read),
		cmocka_unit_test(a_new_log_has_the_header_of_edk2),
		cmocka_unit_test(events_that_a_reader_would_refuse_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
