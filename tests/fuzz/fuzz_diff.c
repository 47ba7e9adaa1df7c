/* Two logs from one input: what differs, in words, and both as tpm2_eventlog's YAML. The length of the first is the first u32. */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "eventlog/diff.h"
#include "eventlog/write.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static void check_items(const struct log_diff *d, const struct eventlog *a, const struct eventlog *b)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct difference *x = &d->items[i];

		CHECK(x->description && *x->description);
		CHECK((x->a == SIZE_MAX) == (x->change == CHANGE_ADDED) &&
		      (x->b == SIZE_MAX) == (x->change == CHANGE_REMOVED));
		CHECK(x->a == SIZE_MAX || (x->a < a->n_events && a->events[x->a].pcr == x->pcr));
		CHECK(x->b == SIZE_MAX || (x->b < b->n_events && b->events[x->b].pcr == x->pcr));
		CHECK(i == 0 || d->items[i - 1].pcr <= x->pcr);
	}
	for (size_t i = 0; i < d->n_not_compared; i++)
		CHECK((d->not_compared[i].n_a == 0) != (d->not_compared[i].n_b == 0));
}

static void check_yaml(const struct eventlog *log, struct pool *pool)
{
	struct pcrcast_error e;
	struct slice out;

	if (eventlog_write_tpm2_yaml(log, pool, &out, &e) < 0)
		return;
	for (size_t i = 0; i < out.n; i++)
		CHECK(out.p[i] == '\n' || out.p[i] >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice first = SLICE_EMPTY, second = SLICE_EMPTY;
	struct pool pool = POOL_INIT;
	struct pcrcast_error e;
	struct eventlog a, b;
	struct log_diff ab, ba, aa;

	if (n >= 4) {
		size_t len = get_u32le(data) % (n - 3); /* 0 to all of the rest */

		first = (struct slice){ data + 4, len };
		second = (struct slice){ data + 4 + len, n - 4 - len };
	}
	(void)eventlog_read(first, EVENTLOG_KINDS, &a, &e);
	(void)eventlog_read(second, EVENTLOG_KINDS, &b, &e);
	check_yaml(&a, &pool);
	check_yaml(&b, &pool);

	int r = eventlog_diff(&pool, &a, &b, NULL, &ab, &e);
	CHECK(r == eventlog_diff(&pool, &b, &a, NULL, &ba, &e));
	if (r == 0) {
		check_items(&ab, &a, &b);
		check_items(&ba, &b, &a);
		CHECK((ab.n == 0) == (ba.n == 0) && ab.n_not_compared == ba.n_not_compared);
	}
	if (eventlog_diff(&pool, &a, &a, NULL, &aa, &e) == 0)
		CHECK(aa.n == 0 && aa.n_not_compared == 0);
	eventlog_done(&b);
	eventlog_done(&a);
	pool_done(&pool);
	return 0;
}
