/*
 * What tdx-measure (virtee, src/lib.rs: TdxMeasurements) and dstack-mr before it print: { "mrtd": hex, "rtmr0": hex, … }, each of
 * SHA-384, as serde_json prints it with lines. tdx-measure leaves out the registers that it was told not to compute, and
 * never has RTMR3; dstack's tools have it, and values that are no registers.
 */
#include "eventlog/cc.h"
#include "golden/format_rows.h"

GOLDEN_READER(tdx_read)
{
	struct golden_set *s = golden_add_set(g, e);
	struct golden_others others = { 0 };
	int r = 0;

	if (!s)
		return -PCRCAST_ENOMEM;
	if (!json_is_object(in->json))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object of registers");
	s->cc = true;
	for (const struct cJSON *c = json_first(in->json); c && r == 0; c = json_next(c)) {
		enum cc_register index = cc_register_by_name(slice_of_string(json_key(c)));

		if (index == CC_REGISTERS)
			golden_other(&others, json_key(c));
		else
			r = golden_add_hex(g, s, ALG_SHA384, index, c, GOLDEN_COMPUTED, NULL, e);
	}
	return r < 0 ? r : golden_note_others(g, &others, "keys that are no register", e);
}

GOLDEN_WRITER(tdx_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);

	for (size_t i = 0; i < s->n_registers; i++) {
		char name[12];

		json_add_hex(&d, root, golden_register_name(s, s->registers[i].index, name),
			     s->registers[i].values[0].bytes, algs[ALG_SHA384].len);
	}
	return golden_write_indented(w, &d, root, 2, e);
}

GOLDEN_RECOGNISER(tdx_recognise)
{
	const char *text;

	return json_string(json_get(in->json, "mrtd"), &text) ||
	       json_string(json_get(in->json, "rtmr0"), &text) ||
	       json_string(json_get(in->json, "rtmr1"), &text);
}
