/* SHA-1 logs, with and without a Spec ID event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_writer.h"

static const char separator_sha1[] =
	"b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236"; /* sha1(zeros(20) || sha1(zeros(4))) */

/* Three events; ends[i] is where the log may end. */
static struct bytes small_log(size_t ends[4])
{
	struct bytes b = { .n = 0 };

	ends[0] = 0;
	put_event1(&b, 0, EV_S_CRTM_VERSION, "M\0", 2);
	ends[1] = b.n;
	put_event1(&b, 4, EV_SEPARATOR, "\0\0\0", 4);
	ends[2] = b.n;
	put_event1(&b, 5, EV_ACTION, "", 0);
	ends[3] = b.n;
	return b;
}

static void put_old_spec_id(struct bytes *b, const char *signature, uint8_t vendor_len)
{
	struct bytes body = { .n = 0 };

	put(&body, signature, 16);
	put32(&body, 1);
	put_hex(&body, "02010202");
	put8(&body, vendor_len);
	put_text(&body, "abc");
	put_event1(b, 0, EV_NO_ACTION, body.p, (uint32_t)body.n);
}

static void events_are_read_as_they_are(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	struct parsed p = read_log(&b);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.kind, EVENTLOG_TCG1);
	assert_int_equal(p.log.n_algs, 1);
	assert_int_equal(p.log.algs[0].id, 4);
	assert_int_equal(p.log.n_events, 3);
	assert_int_equal(p.log.n_findings, 0);
	assert_int_equal(p.log.end, b.n);
	const struct event *ev = &p.log.events[1];
	assert_int_equal(ev->offset, ends[1]);
	assert_int_equal(ev->pcr, 4);
	assert_int_equal(ev->type, EV_SEPARATOR);
	assert_int_equal(ev->n_digests, 1);
	assert_int_equal(ev->data.n, 4);
	assert_int_equal(event_digest(ev, &p.log, ALG_SHA1).n, 20);
	assert_replay(&p.log, ALG_SHA1, 4, separator_sha1);
	assert_cel_json_round_trip(&p.log);
	done(&p);
}

static void a_sha1_log_leads_to_no_sha256_values(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	struct parsed p = read_log(&b);
	struct pcr_bank bank;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(eventlog_replay(&p.log, ALG_SHA256, &bank, &e), -PCRCAST_ENOTFOUND);
	assert_string_equal(e.msg, "the log has no sha256 digests");
	done(&p);
}

static void an_old_spec_id_event_is_the_header(void **state)
{
	static const char *const signatures[] = { "Spec ID Event00", "Spec ID Event02" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes b = { .n = 0 };

		put_old_spec_id(&b, signatures[i], 3);
		put_event1(&b, 4, EV_SEPARATOR, "\0\0\0", 4);
		struct parsed p = read_log(&b);
		assert_int_equal(p.rc, 0);
		assert_int_equal(p.log.n_events, 1);
		assert_int_equal(p.log.spec_id.platform_class, 1);
		assert_int_equal(p.log.spec_id.version_minor, 2);
		assert_int_equal(p.log.spec_id.version_major, 1);
		assert_int_equal(p.log.spec_id.errata, 2);
		assert_true(slice_equal_string(p.log.spec_id.vendor_info, "abc"));
		assert_replay(&p.log, ALG_SHA1, 4, separator_sha1);
		assert_cel_json_round_trip(&p.log);
		done(&p);
	}
}

static void a_short_spec_id_event_is_a_finding(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_old_spec_id(&b, "Spec ID Event02", 4);
	put_event1(&b, 4, EV_SEPARATOR, "\0\0\0", 4);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 1);
	assert_non_null(find(&p, "spec-id"));
	assert_int_equal(p.log.spec_id.version_major, 0);
	done(&p);
}

static void without_a_header_the_first_event_counts(void **state)
{
	struct bytes b = { .n = 0 };

	(void)state;
	put_event1(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 1);
	assert_replay(&p.log, ALG_SHA1, 0, "0000000000000000000000000000000000000003");
	done(&p);
}

static void padding_ends_the_log(void **state)
{
	size_t ends[4];

	(void)state;
	for (int fill = 0; fill < 2; fill++) {
		struct bytes b = small_log(ends);

		put_fill(&b, fill ? 0xff : 0, 64);
		struct parsed p = read_log(&b);
		assert_int_equal(p.rc, 0);
		assert_int_equal(p.log.n_events, 3);
		assert_int_equal(p.log.end, ends[3]);
		assert_int_equal(find(&p, "padding")->offset, ends[3]);
		done(&p);
	}
}

static void every_truncation_keeps_the_sound_events(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);
	size_t sound = 0;

	(void)state;
	for (size_t n = 0; n <= b.n; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_TCG1);

		while (sound < 3 && n >= ends[sound + 1])
			sound++;
		assert_int_equal(p.rc, n > 0 && n == ends[sound] ? 0 : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, sound);
		assert_int_equal(p.log.end, ends[sound]);
		if (p.rc < 0)
			assert_true(p.e.offset >= ends[sound] && p.e.offset <= n);
		done(&p);
	}
}

static void truncations_are_recognised_all_the_same(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);

	(void)state;
	for (size_t n = 8; n < ends[1]; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_KINDS);

		assert_int_equal(p.rc, -PCRCAST_ETRUNC);
		assert_int_equal(p.log.kind, EVENTLOG_TCG1);
		done(&p);
	}
}

static void data_past_the_end_is_an_error_that_says_where(void **state)
{
	size_t ends[4];
	struct bytes b = small_log(ends);

	(void)state;
	put32(&b, 8);
	put32(&b, EV_IPL);
	put_fill(&b, 1, 20);
	put32(&b, UINT32_MAX);
	put_text(&b, "abc");
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, -PCRCAST_ETRUNC);
	assert_int_equal(p.e.offset, ends[3] + 28);
	assert_string_equal(p.e.msg, "event 3: 4294967295 bytes of event data, 3 left in the log");
	assert_int_equal(p.log.n_events, 3);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_read_as_they_are),
		cmocka_unit_test(a_sha1_log_leads_to_no_sha256_values),
		cmocka_unit_test(an_old_spec_id_event_is_the_header),
		cmocka_unit_test(a_short_spec_id_event_is_a_finding),
		cmocka_unit_test(without_a_header_the_first_event_counts),
		cmocka_unit_test(padding_ends_the_log),
		cmocka_unit_test(every_truncation_keeps_the_sound_events),
		cmocka_unit_test(truncations_are_recognised_all_the_same),
		cmocka_unit_test(data_past_the_end_is_an_error_that_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
