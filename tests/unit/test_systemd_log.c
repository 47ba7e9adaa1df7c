/* systemd's userspace log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_writer.h"

/* echo -n enter-initrd | sha256sum; and PCR 11 of zeros after enter-initrd and leave-initrd, computed with Python's hashlib. */
static const char enter_initrd[] = "51e6b92f405d1f98d96e3de343d61d420ad6923b25de21d766f9298192f14fed";
static const char pcr_11[] = "75df9c8b17d8a6465f2862028b892ea13a3d7c37685a945e5ff34fb44956c207";

static const char boot_id[] = "0123456789abcdef0123456789abcdef";

static void put_record(struct bytes *b, const char *word)
{
	put_text(b, "\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"");
	put_hash_hex(b, ALG_SHA256, word, strlen(word));
	put_text(b, "\"}],\"content_type\":\"systemd\",\"content\":{\"string\":\"");
	put_text(b, word);
	put_text(b, "\",\"bootId\":\"");
	put_text(b, boot_id);
	put_text(b, "\",\"timestamp\":1234567890,\"eventType\":\"phase\"}}\n");
}

static struct bytes two_phases(size_t ends[3])
{
	struct bytes b = { .n = 0 };

	ends[0] = 0;
	put_record(&b, "enter-initrd");
	ends[1] = b.n;
	put_record(&b, "leave-initrd");
	ends[2] = b.n;
	return b;
}

static void records_are_read_in_order(void **state)
{
	size_t ends[3];
	struct bytes b = two_phases(ends);
	struct parsed p = read_log(&b);
	char hex[65];

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.kind, EVENTLOG_SYSTEMD);
	assert_int_equal(p.log.n_events, 2);
	const struct event *ev = &p.log.events[0];
	assert_int_equal(ev->pcr, 11);
	assert_int_equal(ev->type, 0);
	assert_int_equal(ev->content, CONTENT_SYSTEMD);
	assert_int_equal(ev->offset, 1);
	assert_true(slice_equal_string(
		ev->data, "{\"string\":\"enter-initrd\",\"bootId\":\"0123456789abcdef0123456789abcdef\","
			  "\"timestamp\":1234567890,\"eventType\":\"phase\"}"));
	hex_encode(event_digest(ev, &p.log, ALG_SHA256).p, 32, hex);
	assert_string_equal(hex, enter_initrd);
	assert_replay(&p.log, ALG_SHA256, 11, pcr_11);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void an_nv_index_is_no_pcr(void **state)
{
	struct bytes b = { .n = 0 };
	struct pcr_bank bank;

	(void)state;
	put_text(&b, "\x1e{\"nv_index\":29425664,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"");
	put_hash_hex(&b, ALG_SHA256, "x", 1);
	put_text(&b, "\"}],\"content_type\":\"systemd\",\"content\":{\"nvIndexName\":\"hardware\",\"string\":"
		     "\"x\"}}\n");
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.events[0].pcr, 0x01c10000);
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, NULL), 0);
	assert_int_equal(bank.extended, 0);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void separators_may_be_missing(void **state)
{
	size_t ends[3];
	struct bytes b = two_phases(ends), without = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] != 0x1e)
			put8(&without, b.p[i]);
	struct parsed p = read_log(&without);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.kind, EVENTLOG_SYSTEMD);
	assert_replay(&p.log, ALG_SHA256, 11, pcr_11);
	done(&p);
}

static void every_truncation_keeps_the_sound_records(void **state)
{
	size_t ends[3];
	struct bytes b = two_phases(ends);

	(void)state;
	for (size_t n = 0; n <= b.n; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_SYSTEMD);
		/* a record is whole without its line feed; a separator alone begins nothing */
		size_t sound = (size_t)(n + 1 >= ends[1]) + (n + 1 >= ends[2]);
		bool whole =
			n <= 1 || n + 1 == ends[1] || n == ends[1] || n == ends[1] + 1 || n + 1 >= ends[2];

		assert_int_equal(p.rc, whole ? 0 : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, sound);
		if (p.rc < 0)
			assert_int_equal(p.e.offset, n);
		done(&p);
	}
}

static void a_broken_record_is_told_with_its_number(void **state)
{
	size_t ends[3];
	struct bytes b = two_phases(ends);

	(void)state;
	put_text(&b, "\x1e{\"pcr\":x}\n");
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, -PCRCAST_EFORMAT);
	assert_int_equal(p.e.offset, ends[2] + 8);
	assert_string_equal(p.e.msg, "record 2: JSON: expected a value, found 'x'");
	assert_int_equal(p.log.n_events, 2);
	assert_int_equal(p.log.end, ends[2] - 1);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_in_order),
		cmocka_unit_test(an_nv_index_is_no_pcr),
		cmocka_unit_test(separators_may_be_missing),
		cmocka_unit_test(every_truncation_keeps_the_sound_records),
		cmocka_unit_test(a_broken_record_is_told_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
