/*
 * Firmware, shim, GRUB, kernel, initrd and command line of a log against the alternatives that a Keylime state has for them. When
 * none fits, the one that fits best is told.
 */
#include "golden/keylime_parts.h"
#include "golden/pattern.h"

/* A state may have very many kernels with command lines that take long to compare; those behind this many are not. */
enum { PATTERNS_MAX = 256 };

static bool has_digest(const struct keylime_checking *k, size_t event, const struct golden_claim *c)
{
	return slice_equal(event_digest(&k->log->events[event], k->log, c->alg), c->bytes);
}

/* What of an alternative does not fit; texts are made for the best one only. */
struct misfit {
	enum keylime_role role;
	size_t event; /* that should have the digest; SIZE_MAX: none */
	const struct golden_claim *claim;
	enum match answer;
	const char *why; /* NULL: the digest is another */
};

enum { MISFITS_MAX = KEYLIME_ROLES };

struct misfits {
	struct misfit list[MISFITS_MAX];
	size_t n;
};

static void misfit(struct misfits *m, enum keylime_role role, size_t event, const struct golden_claim *claim,
		   enum match answer, const char *why)
{
	if (m->n < MISFITS_MAX)
		m->list[m->n++] = (struct misfit){ role, event, claim, answer, why };
}

static int tell(struct keylime_checking *k, const struct misfits *m, size_t n_alternatives,
		struct pcrcast_error *e)
{
	const char *of = n_alternatives > 1 ? " (of the alternative that fits best)" : "";
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++) {
		const struct misfit *x = &m->list[i];
		const char *name = keylime_role_names[x->role];

		if (x->why) {
			r = keylime_find(k, name, x->event, x->answer, e, "%s: %s%s", name, x->why, of);
			continue;
		}
		struct slice found = event_digest(&k->log->events[x->event], k->log, x->claim->alg);
		char want[2 * DIGEST_MAX + 1], have[2 * DIGEST_MAX + 1] = "no such digest";

		hex_encode(x->claim->bytes.p, x->claim->bytes.n, want);
		if (found.n && found.n <= DIGEST_MAX)
			hex_encode(found.p, found.n, have);
		r = keylime_find(k, name, x->event, x->answer, e, "%s: event %zu has %s, the state has %s%s",
				 name, x->event, have, want, of);
	}
	return r;
}

/* One event, with the digest. */
static void fit_one(const struct keylime_checking *k, struct misfits *m, enum keylime_role role,
		    const struct keylime_events *events, const struct golden_claim *c)
{
	if (events->n != 1)
		misfit(m, role, SIZE_MAX, c, MATCH_NO,
		       events->n ? "several events, where the policy takes one" : "no event about it");
	else if (!has_digest(k, events->events[0], c))
		misfit(m, role, events->events[0], c, MATCH_NO, NULL);
}

/* ---- firmware ---- */

static void fit_firmware(const struct keylime_checking *k, const struct keylime_firmware *f,
			 struct misfits *m)
{
	fit_one(k, m, KEYLIME_SCRTM, &k->scrtms, f->scrtm);
	if (k->blobs.n != f->n_blobs) {
		misfit(m, KEYLIME_FIRMWARE, SIZE_MAX, NULL, MATCH_NO,
		       "another number of firmware volumes than the state has");
		return;
	}
	for (size_t i = 0; i < f->n_blobs; i++)
		if (!has_digest(k, k->blobs.events[i], f->blobs[i]))
			misfit(m, KEYLIME_FIRMWARE, k->blobs.events[i], f->blobs[i], MATCH_NO, NULL);
}

int keylime_compare_firmware(struct keylime_checking *k, struct pcrcast_error *e)
{
	struct misfits best = { .n = SIZE_MAX };

	if (k->state->n_firmware == 0)
		return keylime_find(k, "scrtm", SIZE_MAX, MATCH_NO, e,
				    "scrtm: the state accepts no firmware");
	for (size_t i = 0; i < k->state->n_firmware && best.n; i++) {
		struct misfits m = { .n = 0 };

		fit_firmware(k, &k->state->firmware[i], &m);
		if (m.n < best.n)
			best = m;
	}
	return tell(k, &best, k->state->n_firmware, e);
}

/* ---- shim, GRUB, kernel ---- */

static void fit_programs(const struct keylime_checking *k, const struct keylime_kernel *kernel,
			 struct misfits *m)
{
	static const enum keylime_role order[] = { KEYLIME_SHIM, KEYLIME_GRUB, KEYLIME_KERNEL,
						   KEYLIME_KERNEL };
	bool secure_boot = k->state->secure_boot;
	size_t n = k->programs.n;

	if (n < (secure_boot ? 3 : 2) || n > (secure_boot ? 4 : 2)) {
		misfit(m, KEYLIME_SHIM, SIZE_MAX, NULL, MATCH_NO,
		       secure_boot ? "not 3 or 4 boot applications (shim, GRUB, kernel, perhaps twice)" :
				     "not 2 boot applications (shim, GRUB)");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!has_digest(k, k->programs.events[i], kernel->part[order[i]]))
			misfit(m, order[i], k->programs.events[i], kernel->part[order[i]], MATCH_NO, NULL);
}

static int fit_cmdline(struct keylime_checking *k, const struct golden_claim *c, struct misfits *m,
		       size_t *n_patterns, struct pcrcast_error *e)
{
	enum match answer = MATCH_CANNOT_TELL;
	const char *why = "too many command lines to compare";

	if (k->cmdlines.n != 1) {
		misfit(m, KEYLIME_CMDLINE, SIZE_MAX, c, MATCH_NO,
		       k->cmdlines.n ? "several kernel command lines" : "no kernel command line");
		return 0;
	}
	size_t event = k->cmdlines.events[0];
	if ((*n_patterns)++ < PATTERNS_MAX) {
		/* the policy's pattern is about the whole text, and an alternative ("|") in the state's cuts it in two */
		const char *pattern = pool_printf(k->pool, "kernel_cmdline: %s", c->text);
		int r = pattern ? pattern_match(pattern, keylime_string(&k->log->events[event]), &answer,
						&why, e) :
				  err_nomem(e);
		if (r < 0)
			return r;
	}
	if (answer == MATCH_CANNOT_TELL)
		why = pool_printf(k->pool, "its pattern is not compared: %s", why);
	else if (answer == MATCH_NO)
		why = "the kernel command line does not match the state's pattern";
	if (answer != MATCH_YES)
		misfit(m, KEYLIME_CMDLINE, event, c, answer, why ? why : "its pattern is not compared");
	return 0;
}

static int fit_kernel(struct keylime_checking *k, const struct keylime_kernel *kernel, struct misfits *m,
		      size_t *n_patterns, struct pcrcast_error *e)
{
	fit_programs(k, kernel, m);
	fit_one(k, m, KEYLIME_INITRD, &k->initrds, kernel->part[KEYLIME_INITRD]);
	/* with Secure Boot the digest does not matter, the number does */
	if (!k->state->secure_boot)
		fit_one(k, m, KEYLIME_KERNEL_FILE, &k->kernel_files, kernel->part[KEYLIME_KERNEL_FILE]);
	else if (k->kernel_files.n != 1)
		misfit(m, KEYLIME_KERNEL_FILE, SIZE_MAX, NULL, MATCH_NO,
		       "GRUB did not open exactly one file \"…/vmlinuz…\"");
	return fit_cmdline(k, kernel->part[KEYLIME_CMDLINE], m, n_patterns, e);
}

/* Is a better than b? What cannot be told is better than what does not fit. */
static bool is_better(const struct misfits *a, const struct misfits *b)
{
	size_t sure_a = 0, sure_b = 0;

	if (b->n == SIZE_MAX)
		return true;
	for (size_t i = 0; i < a->n; i++)
		sure_a += a->list[i].answer == MATCH_NO;
	for (size_t i = 0; i < b->n; i++)
		sure_b += b->list[i].answer == MATCH_NO;
	return sure_a != sure_b ? sure_a < sure_b : a->n < b->n;
}

int keylime_compare_kernels(struct keylime_checking *k, struct pcrcast_error *e)
{
	struct misfits best = { .n = SIZE_MAX };
	size_t n_patterns = 0;

	if (k->state->n_kernels == 0)
		return keylime_find(k, "kernel", SIZE_MAX, MATCH_NO, e, "kernel: the state accepts none");
	for (size_t i = 0; i < k->state->n_kernels && best.n; i++) {
		struct misfits m = { .n = 0 };

		int r = fit_kernel(k, &k->state->kernels[i], &m, &n_patterns, e);
		if (r < 0)
			return r;
		if (is_better(&m, &best))
			best = m;
	}
	return tell(k, &best, k->state->n_kernels, e);
}
