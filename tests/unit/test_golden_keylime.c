/* Keylime's measured-boot reference state: reading, making of a log, and holding a log against it. */
#define _GNU_SOURCE
#include "golden_sample.h"

#include "base/bytes.h"
#include "golden/keylime_check.h"

#define DATA "tests/data/golden/"

struct sample {
	uint8_t *state, *log_bytes; /* the bytes of a log outlive it */
	size_t n_state, n_log;
	struct golden g; /* the state */
	struct eventlog log;
};

static void sample_open(struct sample *s, const char *name)
{
	char path[64];
	struct pcrcast_error e = { .msg = "" };

	(void)snprintf(path, sizeof path, DATA "%s.json", name);
	s->state = sample_load(path, &s->n_state);
	(void)snprintf(path, sizeof path, DATA "%s.bin", name);
	s->log_bytes = sample_load(path, &s->n_log);
	sample_take((struct slice){ s->state, s->n_state }, NULL, &s->g);
	assert_string_equal(s->g.format, "keylime-mb");
	if (eventlog_read((struct slice){ s->log_bytes, s->n_log }, EVENTLOG_KINDS, &s->log, &e) < 0)
		fail_msg("%s", e.msg);
}

static void sample_close(struct sample *s)
{
	golden_done(&s->g);
	eventlog_done(&s->log);
	free(s->state);
	free(s->log_bytes);
}

static enum match check(struct pool *pool, const struct golden *g, const struct eventlog *log,
			struct keylime_result *ret)
{
	struct pcrcast_error e = { .msg = "" };
	struct keylime_state state;

	if (keylime_state_of(pool, g->sets[0].claims, g->sets[0].n_claims, &state, &e) < 0 ||
	    keylime_check(pool, &state, log, ret, &e) < 0)
		fail_msg("%s", e.msg);
	return keylime_answer(ret);
}

/* The log as the only set of a reference. */
static void golden_of_log(struct golden *g, const uint8_t *bytes, size_t n)
{
	struct pcrcast_error e = { .msg = "" };
	struct eventlog log;

	*g = GOLDEN_INIT;
	assert_int_equal(eventlog_read((struct slice){ bytes, n }, EVENTLOG_KINDS, &log, &e), 0);
	struct golden_set *s = golden_add_set(g, &e);
	assert_non_null(s);
	assert_int_equal(golden_keep_log(g, s, &log, &e), 0);
}

static void a_log_gives_the_state_that_keylime_makes_of_it(void **state)
{
	static const char *const names[] = { "keylime-mb", "keylime-mb-off" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pool pool = POOL_INIT;
		struct golden g;
		struct sample s;
		size_t n_lost;

		sample_open(&s, names[i]);
		golden_of_log(&g, s.log_bytes, s.n_log);
		/* Keylime's own JSON, read and written here, is the same text as what is made of the log here */
		struct slice theirs = sample_write(&s.g, "keylime-mb", &pool, NULL, &n_lost);
		assert_int_equal(n_lost, 0);
		struct slice ours = sample_write(&g, "keylime-mb", &pool, NULL, &n_lost);
		assert_int_equal(n_lost, 0);
		assert_int_equal(ours.n, theirs.n);
		assert_memory_equal(ours.p, theirs.p, ours.n);
		golden_done(&g);
		sample_close(&s);
		pool_done(&pool);
	}
}

static void a_state_is_read_into_claims(void **state)
{
	static const struct {
		const char *role;
		size_t n;
	} counts[] = {
		{ "secure-boot", 1 }, { "scrtm", 1 },     { "platform-firmware", 2 },
		{ "pk", 1 },          { "kek", 2 },       { "db", 2 },
		{ "dbx", 2 },         { "vendor-db", 1 }, { "mok", 1 },
		{ "mokx", 1 },        { "shim", 1 },      { "grub", 1 },
		{ "kernel", 1 },      { "initrd", 1 },    { "cmdline", 1 },
		{ "kernel-file", 0 },
	};
	struct sample s;

	(void)state;
	sample_open(&s, "keylime-mb");
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		size_t n = 0;

		for (size_t k = 0; k < s.g.sets[0].n_claims; k++)
			n += strcmp(s.g.sets[0].claims[k].role, counts[i].role) == 0;
		if (n != counts[i].n)
			fail_msg("%s: %zu", counts[i].role, n);
	}
	sample_close(&s);
}

static void a_state_survives_our_own_json(void **state)
{
	struct pool pool = POOL_INIT;
	struct golden again;
	struct sample s;

	(void)state;
	sample_open(&s, "keylime-mb");
	sample_take(sample_write(&s.g, "json", &pool, NULL, NULL), NULL, &again);
	assert_true(slice_equal(sample_write(&s.g, "keylime-mb", &pool, NULL, NULL),
				sample_write(&again, "keylime-mb", &pool, NULL, NULL)));
	golden_done(&again);
	sample_close(&s);
	pool_done(&pool);
}

static void each_log_satisfies_its_own_state_and_not_the_other(void **state)
{
	struct pool pool = POOL_INIT;
	struct keylime_result r;
	struct sample on, off;

	(void)state;
	sample_open(&on, "keylime-mb");
	sample_open(&off, "keylime-mb-off");
	assert_int_equal(check(&pool, &on.g, &on.log, &r), MATCH_YES);
	assert_int_equal(check(&pool, &off.g, &off.log, &r), MATCH_YES);
	assert_int_equal(check(&pool, &on.g, &off.log, &r), MATCH_NO);
	assert_string_equal(r.findings[0].name, "secure-boot");
	assert_int_equal(check(&pool, &off.g, &on.log, &r), MATCH_NO);
	sample_close(&on);
	sample_close(&off);
	pool_done(&pool);
}

/* Change one thing in the log and see what is said. The digests are those of the words, so a changed byte in the digest is enough. */
static void expect_finding(struct sample *s, size_t event, const char *name)
{
	struct pool pool = POOL_INIT;
	struct keylime_result r;
	bool found = false;

	assert_int_equal(check(&pool, &s->g, &s->log, &r), MATCH_NO);
	for (size_t i = 0; i < r.n; i++)
		found |= strcmp(r.findings[i].name, name) == 0 && r.findings[i].event == event;
	if (!found)
		fail_msg("no finding %s about event %zu", name, event);
	pool_done(&pool);
}

static size_t find_event(const struct eventlog *log, uint32_t type, const char *words)
{
	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].type == type &&
		    memmem(log->events[i].data.p, log->events[i].data.n, words, strlen(words)))
			return i;
	fail_msg("no event with %s", words);
	return 0;
}

static void a_changed_digest_is_found_and_named(void **state)
{
	static const struct {
		uint32_t type;
		const char *words, *name;
	} cases[] = {
		{ EV_S_CRTM_VERSION, "", "scrtm" },
		{ EV_EFI_PLATFORM_FIRMWARE_BLOB, "", "platform-firmware" },
		{ EV_EFI_BOOT_SERVICES_APPLICATION, "", "shim" },
		{ EV_IPL, "MokListX", "mokx" },
		{ EV_IPL, "initrd.img-6.1", "initrd" },
		{ EV_SEPARATOR, "", "separator" },
		{ EV_EFI_ACTION, "Exit", "action" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sample s;

		sample_open(&s, "keylime-mb");
		size_t at = find_event(&s.log, cases[i].type, cases[i].words);
		if (strcmp(cases[i].name, "initrd") == 0) { /* the file, not the command */
			while (s.log.events[at].pcr != 9)
				at++;
		}
		struct event *ev = &s.log.events[at];
		uint8_t *digests = pool_copy(&s.log.pool, ev->digests.p, ev->digests.n);
		assert_non_null(digests);
		digests[2] ^= 1;               /* SHA-1 */
		digests[2 + 20 + 2 + 31] ^= 1; /* SHA-256 */
		ev->digests.p = digests;
		expect_finding(&s, at, cases[i].name);
		sample_close(&s);
	}
}

static void changed_data_is_found_and_named(void **state)
{
	static const struct {
		uint32_t type;
		const char *words, *name;
	} cases[] = {
		{ EV_IPL, "kernel_cmdline: /vmlinuz", "cmdline" },
		{ EV_EFI_VARIABLE_DRIVER_CONFIG, "\xa1\xa1\xa1", "pk" },
		{ EV_EFI_VARIABLE_DRIVER_CONFIG, "\xa3\xa3\xa3", "kek" },
		{ EV_EFI_VARIABLE_DRIVER_CONFIG, "\xd4\xd4\xd4", "db" },
		{ EV_EFI_VARIABLE_DRIVER_CONFIG, "\xd6\xd6\xd6", "dbx" },
		{ EV_EFI_VARIABLE_AUTHORITY, "\xa7\xa7\xa7", "vendor-db" },
		{ EV_IPL, "MokListTrusted", "unexpected-event" },
		{ EV_IPL, "grub_cmd:", "unexpected-event" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sample s;

		sample_open(&s, "keylime-mb");
		size_t at = find_event(&s.log, cases[i].type, cases[i].words);
		struct event *ev = &s.log.events[at];
		uint8_t *data = pool_copy(&s.log.pool, ev->data.p, ev->data.n);
		assert_non_null(data);
		uint8_t *words = memmem(data, ev->data.n, cases[i].words, strlen(cases[i].words));
		words[strlen(cases[i].words) - 1] ^= 1;
		ev->data.p = data;
		expect_finding(&s, at, cases[i].name);
		sample_close(&s);
	}
}

static void more_revocations_are_welcome_and_fewer_are_not(void **state)
{
	struct pool pool = POOL_INIT;
	struct keylime_result r;
	struct sample s;

	(void)state;
	sample_open(&s, "keylime-mb");
	for (size_t i = 0; i < s.g.sets[0].n_claims; i++) {
		struct golden_claim *c = &s.g.sets[0].claims[i];

		if (strcmp(c->role, "dbx") == 0 &&
		    c->bytes.p[0] == 0xd6) /* the log has one more than the state then */
			c->bytes = s.g.sets[0].claims[i - 1].bytes;
		else if (strcmp(c->role, "kek") == 0) /* as tpm2-tools before 5.2 printed it */
			c->owner = "bd9afa77-5903-324d-bd60-28f4e78f784b";
	}
	assert_int_equal(check(&pool, &s.g, &s.log, &r), MATCH_YES);
	sample_close(&s);
	pool_done(&pool);
}

static void a_pattern_that_is_not_handled_leaves_it_open(void **state)
{
	struct pool pool = POOL_INIT;
	struct keylime_result r;
	struct sample s;

	(void)state;
	sample_open(&s, "keylime-mb");
	struct golden_claim *c = &s.g.sets[0].claims[s.g.sets[0].n_claims - 1];
	assert_string_equal(c->role, "cmdline");
	c->text = "(?=x)y";
	assert_int_equal(check(&pool, &s.g, &s.log, &r), MATCH_CANNOT_TELL);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.findings[0].name, "cmdline");
	c->text = "/vmlinuz.* ro quiet.*";
	assert_int_equal(check(&pool, &s.g, &s.log, &r), MATCH_YES);
	sample_close(&s);
	pool_done(&pool);
}

static void other_boots_and_values_alone_are_refused(void **state)
{
	static const struct {
		const char *path, *says;
	} cases[] = {
		{ "tests/data/logs/bare-257.bin", "PCR 11 is extended (by a UKI" },
		{ "tests/data/logs/secureboot-257.bin", "3 or 4 boot applications: the log has 2; PCR 11" },
	};
	struct golden_selection all = { 0 };
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	const char *const *lost;
	struct slice out;
	struct golden g;
	size_t n, n_lost;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t *p = sample_load(cases[i].path, &n);

		golden_of_log(&g, p, n);
		assert_int_equal(golden_write(&g, &all, golden_format_by_name("keylime-mb"), &pool, &out,
					      &lost, &n_lost, &e),
				 -PCRCAST_EUNSUPPORTED);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[i].says);
		golden_done(&g);
		free(p);
	}
	sample_take(slice_of_string("sha256:\n4 : 0x00000000000000000000000000000000000000000000000000000000"
				    "00000000\n"),
		    NULL, &g);
	assert_int_equal(
		golden_write(&g, &all, golden_format_by_name("keylime-mb"), &pool, &out, &lost, &n_lost, &e),
		-PCRCAST_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "made of an event log"));
	golden_done(&g);
	pool_done(&pool);
}

#define HASH "0x00000000000000000000000000000000000000000000000000000000000000ff"
#define KERNEL(more)                                                              \
	"{\"shim_authcode_sha256\":\"" HASH "\",\"grub_authcode_sha256\":\"" HASH \
	"\",\"kernel_authcode_sha256\":\"" HASH "\",\"initrd_plain_sha256\":\"" HASH "\"" more "}"
#define STATE(firmware, pk, kernels)                     \
	"{\"scrtm_and_bios\":[" firmware "],\"pk\":[" pk \
	"],\"kek\":[],\"db\":[],\"dbx\":[],\"mokdig\":[],\"mokxdig\":[],\"kernels\":[" kernels "]}"

static void faulty_states_are_refused(void **state)
{
	struct golden g;

	(void)state;
	sample_take(slice_of_string(STATE("", "", "")), NULL, &g);
	golden_done(&g);
	sample_take(slice_of_string(STATE("", "", KERNEL(",\"kernel_cmdline\":\"x\",\"odd\":1"))), NULL, &g);
	assert_int_equal(g.n_notes, 1);
	assert_non_null(strstr(g.notes[0], "\"odd\""));
	golden_done(&g);
	sample_take(slice_of_string(STATE("{\"scrtm\":{\"sha1\":\"0x00\",\"sha256\":\"" HASH
					  "\"},\"platform_firmware\":[]}",
					  "", "")),
		    NULL, &g);
	assert_int_equal(g.n_notes, 1); /* of two digests one is kept */
	golden_done(&g);
	sample_refused(STATE("", "", KERNEL("")), NULL, "\"kernel_cmdline\": expected a regular expression");
	sample_refused(STATE("", "", "1"), NULL, "\"kernels\": expected objects");
	sample_refused(STATE("{}", "", ""), NULL, "\"scrtm\": expected a digest");
	sample_refused(STATE("{\"scrtm\":{\"sha256\":\"0xFF\"}}", "", ""), NULL, "lower case");
	sample_refused(STATE("{\"scrtm\":{\"sha256\":\"" HASH "\"}}", "", ""), NULL,
		       "\"platform_firmware\": expected an array");
	sample_refused(STATE("", "{\"SignatureOwner\":\"x\",\"SignatureData\":\"0x00\"}", ""), NULL,
		       "\"pk\": expected signatures");
	sample_refused(STATE("", "{\"SignatureOwner\":\"77fa9abd-0359-4d32-bd60-28f4e78f784b\"}", ""), NULL,
		       "\"pk\": expected signatures");
	sample_refused("{\"scrtm_and_bios\":[],\"kernels\":[]}", NULL, "\"pk\": expected an array");
	sample_refused("{\"has_secureboot\":1,\"scrtm_and_bios\":[],\"kernels\":[]}", NULL,
		       "\"has_secureboot\": expected true or false");
	sample_refused("[]", "keylime-mb", "expected an object");
}

/* Real machines: what create_mb_refstate makes of these was compared by hand; here they must not be taken for others. */
static void real_logs_satisfy_their_own_state_when_the_policy_knows_all_events(void **state)
{
	static const char *const names[] = { "kgoldman-ibmtss__ubuntu1.log",
					     "tpm2-software-tpm2-tools__event-bootorder.bin",
					     "tpm2-software-tpm2-tools__event-moklisttrusted.bin" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct pool pool = POOL_INIT;
		char path[128];
		struct golden g;
		size_t n, n_lost;

		(void)snprintf(path, sizeof path, "../shared/corpus/eventlogs/%s", names[i]);
		FILE *f = fopen(path, "rb");
		if (!f)
			skip();
		(void)fclose(f);
		uint8_t *p = sample_load(path, &n);
		golden_of_log(&g, p, n);
		(void)sample_write(&g, "keylime-mb", &pool, NULL, &n_lost);
		assert_int_equal(n_lost, 0);
		golden_done(&g);
		free(p);
		pool_done(&pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_gives_the_state_that_keylime_makes_of_it),
		cmocka_unit_test(a_state_is_read_into_claims),
		cmocka_unit_test(a_state_survives_our_own_json),
		cmocka_unit_test(each_log_satisfies_its_own_state_and_not_the_other),
		cmocka_unit_test(a_changed_digest_is_found_and_named),
		cmocka_unit_test(changed_data_is_found_and_named),
		cmocka_unit_test(more_revocations_are_welcome_and_fewer_are_not),
		cmocka_unit_test(a_pattern_that_is_not_handled_leaves_it_open),
		cmocka_unit_test(other_boots_and_values_alone_are_refused),
		cmocka_unit_test(faulty_states_are_refused),
		cmocka_unit_test(real_logs_satisfy_their_own_state_when_the_policy_knows_all_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
