/*
 * Values of registers as other programs print them.
 */
#include "eventlog/check.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/cc.h"

/* Registers have names in logs of CC measurement registers, numbers elsewhere. -1: neither. */
static int register_by_name(struct slice name)
{
	unsigned v = 0;

	enum cc_register cc = cc_register_by_name(name);
	if (cc != CC_REGISTERS)
		return (int)cc;
	if (name.n == 0 || name.n > 2)
		return -1;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9')
			return -1;
		v = v * 10 + (unsigned)(name.p[i] - '0');
	}
	return v < PCR_COUNT ? (int)v : -1;
}

/*
 * A register that is stated by name: of a CC register, a number else. False when the text has both: nothing has registers of
 * both kinds, and PCR 1 would stand in for RTMR0.
 */
static bool name_take(struct pcr_values *v, struct slice name)
{
	bool cc = cc_register_by_name(name) != CC_REGISTERS;

	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (v->known[alg] && v->cc != cc)
			return false;
	v->cc = cc;
	return true;
}

/* Hex digits of either case, with or without 0x. A register may be stated twice, but not with two values. */
static bool value_take(struct pcr_values *v, enum alg alg, struct slice name, struct slice hex)
{
	int index = register_by_name(name);
	uint8_t bytes[DIGEST_MAX];

	if (index < 0)
		return false;

	if (hex.n >= 2 && hex.p[0] == '0' && (hex.p[1] == 'x' || hex.p[1] == 'X'))
		hex = (struct slice){ hex.p + 2, hex.n - 2 };
	if (hex.n != 2u * algs[alg].len)
		return false;
	for (size_t i = 0; i < algs[alg].len; i++) {
		int hi = hex_digit(hex.p[2 * i]), lo = hex_digit(hex.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	if (v->known[alg] & UINT32_C(1) << index && memcmp(v->value[alg][index], bytes, algs[alg].len) != 0)
		return false;
	if (!name_take(v, name))
		return false;
	memcpy(v->value[alg][index], bytes, algs[alg].len);
	v->known[alg] |= UINT32_C(1) << index;
	return true;
}

/* ---- text ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice s)
{
	while (s.n && is_blank(s.p[0]))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Banks that tpm2_pcrread may print and that are not computed here: their values are passed over. */
static bool is_other_bank(struct slice name)
{
	static const char *const names[] = { "sm3_256", "sha3_256", "sha3_384", "sha3_512", "pcrs" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_equal_string(name, names[i]))
			return true;
	return false;
}

/* The digest in a line of this program, "sha256:4   HEX": the first word behind the register. */
static struct slice first_word(struct slice s)
{
	s = trim(s);
	for (size_t i = 0; i < s.n; i++)
		if (is_blank(s.p[i]))
			return (struct slice){ s.p, i };
	return s;
}

/*
 * Lines of tpm2_pcrread (tpm2-tools 5.4): "sha256:" begins a bank, "4 : 0xHEX" is a value; or those of "pcrcast replay"
 * and "predict". *bank is the current one, ALG_COUNT when its values are to be passed over.
 */
static bool line_take(struct slice line, bool *in_bank, enum alg *bank, struct pcr_values *v)
{
	struct slice rest = trim(line), left;

	if (rest.n == 0 || rest.p[0] == '#' || slice_equal_string(rest, "---"))
		return true;
	if (!slice_split(&rest, ':', &left))
		return false;
	left = trim(left);
	rest = trim(rest);
	enum alg named = alg_by_name(left);
	if (rest.n == 0) {
		if (named == ALG_COUNT && !is_other_bank(left))
			return false;
		*in_bank = true;
		*bank = named;
		return true;
	}
	if (named != ALG_COUNT) {
		struct slice word = first_word(rest);

		rest = (struct slice){ rest.p + word.n, rest.n - word.n };
		return value_take(v, named, word, first_word(rest));
	}
	if (!*in_bank || register_by_name(left) < 0)
		return false;
	return *bank == ALG_COUNT || value_take(v, *bank, left, rest);
}

static int parse_text(struct slice text, struct pcr_values *v, struct pcrcast_error *e)
{
	enum { SHOWN = 40 }; /* bytes of a line that a message quotes */
	bool in_bank = false;
	enum alg bank = ALG_COUNT;
	struct slice rest = text, line;

	for (size_t number = 1; slice_line(&rest, &line); number++) {
		uint64_t at = (uint64_t)(line.p - text.p);

		if (!line_take(line, &in_bank, &bank, v)) {
			size_t shown = line.n < SHOWN ? line.n : SHOWN;

			return err_set(
				e, PCRCAST_EFORMAT, at,
				"line %zu: expected a bank as \"sha256:\" or a value as \"4 : 0xHEX\", one a register, found \"%.*s\"",
				number, (int)shown, (const char *)line.p);
		}
	}
	return 0;
}

/* ---- JSON ---- */

static int bank_take(const struct cJSON *node, enum alg alg, struct pcr_values *v, struct pcrcast_error *e)
{
	for (const struct cJSON *child = json_first(node); child; child = json_next(child)) {
		struct slice name = slice_of_string(json_key(child));
		const char *hex;

		if (register_by_name(name) < 0)
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: \"%s\" is no register",
				       algs[alg].name, json_key(child));
		if (!json_string(child, &hex) || !value_take(v, alg, name, slice_of_string(hex)))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "%s: register %s: expected %u hex digits, and one value a register",
				       algs[alg].name, json_key(child), 2u * algs[alg].len);
	}
	return 0;
}

/* { bank: { register: hex } }, by itself or as "pcrs" or "registers" of a document of this program. */
static int take_json(const struct cJSON *root, struct pcr_values *v, struct pcrcast_error *e)
{
	const struct cJSON *banks = json_get(root, "pcrs");

	if (!banks)
		banks = json_get(root, "registers");
	if (!banks)
		banks = root;
	if (!json_is_object(banks))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected an object of banks, { \"sha256\": { \"4\": \"HEX\" } }");
	for (const struct cJSON *child = json_first(banks); child; child = json_next(child)) {
		struct slice name = slice_of_string(json_key(child));
		enum alg alg = alg_by_name(name);

		if (is_other_bank(name))
			continue;
		if (alg == ALG_COUNT || !json_is_object(child))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"%s\" is no bank: expected { \"sha256\": { \"4\": \"HEX\" } }",
				       json_key(child));
		int r = bank_take(child, alg, v, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int pcr_values_parse(struct slice text, struct pcr_values *ret, struct pcrcast_error *e)
{
	struct pcr_values v = { .known = { 0 } };
	struct slice rest = text;
	uint32_t any = 0;
	int r;

	while (rest.n && (is_blank(rest.p[0]) || rest.p[0] == '\n'))
		rest = (struct slice){ rest.p + 1, rest.n - 1 };
	if (rest.n && rest.p[0] == '{') {
		struct cJSON *root = NULL;

		r = json_parse(text, &root, e);
		if (r == 0)
			r = take_json(root, &v, e);
		json_free(root);
	} else {
		r = parse_text(text, &v, e);
	}
	if (r < 0)
		return r;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		any |= v.known[alg];
	if (!any)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "no values of registers in it");
	*ret = v;
	return 0;
}
