/*
 * What the running system measures when asked for: words of systemd, IMA's first entry, Constellation's cluster id.
 */
#pragma once

#include "base/digest.h"

/* A volume that systemd-cryptsetup measures: HMAC of "cryptsetup:NAME:UUID" with the volume key. */
struct volume_key {
	const char *text; /* NAME:UUID */
	struct slice key;
};

enum ima_template {
	IMA_NG,
	IMA_SIG,
	IMA_NGV2,
	IMA_SIGV2,
	IMA_TEMPLATES,
};

/* "ima-ng", …; IMA_TEMPLATES: there is none of that name. */
enum ima_template ima_template_by_name(const char *name);

struct userspace_options {
	bool boot_aggregate; /* PCR 10 holds IMA's first entry, and nothing else */
	enum alg ima_hash;   /* of the kernel (CONFIG_IMA_DEFAULT_HASH, ima_hash=) */
	bool ima_template_given;
	enum ima_template ima_template;
	alg_set ima_hashes; /* that the kernel has when IMA begins; other banks get SHA-1 and zeros. 0: not known */

	/* The words, in the order in which they are measured. Texts are as measured, behind the first colon. */
	bool os_separator;
	const char *const *nvpcr_inits; /* NAME:0xINDEX:HEX */
	size_t n_nvpcr_inits;
	bool nvpcr_separator;
	const struct volume_key *volume_keys;
	size_t n_volume_keys;
	const char *machine_id; /* 32 lower-case hex digits; NULL: not measured */
	const char *const
		*file_systems; /* PATH:TYPE:UUID:LABEL:PARTITION-UUID:PARTITION-TYPE:PARTITION-NAME */
	size_t n_file_systems;
	bool has_cluster_id;
	struct slice cluster_id;
};

/* Registers that these options extend, bit i: PCR i. */
uint32_t userspace_pcrs(const struct userspace_options *u);
