/*
 * pcrcast eventlog show: the events of a log, decoded. Each event is decoded, printed and forgotten, so memory does not
 * grow with the log.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_eventlog.h"
#include "eventlog/decode.h"

enum { FINDINGS_LISTED = 20 };

enum {
	LIST_SHOWN = 16, /* entries of a list that are written as text; a dbx has hundreds */
	HEX_SHOWN = 64,  /* bytes of hex that are written as text: the longest digest */
	INDENT = 8,      /* of what belongs to an event */
	DECIMAL_MAX =
		9999, /* larger numbers are written as hex too: addresses, masks and ids look familiar that way */
};

/* The name of an algorithm; its TPM_ALG_ID when it has none here. */
static const char *algorithm_name(uint16_t id, char buf[static 8])
{
	enum alg alg = alg_by_tpm_id(id);

	if (alg != ALG_COUNT)
		return algs[alg].name;
	(void)snprintf(buf, 8, "0x%04x", id);
	return buf;
}

static const char *content_name(enum event_content content)
{
	static const char *const names[] = { [CONTENT_PCCLIENT] = "pcclient",
					     [CONTENT_SYSTEMD] = "systemd",
					     [CONTENT_IMA] = "ima",
					     [CONTENT_OTHER] = "other" };

	return names[content];
}

/* ---- text ---- */

/* Root fields that the summary tells as well. */
static bool in_summary(const struct field *f, const char *summary)
{
	static const char *const names[] = { "encoding", "error", "value",     "enabled",
					     "writer",   "kind",  "signature", "startupLocality" };

	if (f->kind == FIELD_TEXT && strstr(summary, f->text))
		return true;
	if (f->kind == FIELD_HEX && f->bytes.n == 0)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(f->name, names[i]) == 0)
			return true;
	return false;
}

static void put_hex(struct slice bytes)
{
	size_t n = bytes.n < HEX_SHOWN ? bytes.n : HEX_SHOWN;

	for (size_t i = 0; i < n; i++)
		printf("%02x", bytes.p[i]);
	if (n < bytes.n)
		printf("… (%zu bytes)", bytes.n);
}

static void put_field(const struct field *f, int indent);

static void put_children(const struct field *f, int indent)
{
	size_t n = f->kind == FIELD_LIST && f->n > LIST_SHOWN ? LIST_SHOWN : f->n;

	for (size_t i = 0; i < n; i++)
		put_field(&f->children[i], indent);
	if (n < f->n)
		printf("%*s… %zu more (all with --json)\n", indent, "", f->n - n);
}

/* One line, or a line and its children. An entry of a list has a dash in place of a name. */
static void put_field(const struct field *f, int indent)
{
	printf("%*s", indent, "");
	if (f->name) {
		put_text(stdout, f->name);
		fputs(f->kind == FIELD_GROUP || f->kind == FIELD_LIST ? ":" : ": ", stdout);
	} else {
		fputs("- ", stdout);
	}
	switch (f->kind) {
	case FIELD_TEXT:
		put_text(stdout, f->text);
		break;
	case FIELD_NUMBER:
		printf("%" PRIu64, f->number);
		if (f->number > DECIMAL_MAX)
			printf(" (0x%" PRIx64 ")", f->number);
		break;
	case FIELD_BOOL:
		fputs(f->number ? "yes" : "no", stdout);
		break;
	case FIELD_HEX:
		put_hex(f->bytes);
		break;
	case FIELD_GROUP:
	case FIELD_LIST:
		if (!f->name && f->n && f->children[0].kind != FIELD_GROUP &&
		    f->children[0].kind != FIELD_LIST) {
			/* the first line of a group in a list stands behind the dash */
			struct field rest = *f;

			put_field(&f->children[0], 0);
			rest.children++;
			rest.n--;
			put_children(&rest, indent + 2);
			return;
		}
		if (f->n == 0)
			fputs(f->name ? " none" : "none", stdout);
		putchar('\n');
		put_children(f, indent + 2);
		return;
	}
	putchar('\n');
}

static void put_digests(const struct eventlog *log, const struct event *ev, alg_set banks, bool all)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;
	char buf[8];

	while (event_digest_next(log, &rest, &found, &digest)) {
		enum alg alg = alg_by_tpm_id(found.id);

		if (!all && (alg == ALG_COUNT || !(banks & 1u << alg)))
			continue;
		printf("%*s%s:", INDENT, "", algorithm_name(found.id, buf));
		put_hex(digest);
		putchar('\n');
	}
}

static void put_event(const struct eventlog *log, const struct event *ev, size_t index,
		      const struct decoded *d, alg_set banks, bool all)
{
	char type_buf[11], register_buf[12];
	const char *name = eventlog_register_name(log, ev->pcr, register_buf);
	const char *type = ev->content == CONTENT_PCCLIENT ? event_type_name(ev->type, type_buf) :
			   ev->template_name               ? ev->template_name :
							     content_name(ev->content);

	printf("%-5zu %s%-3s ", index, name == register_buf ? "PCR " : "", name);
	put_text(stdout, type);
	fputs("  ", stdout);
	put_text(stdout, d->summary);
	putchar('\n');
	put_digests(log, ev, banks, all);
	for (size_t i = 0; i < d->root.n; i++)
		if (!in_summary(&d->root.children[i], d->summary))
			put_field(&d->root.children[i], INDENT);
	if (d->trouble) {
		printf("%*snot decoded: ", INDENT, "");
		put_text(stdout, d->trouble);
		if (d->rest.n) {
			fputs(": ", stdout);
			put_hex(d->rest);
		}
		putchar('\n');
	}
	if (ev->origin != EVENT_RECORDED && ev->source) {
		printf("%*s%s: ", INDENT, "", event_origin_name(ev->origin));
		put_text(stdout, ev->source);
		putchar('\n');
	}
}

static int show_text(const struct eventlog_arguments *a, const struct eventlog *log, struct pcrcast_error *e)
{
	alg_set has = eventlog_banks(log), banks = has & 1u << ALG_SHA256 ? 1u << ALG_SHA256 : has;
	int r = a->banks ? eventlog_choose_banks(a, log, &banks, e) : 0;

	/* A log of another bank is shown with what it has. */
	for (size_t i = 0; r == 0 && i < log->n_events; i++) {
		struct pool pool = POOL_INIT;
		struct decoded d;

		if (!eventlog_selects(a, &log->events[i]))
			continue;
		r = event_decode(&pool, log, &log->events[i], &d, e);
		if (r == 0)
			put_event(log, &log->events[i], i, &d, banks,
				  a->all_banks || has == 0 || log->kind == EVENTLOG_IMA);
		pool_done(&pool);
	}
	size_t listed = log->n_findings < FINDINGS_LISTED ? log->n_findings : FINDINGS_LISTED;

	for (size_t i = 0; r == 0 && !a->quiet && i < listed; i++) {
		const struct finding *f = &log->findings[i];

		fputs("finding: ", stderr);
		if (f->event != SIZE_MAX)
			fprintf(stderr, "event %zu: ", f->event);
		put_text(stderr, f->text);
		if (f->offset != PCRCAST_NO_OFFSET)
			fprintf(stderr, " (at byte %" PRIu64 ")", f->offset);
		fputc('\n', stderr);
	}
	if (r == 0 && !a->quiet && listed < log->n_findings)
		fprintf(stderr, "%zu more findings; --json lists them\n", log->n_findings - listed);
	return r < 0 ? r : finish(EXIT_DONE);
}

/* ---- JSON ---- */

static struct cJSON *group_json(struct json_doc *d, const struct field *group);

static struct cJSON *list_json(struct json_doc *d, const struct field *list)
{
	struct cJSON *array = json_array(d);

	for (size_t i = 0; i < list->n; i++) {
		const struct field *f = &list->children[i];

		/* decoders make lists of groups and of texts */
		if (f->kind == FIELD_TEXT)
			json_append_string(d, array, f->text);
		else
			json_append(d, array, f->kind == FIELD_LIST ? list_json(d, f) : group_json(d, f));
	}
	return array;
}

static struct cJSON *group_json(struct json_doc *d, const struct field *group)
{
	struct cJSON *o = json_object(d);

	for (size_t i = 0; i < group->n; i++) {
		const struct field *f = &group->children[i];

		switch (f->kind) {
		case FIELD_TEXT:
			json_add_string(d, o, f->name, f->text);
			break;
		case FIELD_NUMBER:
			json_add_u64(d, o, f->name, f->number);
			break;
		case FIELD_BOOL:
			json_add_bool(d, o, f->name, f->number);
			break;
		case FIELD_HEX:
			json_add_hex(d, o, f->name, f->bytes.p, f->bytes.n);
			break;
		case FIELD_GROUP:
			json_add(d, o, f->name, group_json(d, f));
			break;
		case FIELD_LIST:
			json_add(d, o, f->name, list_json(d, f));
			break;
		}
	}
	return o;
}

static struct cJSON *event_json(struct json_doc *d, const struct eventlog *log, const struct event *ev,
				size_t index, const struct decoded *body)
{
	struct cJSON *o = json_object(d), *digests = json_object(d);
	struct slice rest = ev->digests, digest;
	char type_buf[11], register_buf[12], alg_buf[8];
	const char *name = eventlog_register_name(log, ev->pcr, register_buf);
	struct eventlog_alg found;

	json_add_u64(d, o, "index", index);
	if (ev->origin == EVENT_RECORDED)
		json_add_u64(d, o, "offset", ev->offset);
	json_add_u64(d, o, "pcr", ev->pcr);
	if (name != register_buf)
		json_add_string(d, o, "register", name);
	if (ev->content == CONTENT_PCCLIENT) {
		json_add_string(d, o, "type", event_type_name(ev->type, type_buf));
		json_add_u64(d, o, "typeId", ev->type);
	} else {
		json_add_string(d, o, "content", content_name(ev->content));
		if (ev->template_name)
			json_add_string(d, o, "template", ev->template_name);
	}
	while (event_digest_next(log, &rest, &found, &digest))
		json_add_hex(d, digests, algorithm_name(found.id, alg_buf), digest.p, digest.n);
	json_add(d, o, "digests", digests);
	json_add_hex(d, o, "data", ev->data.p, ev->data.n);
	json_add_string(d, o, "summary", body->summary);
	json_add(d, o, "fields", group_json(d, &body->root));
	if (body->trouble) {
		json_add_string(d, o, "trouble", body->trouble);
		json_add_hex(d, o, "rest", body->rest.p, body->rest.n);
	}
	if (ev->origin != EVENT_RECORDED) {
		json_add_string(d, o, "origin", event_origin_name(ev->origin));
		if (ev->description)
			json_add_string(d, o, "description", ev->description);
		if (ev->source)
			json_add_string(d, o, "source", ev->source);
	}
	return o;
}

int eventlog_add_event(struct json_doc *d, struct cJSON *parent, const char *key, const struct eventlog *log,
		       size_t index, struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	struct decoded body;

	int r = event_decode(&pool, log, &log->events[index], &body, e);
	if (r == 0)
		json_add(d, parent, key, event_json(d, log, &log->events[index], index, &body));
	pool_done(&pool);
	return r;
}

/* One line of JSON, freed. */
static bool put_line(struct json_doc *d, struct cJSON *node, FILE *out)
{
	bool ok = json_write(d, node, true, out);

	json_free(node);
	return ok;
}

/* What follows the events: findings and what broke the log off, as an object without its opening brace. */
static bool put_tail(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out)
{
	struct json_doc doc = { false };
	struct cJSON *tail = json_object(&doc);
	char *text = NULL;
	size_t n = 0;
	FILE *memory = open_memstream(&text, &n);

	eventlog_add_findings(&doc, tail, log);
	eventlog_add_damage(&doc, tail, a->damage);
	bool ok = memory && json_write(&doc, tail, true, memory);
	json_free(tail);
	ok = memory && fclose(memory) == 0 && ok && n > 0;
	if (ok)
		fputs(text + 1, out);
	free(text);
	return ok;
}

int eventlog_show_json(const struct eventlog_arguments *a, const struct eventlog *log, FILE *out,
		       struct pcrcast_error *e)
{
	struct json_doc doc = { false };
	struct cJSON *list = json_array(&doc);
	char buf[8];
	bool first = true;
	int r = 0;

	/* The document is written piece by piece, an event a line: a log may have a million. */
	for (size_t i = 0; i < log->n_algs; i++)
		json_append_string(&doc, list, algorithm_name(log->algs[i].id, buf));
	fprintf(out, "{\"version\":1,\"kind\":\"%s\",\"algorithms\":", eventlog_kind_name(log->kind));
	bool ok = put_line(&doc, list, out);
	fputs(",\"events\":[\n", out);
	for (size_t i = 0; r == 0 && ok && i < log->n_events; i++) {
		struct json_doc line = { false };
		struct pool pool = POOL_INIT;
		struct decoded d;

		if (!eventlog_selects(a, &log->events[i]))
			continue;
		r = event_decode(&pool, log, &log->events[i], &d, e);
		if (r == 0) {
			if (!first)
				fputc(',', out);
			first = false;
			ok = put_line(&line, event_json(&line, log, &log->events[i], i, &d), out);
		}
		pool_done(&pool);
	}
	if (r < 0)
		return r;
	fputs("],", out);
	ok = ok && put_tail(a, log, out);
	return ok && !ferror(out) ? 0 : err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot write JSON");
}

int eventlog_run_show(const struct eventlog_arguments *a, const struct eventlog *log, struct pcrcast_error *e)
{
	if (!a->json)
		return show_text(a, log, e);
	int r = eventlog_show_json(a, log, stdout, e);

	return r < 0 ? r : finish(EXIT_DONE);
}
