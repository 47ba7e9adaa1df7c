/* Parse YAML; a tree keeps what the header promises, an error says what and where. */
#include <stddef.h>
#include <stdint.h>

#include "base/yaml.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct yaml_node *node, size_t n, int depth)
{
	CHECK(depth <= YAML_MAX_DEPTH);
	CHECK(node->offset <= n);
	CHECK(node->text.p[node->text.n] == 0 && node->key.p[node->key.n] == 0);
	CHECK(node->kind != YAML_SCALAR || !node->first);
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		if (node->kind == YAML_MAPPING && !memchr(c->key.p, 0, c->key.n))
			CHECK(yaml_get(node, (const char *)c->key.p) == c);
		look_at(c, n, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool pool = POOL_INIT;
	const struct yaml_node *root = NULL;
	struct pcrcast_error e = { .msg = "" };

	if (yaml_parse(n ? (struct slice){ data, n } : SLICE_EMPTY, &pool, &root, &e) == 0)
		look_at(root, n, 0);
	else
		CHECK(!root && e.msg[0] != '\0' && (e.offset <= n || e.offset == PCRCAST_NO_OFFSET));
	pool_done(&pool);
	return 0;
}
