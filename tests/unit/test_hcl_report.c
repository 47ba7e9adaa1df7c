/* The report of Azure's host compatibility layer, and the key in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "golden/hcl_report.h"

enum { DATA_AT = 32 + 1184 + 20 }; /* behind the header, the TEE's report and the head of the request */

/* A report with the given data, in an exact heap block. */
static struct slice build(const char *data)
{
	size_t n = strlen(data);
	uint8_t *report = calloc(1, DATA_AT + n);

	assert_non_null(report);
	memcpy(report, "HCLA", 4);
	put_u32le(report + DATA_AT - 4, (uint32_t)n);
	memcpy(report + DATA_AT, data, n);
	return (struct slice){ report, DATA_AT + n };
}

static void done(struct slice s)
{
	free((void *)(uintptr_t)s.p);
}

/* Expected: by hand after X.690; "openssl asn1parse -inform DER" shows the two numbers. */
static void a_key_becomes_der(void **state)
{
	static const struct {
		const char *n, *e, *der;
	} keys[] = {
		/* 0x85 has its highest bit set and gets a zero in front */
		{ "hQ", "Aw", "301b300d06092a864886f70d0101010500030a00300702020085020103" },
		/* zeros in front are left out: 0x0001 is 1, 0x00 stays 0 */
		{ "AAE", "AA==", "301a300d06092a864886f70d01010105000309003006020101020100" },
	};
	struct pool pool = POOL_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct pcrcast_error e = { .msg = "" };
		struct slice key, report;
		char data[256];

		(void)snprintf(
			data, sizeof data,
			"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}]}",
			keys[i].n, keys[i].e);
		report = build(data);
		if (hcl_report_key(report, &pool, &key, &e) < 0)
			fail_msg("%s: %s", data, e.msg);
		assert_string_equal(hex_text(&pool, key), keys[i].der);
		done(report);
	}
	pool_done(&pool);
}

static void assert_refused(struct slice report, enum pcrcast_code code, const char *what)
{
	struct pcrcast_error e = { .msg = "" };
	struct pool pool = POOL_INIT;
	struct slice key;

	int rc = hcl_report_key(report, &pool, &key, &e);
	if (rc != -(int)code || !strstr(e.msg, what))
		fail_msg("%d \"%s\", expected %d \"%s\"", rc, e.msg, -(int)code, what);
	pool_done(&pool);
}

static void assert_data_refused(const char *data, enum pcrcast_code code, const char *what)
{
	struct slice report = build(data);

	assert_refused(report, code, what);
	done(report);
}

#define KEY(kty, n, e) "{\"kid\":\"HCLAkPub\",\"kty\":\"" kty "\",\"n\":\"" n "\",\"e\":\"" e "\"}"

static void data_without_one_rsa_key_is_refused(void **state)
{
	static const char none[] = "no RSA key \"HCLAkPub\"";

	(void)state;
	assert_data_refused("", PCRCAST_ETRUNC, "JSON");
	assert_data_refused("{}", PCRCAST_EFORMAT, none);
	assert_data_refused("[]", PCRCAST_EFORMAT, none);
	assert_data_refused("{\"keys\":[]}", PCRCAST_EFORMAT, none);
	assert_data_refused("{\"keys\":[{\"kid\":\"HCLEkPub\",\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQ\"}]}",
			    PCRCAST_EFORMAT, none);
	assert_data_refused("{\"keys\":[" KEY("EC", "AQ", "AQ") "]}", PCRCAST_EFORMAT, none);
	assert_data_refused("{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQ\"}]}",
			    PCRCAST_EFORMAT, none);
	assert_data_refused("{\"keys\":[" KEY("RSA", "AQ", "AQ") "," KEY("RSA", "AQ", "AQ") "]}",
			    PCRCAST_EFORMAT, "\"HCLAkPub\" is there twice");
	assert_data_refused("{\"keys\":[" KEY("RSA", "+A", "AQ") "]}", PCRCAST_EFORMAT, "base64 in URL form");
	assert_data_refused("{\"keys\":[" KEY("RSA", "", "AQ") "]}", PCRCAST_EFORMAT,
			    "an RSA key of 0 and 1 bytes");
	assert_data_refused("{\"keys\":[" KEY("RSA", "AQ", "") "]}", PCRCAST_EFORMAT,
			    "an RSA key of 1 and 0 bytes");
}

static void a_modulus_that_is_too_long_is_refused(void **state)
{
	char data[4096], n[2800];

	(void)state;
	memset(n, 'A', sizeof n); /* 2100 bytes in base64 */
	(void)snprintf(data, sizeof data,
		       "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"AQ\"}]}",
		       (int)sizeof n, n);
	assert_data_refused(data, PCRCAST_EFORMAT, "an RSA key of 2100 and 1 bytes");
}

static void every_truncation_is_refused(void **state)
{
	struct slice report = build("{\"keys\":[" KEY("RSA", "hQ", "Aw") "]}");
	struct pool pool = POOL_INIT;
	struct slice key;

	(void)state;
	assert_int_equal(hcl_report_key(report, &pool, &key, NULL), 0);
	for (size_t n = 0; n < report.n; n++) {
		uint8_t *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, report.p, n);
		assert_refused((struct slice){ part, n }, PCRCAST_ETRUNC, "HCL report");
		free(part);
	}
	((uint8_t *)(uintptr_t)report.p)[3] = 'B';
	assert_refused(report, PCRCAST_EFORMAT, "signature");
	done(report);
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_becomes_der),
		cmocka_unit_test(data_without_one_rsa_key_is_refused),
		cmocka_unit_test(a_modulus_that_is_too_long_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
