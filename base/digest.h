/*
 * Hash algorithms, digests and PCR banks. Digests and banks are plain values: copy them freely.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

enum {
	DIGEST_MAX = 64, /* bytes of the longest digest: SHA-512 */
	PCR_COUNT = 24,  /* TCG PC Client Platform TPM Profile, section 4.6: PCR 0..23 */
};

/* The banks this program computes. Their order is the one in which EDK2 lists them in a log. */
enum alg {
	ALG_SHA1,
	ALG_SHA256,
	ALG_SHA384,
	ALG_SHA512,
	ALG_COUNT,
};

/* A set of algorithms: bit (1 << alg). */
typedef uint32_t alg_set;

struct alg_info {
	const char *name; /* as tpm2-tools and systemd write it */
	uint16_t tpm_id;  /* TPM_ALG_ID, TPM 2.0 Library part 2, table 9 */
	uint16_t len;     /* bytes */
};

extern const struct alg_info algs[ALG_COUNT];

/* ALG_COUNT when there is none of that name or id. */
enum alg alg_by_name(struct slice name);
enum alg alg_by_tpm_id(uint16_t id);

struct digest {
	enum alg alg;
	uint8_t bytes[DIGEST_MAX]; /* the first algs[alg].len count */
};

bool digest_equal(const struct digest *a, const struct digest *b);

/* Hash bytes that lie in memory. */
int digest_of(enum alg alg, struct slice bytes, struct digest *ret, struct pcrcast_error *e);

/* Write n bytes as 2n lower-case hex digits and a NUL. */
void hex_encode(const uint8_t *bytes, size_t n, char *ret);

/* A bank: every PCR of one algorithm. */
struct pcr_bank {
	enum alg alg;
	uint32_t extended;         /* bit i set: PCR i was extended; i in 0..23 */
	uint32_t count[PCR_COUNT]; /* extends per PCR */
	uint8_t pcr[PCR_COUNT][DIGEST_MAX];
};

/* Values after a TPM reset: zeros, PCR 17-22 all ones (TCG PC Client Platform TPM Profile, section 4.6.2). */
void pcr_bank_reset(struct pcr_bank *bank, enum alg alg);

/* PCR := H(PCR || digest); digest holds algs[bank->alg].len bytes. pcr above 23 is refused. */
int pcr_extend(struct pcr_bank *bank, uint32_t pcr, const uint8_t *digest, struct pcrcast_error *e);
