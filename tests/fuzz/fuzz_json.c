/* Parse JSON; what was parsed is printed and must parse to the same text again. */
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_read.h"
#include "tests/fuzz/fuzz.h"

static void look_at(struct pool *pool, const struct cJSON *node, int depth)
{
	const char *text;
	struct slice hex;
	uint64_t number;
	bool yes;

	CHECK(depth <= JSON_MAX_DEPTH);
	CHECK((int)json_string(node, &text) + (int)json_u64(node, &number) + (int)json_bool(node, &yes) <= 1);
	(void)json_hex(pool, node, &hex);
	for (const struct cJSON *c = json_first(node); c; c = json_next(c)) {
		if (json_is_object(node))
			CHECK(json_get(node, json_key(c)) == c);
		look_at(pool, c, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY, rest = bytes;
	struct pool pool = POOL_INIT;
	struct cJSON *node, *again;
	struct pcrcast_error e = { .msg = "" };

	int rc = json_parse(bytes, &node, &e);
	if (rc == 0) {
		look_at(&pool, node, 0);
		const char *text = json_text(&pool, node);
		CHECK(text && json_parse(slice_of_string(text), &again, &e) == 0);
		const char *text_again = json_text(&pool, again);
		CHECK(text_again && strcmp(text, text_again) == 0);
		json_free(again);
		json_free(node);
	} else {
		CHECK(e.msg[0] != '\0' && (e.offset <= n || e.offset == PCRCAST_NO_OFFSET));
	}
	while (rest.n > 0 && json_parse_next(&rest, &node, &e) == 0)
		json_free(node);
	pool_done(&pool);
	return 0;
}
