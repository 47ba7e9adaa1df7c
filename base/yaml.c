#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

/* A mapping or sequence that is not ended yet. */
struct open_node {
	struct yaml_node *node;
	struct yaml_node *last; /* its newest child */
	size_t n;               /* children */
	bool has_key;           /* key waits for its value */
	struct slice key;
	enum yaml_style key_style;
};

struct parse {
	struct slice text;
	struct pool *pool;
	struct open_node open[YAML_MAX_DEPTH];
	size_t depth, n_nodes;
	struct yaml_node *root;
	size_t at_char, at_byte; /* the same place of the text, counted in characters and in bytes */
	struct pcrcast_error *e;
};

static bool continues(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * libyaml counts characters. The places that it names lie close to each other, so the last one is where the search
 * begins, in either direction.
 */
static size_t offset_of(struct parse *p, yaml_mark_t mark)
{
	while (p->at_char < mark.index && p->at_byte < p->text.n) {
		do
			p->at_byte++;
		while (p->at_byte < p->text.n && continues(p->text.p[p->at_byte]));
		p->at_char++;
	}
	while (p->at_char > mark.index && p->at_byte > 0) {
		do
			p->at_byte--;
		while (p->at_byte > 0 && continues(p->text.p[p->at_byte]));
		p->at_char--;
	}
	return p->at_byte;
}

static int parser_error(struct parse *p, const yaml_parser_t *y)
{
	const char *problem = y->problem ? y->problem : "not understood";

	if (y->error == YAML_MEMORY_ERROR)
		return err_nomem(p->e);
	if (y->error == YAML_READER_ERROR)
		return err_set(p->e, PCRCAST_EFORMAT,
			       y->problem_offset < p->text.n ? y->problem_offset : p->text.n, "YAML: %s",
			       problem);
	return err_set(p->e, PCRCAST_EFORMAT, offset_of(p, y->problem_mark), "YAML, line %zu: %s",
		       y->problem_mark.line + 1, problem);
}

static int refuse(struct parse *p, const yaml_event_t *ev, const char *what)
{
	return err_set(p->e, PCRCAST_EUNSUPPORTED, offset_of(p, ev->start_mark), "YAML, line %zu: %s",
		       ev->start_mark.line + 1, what);
}

/* A copy with a 0 behind it. */
static int copy_text(struct parse *p, const yaml_event_t *ev, struct slice *ret)
{
	char *copy = pool_text(p->pool, (const char *)ev->data.scalar.value, ev->data.scalar.length);

	if (!copy)
		return err_nomem(p->e);
	*ret = (struct slice){ (const uint8_t *)copy, ev->data.scalar.length };
	return 0;
}

static enum yaml_style style_of(const yaml_event_t *ev)
{
	switch (ev->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return YAML_QUOTED;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return YAML_BLOCK;
	default:
		return YAML_PLAIN;
	}
}

/* A new node where the document stands. */
static int add_node(struct parse *p, const yaml_event_t *ev, enum yaml_kind kind, struct yaml_node **ret)
{
	struct open_node *parent = p->depth ? &p->open[p->depth - 1] : NULL;

	if (++p->n_nodes > YAML_MAX_NODES)
		return err_set(p->e, PCRCAST_ELIMIT, offset_of(p, ev->start_mark),
			       "YAML of more than %d values", YAML_MAX_NODES);
	struct yaml_node *node = pool_new(p->pool, struct yaml_node);
	if (!node)
		return err_nomem(p->e);
	node->kind = kind;
	node->offset = offset_of(p, ev->start_mark);
	node->text = node->key = SLICE_EMPTY;
	if (!parent) {
		p->root = node;
	} else {
		if (parent->has_key) {
			node->key = parent->key;
			node->key_style = parent->key_style;
			parent->has_key = false;
		}
		if (parent->last)
			parent->last->next = node;
		else
			parent->node->first = node;
		parent->last = node;
		parent->n++;
	}
	*ret = node;
	return 0;
}

/* Is a key of a mapping due? */
static bool wants_key(const struct parse *p)
{
	const struct open_node *in = p->depth ? &p->open[p->depth - 1] : NULL;

	return in && in->node->kind == YAML_MAPPING && !in->has_key;
}

static int take_scalar(struct parse *p, const yaml_event_t *ev)
{
	struct yaml_node *node;

	if (ev->data.scalar.anchor)
		return refuse(p, ev, "anchors are not supported");
	if (ev->data.scalar.tag)
		return refuse(p, ev, "tags are not supported");
	if (wants_key(p)) {
		struct open_node *in = &p->open[p->depth - 1];

		in->has_key = true;
		in->key_style = style_of(ev);
		return copy_text(p, ev, &in->key);
	}
	int r = add_node(p, ev, YAML_SCALAR, &node);
	if (r < 0)
		return r;
	node->style = style_of(ev);
	return copy_text(p, ev, &node->text);
}

static int open_collection(struct parse *p, const yaml_event_t *ev, enum yaml_kind kind, bool anchor,
			   bool tag)
{
	struct yaml_node *node;

	if (anchor)
		return refuse(p, ev, "anchors are not supported");
	if (tag)
		return refuse(p, ev, "tags are not supported");
	if (wants_key(p))
		return refuse(p, ev, "a key that is no scalar is not supported");
	if (p->depth == YAML_MAX_DEPTH)
		return err_set(p->e, PCRCAST_ELIMIT, offset_of(p, ev->start_mark),
			       "YAML nested deeper than %d", YAML_MAX_DEPTH);
	int r = add_node(p, ev, kind, &node);
	if (r == 0)
		p->open[p->depth++] = (struct open_node){ .node = node };
	return r;
}

static int key_order(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a,
			       *y = *(const struct yaml_node *const *)b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int order = memcmp(x->key.p, y->key.p, n);

	return order ? order : x->key.n < y->key.n ? -1 : x->key.n > y->key.n;
}

/* Two equal keys mean different things to different readers: refused. */
static int check_keys(struct parse *p, const struct open_node *mapping)
{
	const struct yaml_node **children;
	size_t i = 0;
	int r = 0;

	if (mapping->n < 2)
		return 0;
	children = calloc(mapping->n, sizeof *children);
	if (!children)
		return err_nomem(p->e);
	for (const struct yaml_node *c = mapping->node->first; c; c = c->next)
		children[i++] = c;
	qsort(children, mapping->n, sizeof *children, key_order);
	for (i = 1; i < mapping->n && r == 0; i++)
		if (slice_equal(children[i - 1]->key, children[i]->key)) {
			const struct yaml_node *twice = children[i];

			if (twice->offset < children[i - 1]->offset)
				twice = children[i - 1];
			r = err_set(p->e, PCRCAST_EFORMAT, twice->offset,
				    "YAML: key \"%.64s\" twice in one mapping", (const char *)twice->key.p);
		}
	free(children);
	return r;
}

static int close_collection(struct parse *p)
{
	const struct open_node *in = &p->open[--p->depth];

	return in->node->kind == YAML_MAPPING ? check_keys(p, in) : 0;
}

static int take_event(struct parse *p, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (p->root)
			return refuse(p, ev, "several documents are not supported");
		if (ev->data.document_start.tag_directives.start !=
		    ev->data.document_start.tag_directives.end)
			return refuse(p, ev, "%TAG directives are not supported");
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(p, ev, "aliases are not supported");
	case YAML_SCALAR_EVENT:
		return take_scalar(p, ev);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(p, ev, YAML_SEQUENCE, ev->data.sequence_start.anchor,
				       ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(p, ev, YAML_MAPPING, ev->data.mapping_start.anchor,
				       ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(p);
	default:
		return 0;
	}
}

static int run(struct parse *p, yaml_parser_t *y)
{
	bool end = false;
	int r = 0;

	while (!end && r == 0) {
		yaml_event_t ev;

		if (!yaml_parser_parse(y, &ev))
			return parser_error(p, y);
		end = ev.type == YAML_STREAM_END_EVENT;
		r = take_event(p, &ev);
		yaml_event_delete(&ev);
	}
	return r;
}

int yaml_parse(struct slice text, struct pool *pool, const struct yaml_node **ret, struct pcrcast_error *e)
{
	struct parse p = { .text = text, .pool = pool, .e = e };
	yaml_parser_t y;

	if (text.n > YAML_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "YAML text of %zu bytes, at most %d handled", text.n, YAML_MAX);
	if (!yaml_parser_initialize(&y))
		return err_nomem(e);
	yaml_parser_set_encoding(&y, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y, text.p, text.n);
	int r = run(&p, &y);
	yaml_parser_delete(&y);
	if (r == 0 && !p.root)
		r = err_set(e, PCRCAST_EFORMAT, 0, "YAML: no document in it");
	if (r == 0)
		*ret = p.root;
	return r;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
	if (!node || node->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *c = node->first; c; c = c->next)
		if (slice_equal_string(c->key, key))
			return c;
	return NULL;
}
