/*
 * What readers and writers of formats share.
 */
#include <stdarg.h>
#include <string.h>

#include "golden/format.h"

int golden_lost(struct golden_writer *w, struct pcrcast_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool ok = pool_push_text(w->pool, &w->lost, &w->n_lost, &w->cap_lost, fmt, ap);
	va_end(ap);
	return ok ? 0 : err_nomem(e);
}

int golden_write_json(struct golden_writer *w, struct json_doc *d, struct cJSON *root, bool compact,
		      struct pcrcast_error *e)
{
	bool ok = json_write(d, root, compact, w->out);

	json_free(root);
	return ok ? 0 : err_nomem(e); /* w->out is memory: it fails only for want of that */
}

int golden_write_indented(struct golden_writer *w, struct json_doc *d, struct cJSON *root, unsigned blanks,
			  struct pcrcast_error *e)
{
	bool ok = json_write_indented(d, root, blanks, w->out);

	json_free(root);
	return ok ? 0 : err_nomem(e);
}

enum alg golden_alg_by_len(size_t len)
{
	enum alg alg = 0;

	while (alg < ALG_COUNT && algs[alg].len != len)
		alg++;
	return alg;
}

bool golden_index(struct slice text, uint32_t *ret)
{
	uint32_t v = 0;

	if (text.n == 0 || text.n > 2 || (text.n == 2 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(text.p[i] - '0');
	}
	if (v >= PCR_COUNT)
		return false;
	*ret = v;
	return true;
}

int golden_only_keys(const struct cJSON *object, const char *what, const char *const *keys,
		     struct pcrcast_error *e)
{
	for (const struct cJSON *c = json_first(object); c; c = json_next(c)) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], json_key(c)) != 0)
			i++;
		if (!keys[i])
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "%s: unknown key \"%s\"", what,
				       json_key(c));
	}
	return 0;
}

int golden_add_hex(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
		   const struct cJSON *node, enum golden_origin origin, const char *label,
		   struct pcrcast_error *e)
{
	char name[12];
	struct slice bytes;

	if (!json_hex(&g->pool, node, &bytes))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "register %s: expected a value in hex",
			       golden_register_name(s, index, name));
	return golden_add_value(g, s, alg, index, bytes, origin, label, e);
}

void golden_other(struct golden_others *others, const char *key)
{
	if (others->n++ == 0)
		others->first = key;
}

int golden_note_others(struct golden *g, const struct golden_others *others, const char *what,
		       struct pcrcast_error *e)
{
	if (others->n == 0)
		return 0;
	return golden_note(g, e, "not read: %zu %s, the first is \"%s\"", others->n, what, others->first);
}
