/*
 * The verb uki: what its parts share.
 */
#pragma once

#include "cli/cli.h"
#include "uki/sections.h"

struct uki_arguments {
	struct pool pool;
	alg_set banks; /* 0: not given */
	bool has_profile;
	unsigned profile;
	const char **phases;
	size_t n_phases, cap_phases;
	struct guid *hwids;
	size_t n_hwids, cap_hwids;
	struct hardware hardware;
	bool as_systemd_measure, json, quiet;
	const char *output;
	const char *file, *section;
};

struct uki_input {
	struct source *source;
	struct blob bytes;
	struct pe pe;
	struct sd_identity id;
};

/* Authenticode digests. */
struct uki_hashes {
	bool differs; /* a signed form of the file has another digest */
	struct digest plain[ALG_COUNT], padded[ALG_COUNT];
};

/* uki_open for the profile and hardware of the command line; a newer stub than known is noted on stderr. */
int open_uki(struct uki_arguments *a, const struct uki_input *in, struct uki *uki, struct pcrcast_error *e);

int hash_image(struct uki_arguments *a, const struct pe *pe, alg_set banks, struct uki_hashes *ret,
	       struct pcrcast_error *e);
void print_hashes(alg_set banks, const struct digest digests[static ALG_COUNT], const char *label);
void digests_json(struct json_doc *d, struct cJSON *parent, const char *key, alg_set banks,
		  const struct digest digests[static ALG_COUNT]);

/* Write a document to stdout and free it. */
int write_json(struct json_doc *d, struct cJSON *root, bool compact, struct pcrcast_error *e);

int uki_run_show(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e);
int uki_run_measure(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e);
