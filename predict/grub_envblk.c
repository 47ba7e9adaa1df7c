/*
 * The environment block (grubenv): load_env, save_env. Source: GRUB 2.06 and 2.12, grub-core/lib/envblk.c and
 * commands/loadenv.c.
 */
#include "predict/grub.h"

static const char signature[] = "# GRUB Environment Block\n";
enum { ENVBLK_MAX = 1 << 20 }; /* GRUB makes 1 KiB */

static const struct grub_option options[] = { { "file", 'f', TAKES_VALUE },
					      { "skip-sig", 's', TAKES_NOTHING } };

static struct grub_value file_name(struct grub *g, const struct grub_options *o)
{
	if (o->given[0])
		return o->values[0];
	struct grub_value prefix = grub_get(g, "prefix");
	if (prefix.why || !prefix.s)
		return (struct grub_value){ "", prefix.why ? prefix.why : "the variable prefix is not set" };
	return grub_text(pool_printf(g->pool, "%s/grubenv", prefix.s));
}

static bool allowed(const struct grub_args *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!names->v[i].why && strcmp(names->v[i].s, name) == 0)
			return true;
	return names->n == 0;
}

/* The value from p on, to its line feed; NULL: the block is broken. */
static char *read_value(struct grub *g, const uint8_t *p, const uint8_t *end, const uint8_t **ret_end)
{
	const uint8_t *q = p;
	size_t n = 0;

	while (q < end && *q != '\n')
		q += *q == '\\' && end - q > 1 ? 2 : 1;
	if (q >= end)
		return NULL;
	char *value = pool_array(g->pool, (size_t)(q - p) + 1, 1);
	for (; value && p < q; p++) {
		if (*p == '\\')
			p++;
		value[n++] = (char)*p;
	}
	*ret_end = q;
	return value;
}

static int load(struct grub *g, struct slice block, const struct grub_args *names, struct pcrcast_error *e)
{
	const uint8_t *p = block.p + sizeof signature - 1, *end = block.p + block.n;
	int r = 0;

	while (r == 0 && p < end) {
		if (*p != '#') {
			const uint8_t *eq = memchr(p, '=', (size_t)(end - p));
			const char *name = eq ? pool_text(g->pool, (const char *)p, (size_t)(eq - p)) : NULL;
			char *value = name ? read_value(g, eq + 1, end, &p) : NULL;

			if (!value)
				return 0;
			if (allowed(names, name))
				r = grub_set(g, name, grub_text(value), e);
		}
		const uint8_t *next = memchr(p, '\n', (size_t)(end - p));
		p = next ? next + 1 : end;
	}
	return r;
}

int grub_cmd_load_env(struct grub *g, const struct grub_args *a, struct grub_result *res,
		      struct pcrcast_error *e)
{
	struct grub_options o;
	struct grub_file f;
	struct slice block;
	bool ok;
	int r = grub_take_options(g, options, 2, false, a, &o, &ok, e);

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (r < 0 || !ok)
		return r;
	/* With --skip-sig the file passes by the verifiers. */
	r = o.given[1] ? grub_find_file(g, file_name(g, &o), &f, e) :
			 grub_open_file(g, file_name(g, &o), &f, e);
	if (r < 0 || f.found == GRUB_ABSENT || f.is_dir)
		return r;
	if (f.found == GRUB_NOT_KNOWN)
		return grub_stop(g, f.why, NULL, e);
	r = blob_load(g->pool, &f.content, ENVBLK_MAX, &block, e);
	if (r < 0)
		return err_wrap(e, "%s", f.name);
	g->bytes += block.n;
	if (block.n < sizeof signature || memcmp(block.p, signature, sizeof signature - 1) != 0)
		return 0;
	res->code = GRUB_OK;
	return load(g, block, &o.rest, e);
}

/* Opened past the verifiers and written: only the next boot measures what is in it then. */
int grub_cmd_save_env(struct grub *g, const struct grub_args *a, struct grub_result *res,
		      struct pcrcast_error *e)
{
	struct grub_options o;
	bool ok;
	int r = grub_take_options(g, options, 2, false, a, &o, &ok, e);

	if (r < 0)
		return r;
	*res = (struct grub_result){ GRUB_OK, "whether the environment block can be written is not known" };
	return walk_note(
		g->w,
		pool_printf(
			g->pool,
			"%s:%u: save_env may change the environment block, which later boots measure then",
			g->file, g->line),
		e);
}
