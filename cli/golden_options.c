/* The options of golden's verbs: one table a verb, and what each option does. */
#define _GNU_SOURCE
#include "cli/golden_options.h"

#include <string.h>
#include <time.h>

#include "golden/preset.h"
#include "golden/verify.h"

enum {
	OPT_AS = OPT_OWN,
	OPT_FROM,
	OPT_SET,
	OPT_LABEL,
	OPT_IDENTITY,
	OPT_PRESET,
	OPT_WARN_ONLY,
	OPT_HASH,
	OPT_OR,
	OPT_PCRLOCK,
	OPT_STEPS,
	OPT_AUTHORIZE,
	OPT_POLICY_REF,
	OPT_AUTHORIZE_NV,
	OPT_QUOTE,
	OPT_SIGNATURE,
	OPT_KEY,
	OPT_PCRS,
	OPT_NONCE,
	OPT_LOG,
	OPT_IMA,
	OPT_WANT,
	OPT_AK_CERT,
	OPT_EK_CERT,
	OPT_CA,
	OPT_INTERMEDIATE,
	OPT_AT,
	OPT_REQUIRE,
	OPT_DIGEST_ONLY,
	OPT_PASSPHRASE_FILE,
};

// clang-format off
#define ROW_AS { "as", 0, "FORMAT", OPT_AS, "write in this format (default json; \"golden formats\" lists them)" }
#define SOURCE_ROWS \
	{ "from", 0, "FORMAT", OPT_FROM, "the source is in this format (default: by its bytes)" }, \
	{ "bank", 0, "LIST|all", OPT_BANK, "hash banks: sha1,sha256,sha384,sha512" }, \
	{ "pcr", 0, "LIST", OPT_PCR, "registers, as 4,9,11-13 (default all; of an image 4,9,11-13)" }
#define SELECTION_ROWS \
	{ "set", 0, "NAME", OPT_SET, "of several sets the one of this csp, variant, csp/variant or image" }, \
	{ "label", 0, "LABEL", OPT_LABEL, "of several values those with this label (a phase path, a variant)" }
#define COMMON_ROWS ROW_NO_REMARKS, ROW_COLOR, ROW_HELP, ROW_END

const struct option_row golden_make_rows[] = {
	ROW_AS,
	SOURCE_ROWS,
	SELECTION_ROWS,
	{ "identity", 0, "KEY=VALUE", OPT_IDENTITY,
	  "what the values are for: image, vendor, csp, variant, version, ref or stream (repeatable)" },
	{ "preset", 0, "NAME", OPT_PRESET, "registers, constants and warn-only ones of a cloud (\"golden presets\" lists them)" },
	{ "warn-only", 0, "LIST", OPT_WARN_ONLY, "these registers are warn-only, all others are enforced" },
	ROW_OUTPUT,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
const struct option_row golden_show_rows[] = { SOURCE_ROWS, SELECTION_ROWS, ROW_JSON, PREDICT_OPTION_ROWS, COMMON_ROWS };
const struct option_row golden_policy_rows[] = {
	SOURCE_ROWS,
	SELECTION_ROWS,
	{ "or", 0, NULL, OPT_OR, "each SOURCE, and each of its sets, is an alternative: PolicyOR, nested beyond eight" },
	{ "pcrlock", 0, NULL, OPT_PCRLOCK, "exactly as systemd-pcrlock: one bank, at most eight values of a register" },
	{ "hash", 0, "ALG", OPT_HASH, "hash of the policy session (default sha256)" },
	{ "authorize", 0, "NAME", OPT_AUTHORIZE,
	  "PolicyAuthorize by the key of this Name (hex, as 000b…), and what it signs to approve the policy" },
	{ "policy-ref", 0, "HEX", OPT_POLICY_REF, "with --authorize: the policyRef (default empty)" },
	{ "authorize-nv", 0, "NAME", OPT_AUTHORIZE_NV, "PolicyAuthorizeNV by the NV index of this Name (hex)" },
	{ "steps", 0, NULL, OPT_STEPS, "list the commands that lead to the policy" },
	{ "output", 'o', "FILE", OPT_OUTPUT, "write the bytes of the policy there too, as tpm2_create --policy takes them" },
	ROW_JSON,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
const struct option_row golden_diff_rows[] = { SOURCE_ROWS, SELECTION_ROWS, ROW_JSON, PREDICT_OPTION_ROWS, COMMON_ROWS };
const struct option_row golden_verify_rows[] = {
	{ "quote", 0, "FILE", OPT_QUOTE, "the quote (TPMS_ATTEST), as tpm2_quote -m writes it" },
	{ "signature", 0, "FILE", OPT_SIGNATURE, "its signature: TPMT_SIGNATURE (tpm2_quote -s), or RSA or DER bytes" },
	{ "key", 0, "FILE", OPT_KEY, "the attestation key: PEM, DER, TPM2B_PUBLIC, TPMT_PUBLIC or a certificate" },
	{ "pcrs", 0, "FILE", OPT_PCRS, "register values, in any format that \"golden show\" reads" },
	{ "nonce", 0, "HEX", OPT_NONCE, "the nonce that the verifier chose (tpm2_quote -q)" },
	{ "log", 0, "FILE", OPT_LOG, "the machine's event log" },
	{ "ima", 0, "FILE", OPT_IMA, "the machine's IMA list" },
	{ "want", 0, "REFERENCE", OPT_WANT, "what the values should be: an image, a log or any reference" },
	{ "ak-cert", 0, "FILE", OPT_AK_CERT, "certificate of the attestation key" },
	{ "ek-cert", 0, "FILE", OPT_EK_CERT, "certificate of the TPM's endorsement key" },
	{ "ca", 0, "FILE", OPT_CA, "certificate authorities that you trust, PEM or DER (repeatable)" },
	{ "intermediate", 0, "FILE", OPT_INTERMEDIATE, "further certificates for the chain (repeatable)" },
	{ "at", 0, "TIME", OPT_AT, "when certificates have to be valid: 2026-01-31T23:59:59Z (default now)" },
	{ "require", 0, "CHECK,…", OPT_REQUIRE, "no trust unless these checks passed: nonce, event-log, ak-certificate …" },
	{ "set", 0, "NAME", OPT_SET, "of the reference's sets the one of this csp, variant, csp/variant or image" },
	SOURCE_ROWS,
	ROW_JSON,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
const struct option_row golden_sign_rows[] = {
	{ "key", 0, "FILE", OPT_KEY, "private key in PEM; when it is encrypted the passphrase is asked for" },
	{ "passphrase-file", 0, "FILE", OPT_PASSPHRASE_FILE, "the passphrase is the first line of this file" },
	{ "digest-only", 0, NULL, OPT_DIGEST_ONLY, "only what an external signer has to sign" },
	{ "as", 0, "pcrsig", OPT_AS, "sign the policies of PCR 11 as systemd does, instead of the file" },
	SOURCE_ROWS,
	SELECTION_ROWS,
	ROW_OUTPUT,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
const struct option_row golden_check_signature_rows[] = {
	{ "key", 0, "FILE", OPT_KEY, "public key in PEM (default: a UKI's own .pcrpkey)" },
	{ "signature", 0, "FILE", OPT_SIGNATURE, "the detached signature; without it FILE is a .pcrsig or a UKI with one" },
	ROW_JSON,
	PREDICT_OPTION_ROWS,
	COMMON_ROWS,
};
const struct option_row golden_formats_rows[] = { ROW_JSON, COMMON_ROWS };
// clang-format on

/* ---- taking them ---- */

static const struct golden_format *take_format(const char *option, const char *name)
{
	const struct golden_format *f = golden_format_by_name(name);

	if (!f)
		usage_error("--%s %s: expected the name of a format (\"golden formats\" lists them)", option,
			    name);
	return f;
}

static int take_identity(struct golden_arguments *a, const char *text)
{
	struct golden_identity *id = &a->identity;
	const struct {
		const char *key;
		const char **place;
	} keys[] = {
		{ "image=", &id->image },     { "vendor=", &id->vendor },   { "csp=", &id->csp },
		{ "variant=", &id->variant }, { "version=", &id->version }, { "ref=", &id->ref },
		{ "stream=", &id->stream },
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		size_t n = strlen(keys[i].key);

		if (strncmp(text, keys[i].key, n) == 0) {
			*keys[i].place = text + n;
			return 0;
		}
	}
	return usage_error(
		"--identity %s: expected KEY=VALUE with image, vendor, csp, variant, version, ref or stream",
		text);
}

static int take_hex(struct golden_arguments *a, const char *option, struct slice *ret)
{
	return parse_hex(&a->pool, optarg, ret) && ret->n ?
		       0 :
		       usage_error("--%s %s: expected an even number of hex digits", option, optarg);
}

/* The options of golden policy alone; -1: code is none of them. */
static int take_policy_option(struct golden_arguments *a, int code)
{
	switch (code) {
	case OPT_HASH:
		a->session = alg_by_name(slice_of_string(optarg));
		return a->session < ALG_COUNT ?
			       0 :
			       usage_error("--hash %s: expected one of sha1, sha256, sha384, sha512", optarg);
	case OPT_OR:
		a->alternatives = true;
		return 0;
	case OPT_PCRLOCK:
		a->pcrlock = true;
		return 0;
	case OPT_STEPS:
		a->steps = true;
		return 0;
	case OPT_AUTHORIZE:
		return take_hex(a, "authorize", &a->authorize);
	case OPT_POLICY_REF:
		return take_hex(a, "policy-ref", &a->policy_ref);
	case OPT_AUTHORIZE_NV:
		return take_hex(a, "authorize-nv", &a->authorize_nv);
	}
	return -1;
}

int golden_push(struct golden_arguments *a, struct text_list *l, const char *item)
{
	const char **place = pool_push(&a->pool, &l->items, &l->n, &l->cap, sizeof *place);

	if (!place)
		return out_of_memory();
	*place = item;
	return 0;
}

static int take_time(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return usage_error("--at %s: expected a time as 2026-01-31T23:59:59Z", text);
	*ret = timegm(&tm);
	return 0;
}

static int take_require(const char *text, uint32_t *ret)
{
	for (const char *p = text;; p++) {
		size_t n = strcspn(p, ",");
		enum verify_item item = verify_item_by_name((struct slice){ (const uint8_t *)p, n });

		if (item == VERIFY_ITEMS)
			return usage_error(
				"--require %s: expected names of checks: quote, signature, key-attributes, ak-certificate, ek-certificate, nonce, pcr-digest, event-log, ima-log, reference",
				text);
		*ret |= 1u << item;
		p += n;
		if (!*p)
			return 0;
	}
}

static int take_nonce(struct golden_arguments *a, const char *text)
{
	a->verify.has_nonce = true;
	return parse_hex(&a->pool, text, &a->verify.nonce) ?
		       0 :
		       usage_error("--nonce %s: expected pairs of hex digits", text);
}

/* The options of golden verify; -1: code is none of them. */
static int take_verify_option(struct golden_arguments *a, int code)
{
	struct golden_verify_options *v = &a->verify;
	const struct {
		int code;
		const char **place;
	} files[] = {
		{ OPT_QUOTE, &v->quote },     { OPT_SIGNATURE, &v->signature },
		{ OPT_KEY, &v->key },         { OPT_PCRS, &v->pcrs },
		{ OPT_LOG, &v->log },         { OPT_IMA, &v->ima_log },
		{ OPT_WANT, &v->want },       { OPT_AK_CERT, &v->ak_cert },
		{ OPT_EK_CERT, &v->ek_cert },
	};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (files[i].code == code) {
			*files[i].place = optarg;
			return empty_name(optarg) ? EXIT_TROUBLE : 0;
		}
	switch (code) {
	case OPT_NONCE:
		return take_nonce(a, optarg);
	case OPT_CA:
		return golden_push(a, &v->anchors, optarg);
	case OPT_INTERMEDIATE:
		return golden_push(a, &v->intermediates, optarg);
	case OPT_AT:
		return take_time(optarg, &v->at);
	case OPT_REQUIRE:
		return take_require(optarg, &v->require);
	}
	return -1;
}

int golden_take_option(void *arguments, int code)
{
	struct golden_arguments *a = arguments;
	int taken = take_verify_option(a, code);

	taken = taken < 0 ? take_policy_option(a, code) : taken;
	if (taken >= 0)
		return taken;
	if (code >= PREDICT_OPT_FIRST)
		return predict_take_option(&a->source.predict, code);
	switch (code) {
	case OPT_AS:
		a->as = take_format("as", optarg);
		return a->as ? 0 : EXIT_TROUBLE;
	case OPT_FROM:
		a->source.from = take_format("from", optarg);
		return a->source.from ? 0 : EXIT_TROUBLE;
	case OPT_SET:
		a->selection.set = optarg;
		return 0;
	case OPT_LABEL:
		a->selection.label = optarg;
		return 0;
	case OPT_IDENTITY:
		return take_identity(a, optarg);
	case OPT_PRESET:
		a->preset = golden_preset_by_name(optarg);
		return a->preset ?
			       0 :
			       usage_error(
				       "--preset %s: expected the name of a preset (\"golden presets\" lists them)",
				       optarg);
	case OPT_WARN_ONLY:
		a->has_warn_only = true;
		return take_pcrs("warn-only", &a->warn_only);
	case OPT_BANK:
		return take_banks(&a->source.banks);
	case OPT_PCR:
		a->source.has_pcrs = true;
		return take_pcrs("pcr", &a->source.pcrs);
	case OPT_OUTPUT:
		a->output = strcmp(optarg, "-") == 0 ? NULL : optarg; /* "-": standard output */
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_DIGEST_ONLY:
		a->sign.digest_only = true;
		return 0;
	case OPT_PASSPHRASE_FILE:
		a->sign.passphrase_file = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_QUIET:
		a->quiet = a->source.quiet = true;
		return 0;
	case OPT_COLOR:
		return take_color();
	}
	return EXIT_TROUBLE;
}
