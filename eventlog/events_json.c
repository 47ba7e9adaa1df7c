#include "eventlog/events_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog/cc.h"
#include "eventlog/cel.h"
#include "eventlog/parse.h"

static const char *const content_names[] = {
	[CONTENT_PCCLIENT] = NULL, /* what an event is when nothing else is said */
	[CONTENT_SYSTEMD] = "systemd",
	[CONTENT_IMA] = "ima",
	[CONTENT_OTHER] = "other",
};

/* ---- writing ---- */

static struct cJSON *digests_json(struct json_doc *d, const struct eventlog *log, const struct event *ev,
				  enum events_json_form form)
{
	struct cJSON *o = json_object(d);
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;

	for (enum alg a = 0; a < ALG_COUNT; a++) {
		digest = event_digest(ev, log, a);
		if (digest.n)
			json_add_hex(d, o, algs[a].name, digest.p, digest.n);
	}
	while (form == EVENTS_JSON_WHOLE && event_digest_next(log, &rest, &alg, &digest)) {
		char name[sizeof "0x0000"];

		if (alg_by_tpm_id(alg.id) != ALG_COUNT)
			continue;
		(void)snprintf(name, sizeof name, "0x%04x", alg.id);
		json_add_hex(d, o, name, digest.p, digest.n);
	}
	return o;
}

struct cJSON *event_json(struct json_doc *d, const struct eventlog *log, const struct event *ev,
			 enum events_json_form form)
{
	struct cJSON *o = json_object(d);
	char buf[11], name[12];

	if (form == EVENTS_JSON_BRIEF && log->kind == EVENTLOG_CC)
		json_add_string(d, o, "register", register_name(true, ev->pcr, name));
	else
		json_add_u64(d, o, "pcr", ev->pcr);
	json_add_string(d, o, "type", event_type_name(ev->type, buf));
	json_add(d, o, "digests", digests_json(d, log, ev, form));
	json_add_string(d, o, "origin", event_origin_name(ev->origin));
	if (ev->description)
		json_add_string(d, o, "description", ev->description);
	if (ev->source)
		json_add_string(d, o, "source", ev->source);
	if (form == EVENTS_JSON_BRIEF)
		return o;
	if (content_names[ev->content])
		json_add_string(d, o, "content", content_names[ev->content]);
	if (ev->template_name)
		json_add_string(d, o, "template", ev->template_name);
	if (ev->offset)
		json_add_u64(d, o, "offset", ev->offset);
	json_add_hex(d, o, "data", ev->data.p, ev->data.n);
	return o;
}

/* ---- reading ---- */

static int bad(struct pcrcast_error *e, const char *key, const char *expected)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, expected);
}

/* "0x0000abcd" or the name of a type. */
static bool read_type(const char *text, uint32_t *ret)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0 || strlen(text) != 10)
		return cel_event_type_by_name(text, ret);
	*ret = (uint32_t)strtoul(text + 2, &end, 16);
	return *end == '\0';
}

static int read_digests(const struct cJSON *node, struct eventlog *log, struct event_builder *b,
			struct pcrcast_error *e)
{
	if (node && !json_is_object(node))
		return bad(e, "digests", "an object");
	for (const struct cJSON *c = json_first(node); c; c = json_next(c)) {
		const char *name = json_key(c);
		enum alg alg = alg_by_name(slice_of_string(name));
		unsigned long id = alg != ALG_COUNT ? algs[alg].tpm_id : 0;
		struct slice digest;
		char *end = NULL;

		if (alg == ALG_COUNT && strncmp(name, "0x", 2) == 0 && strlen(name) == 6)
			id = strtoul(name + 2, &end, 16);
		if (id == 0 || (end && *end))
			return bad(e, name, "the name of a hash bank");
		if (!json_hex(&log->pool, c, &digest))
			return bad(e, name, "a digest in hex");
		int r = event_builder_digest(b, log, (uint16_t)id, digest, 0, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A word of a table of names; -1 when it is none of them. */
static int word_of(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && strcmp(names[i], word) == 0)
			return (int)i;
	return -1;
}

static int read_origin(const struct cJSON *node, enum event_origin *ret, struct pcrcast_error *e)
{
	const char *names[EVENT_UNKNOWN + 1], *word;

	for (enum event_origin o = 0; o <= EVENT_UNKNOWN; o++)
		names[o] = event_origin_name(o);
	int i = node && json_string(node, &word) ? word_of(names, EVENT_UNKNOWN + 1, word) : -1;
	if (node && i < 0)
		return bad(e, "origin", "recorded, computed, constant, observed, assumed or unknown");
	*ret = node ? (enum event_origin)i : EVENT_RECORDED;
	return 0;
}

static int read_what(const struct cJSON *object, struct eventlog *log, struct event *ev,
		     struct pcrcast_error *e)
{
	const struct cJSON *data = json_get(object, "data"), *offset = json_get(object, "offset");
	const char *content = NULL;

	int r = read_origin(json_get(object, "origin"), &ev->origin, e);
	if (r == 0)
		r = json_get_text(&log->pool, object, "description", &ev->description, e);
	if (r == 0)
		r = json_get_text(&log->pool, object, "source", &ev->source, e);
	if (r == 0)
		r = json_get_text(&log->pool, object, "template", &ev->template_name, e);
	if (r == 0)
		r = json_get_text(&log->pool, object, "content", &content, e);
	if (r < 0)
		return r;
	if (content) {
		int i = word_of(content_names, sizeof content_names / sizeof content_names[0], content);

		if (i < 0)
			return bad(e, "content", "systemd, ima or other");
		ev->content = (enum event_content)i;
	}
	if ((ev->content == CONTENT_IMA || ev->content == CONTENT_OTHER) && !ev->template_name)
		return bad(e, "template", "a string for this content");
	if (data && !json_hex(&log->pool, data, &ev->data))
		return bad(e, "data", "hex");
	if (offset && !json_u64(offset, &ev->offset))
		return bad(e, "offset", "a number");
	return 0;
}

static int read_event(const struct cJSON *object, struct eventlog *log, struct pcrcast_error *e)
{
	struct event_builder b = { .ev = { .data = SLICE_EMPTY, .digests = SLICE_EMPTY } };
	const char *type;
	uint64_t pcr;

	if (!json_is_object(object))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "expected an object");
	if (!json_u64(json_get(object, "pcr"), &pcr) || pcr > UINT32_MAX)
		return bad(e, "pcr", "a number of 32 bits");
	b.ev.pcr = (uint32_t)pcr;
	if (!json_string(json_get(object, "type"), &type) || !read_type(type, &b.ev.type))
		return bad(e, "type", "the name of an event type or 0x and 8 digits");
	int r = read_digests(json_get(object, "digests"), log, &b, e);
	if (r == 0)
		r = read_what(object, log, &b.ev, e);
	if (r < 0)
		return r;
	log->end = 1; /* not the first record of a canonical log: a Spec ID event is none of these */
	return event_builder_done(&b, log, e);
}

int events_json_read(const struct cJSON *list, struct eventlog *ret, struct pcrcast_error *e)
{
	*ret = EVENTLOG_INIT;
	if (!json_is_array(list))
		return bad(e, "events", "an array");
	for (const struct cJSON *c = json_first(list); c; c = json_next(c)) {
		int r = read_event(c, ret, e);

		if (r < 0)
			return err_wrap(e, "event %zu", ret->n_events);
	}
	return 0;
}
