/*
 * The first entry of the kernel's integrity measurement: boot_aggregate, a hash over the registers of the boot.
 *
 * Sources: Linux 6.1 security/integrity/ima/ima_init.c (ima_add_boot_aggregate), ima_crypto.c (ima_calc_boot_aggregate_tfm,
 * ima_init_crypto), ima_template_lib.c (ima_eventdigest_init_common).
 */
#define _GNU_SOURCE
#include <string.h>

#include "base/bytes.h"
#include "predict/walk.h"

static const struct {
	const char *name;
	const char *type; /* in front of the hash's name in the digest field */
	bool signature;   /* there is a field for one, empty here */
} templates[IMA_TEMPLATES] = {
	[IMA_NG] = { "ima-ng", "", false },
	[IMA_SIG] = { "ima-sig", "", true },
	[IMA_NGV2] = { "ima-ngv2", "ima:", false },
	[IMA_SIGV2] = { "ima-sigv2", "ima:", true },
};

enum ima_template ima_template_by_name(const char *name)
{
	enum ima_template t = 0;

	while (t < IMA_TEMPLATES && strcmp(templates[t].name, name) != 0)
		t++;
	return t;
}

/* Registers that the aggregate covers: 0 to 7 with SHA-1, 8 and 9 as well with any other (since Linux 5.8). */
static uint32_t covered_pcrs(enum alg alg)
{
	return alg == ALG_SHA1 ? 0xff : 0x3ff;
}

/* Remember where in the log it stands; its digest can only be known when all events before it are hashed. */
int ima_first_entry(struct walk *w, struct pcrcast_error *e)
{
	static const char doubt[] =
		"IMA's entry in banks other than sha1, sha256 and its own depends on the hashes in the kernel";
	const struct userspace_options *u = &w->opt->userspace;
	struct event_text text = { "IMA's first entry, boot_aggregate", templates[u->ima_template].name };
	alg_set known = 1u << ALG_SHA1 | 1u << ALG_SHA256 | 1u << u->ima_hash;

	if (!(w->opt->banks & 1u << u->ima_hash))
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "--boot-aggregate %s: the bank is not among those of --bank",
			       algs[u->ima_hash].name);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		if (covered_pcrs(u->ima_hash) & w->out->incomplete & UINT32_C(1) << pcr)
			return walk_event_unknown(w, IMA_PCR, EV_IPL, text,
						  "the boot aggregate covers registers that are not known",
						  "--baseline", e);
	if (w->opt->banks & ~known && !u->ima_hashes)
		return walk_event_unknown(w, IMA_PCR, EV_IPL, text, doubt, "--ima-hashes", e);
	w->aggregate_at = w->out->log.n_events;
	w->has_aggregate = true;
	int r = walk_assume(w, "ima-policy", "none: the kernel measures nothing but the boot aggregate", NULL,
			    e);
	if (r == 0 && !u->ima_template_given)
		r = walk_assume(w, "ima-template", text.source, "--ima-template", e);
	struct digest none[ALG_COUNT] = { 0 };
	return r < 0 ? r : walk_event_digests(w, IMA_PCR, EV_IPL, SLICE_EMPTY, none, EVENT_COMPUTED, text, e);
}

/* Two fields, or three: each with its length in front. The first is TYPE HASH ':' NUL digest, the second the name with NUL. */
static struct slice template_data(struct pool *pool, const struct userspace_options *u,
				  const struct digest *d)
{
	static const char name[] = "boot_aggregate";
	const char *type = templates[u->ima_template].type, *hash = algs[d->alg].name;
	size_t head = strlen(type) + strlen(hash) + 2, first = head + algs[d->alg].len;
	bool third = templates[u->ima_template].signature;
	uint8_t *bytes = pool_array(pool, 12 + first + sizeof name, 1), *p = bytes;

	if (!bytes)
		return (struct slice){ NULL, 0 };
	put_u32le(p, (uint32_t)first);
	p = mempcpy(p + 4, type, strlen(type));
	p = mempcpy(p, hash, strlen(hash));
	*p++ = ':';
	*p++ = 0;
	p = mempcpy(p, d->bytes, algs[d->alg].len);
	put_u32le(p, sizeof name);
	p = mempcpy(p + 4, name, sizeof name);
	p += third ? 4 : 0;
	return (struct slice){ bytes, (size_t)(p - bytes) };
}

/* A bank whose hash the kernel lacked gets the SHA-1 digest, with zeros behind it (ima_init_crypto, Linux 5.8). */
static int set_template_digests(struct walk *w, struct event *ev, struct pcrcast_error *e)
{
	alg_set hashes = w->opt->userspace.ima_hashes;
	struct digest digests[ALG_COUNT];
	int r = 0;

	for (enum alg a = 0; r == 0 && a < ALG_COUNT; a++) {
		digests[a] = (struct digest){ .alg = a };
		r = digest_of(!hashes || hashes & 1u << a ? a : ALG_SHA1, ev->data, &digests[a], e);
	}
	return r < 0 ? r : walk_set_digests(w, ev, digests, e);
}

int ima_finish(struct walk *w, const struct pcr_bank *bank, struct pcrcast_error *e)
{
	const struct userspace_options *u = &w->opt->userspace;
	struct event *ev = &w->out->log.events[w->aggregate_at];
	size_t len = algs[u->ima_hash].len, n = 0;
	uint8_t all[10 * DIGEST_MAX];
	char hex[2 * DIGEST_MAX + 1];
	struct digest aggregate;

	for (uint32_t pcr = 0; covered_pcrs(u->ima_hash) >> pcr; pcr++, n += len)
		memcpy(all + n, bank->pcr[pcr], len);
	int r = digest_of(u->ima_hash, (struct slice){ all, n }, &aggregate, e);
	if (r < 0)
		return r;
	ev->data = template_data(w->pool, u, &aggregate);
	hex_encode(aggregate.bytes, len, hex);
	ev->description =
		pool_printf(w->pool, "IMA's first entry, boot_aggregate %s:%s", algs[u->ima_hash].name, hex);
	if (!ev->data.p || !ev->description)
		return err_nomem(e);
	return set_template_digests(w, ev, e);
}
