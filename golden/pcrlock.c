#include "golden/pcrlock.h"

#include <stdlib.h>
#include <string.h>

#include "eventlog/cel_json.h"

static const char file_suffix[] = ".pcrlock", directory_suffix[] = ".pcrlock.d";

void pcrlock_done(struct pcrlock *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->components[i].n; k++)
			eventlog_done(&p->components[i].variants[k].log);
	pool_done(&p->pool);
	*p = PCRLOCK_INIT;
}

/* ---- one file ---- */

/* systemd takes a number only, and only registers that exist; "nv_index" since 259. */
static int check_registers(const struct cJSON *records, struct pcrcast_error *e)
{
	size_t n = 0;

	for (const struct cJSON *c = json_first(records); c; c = json_next(c), n++) {
		const struct cJSON *pcr = json_get(c, "pcr"), *nv = json_get(c, "nv_index");
		uint64_t v;

		if (pcr && (!json_u64(pcr, &v) || v >= PCR_COUNT))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "record %zu: \"pcr\" is no number from 0 to 23", n);
		if (nv && !json_u64(nv, &v))
			return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
				       "record %zu: \"nv_index\" is no number", n);
	}
	return 0;
}

int pcrlock_read_file(const struct cJSON *json, const char *name, struct golden *g, struct eventlog *ret,
		      struct pcrcast_error *e)
{
	const struct cJSON *records = json_get(json, "records");
	int r = 0;

	*ret = EVENTLOG_INIT;
	if (!json_is_object(json) || (records && !json_is_array(records)))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "expected an object with an array \"records\" (systemd ignores such a file)");
	for (const struct cJSON *c = json_first(json); c && r == 0; c = json_next(c))
		if (strcmp(json_key(c), "records") != 0)
			r = golden_note(g, e, "%s: \"%s\" is ignored, as systemd does", name, json_key(c));
	if (r == 0 && !records)
		return golden_note(g, e, "%s: no \"records\", so a component without events", name);
	r = r < 0 ? r : check_registers(records, e);
	return r < 0 ? r : cel_json_records_read(records, ret, e);
}

/* ---- a directory ---- */

static bool ends_with(struct slice s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n > n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* A name in the directory, and below it when that is a directory itself (else empty). */
struct place {
	struct slice top, sub;
	const struct golden_file *file;
};

static struct place place_of(const struct golden_file *file)
{
	const char *slash = strchr(file->name, '/');
	struct place p = { slice_of_string(file->name), SLICE_EMPTY, file };

	if (slash) {
		p.top.n = (size_t)(slash - file->name);
		p.sub = slice_of_string(slash + 1);
	}
	return p;
}

static bool is_component(const struct place *p)
{
	if (p->top.p[0] == '.')
		return false;
	if (!strchr(p->file->name, '/'))
		return ends_with(p->top, file_suffix);
	return ends_with(p->top, directory_suffix) && p->sub.p[0] != '.' && ends_with(p->sub, file_suffix) &&
	       !memchr(p->sub.p, '/', p->sub.n);
}

bool pcrlock_is_component(const char *name)
{
	struct golden_file file = { .name = name };
	struct place p = place_of(&file);

	return is_component(&p);
}

/* By bytes; what ends first comes first. */
static int compare_slices(struct slice a, struct slice b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : a.n < b.n ? -1 : a.n > b.n;
}

/* The order in which systemd reads them: file names with their suffixes, then those of the variants. */
static int place_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = compare_slices(x->top, y->top);

	return order ? order : compare_slices(x->sub, y->sub);
}

static const char *without(struct pool *pool, struct slice name, const char *suffix)
{
	return pool_text(pool, (const char *)name.p, name.n - strlen(suffix));
}

/* "a.pcrlock" and "a.pcrlock.d" are the same component. */
static struct pcrlock_component *component_of(struct pcrlock *p, const char *id, struct pcrcast_error *e)
{
	for (size_t i = p->n; i-- > 0;)
		if (strcmp(p->components[i].id, id) == 0)
			return &p->components[i];
	if (p->n == PCRLOCK_MAX_COMPONENTS) {
		err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d components",
			PCRLOCK_MAX_COMPONENTS);
		return NULL;
	}
	struct pcrlock_component *c = pool_push(&p->pool, &p->components, &p->n, &p->cap, sizeof *c);
	if (c)
		c->id = id;
	else
		err_nomem(e);
	return c;
}

static int load_variant(struct pcrlock *p, const struct place *place, struct golden *g,
			struct pcrcast_error *e)
{
	bool fixed = place->sub.n == 0;
	const char *id = without(&p->pool, place->top, fixed ? file_suffix : directory_suffix);
	const char *variant = fixed || !id ? id : without(&p->pool, place->sub, file_suffix);
	struct cJSON *json;

	if (!id || !variant)
		return err_nomem(e);
	struct pcrlock_component *c = component_of(p, id, e);
	if (!c)
		return -PCRCAST_ELIMIT;
	if (c->n == PCRLOCK_MAX_VARIANTS)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET, "more than %d variants",
			       PCRLOCK_MAX_VARIANTS);
	struct pcrlock_variant *v = pool_push(&p->pool, &c->variants, &c->n, &c->cap, sizeof *v);
	if (!v)
		return err_nomem(e);
	v->id = variant;
	v->log = EVENTLOG_INIT;
	int r = json_parse(place->file->bytes, &json, e);
	if (r < 0)
		return r;
	r = pcrlock_read_file(json, place->file->name, g, &v->log, e);
	json_free(json);
	return r;
}

int pcrlock_load(const struct golden_file *files, size_t n, struct golden *g, struct pcrlock *ret,
		 struct pcrcast_error *e)
{
	size_t n_places = 0;

	*ret = PCRLOCK_INIT;
	struct place *places = pool_array(&ret->pool, n ? n : 1, sizeof *places);
	if (!places)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		struct place place = place_of(&files[i]);

		if (is_component(&place))
			places[n_places++] = place;
		else if (golden_note(g, e, "%s: no component file, ignored", files[i].name) < 0)
			return -PCRCAST_ENOMEM;
	}
	qsort(places, n_places, sizeof *places, place_order);
	for (size_t i = 0; i < n_places; i++)
		if (load_variant(ret, &places[i], g, e) < 0)
			return err_wrap(e, "%s", places[i].file->name);
	return 0;
}
