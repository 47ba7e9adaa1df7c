/*
 * Keylime's TPM policy: { "4": [HEX, …], "mask": "0x10" }, for each PCR the values of any bank that are accepted. In the verifier's
 * interface (REST API 2, "tpm_policy") "mask" has the PCRs that the quote is to be over; "keylime_tenant --tpm_policy" (Keylime 7.14,
 * tpm_util.readPolicy) takes the same without "mask" and makes that itself.
 */
#include "base/encode.h"
#include "golden/format_rows.h"

static const char format_name[] = "keylime-tpm", mask_key[] = "mask";

/* readPolicy refuses these as policy: 10 is IMA's, 16 is where Keylime binds its own data to the quote. */
static const uint32_t reserved = 1u << 10 | 1u << 16;

static bool is_value(const struct cJSON *node)
{
	const char *text;

	if (!json_string(node, &text) || strlen(text) % 2 || golden_alg_by_len(strlen(text) / 2) == ALG_COUNT)
		return false;
	for (const char *c = text; *c; c++)
		if (hex_digit((uint8_t)*c) < 0)
			return false;
	return true;
}

/* Nothing but PCRs with lists of hex, and perhaps the mask; a value that is no list counts when there is a mask. */
GOLDEN_RECOGNISER(keylime_tpm_recognise)
{
	const struct cJSON *mask = json_get(in->json, mask_key);
	bool any = false;
	uint32_t index;

	if (!json_is_object(in->json))
		return false;
	for (const struct cJSON *c = json_first(in->json); c; c = json_next(c)) {
		if (c == mask)
			continue;
		if (!golden_index(slice_of_string(json_key(c)), &index) ||
		    !(json_is_array(c) ? is_value(json_first(c)) : mask && is_value(c)))
			return false;
		any = true;
	}
	return any;
}

/* "0x408000" or "4227072": Python's int(mask, 0), of which these are the forms that Keylime writes. */
static bool read_mask(const char *text, uint32_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t v = 0;

	text += hex ? 2 : 0;
	if (!*text || (!hex && text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		int digit = hex_digit((uint8_t)*text);

		if (digit < 0 || (!hex && digit > 9))
			return false;
		v = v * (hex ? 16 : 10) + (unsigned)digit;
		if (v >> PCR_COUNT)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

static int read_value(struct golden *g, struct golden_set *s, uint32_t index, const struct cJSON *node,
		      struct pcrcast_error *e)
{
	struct slice value;

	if (!json_hex(&g->pool, node, &value) || golden_alg_by_len(value.n) == ALG_COUNT)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "PCR %u: expected 40, 64, 96 or 128 hex digits", index);
	return golden_add_value(g, s, golden_alg_by_len(value.n), index, value, GOLDEN_STATED, NULL, e);
}

static int read_register(struct golden *g, struct golden_set *s, uint32_t index, const struct cJSON *node,
			 struct pcrcast_error *e)
{
	int r = 0;

	if (!json_is_array(node))
		return read_value(g, s, index, node, e);
	if (!json_first(node))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "PCR %u: expected at least one value",
			       index);
	for (const struct cJSON *c = json_first(node); c && r == 0; c = json_next(c))
		r = read_value(g, s, index, c, e);
	return r;
}

/* PCRs of the mask without values are quoted and compared with no list (IMA, measured boot): they are kept for writing. */
static int check_mask(struct golden *g, struct golden_set *s, const struct cJSON *node, uint32_t pcrs,
		      struct pcrcast_error *e)
{
	const char *text;
	uint32_t mask = 0;

	if (!json_string(node, &text) || !read_mask(text, &mask))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"mask\": expected a number of 24 bits, as \"0x408000\"");
	if (pcrs & ~mask)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"mask\": PCR %d has values and is not in it, so no quote is over it",
			       __builtin_ctz(pcrs & ~mask));
	if (mask == pcrs)
		return 0;
	const char *json = pool_printf(&g->pool, "\"0x%x\"", mask & ~pcrs);

	return json ? golden_add_extra(g, s, format_name, mask_key, json, e) : err_nomem(e);
}

GOLDEN_READER(keylime_tpm_read)
{
	const struct cJSON *mask = json_get(in->json, mask_key);
	struct golden_set *s = golden_add_set(g, e);
	uint32_t pcrs = 0;
	int r = 0;

	if (!s)
		return -PCRCAST_ELIMIT;
	if (!json_is_object(in->json))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object of PCRs");
	for (const struct cJSON *c = json_first(in->json); c && r == 0; c = json_next(c)) {
		uint32_t index;

		if (c == mask)
			continue;
		if (!golden_index(slice_of_string(json_key(c)), &index))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"%s\": expected a PCR, 0 to 23, or \"mask\"", json_key(c));
		r = read_register(g, s, index, c, e);
		pcrs |= UINT32_C(1) << index;
		if (r == 0 && reserved & UINT32_C(1) << index)
			r = golden_note(g, e, "PCR %u: Keylime uses it itself and refuses a policy about it",
					index);
	}
	return r == 0 && mask ? check_mask(g, s, mask, pcrs, e) : r;
}

/* The PCRs of the mask that came without values. */
static uint32_t kept_mask(const struct golden_set *s)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < s->n_extras; i++) {
		const struct golden_extra *x = &s->extras[i];
		char text[12];
		size_t n = strlen(x->json);

		if (strcmp(x->format, format_name) != 0 || strcmp(x->key, mask_key) != 0 || n < 3 ||
		    n - 2 >= sizeof text)
			continue;
		memcpy(text, x->json + 1, n - 2); /* without its quotation marks */
		text[n - 2] = '\0';
		(void)read_mask(text, &mask);
	}
	return mask;
}

/* The values of a PCR in all banks; NULL when there are none. */
static struct cJSON *values_json(struct json_doc *d, const struct golden_set *s, uint32_t index)
{
	struct cJSON *list = NULL;

	for (size_t i = 0; i < s->n_registers; i++) {
		const struct golden_register *r = &s->registers[i];

		for (size_t k = 0; r->index == index && k < r->n; k++) {
			char hex[2 * DIGEST_MAX + 1];

			if (!list)
				list = json_array(d);
			hex_encode(r->values[k].bytes, algs[r->alg].len, hex);
			json_append_string(d, list, hex);
		}
	}
	return list;
}

GOLDEN_WRITER(keylime_tpm_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);
	uint32_t mask = kept_mask(s);
	char text[12];

	for (uint32_t index = 0; index < PCR_COUNT; index++) {
		struct cJSON *list = values_json(&d, s, index);

		if (!list)
			continue;
		(void)snprintf(text, sizeof text, "%u", index);
		json_add(&d, root, text, list);
		mask |= UINT32_C(1) << index;
	}
	(void)snprintf(text, sizeof text, "0x%x", mask);
	json_add_string(&d, root, mask_key, text);
	return golden_write_json(w, &d, root, false, e);
}
