/*
 * What aws/NitroTPM-Tools prints (nitro-tpm-pcr-compute 1.1, src/build_info.rs), in the manner of the Nitro Enclaves tools:
 * { "Measurements": { "HashAlgorithm": "SHA384", "PCR4": hex, "PCR7": hex } }, as serde_json prints it with lines.
 *
 * The algorithm is the name under which the tool's crypto library shows itself when it is debugged. aws-lc's is
 * "SHA384". The tools for enclaves use another library, which shows "Sha384 { ... }"; PCRs of an enclave are no TPM's.
 */
#include <stdio.h>
#include <string.h>

#include "golden/format_rows.h"

static const struct {
	const char *word;
	enum alg alg;
	bool enclave;
} algorithms[] = {
	{ "SHA384", ALG_SHA384, false },        { "SHA256", ALG_SHA256, false },
	{ "SHA512", ALG_SHA512, false },        { "SHA1", ALG_SHA1, false },
	{ "Sha384 { ... }", ALG_SHA384, true }, { "Sha256 { ... }", ALG_SHA256, true },
	{ "Sha512 { ... }", ALG_SHA512, true },
};

static int read_algorithm(const struct cJSON *node, struct golden *g, enum alg *ret, struct pcrcast_error *e)
{
	const char *word;
	size_t i = 0;

	if (!json_string(node, &word))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"HashAlgorithm\": expected a string");
	while (i < sizeof algorithms / sizeof algorithms[0] && strcmp(algorithms[i].word, word) != 0)
		i++;
	if (i == sizeof algorithms / sizeof algorithms[0])
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "\"HashAlgorithm\": expected \"SHA384\", found \"%s\"", word);
	*ret = algorithms[i].alg;
	if (!algorithms[i].enclave)
		return 0;
	return golden_note(
		g, e,
		"\"%s\" is how tools for Nitro Enclaves name the hash: the PCRs of an enclave are not "
		"those of a TPM",
		word);
}

GOLDEN_READER(aws_read)
{
	const struct cJSON *measurements = json_get(in->json, "Measurements");
	struct golden_set *s = golden_add_set(g, e);
	struct golden_others others = { 0 };
	enum alg alg = ALG_COUNT;

	if (!s)
		return -PCRCAST_ENOMEM;
	if (!json_is_object(measurements))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"Measurements\": expected an object");
	int r = read_algorithm(json_get(measurements, "HashAlgorithm"), g, &alg, e);
	for (const struct cJSON *c = json_first(in->json); c; c = json_next(c))
		if (c != measurements)
			golden_other(&others, json_key(c));
	r = r < 0 ? r : golden_note_others(g, &others, "keys beside \"Measurements\"", e);
	for (const struct cJSON *c = json_first(measurements); c && r == 0; c = json_next(c)) {
		const char *key = json_key(c);
		uint32_t index;

		if (strcmp(key, "HashAlgorithm") == 0)
			continue;
		if (strncmp(key, "PCR", 3) != 0 || !golden_index(slice_of_string(key + 3), &index))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "\"%s\": expected PCR0 to PCR23", key);
		r = golden_add_hex(g, s, alg, index, c, GOLDEN_COMPUTED, NULL, e);
	}
	return r;
}

GOLDEN_WRITER(aws_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *measurements = json_object(&d);

	json_add_string(&d, measurements, "HashAlgorithm", "SHA384"); /* the row allows no other bank */
	for (size_t i = 0; i < s->n_registers; i++) {
		char key[sizeof "PCR4294967295"];

		(void)snprintf(key, sizeof key, "PCR%u", s->registers[i].index);
		json_add_hex(&d, measurements, key, s->registers[i].values[0].bytes, algs[ALG_SHA384].len);
	}
	json_add(&d, root, "Measurements", measurements);
	return golden_write_indented(w, &d, root, 2, e);
}

GOLDEN_RECOGNISER(aws_recognise)
{
	return json_get(json_get(in->json, "Measurements"), "HashAlgorithm") != NULL;
}
