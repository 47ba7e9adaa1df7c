/*
 * pcrcast eventlog diff: what differs between two logs.
 */
#include "cli/cmd_eventlog.h"

#include <stdlib.h>

#include "eventlog/diff.h"

enum { NAME_LEN = 12 };

/* The log that a register's name is to be taken from: both are of one kind, or eventlog_diff had refused them. */
static const char *register_name(const struct eventlog *log, uint32_t index, char buf[static NAME_LEN + 4])
{
	char number[NAME_LEN];
	const char *name = eventlog_register_name(log, index, number);

	if (name != number)
		return name;
	(void)snprintf(buf, NAME_LEN + 4, "PCR %s", number);
	return buf;
}

static bool selects(const struct eventlog_arguments *a, const struct eventlog *log,
		    const struct eventlog *other, const struct difference *d)
{
	return (d->a != SIZE_MAX && eventlog_selects(a, &log->events[d->a])) ||
	       (d->b != SIZE_MAX && eventlog_selects(a, &other->events[d->b]));
}

static void print_difference(const struct eventlog *log, const struct difference *d)
{
	char buf[NAME_LEN + 4];

	printf("%s: event ", register_name(log, d->pcr, buf));
	if (d->a != SIZE_MAX)
		printf("%zu", d->a);
	if (d->b != SIZE_MAX && d->a != d->b)
		printf("%s%zu", d->a != SIZE_MAX ? " → " : "", d->b);
	/* of a change the description tells itself */
	printf("%s%s, ", d->change == CHANGE_CHANGED ? "" : " ",
	       d->change == CHANGE_CHANGED ? "" : change_name(d->change));
	put_text(stdout, d->description);
	putchar('\n');
}

static struct cJSON *difference_json(struct json_doc *d, const struct eventlog *log,
				     const struct eventlog *other, const struct difference *x,
				     struct pcrcast_error *e, int *r)
{
	struct cJSON *o = json_object(d);

	json_add_u64(d, o, "pcr", x->pcr);
	json_add_string(d, o, "change", change_name(x->change));
	if (*r == 0 && x->a != SIZE_MAX)
		*r = eventlog_add_event(d, o, "a", log, x->a, e);
	if (*r == 0 && x->b != SIZE_MAX)
		*r = eventlog_add_event(d, o, "b", other, x->b, e);
	json_add_string(d, o, "description", x->description);
	return o;
}

static int print_json(const struct eventlog_arguments *a, const struct eventlog *log,
		      const struct eventlog *other, const struct log_diff *diff, bool same,
		      struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *list = json_array(&d), *skipped = json_array(&d);
	int r = 0;

	json_add_u64(&d, root, "version", 1);
	json_add_bool(&d, root, "same", same);
	for (size_t i = 0; i < diff->n && r == 0; i++)
		if (selects(a, log, other, &diff->items[i]))
			json_append(&d, list, difference_json(&d, log, other, &diff->items[i], e, &r));
	json_add(&d, root, "differences", list);
	for (size_t i = 0; i < diff->n_not_compared; i++) {
		const struct register_not_compared *x = &diff->not_compared[i];
		struct cJSON *o = json_object(&d);

		json_add_u64(&d, o, "pcr", x->pcr);
		json_add_u64(&d, o, "eventsA", x->n_a);
		json_add_u64(&d, o, "eventsB", x->n_b);
		json_append(&d, skipped, o);
	}
	json_add(&d, root, "notCompared", skipped);
	eventlog_add_damage(&d, root, a->damage ? a->damage : a->other_damage);
	if (r == 0)
		return eventlog_print_json(&d, root, e);
	json_free(root);
	return r;
}

/* Registers that one of the logs does not tell of: one line, so that nobody takes them for equal. */
static void note_not_compared(const struct eventlog_arguments *a, const struct eventlog *log,
			      const struct log_diff *diff)
{
	char buf[NAME_LEN + 4];

	if (diff->n_not_compared == 0 || a->quiet)
		return;
	fputs("pcrcast: not compared, as ", stderr);
	put_text(stderr, diff->not_compared[0].n_a ? a->other_file : a->file);
	fputs(" does not tell of them: ", stderr);
	for (size_t i = 0; i < diff->n_not_compared; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", register_name(log, diff->not_compared[i].pcr, buf));
	fputs(" (--pcr compares them)\n", stderr);
}

int eventlog_run_diff(const struct eventlog_arguments *a, const struct eventlog *log,
		      const struct eventlog *other, struct pcrcast_error *e)
{
	struct pool pool = POOL_INIT;
	struct log_diff diff;
	bool same = true;

	int r = eventlog_diff(&pool, log, other, a->has_pcrs ? &a->pcrs : NULL, &diff, e);
	for (size_t i = 0; r == 0 && i < diff.n; i++) {
		if (!selects(a, log, other, &diff.items[i]))
			continue;
		same = false;
		if (!a->json)
			print_difference(log, &diff.items[i]);
	}
	if (r == 0 && a->json)
		r = print_json(a, log, other, &diff, same, e);
	if (r == 0)
		note_not_compared(a, log, &diff);
	pool_done(&pool);
	return r < 0 ? r : finish(same ? EXIT_DONE : EXIT_DIFFERENT);
}
