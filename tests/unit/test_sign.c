/* Keys, detached signatures and signed policies, against the openssl program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "golden/golden.h"
#include "golden/sign.h"

static struct pool pool = POOL_INIT;
static char dir[] = "/tmp/pcrcast-sign-XXXXXX";

static bool run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A shell command in the directory of the keys; true when it exits 0. */
static bool run(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *command = pool_vprintf(&pool, fmt, ap);
	va_end(ap);
	return system(pool_printf(&pool, "cd %s && { %s; } >/dev/null 2>&1", dir, command)) == 0;
}

/* A file of that directory, in an exact-size heap block (freed with the pool). */
static struct slice load(const char *name)
{
	static uint8_t buf[1 << 16];
	FILE *f = fopen(pool_printf(&pool, "%s/%s", dir, name), "r");

	assert_non_null(f);
	size_t n = fread(buf, 1, sizeof buf, f);
	(void)fclose(f);
	return (struct slice){ pool_copy(&pool, buf, n), n };
}

static void store(const char *name, struct slice bytes)
{
	FILE *f = fopen(pool_printf(&pool, "%s/%s", dir, name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* sign_passphrase: ctx is the passphrase. */
static int n_asked;
static int give(void *ctx, char *buf, size_t size, struct pcrcast_error *e)
{
	const char *phrase = ctx;

	n_asked++;
	if (!phrase)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "no terminal");
	assert_true(strlen(phrase) <= size);
	memcpy(buf, phrase, strlen(phrase));
	return (int)strlen(phrase);
}

static struct sign_key *private_key(const char *name)
{
	struct sign_key *k = NULL;
	struct pcrcast_error e;

	if (sign_key_private(load(name), give, (void *)"correct horse", &k, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	return k;
}

static struct sign_key *public_key(const char *name)
{
	struct sign_key *k = NULL;
	struct pcrcast_error e;

	if (sign_key_public(load(name), &k, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	return k;
}

static const char *const kinds[] = { "p256", "p384", "p521", "rsa", "ed25519" };

static int make_keys(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	bool ok =
		run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256") &&
		run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384") &&
		run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521") &&
		run("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa") &&
		run("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa-other") &&
		run("openssl genpkey -algorithm ED25519 -out ed25519") &&
		run("for k in p256 p384 p521 rsa rsa-other ed25519; do openssl pkey -in $k -pubout -out $k.pub; done") &&
		run("head -c 3000 /dev/urandom >file");
	return ok ? 0 : -1;
}

static int remove_keys(void **state)
{
	(void)state;
	(void)run("rm -rf %s", dir);
	pool_done(&pool);
	return 0;
}

static bool openssl_verifies(const char *kind)
{
	if (strcmp(kind, "ed25519") == 0)
		return run("openssl pkeyutl -verify -pubin -inkey ed25519.pub -rawin -in file -sigfile sig");
	return run("openssl dgst -sha256 -verify %s.pub -signature sig file", kind);
}

static void openssl_accepts_what_we_sign(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		_cleanup_(sign_key_freep) struct sign_key *k = private_key(kinds[i]);
		struct slice sig;

		assert_int_equal(sign_bytes(k, load("file"), &pool, &sig, NULL), 0);
		store("sig", sig);
		assert_true(openssl_verifies(kinds[i]));
		assert_int_equal(sign_takes_digest(k), strcmp(kinds[i], "ed25519") != 0);
	}
}

static bool we_accept(const char *kind, struct slice bytes, struct slice sig, enum alg *hash)
{
	_cleanup_(sign_key_freep) struct sign_key *k = public_key(pool_printf(&pool, "%s.pub", kind));
	bool good = false;

	assert_int_equal(sign_check(k, bytes, sig, &good, hash, NULL), 0);
	return good;
}

static void we_accept_what_openssl_signs(void **state)
{
	static const struct {
		const char *kind, *options;
		bool good;
		enum alg hash;
	} cases[] = {
		{ "p256", "-sha256", true, ALG_SHA256 },
		{ "p384", "-sha256", true, ALG_SHA256 },
		{ "p521", "-sha256", true, ALG_SHA256 },
		{ "rsa", "-sha256", true, ALG_SHA256 },
		{ "p384", "-sha384", true, ALG_SHA384 }, /* cosign 3 */
		{ "p521", "-sha512", true, ALG_SHA512 },
		{ "p256", "-sha384", false, ALG_COUNT },
		{ "p384", "-sha512", false, ALG_COUNT },
		{ "p384", "-sha1", false, ALG_COUNT },
		{ "rsa", "-sha512", false, ALG_COUNT },
		{ "rsa", "-sha256 -sigopt rsa_padding_mode:pss", false, ALG_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum alg hash = ALG_COUNT;

		assert_true(run("openssl dgst %s -sign %s -out sig file", cases[i].options, cases[i].kind));
		assert_int_equal(we_accept(cases[i].kind, load("file"), load("sig"), &hash), cases[i].good);
		assert_int_equal(hash, cases[i].hash);
	}
	assert_true(run("openssl pkeyutl -sign -inkey ed25519 -rawin -in file -out sig"));
	enum alg hash = ALG_SHA1;
	assert_true(we_accept("ed25519", load("file"), load("sig"), &hash));
	assert_int_equal(hash, ALG_COUNT);
}

static void nothing_but_the_signed_bytes_is_accepted(void **state)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)load("file").p;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		_cleanup_(sign_key_freep) struct sign_key *k = private_key(kinds[i]);
		struct slice file = { bytes, load("file").n }, sig;

		assert_int_equal(sign_bytes(k, file, &pool, &sig, NULL), 0);
		assert_true(we_accept(kinds[i], file, sig, NULL));
		bytes[100] ^= 1;
		assert_false(we_accept(kinds[i], file, sig, NULL));
		bytes[100] ^= 1;
		assert_false(we_accept(kinds[i], (struct slice){ bytes, file.n - 1 }, sig, NULL));

		uint8_t *longer = pool_array(&pool, sig.n + 1, 1);
		memcpy(longer, sig.p, sig.n);
		assert_false(we_accept(kinds[i], file, (struct slice){ longer, sig.n + 1 }, NULL));
		for (size_t n = 0; n < sig.n; n++) {
			uint8_t *cut = malloc(n ? n : 1);

			memcpy(cut, sig.p, n);
			assert_false(we_accept(kinds[i], file, (struct slice){ cut, n }, NULL));
			free(cut);
		}
		assert_false(we_accept(strcmp(kinds[i], "rsa") == 0 ? "rsa-other" : "rsa", file, sig, NULL));
	}
}

static void a_public_key_does_not_sign(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = public_key("p256.pub");
	struct slice sig;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(sign_bytes(k, load("file"), &pool, &sig, &e), -PCRCAST_EINVAL);
	assert_string_equal(e.msg, "a public key cannot sign");
}

static void every_form_of_a_key_is_the_same_key(void **state)
{
	static const struct {
		const char *of, *command;
		bool public, asks;
	} cases[] = {
		{ "p256", "openssl ec -in p256 -out form", false, false },
		{ "p256", "{ openssl ecparam -name prime256v1; openssl ec -in p256; } >form", false, false },
		{ "p256", "{ echo a comment; cat p256; echo; } >form", false, false },
		{ "rsa", "openssl rsa -in rsa -traditional -out form", false, false },
		{ "rsa", "openssl rsa -in rsa -RSAPublicKey_out -out form", true, false },
		{ "p256", "openssl pkcs8 -topk8 -in p256 -passout 'pass:correct horse' -out form", false,
		  true },
		{ "rsa", "openssl pkcs8 -topk8 -in rsa -scrypt -passout 'pass:correct horse' -out form",
		  false, true },
		{ "ed25519",
		  "openssl pkcs8 -topk8 -in ed25519 -v2 aes-128-cbc -passout 'pass:correct horse' -out form",
		  false, true },
		{ "p384", "openssl ec -in p384 -aes256 -passout 'pass:correct horse' -out form", false,
		  true },
		{ "rsa", "openssl rsa -in rsa -traditional -des3 -passout 'pass:correct horse' -out form",
		  false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice sig;
		bool good = false;

		assert_true(run("%s", cases[i].command));
		n_asked = 0;
		_cleanup_(sign_key_freep) struct sign_key *a = private_key(cases[i].of);
		_cleanup_(sign_key_freep) struct sign_key *b =
			cases[i].public ? public_key("form") : private_key("form");
		assert_int_equal(n_asked, cases[i].asks);
		assert_int_equal(sign_bytes(a, load("file"), &pool, &sig, NULL), 0);
		assert_int_equal(sign_check(b, load("file"), sig, &good, NULL, NULL), 0);
		assert_true(good);
		assert_string_equal(sign_key_kind(a), sign_key_kind(b));
	}
}

static void a_wrong_passphrase_is_called_so(void **state)
{
	static const char *const commands[] = {
		"openssl pkcs8 -topk8 -in p256 -passout 'pass:correct horse' -out form",
		"openssl pkcs8 -topk8 -in ed25519 -scrypt -passout 'pass:correct horse' -out form",
		"openssl rsa -in rsa -traditional -aes256 -passout 'pass:correct horse' -out form",
	};
	struct sign_key *k = NULL;
	struct pcrcast_error e;

	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		assert_true(run("%s", commands[i]));
		/* 300 of them: one in 256 leaves sound padding */
		for (int n = 0; n < (i == 2 ? 300 : 3); n++) {
			char *wrong = pool_printf(&pool, "battery staple %d", n);

			assert_int_equal(sign_key_private(load("form"), give, wrong, &k, &e),
					 -PCRCAST_EINVAL);
			assert_string_equal(e.msg,
					    "the passphrase is wrong (or the encrypted key is damaged)");
		}
		assert_int_equal(sign_key_private(load("form"), give, (void *)"", &k, &e), -PCRCAST_EINVAL);
		assert_int_equal(sign_key_private(load("form"), give, NULL, &k, &e), -PCRCAST_EIO);
		assert_string_equal(e.msg, "no terminal");
		assert_int_equal(sign_key_private(load("form"), NULL, NULL, &k, &e), -PCRCAST_EINVAL);
		assert_string_equal(e.msg, "the key is encrypted, and its passphrase cannot be asked for");
	}
	assert_null(k);
}

static void keys_that_are_not_taken_say_why(void **state)
{
	static const struct {
		const char *command;
		bool public;
		int code;
		const char *message;
	} cases[] = {
		{ "openssl genrsa -out form 1024", false, PCRCAST_EUNSUPPORTED,
		  "an RSA key of 1024 bits, only 2048 to 16384 are taken" },
		{ "openssl ecparam -genkey -noout -name secp256k1 -out form", false, PCRCAST_EUNSUPPORTED,
		  "a key on curve secp256k1, only P-256, P-384 and P-521 are taken" },
		{ "openssl ecparam -genkey -noout -name prime256v1 -param_enc explicit -out form", false,
		  PCRCAST_EUNSUPPORTED, "an elliptic curve key that does not name its curve" },
		{ "openssl genpkey -algorithm X25519 -out form", false, PCRCAST_EUNSUPPORTED,
		  "a key of kind X25519, only RSA, ECDSA and Ed25519 are taken" },
		{ "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out form", false,
		  PCRCAST_EUNSUPPORTED, "a key of kind RSASSA-PSS, only RSA, ECDSA and Ed25519 are taken" },
		{ "cp p256.pub form", false, PCRCAST_EFORMAT,
		  "expected a private key in PEM, found \"PUBLIC KEY\"" },
		{ "cp p256 form", true, PCRCAST_EFORMAT,
		  "expected a public key in PEM, found \"PRIVATE KEY\"" },
		{ "openssl pkcs8 -topk8 -in p256 -passout pass:x -out form", true, PCRCAST_EFORMAT,
		  "expected a public key in PEM, found \"ENCRYPTED PRIVATE KEY\"" },
		{ "openssl req -new -x509 -key p256 -subj /CN=x -out form", true, PCRCAST_EFORMAT,
		  "expected a public key in PEM, found \"CERTIFICATE\" (\"openssl x509 -pubkey -noout\" shows its key)" },
		{ "cat p256.pub rsa.pub >form", true, PCRCAST_EFORMAT,
		  "expected one key in PEM, found more behind it" },
		{ "{ cat p256.pub; echo -----BEGIN PUBLIC KEY-----; } >form", true, PCRCAST_EFORMAT,
		  "expected one key in PEM, found more behind it" },
		{ "openssl pkey -pubin -in p256.pub -outform DER -out form", true, PCRCAST_EFORMAT,
		  "expected a key in PEM, found no \"-----BEGIN\" line" },
		{ ": >form", false, PCRCAST_EFORMAT, "expected a key in PEM, found no \"-----BEGIN\" line" },
		{ "head -n 2 p256 >form", false, PCRCAST_EFORMAT, "the PEM of the key is damaged" },
		{ "sed 's/PUBLIC KEY/RSA PUBLIC KEY/' p256.pub >form", true, PCRCAST_EFORMAT,
		  "what the PEM calls \"RSA PUBLIC KEY\" holds no key that libcrypto can read" },
		{ "{ openssl pkey -pubin -in p256.pub -outform DER; echo; } | base64 | "
		  "{ echo -----BEGIN PUBLIC KEY-----; cat; echo -----END PUBLIC KEY-----; } >form",
		  true, PCRCAST_EFORMAT,
		  "what the PEM calls \"PUBLIC KEY\" holds no key that libcrypto can read" },
		{ "{ openssl pkey -in p256 -outform DER; echo; } | base64 | "
		  "{ echo -----BEGIN EC PRIVATE KEY-----; cat; echo -----END EC PRIVATE KEY-----; } >form",
		  false, PCRCAST_EFORMAT,
		  "what the PEM calls \"EC PRIVATE KEY\" holds no key that libcrypto can read" },
		/* openssl pkcs8 -topk8 -passout pass:x -v1 PBE-MD5-DES -provider legacy -provider default */
		{ "printf '%s\\n' '-----BEGIN ENCRYPTED PRIVATE KEY-----' MFcwGwYJKoZIhvcNAQUDMA4ECJLxwf2Gz9g6AgIIAAQ4aFyXMf7IMoopDsjLV5IU 8dlrmbaRwuq0rlLudXTcve8d5WlwKHL1quPZ71akAyunhYTUSWKOd9g= '-----END ENCRYPTED PRIVATE KEY-----' >form",
		  false, PCRCAST_EUNSUPPORTED,
		  "the key is encrypted in a way that libcrypto does not offer; \"openssl pkcs8 -topk8\" writes it anew" },
		/* The same with AES, HMAC-SHA-256 and -iter 1000, then 1000 (02 02 03e8) made 02 04 7fffffff by hand. */
		{ "printf '%s\\n' '-----BEGIN ENCRYPTED PRIVATE KEY-----' MIGdMFkGCSqGSIb3DQEFDTBMMCsGCSqGSIb3DQEFDDAeBAhawxC/De6VvAIEf/// /zAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBAgQQ8IZz/dKhRudMG+kK3giZvARA otcEW3COOhJA5JkDS8JYdB0N2UX1+nykWvopdaSbMdgsKqu2CZGE+pEkmuuzMBP9 qINQCzSy1DMM0NhvAYcpPQ== '-----END ENCRYPTED PRIVATE KEY-----' >form",
		  false, PCRCAST_ELIMIT,
		  "the passphrase of the key is to be hashed more often than 10000000 times" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sign_key *k = NULL;
		struct pcrcast_error e = { .msg = "" };

		assert_true(run("%s", cases[i].command));
		int rc = cases[i].public ? sign_key_public(load("form"), &k, &e) :
					   sign_key_private(load("form"), give, (void *)"x", &k, &e);
		assert_string_equal(e.msg, cases[i].message);
		assert_int_equal(rc, -cases[i].code);
		assert_null(k);
	}
}

static void cosigns_own_encryption_is_named(void **state)
{
	static const char *const labels[] = { "COSIGN", "SIGSTORE" };
	struct sign_key *k = NULL;
	struct pcrcast_error e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *pem = pool_printf(
			&pool,
			"-----BEGIN ENCRYPTED %s PRIVATE KEY-----\neyJrZGYiOnsibmFtZSI6InNjcnlwdCJ9fQ==\n"
			"-----END ENCRYPTED %s PRIVATE KEY-----\n",
			labels[i], labels[i]);

		n_asked = 0;
		assert_int_equal(sign_key_private(slice_of_string(pem), give, (void *)"x", &k, &e),
				 -PCRCAST_EUNSUPPORTED);
		assert_non_null(strstr(e.msg, "cosign sign-blob --key"));
		assert_int_equal(n_asked, 0);
	}
}

static void a_signature_file_is_one_line_of_base64(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "AQID", true },    { "AQID\n", true }, { "AQID\r\n", true },  { "AQI=", true },
		{ "", false },       { "\n", false },    { "AQID\n\n", false }, { " AQID", false },
		{ "AQ\nID", false }, { "AQI", false },   { "AQJ=", false },     { "AQI=AQID", false },
		{ "AQ-_", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice raw, text = slice_of_string(cases[i].text);
		struct pcrcast_error e;

		text.p = pool_copy(&pool, text.p, text.n);
		int rc = sign_decode(&pool, text, &raw, &e);
		assert_int_equal(rc, cases[i].good ? 0 : -PCRCAST_EFORMAT);
		if (cases[i].good)
			assert_memory_equal(raw.p, "\1\2\3", raw.n);
		else
			assert_string_equal(
				e.msg, "expected a signature in base64 in one line, found something else");
	}
	char *big = pool_array(&pool, 8192, 1);
	struct slice raw;
	memset(big, 'A', 8192);
	assert_int_equal(sign_decode(&pool, (struct slice){ (uint8_t *)big, 8192 }, &raw, NULL),
			 -PCRCAST_ELIMIT);
}

static struct golden_policy some_policy(enum alg bank)
{
	struct golden_policy p = { .alg = bank, .pcrs = 1u << 11, .signature = SLICE_EMPTY };

	for (size_t i = 0; i < sizeof p.digest; i++)
		p.digest[i] = (uint8_t)(i * 7);
	store("pol", (struct slice){ p.digest, sizeof p.digest });
	return p;
}

static void a_policy_is_signed_as_systemd_measure_does(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = private_key("rsa");
	struct golden_policy p = some_policy(ALG_SHA384);
	char hex[65];

	(void)state;
	assert_int_equal(sign_policy(k, &p, &pool, NULL), 0);
	store("sig", p.signature);
	assert_true(run("openssl dgst -sha256 -verify rsa.pub -signature sig pol"));
	assert_true(p.has_fingerprint);
	hex_encode(p.fingerprint, 32, hex);
	assert_true(run(
		"test $(openssl rsa -in rsa -RSAPublicKey_out -outform DER | sha256sum | cut -d' ' -f1) = %s",
		hex));
}

static void a_signed_policy_is_checked_with_its_key(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = private_key("rsa"), *public = public_key("rsa.pub"),
						  *other = public_key("rsa-other.pub");
	struct golden_policy p = some_policy(ALG_SHA256);
	struct sign_policy_result r;

	(void)state;
	assert_int_equal(sign_policy_check(public, &p, &r, NULL), 0);
	assert_false(r.good || r.sound || r.same_key);
	assert_string_equal(r.reason, "it is not signed");

	assert_int_equal(sign_policy(k, &p, &pool, NULL), 0);
	assert_int_equal(sign_policy_check(public, &p, &r, NULL), 0);
	assert_true(r.good && r.sound && r.same_key);
	assert_null(r.reason);

	assert_int_equal(sign_policy_check(other, &p, &r, NULL), 0);
	assert_false(r.good || r.sound || r.same_key);
	assert_string_equal(r.reason, "another key signed it (the fingerprints differ)");

	p.fingerprint[31] ^= 1;
	assert_int_equal(sign_policy_check(public, &p, &r, NULL), 0);
	assert_true(!r.good && r.sound && !r.same_key);
	p.fingerprint[31] ^= 1;
	p.has_fingerprint = false;
	assert_int_equal(sign_policy_check(public, &p, &r, NULL), 0);
	assert_true(!r.good && r.sound && !r.same_key);
	assert_string_equal(r.reason, "it does not say whose key signed it");
	p.has_fingerprint = true;

	p.digest[0] ^= 1;
	assert_int_equal(sign_policy_check(public, &p, &r, NULL), 0);
	assert_true(!r.good && !r.sound && r.same_key);
	assert_string_equal(r.reason, "the signature is not of this policy");
}

static void a_reference_is_signed_with_the_policy(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = private_key("rsa");
	struct golden_policy p = some_policy(ALG_SHA256);
	struct sign_policy_result r;

	(void)state;
	p.ref = "initrd";
	assert_int_equal(sign_policy(k, &p, &pool, NULL), 0);
	store("sig", p.signature);
	assert_true(run("{ cat pol; printf initrd | openssl dgst -sha256 -binary; } >tbs && "
			"openssl dgst -sha256 -verify rsa.pub -signature sig tbs"));
	assert_int_equal(sign_policy_check(k, &p, &r, NULL), 0);
	assert_true(r.good);
	p.ref = "initrd2";
	assert_int_equal(sign_policy_check(k, &p, &r, NULL), 0);
	assert_false(r.sound);
	p.ref = NULL;
	assert_int_equal(sign_policy_check(k, &p, &r, NULL), 0);
	assert_false(r.sound);
}

static void a_signature_with_the_hash_of_the_bank_is_not_good(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = private_key("rsa");
	struct golden_policy p = some_policy(ALG_SHA384);
	struct sign_policy_result r;

	(void)state;
	assert_int_equal(sign_policy(k, &p, &pool, NULL), 0);
	assert_true(run("openssl dgst -sha384 -sign rsa -out sig pol"));
	p.signature = load("sig");
	assert_int_equal(sign_policy_check(k, &p, &r, NULL), 0);
	assert_false(r.good || r.sound);
	assert_non_null(strstr(r.reason, "a TPM is asked for SHA-256"));
}

/*
 * systemd-measure sign (252.39-1~deb12u2) --linux=linux --private-key=k --public-key=k.pub --bank=sha1 --bank=sha256
 * --bank=sha384 --phase=enter-initrd, linux being "kernel\n", with swtpm.
 */
static const char measure_key[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2J+kTUws+3Dyn7CImL00\n"
				  "v2qOwsWXkz4u4QeFq4oVGUi1OrbyjbXQ+M4Yy/0bAU8+4/iyeRFLLGuM5/AuD/kS\n"
				  "/Xnd31dZgGo0Q0IRYItwbWnr0g3Xbnb3T6YwdxKAi52BQ8mjQlhKh5NIq7cK8bdl\n"
				  "Zt5QH+EngsHmyvwIjwVRN1O0QnvNDbei9gqPmZqVcdhcmaHSX7kIJjXUiCaEMakA\n"
				  "soVh29OanleV/t1WUr0MThiNDPdF3qcpQuRbJcMHoJMIFHEZOfMwVIwOCqA6VjvU\n"
				  "MEj93vdjQMxAyL4Fv+xovmZps3XZryEJ8530A+QUDB39geeFrvJfSxdpPWpK1WtT\n"
				  "GwIDAQAB\n"
				  "-----END PUBLIC KEY-----\n";
static const char measure_pkfp[] = "b9cfe54dd07e4dc1c883f463dbb4abcc9876c9217985075ad39bf04433e9fad5";
static const struct {
	enum alg bank;
	const char *pol, *sig;
	const char *reason;
} measured[] = {
	{ ALG_SHA1, "7aee5bd1d1729290564c109bb6654aa1d35d5843c503aa9296ad1e3c5ba39810",
	  "aRD5ytcZJmnBbs/0DGam7aMSsvJtDv5uWsxC/6Z45zwAgOboA9Sv8tY4M/XNk+ybD1udIfa7vQiZraIgsfUTfNTmDl"
	  "WrfwzU9XSwNAKuaWOzFCU4iQAQ827gbe1hNw9/jZXiv+Jy6pzVhEBkyUNDdosVTwWG0jRDmfLrccFyhEfRWJrzudem"
	  "DP0VmeSKl1XVr0MRpoXUAdmRFmzQR++MoYQA+kPKWanlC0arcNak6F/+3+1JAbWK9f2hzXAbIQaNsWZcmABUKQVzdg"
	  "BCKv0cuU9creTqft4YGawCdX2eR7QOFyyP0CShRn+IPIYv0SC1QhQECnAi/OQqA+ipzmoWGw==",
	  "it is signed with the hash of its bank, as older systemd-measure did; a TPM is asked for SHA-256" },
	{ ALG_SHA256, "9325116025134545196dadbf9af5e1750e85ca8d0be78e5a879756a46c2006cf",
	  "y+99Z+Hhu4FXV5z6RgYqUTnFSal4XdjYNBdh5kMg6mEfLL7uwbQI85Ts9u3QO+lqb8mlTFjhkVPE1N6JtUFqZ4YxAn"
	  "NQURQoF/0LbuOmlI29mVZPBjkPJzgp7d89OFn60CsomXq75FLOjoiUg3e70orquYQ+T/qNGJE1sFIe1b+q0dQc8a/t"
	  "pb0iYSqnc+zXtHCbXDqQx9QpbM9lYpTR6wqkoDNmT0FQHK4A1PbBWdh1/06KaYmLqlXVckpI9FSj/R3weZ/6/Qtvg7"
	  "KzAFbIOhArMY7zeodhDaYdeov7n3Wa6HZ22HuwxQyqz1j7VR/Uy4G3djAkx/5z/ed39bh+JA==",
	  NULL },
	{ ALG_SHA384, "af20ba46bc0f413ab434760f44bd5c386b75c872fbb6294e55f1041d273449be",
	  "qk3ik7uwTivkJz+EdFEH9OsIQ9RNhZuiInfgdW76irHpB3506tKHxn+ZH+WuX94gqItIwkIWK06xdhF8oLEOGGhi+E"
	  "foLaNkE0AK/Gs6slSuaRAKyYo/wwqv7HPw4lk7al/vi+G10Ub24hMOOM7ynTwZChuGtIqBfl34R+cOVH3Tdy6tsq8s"
	  "9DaNoKDripDmB8jer3dL4pYbJHkxpsRtj8jKFLdW+ePOMeeVxnSBAB7s9TIJK/4w+G1sHd50ynpZxKhhEBzijH6d1Q"
	  "1U/MUcwxVUgEJFCDtOO0QI7g6guLgzvzTtgbY9yq/4v8v7bZcCnrLfthXSrOE1BUbj6R5mtw==",
	  "it is signed with the hash of its bank, as older systemd-measure did; a TPM is asked for SHA-256" },
};

static void what_systemd_measure_252_signed_is_judged_as_systemd_judges(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = NULL;

	(void)state;
	assert_int_equal(sign_key_public(slice_of_string(measure_key), &k, NULL), 0);
	for (size_t i = 0; i < sizeof measured / sizeof *measured; i++) {
		struct golden_policy p = { .alg = measured[i].bank,
					   .pcrs = 1u << 11,
					   .has_fingerprint = true };
		struct sign_policy_result r;
		struct slice bytes;

		assert_true(hex_decode(&pool, slice_of_string(measured[i].pol), &bytes));
		memcpy(p.digest, bytes.p, sizeof p.digest);
		assert_true(hex_decode(&pool, slice_of_string(measure_pkfp), &bytes));
		memcpy(p.fingerprint, bytes.p, sizeof p.fingerprint);
		assert_true(base64_decode(&pool, slice_of_string(measured[i].sig), &p.signature));
		assert_int_equal(sign_policy_check(k, &p, &r, NULL), 0);
		assert_true(r.same_key);
		assert_int_equal(r.good, measured[i].reason == NULL);
		if (measured[i].reason)
			assert_string_equal(r.reason, measured[i].reason);
	}
}

static void systemd_cannot_use_other_keys_than_rsa(void **state)
{
	_cleanup_(sign_key_freep) struct sign_key *k = private_key("p256");
	struct golden_policy p = some_policy(ALG_SHA256);
	struct sign_policy_result r;
	struct pcrcast_error e;

	(void)state;
	assert_int_equal(sign_policy(k, &p, &pool, &e), -PCRCAST_EUNSUPPORTED);
	assert_string_equal(e.msg,
			    "systemd and TPMs take signed PCR policies from RSA keys of at most 4096 bits, "
			    "not ECDSA P-256");
	assert_false(p.has_fingerprint);
	assert_int_equal(sign_policy_check(k, &p, &r, &e), -PCRCAST_EUNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_accepts_what_we_sign),
		cmocka_unit_test(we_accept_what_openssl_signs),
		cmocka_unit_test(nothing_but_the_signed_bytes_is_accepted),
		cmocka_unit_test(a_public_key_does_not_sign),
		cmocka_unit_test(every_form_of_a_key_is_the_same_key),
		cmocka_unit_test(a_wrong_passphrase_is_called_so),
		cmocka_unit_test(keys_that_are_not_taken_say_why),
		cmocka_unit_test(cosigns_own_encryption_is_named),
		cmocka_unit_test(a_signature_file_is_one_line_of_base64),
		cmocka_unit_test(a_policy_is_signed_as_systemd_measure_does),
		cmocka_unit_test(a_signed_policy_is_checked_with_its_key),
		cmocka_unit_test(a_reference_is_signed_with_the_policy),
		cmocka_unit_test(a_signature_with_the_hash_of_the_bank_is_not_good),
		cmocka_unit_test(what_systemd_measure_252_signed_is_judged_as_systemd_judges),
		cmocka_unit_test(systemd_cannot_use_other_keys_than_rsa),
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
