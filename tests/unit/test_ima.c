/* IMA lists, binary and text, and what their events extend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "log_writer.h"

/*
 * The list of put_list: template ima-ng, boot_aggregate with sha256 of 32 bytes 0x11, then a violation. Values of PCR 10
 * computed with Python's hashlib: template data hashed, or their SHA-1 padded with zeros; then all ones.
 */
static const char first_digest_sha1[] = "4c68b17f29b5b18e86b4cdfc8cce464b3053c558";
static const char pcr_sha1[] = "fa1931cd0847ed112156b1faaa1a19e6f28737a7";
static const char pcr_sha256[] = "fa6775a94350de2b7b08cb29f5ebf218e80148c582c80c061ffde5e6ba757520";
static const char pcr_sha256_padded[] = "7f74563d38494779546bd00f327d553e69c5f011c755228d34ef195c6db47c21";
static const char pcr_sha384[] =
	"72e3df60a69675a7ce2a4c686ea7390c2d952b08797b8ba1d5815d8df2eaffdcb2d32a67685975e40ed8b09ff4323ef2";
static const char pcr_sha384_padded[] =
	"e2ed55f240a2dd5f12a35c95e68d5af8f5cb718669d5a428842c03947152d7cef099b4c8ba5011fc0b76009ef69737a7";

/* Template "ima", digest of 20 bytes 0x22, boot_aggregate; the same way. */
static const char old_digest_sha1[] = "0474246bd16c981a63f3e0e625764c55c8e87513";
static const char old_pcr_sha1[] = "ca361b5b814221117cff118924ce1fdc6bee6509";
static const char old_pcr_sha256[] = "4de9163e9c78ecfd36c715ee4265a7b19859f3010f040d2632d619e75a039149";

/* ---- building ---- */

struct form {
	bool big_endian;
	enum alg alg;
};

static void put_number(struct bytes *b, const struct form *f, uint32_t v)
{
	if (f->big_endian)
		put32be(b, v);
	else
		put32(b, v);
}

static void put_field(struct bytes *b, const struct form *f, const void *p, size_t n)
{
	put_number(b, f, (uint32_t)n);
	put(b, p, n);
}

/* "d-ng|n-ng": sha256 of n times fill. */
static void put_ng(struct bytes *b, const struct form *f, uint8_t fill, const char *name)
{
	struct bytes digest = { .n = 0 };

	put(&digest, "sha256:", sizeof "sha256:");
	put_fill(&digest, fill, 32);
	put_field(b, f, digest.p, digest.n);
	put_field(b, f, name, strlen(name) + 1);
}

/* An entry; the digest is that of little_endian, zeros when it is NULL. */
static void put_entry(struct bytes *b, const struct form *f, const char *template, const struct bytes *data,
		      const struct bytes *little_endian)
{
	put_number(b, f, 10);
	if (little_endian)
		put_hash(b, f->alg, little_endian->p, little_endian->n);
	else
		put_fill(b, 0, algs[f->alg].len);
	put_field(b, f, template, strlen(template));
	put_field(b, f, data->p, data->n);
}

static struct bytes put_list(const struct form *f, size_t ends[3])
{
	const struct form little = { .big_endian = false };
	struct bytes b = { .n = 0 }, data = { .n = 0 }, hashed = { .n = 0 }, violation = { .n = 0 };

	ends[0] = 0;
	put_ng(&data, f, 0x11, "boot_aggregate");
	put_ng(&hashed, &little, 0x11, "boot_aggregate");
	put_entry(&b, f, "ima-ng", &data, &hashed);
	ends[1] = b.n;
	put_ng(&violation, f, 0, "/bin/sh");
	put_entry(&b, f, "ima-ng", &violation, NULL);
	ends[2] = b.n;
	return b;
}

/* Template "ima": no length of the data, no NUL behind the name; the name is hashed padded to 256 bytes. */
static struct bytes put_old_list(const struct form *f)
{
	struct bytes b = { .n = 0 }, hashed = { .n = 0 };

	put_fill(&hashed, 0x22, 20);
	put_text(&hashed, "boot_aggregate");
	put_fill(&hashed, 0, 256 - strlen("boot_aggregate"));
	put_number(&b, f, 10);
	put_hash(&b, f->alg, hashed.p, hashed.n);
	put_field(&b, f, "ima", 3);
	put_fill(&b, 0x22, 20);
	put_field(&b, f, "boot_aggregate", strlen("boot_aggregate"));
	return b;
}

static void assert_list(struct parsed *p, const struct form *f)
{
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;

	if (p->rc < 0)
		fail_msg("%s", p->e.msg);
	assert_int_equal(p->log.kind, EVENTLOG_IMA);
	assert_int_equal(p->log.n_algs, 1);
	assert_int_equal(p->log.algs[0].id, algs[f->alg].tpm_id);
	assert_int_equal(p->log.n_events, 2);
	assert_int_equal(p->log.n_findings, 0);
	const struct event *ev = &p->log.events[0];
	assert_int_equal(ev->pcr, 10);
	assert_int_equal(ev->type, 0);
	assert_int_equal(ev->content, CONTENT_IMA);
	assert_string_equal(ev->template_name, "ima-ng");
	assert_int_equal(ev->data.n, 4 + 8 + 32 + 4 + sizeof "boot_aggregate");
	assert_int_equal(get_u32le(ev->data.p), 40); /* whatever the list's byte order */
	assert_int_equal(event_ima_template_digest(ev, ALG_SHA1, &d, NULL), 0);
	hex_encode(d.bytes, 20, hex);
	assert_string_equal(hex, first_digest_sha1);
	assert_replay(&p->log, ALG_SHA1, 10, pcr_sha1);
	assert_replay(&p->log, ALG_SHA256, 10, pcr_sha256);
	assert_replay(&p->log, ALG_SHA384, 10, pcr_sha384);
	assert_cel_json_round_trip(&p->log);
}

/* ---- binary ---- */

static void binary_lists_of_either_byte_order_and_any_digest_are_read(void **state)
{
	static const enum alg lengths[] = { ALG_SHA1, ALG_SHA256, ALG_SHA384 };

	(void)state;
	for (int big_endian = 0; big_endian < 2; big_endian++)
		for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
			const struct form f = { .big_endian = big_endian != 0, .alg = lengths[i] };
			size_t ends[3];
			struct bytes b = put_list(&f, ends);
			struct parsed p = read_log(&b);

			assert_list(&p, &f);
			assert_int_equal(p.log.events[1].offset, ends[1]);
			done(&p);
		}
}

static void template_ima_is_of_another_form(void **state)
{
	(void)state;
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		const struct form f = { .big_endian = big_endian != 0, .alg = ALG_SHA1 };
		struct bytes b = put_old_list(&f);
		struct parsed p = read_log(&b);
		char hex[41];

		assert_int_equal(p.rc, 0);
		assert_int_equal(p.log.n_events, 1);
		assert_int_equal(p.log.n_findings, 0);
		assert_int_equal(p.log.events[0].data.n, 20 + 4 + 14);
		hex_encode(event_digest(&p.log.events[0], &p.log, ALG_SHA1).p, 20, hex);
		assert_string_equal(hex, old_digest_sha1);
		assert_replay(&p.log, ALG_SHA1, 10, old_pcr_sha1);
		assert_replay(&p.log, ALG_SHA256, 10, old_pcr_sha256);
		assert_cel_json_round_trip(&p.log);
		done(&p);
	}
}

static void a_bank_without_digests_is_hashed_or_padded(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	size_t ends[3];
	struct bytes b = put_list(&f, ends);
	struct parsed p = read_log(&b);

	(void)state;
	p.log.ima_padded = true;
	assert_replay(&p.log, ALG_SHA1, 10, pcr_sha1);
	assert_replay(&p.log, ALG_SHA256, 10, pcr_sha256_padded);
	assert_replay(&p.log, ALG_SHA384, 10, pcr_sha384_padded);
	done(&p);

	/* also when the list has another digest than SHA-1 */
	const struct form longer = { .alg = ALG_SHA256 };
	b = put_list(&longer, ends);
	p = read_log(&b);
	p.log.ima_padded = true;
	assert_replay(&p.log, ALG_SHA256, 10, pcr_sha256);
	assert_replay(&p.log, ALG_SHA384, 10, pcr_sha384_padded);
	done(&p);
}

static void lists_of_fields_are_templates(void **state)
{
	static const char *const names[] = { "n-ng|d-ng", "d-ng|n-ng|sig", "sig",       "n",
					     "evm-sig",   "ima-modsig",    "ima-sigv2", "ima-buf" };
	const struct form f = { .alg = ALG_SHA1 };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct bytes b = { .n = 0 }, data = { .n = 0 };

		put_field(&data, &f, "x", 2);
		put_entry(&b, &f, names[i], &data, &data);
		struct parsed p = read_log(&b);
		assert_int_equal(p.rc, 0);
		assert_int_equal(p.log.kind, EVENTLOG_IMA);
		assert_string_equal(p.log.events[0].template_name, names[i]);
		/* one field is all that "sig" and "n" have */
		assert_int_equal(find(&p, "template-data") == NULL,
				 strcmp(names[i], "sig") == 0 || strcmp(names[i], "n") == 0);
		done(&p);
	}
}

static void an_unknown_template_is_carried_along(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	struct bytes data = { .n = 0 };
	size_t ends[3];
	struct bytes b = put_list(&f, ends);

	(void)state;
	put_text(&data, "whatever");
	put_entry(&b, &f, "ima-next", &data, &data);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_events, 3);
	assert_string_equal(p.log.events[2].template_name, "ima-next");
	assert_int_equal(p.log.events[2].data.n, 8);
	assert_int_equal(p.log.n_findings, 0);
	done(&p);
}

static void every_truncation_of_a_binary_list_keeps_the_sound_entries(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	size_t ends[3], sound = 0;
	struct bytes b = put_list(&f, ends);

	(void)state;
	for (size_t n = 0; n <= b.n; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_IMA);

		while (sound < 2 && n >= ends[sound + 1])
			sound++;
		assert_int_equal(p.rc, n == ends[sound] ? 0 : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, sound);
		assert_int_equal(p.log.end, ends[sound]);
		done(&p);
	}
	struct bytes old = put_old_list(&f);
	for (size_t n = 1; n < old.n; n++) {
		struct parsed p = read_n(&old, n, EVENTLOG_IMA);

		assert_int_equal(p.rc, -PCRCAST_ETRUNC);
		done(&p);
	}
}

static void a_template_name_has_a_length(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	size_t ends[3];
	struct bytes b = put_list(&f, ends);

	(void)state;
	put_fill(&b, 0, 40);
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, -PCRCAST_EFORMAT);
	assert_int_equal(p.e.offset, ends[2] + 24);
	assert_string_equal(p.e.msg, "entry 2: a template name of 0 bytes, expected 1 to 255");
	assert_int_equal(p.log.n_events, 2);
	done(&p);
}

/* ---- text ---- */

static const char ones[] = "1111111111111111111111111111111111111111111111111111111111111111";
static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static struct bytes put_text_list(void)
{
	struct bytes b = { .n = 0 };

	put_text(&b, "10 ");
	put_text(&b, first_digest_sha1);
	put_text(&b, " ima-ng sha256:");
	put_text(&b, ones);
	put_text(&b, " boot_aggregate\n10 0000000000000000000000000000000000000000 ima-ng sha256:");
	put_text(&b, zeros);
	put_text(&b, " /bin/sh\n");
	return b;
}

static void a_text_list_leads_to_the_same_events(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	size_t ends[3];
	struct bytes text = put_text_list(), binary = put_list(&f, ends);
	struct parsed p = read_log(&text), q = read_log(&binary);

	(void)state;
	assert_list(&p, &f);
	assert_same_events(&p.log, &q.log);
	done(&p);
	done(&q);
}

static void a_text_list_of_template_ima_leads_to_the_same_events(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	struct bytes text = { .n = 0 }, binary = put_old_list(&f);

	(void)state;
	put_text(&text, " 10 ");
	put_text(&text, old_digest_sha1);
	put_text(&text, " ima 2222222222222222222222222222222222222222 boot_aggregate\n");
	struct parsed p = read_log(&text), q = read_log(&binary);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_findings, 0);
	assert_same_events(&p.log, &q.log);
	done(&p);
	done(&q);
}

/* A line whose digest fits the data given. */
static void put_line(struct bytes *b, const struct bytes *data, const char *rest)
{
	put_text(b, "10 ");
	put_hash_hex(b, ALG_SHA1, data->p, data->n);
	put_text(b, " ");
	put_text(b, rest);
	put_text(b, "\n");
}

static void fields_of_a_text_line_become_template_data(void **state)
{
	const struct form f = { .alg = ALG_SHA1 };
	static const uint8_t evm[] = { 0x05, 0x02 }, lengths[] = { 4, 0, 0, 0 }, values[] = { 1, 2, 3, 4 },
			     uid[] = { 0xe8, 3, 0, 0 }, mode[] = { 0xa4, 0x81 };
	struct bytes b = { .n = 0 }, data = { .n = 0 };

	(void)state;
	put_ng(&data, &f, 0x11, "/a b c"); /* older kernels leave spaces in names */
	put_field(&data, &f, "\x03\x02", 2);
	put_line(&b, &data,
		 "ima-sig sha256:1111111111111111111111111111111111111111111111111111111111111111 /a b c "
		 "0302");
	data.n = 0;
	put_ng(&data, &f, 0x11, "/a b");
	put_field(&data, &f, "", 0);
	put_line(&b, &data,
		 "ima-sig sha256:1111111111111111111111111111111111111111111111111111111111111111 /a b ");
	/* the blank at the end lost; an "x" is no signature */
	data.n = 0;
	put_ng(&data, &f, 0x11, "/a x");
	put_field(&data, &f, "", 0);
	put_line(&b, &data,
		 "ima-sig sha256:1111111111111111111111111111111111111111111111111111111111111111 /a x");
	data.n = 0;
	put_field(&data, &f, "verity:sha1:\0\x12\x34", 15);
	put_field(&data, &f, "/v", 3);
	put_line(&b, &data, "ima-ngv2 verity:sha1:1234 /v");
	data.n = 0;
	put_ng(&data, &f, 0x11, "/e");
	put_field(&data, &f, evm, sizeof evm);
	put_field(&data, &f, "security.ima", sizeof "security.ima");
	put_field(&data, &f, lengths, sizeof lengths);
	put_field(&data, &f, values, sizeof values);
	put_field(&data, &f, uid, sizeof uid);
	put_field(&data, &f, uid, sizeof uid);
	put_field(&data, &f, mode, sizeof mode);
	put_line(&b, &data,
		 "evm-sig sha256:1111111111111111111111111111111111111111111111111111111111111111 /e 0502 "
		 "security.ima "
		 "04000000 01020304 1000 1000 33188");
	struct parsed p = read_log(&b);
	if (p.rc < 0)
		fail_msg("%s", p.e.msg);
	assert_int_equal(p.log.n_events, 5);
	if (p.log.n_findings)
		fail_msg("%llu: %s", (unsigned long long)p.log.findings[0].offset, p.log.findings[0].text);
	assert_true(slice_equal(p.log.events[4].data, (struct slice){ data.p, data.n }));
	done(&p);
}

static void text_that_does_not_hash_to_its_digest_is_a_finding(void **state)
{
	struct bytes b = put_text_list();
	size_t at = b.n;

	(void)state;
	put_text(&b, "10 1111111111111111111111111111111111111111 ima-ng sha256:");
	put_text(&b, ones);
	put_text(&b, " /x\n");
	struct parsed p = read_log(&b);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.log.n_findings, 1);
	assert_int_equal(find(&p, "template-data")->event, 2);
	assert_int_equal(find(&p, "template-data")->offset, at);
	done(&p);
}

static void every_truncation_of_a_text_list_keeps_the_sound_lines(void **state)
{
	struct bytes b = put_text_list();
	size_t first = 0;

	(void)state;
	while (b.p[first++] != '\n')
		;
	for (size_t n = 1; n <= b.n; n++) {
		struct parsed p = read_n(&b, n, EVENTLOG_IMA);
		/* the digest tells that only the line feed of the first line is missing; a violation's cannot */
		bool whole = n == first - 1 || n == first || n == b.n;

		assert_int_equal(p.rc, whole ? 0 : -PCRCAST_ETRUNC);
		assert_int_equal(p.log.n_events, (size_t)(n + 1 >= first) + (n == b.n));
		done(&p);
	}
}

static void broken_lines_are_told_with_their_number(void **state)
{
	static const struct {
		const char *line;
		enum pcrcast_code code;
	} bad[] = {
		{ "nonsense\n", PCRCAST_EFORMAT },
		{ "100 0000000000000000000000000000000000000000 ima-ng sha256:00 x\n", PCRCAST_EFORMAT },
		{ "10 00 ima-ng sha256:00 x\n", PCRCAST_EFORMAT },
		{ "10 0000000000000000000000000000000000000000 ima-next x\n", PCRCAST_EUNSUPPORTED },
		{ "10 0000000000000000000000000000000000000000 ima-ng sha256:0g x\n", PCRCAST_EFORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct bytes b = put_text_list();
		size_t at = b.n;

		put_text(&b, bad[i].line);
		struct parsed p = read_log(&b);
		assert_int_equal(p.rc, -(int)bad[i].code);
		assert_int_equal(p.e.offset, at);
		assert_memory_equal(p.e.msg, "line 3: ", 8);
		assert_int_equal(p.log.n_events, 2);
		assert_int_equal(p.log.end, at);
		done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binary_lists_of_either_byte_order_and_any_digest_are_read),
		cmocka_unit_test(template_ima_is_of_another_form),
		cmocka_unit_test(a_bank_without_digests_is_hashed_or_padded),
		cmocka_unit_test(lists_of_fields_are_templates),
		cmocka_unit_test(an_unknown_template_is_carried_along),
		cmocka_unit_test(every_truncation_of_a_binary_list_keeps_the_sound_entries),
		cmocka_unit_test(a_template_name_has_a_length),
		cmocka_unit_test(a_text_list_leads_to_the_same_events),
		cmocka_unit_test(a_text_list_of_template_ima_leads_to_the_same_events),
		cmocka_unit_test(fields_of_a_text_line_become_template_data),
		cmocka_unit_test(text_that_does_not_hash_to_its_digest_is_a_finding),
		cmocka_unit_test(every_truncation_of_a_text_list_keeps_the_sound_lines),
		cmocka_unit_test(broken_lines_are_told_with_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
