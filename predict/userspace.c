/*
 * What the running system measures, as far as it is asked for.
 *
 * Sources: systemd 262 src/shared/pcrextend-util.c, src/tpm2-setup, src/cryptsetup/cryptsetup.c and the units
 * systemd-pcrosseparator, systemd-pcrnvdone, systemd-pcrmachine (253), systemd-pcrfs-root (behind it) and systemd-pcrfs@
 * (behind that); Constellation 2.24 internal/attestation/initialize.
 */
#define _GNU_SOURCE
#include "predict/userspace.h"

#include <string.h>

#include "base/sha.h"
#include "predict/walk.h"

enum {
	NVPCR_PCR = 9,
	IDENTITY_PCR = 15,
};

/* systemd 261: 0 to 7, 9, 12 to 14. */
static const uint32_t separated_pcrs = 0xff | 1 << 9 | 7 << 12;

uint32_t userspace_pcrs(const struct userspace_options *u)
{
	uint32_t pcrs = 0;

	if (u->boot_aggregate)
		pcrs |= UINT32_C(1) << IMA_PCR;
	if (u->os_separator)
		pcrs |= separated_pcrs;
	if (u->n_nvpcr_inits || u->nvpcr_separator)
		pcrs |= UINT32_C(1) << NVPCR_PCR;
	if (u->n_volume_keys || u->machine_id || u->n_file_systems || u->has_cluster_id)
		pcrs |= UINT32_C(1) << IDENTITY_PCR;
	return pcrs;
}

static int word(struct walk *w, uint32_t pcr, const char *text, const char *source, struct pcrcast_error *e)
{
	if (!text)
		return err_nomem(e);
	struct slice bytes = slice_of_string(text); /* without its NUL */

	return walk_event_bytes(w, pcr, EV_IPL, bytes, bytes, EVENT_ASSUMED,
				(struct event_text){ text, source }, e);
}

/* A word that no option completes is fixed by systemd. */
static int fixed_word(struct walk *w, uint32_t pcr, const char *text, struct pcrcast_error *e)
{
	struct slice bytes = slice_of_string(text);

	return walk_event_bytes(w, pcr, EV_IPL, bytes, bytes, EVENT_CONSTANT,
				(struct event_text){ text, "systemd's userspace" }, e);
}

static int separate(struct walk *w, struct pcrcast_error *e)
{
	int r = 0;

	for (uint32_t pcr = 0; r == 0 && pcr < PCR_COUNT; pcr++)
		if (separated_pcrs & UINT32_C(1) << pcr)
			r = fixed_word(w, pcr, "os-separator", e);
	return r;
}

/* HMAC, RFC 2104, section 2. */
static int hmac(enum alg alg, struct slice key, struct slice text, struct digest *ret,
		struct pcrcast_error *e)
{
	enum { BLOCK_MAX = 128, INNER = 0x36, OUTER = 0x5c };
	size_t block = alg == ALG_SHA1 || alg == ALG_SHA256 ? 64 : BLOCK_MAX;
	uint8_t padded[BLOCK_MAX] = { 0 };
	struct digest d = { .alg = alg };
	struct sha *h = sha_new(alg);
	bool ok = h;

	if (ok && key.n > block) {
		ok = sha_update(h, key.p, key.n) && sha_peek(h, &d) && sha_restart(h);
		memcpy(padded, d.bytes, algs[alg].len);
	} else {
		memcpy(padded, key.p, key.n < block ? key.n : block);
	}
	for (size_t i = 0; i < block; i++)
		padded[i] ^= INNER;
	ok = ok && sha_update(h, padded, block) && sha_update(h, text.p, text.n) && sha_peek(h, &d) &&
	     sha_restart(h);
	for (size_t i = 0; i < block; i++)
		padded[i] ^= INNER ^ OUTER;
	ok = ok && sha_update(h, padded, block) && sha_update(h, d.bytes, algs[alg].len) && sha_peek(h, ret);
	sha_free(h);
	explicit_bzero(padded, sizeof padded);
	return ok ? 0 :
		    err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute %s",
			    algs[alg].name);
}

static int measure_volume(struct walk *w, const struct volume_key *v, struct pcrcast_error *e)
{
	const char *text = pool_printf(w->pool, "cryptsetup:%s", v->text);
	struct digest digests[ALG_COUNT];
	int r = text ? 0 : err_nomem(e);

	for (enum alg a = 0; r == 0 && a < ALG_COUNT; a++)
		r = hmac(a, v->key, slice_of_string(text), &digests[a], e);
	return r < 0 ? r :
		       walk_event_digests(w, IDENTITY_PCR, EV_IPL, slice_of_string(text), digests,
					  EVENT_ASSUMED, (struct event_text){ text, "--volume-key" }, e);
}

static int words(struct walk *w, struct pcrcast_error *e)
{
	const struct userspace_options *u = &w->opt->userspace;
	int r = u->os_separator ? separate(w, e) : 0;

	for (size_t i = 0; r == 0 && i < u->n_nvpcr_inits; i++)
		r = word(w, NVPCR_PCR, pool_printf(w->pool, "nvpcr-init:%s", u->nvpcr_inits[i]),
			 "--nvpcr-init", e);
	if (r == 0 && u->nvpcr_separator)
		r = fixed_word(w, NVPCR_PCR, "nvpcr-separator", e);
	for (size_t i = 0; r == 0 && i < u->n_volume_keys; i++)
		r = measure_volume(w, &u->volume_keys[i], e);
	if (r == 0 && u->machine_id)
		r = word(w, IDENTITY_PCR, pool_printf(w->pool, "machine-id:%s", u->machine_id),
			 "--machine-id", e);
	for (size_t i = 0; r == 0 && i < u->n_file_systems; i++)
		r = word(w, IDENTITY_PCR, pool_printf(w->pool, "file-system:%s", u->file_systems[i]),
			 "--file-system", e);
	if (r == 0 && u->has_cluster_id)
		r = walk_event_bytes(w, IDENTITY_PCR, EV_IPL, u->cluster_id, u->cluster_id, EVENT_ASSUMED,
				     (struct event_text){ "Constellation's cluster id", "--cluster-id" }, e);
	return r;
}

int stage_userspace(struct walk *w, struct pcrcast_error *e)
{
	int r = w->opt->userspace.boot_aggregate ? ima_first_entry(w, e) : 0;

	return r < 0 ? r : words(w, e);
}
