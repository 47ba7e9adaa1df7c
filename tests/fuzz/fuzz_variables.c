/* Stores of variables and files of signature databases: what is read keeps its promises, an error says what and where. */
#include <stddef.h>
#include <stdint.h>

#include "base/efi/signature_file.h"
#include "base/efi/signature_list.h"
#include "base/efi/variable_store.h"
#include "tests/fuzz/fuzz.h"

static int read_any(struct pool *pool, struct slice bytes, bool aws, struct firmware_variables *v,
		    struct pcrcast_error *e)
{
	return aws ? variable_store_read_aws_content(pool, bytes, v, e) :
		     variable_store_read(pool, bytes, SLICE_EMPTY, v, e);
}

static void read_store(struct slice bytes, bool aws)
{
	struct firmware_variables v = FIRMWARE_VARIABLES_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct pool pool = POOL_INIT;
	size_t total = 0;

	if (read_any(&pool, bytes, aws, &v, &e) == 0) {
		CHECK(v.whole);
		for (size_t i = 0; i < v.n; i++) {
			const struct firmware_variable *f =
				firmware_variables_find(&v, v.items[i].name, &v.items[i].guid);

			CHECK(f == &v.items[i] || (!f && v.items[i].data.n == 0));
			total += v.items[i].data.n;
		}
		CHECK(total <= bytes.n);
	} else {
		CHECK(v.n == 0 && e.msg[0] != '\0' && (e.offset <= bytes.n || e.offset == PCRCAST_NO_OFFSET));
	}
	pool_done(&pool);
}

static void read_signatures(struct slice bytes, const struct guid *owner)
{
	struct pcrcast_error e = { .msg = "" };
	struct slice lists = SLICE_EMPTY;
	struct pool pool = POOL_INIT;
	struct esl list;

	if (signature_file_read(&pool, bytes, owner, &lists, &e) == 0) {
		CHECK(lists.n);
		while (lists.n)
			CHECK(!esl_next(&pool, &lists, &list));
	} else {
		CHECK(lists.n == 0 && e.msg[0] != '\0');
	}
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct guid owner = { { 1 } };

	read_store(bytes, false);
	read_store(bytes, true);
	read_signatures(bytes, NULL);
	read_signatures(bytes, &owner);
	return 0;
}
