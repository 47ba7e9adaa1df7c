/*
 * systemd's formats of reference values. The first byte chooses a format or a directory of components. What is read is
 * written and read again, and must then be written the same.
 */
#include "golden_again.h"
#include "tests/fuzz/fuzz.h"

static const char *const formats[] = { "pcrlock", "pcrlock-predict", "pcrlock-policy", "systemd-measure",
				       "pcrsig" };

enum { N_FORMATS = sizeof formats / sizeof formats[0], FILES_MAX = 64 };

static void write_twice(const struct golden *g, const char *format)
{
	(void)golden_again_write(g, golden_format_by_name(format), (struct golden_input){ .name = "again" },
				 NULL);
}

static int by_name(const void *a, const void *b)
{
	const struct golden_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/*
 * Files with a NUL between them. The first byte of each names it: two bits for the variant, of which 0 is a fixed component,
 * and the rest for the component. Equal names there are none in a directory.
 */
static size_t make_files(struct pool *pool, struct slice rest, struct golden_file files[static FILES_MAX])
{
	static const char *const names[] = { "100-a", "100-a-b", "500-c", "760-",
					     "800-d", "940-",    "950-e", ".f" };
	bool used[256] = { false };
	size_t n = 0;

	while (rest.n > 0 && n < FILES_MAX) {
		const uint8_t *end = memchr(rest.p, 0, rest.n);
		size_t len = end ? (size_t)(end - rest.p) : rest.n;
		uint8_t id = rest.p[0] % 64;
		struct slice bytes = len ? (struct slice){ rest.p + 1, len - 1 } : SLICE_EMPTY;
		unsigned variant = id % 4;
		const char *name = names[id / 4 % 8];

		len += end != NULL;
		rest = (struct slice){ rest.p + len, rest.n - len };
		if (used[id])
			continue;
		used[id] = true;
		const char *odd = id >= 32 ? "-odd" : "";
		name = variant ? pool_printf(pool, "%s%s.pcrlock.d/%u.pcrlock", name, odd, variant) :
				 pool_printf(pool, "%s%s.pcrlock", name, odd);
		CHECK(name);
		files[n++] = (struct golden_file){ name, bytes };
	}
	qsort(files, n, sizeof *files, by_name);
	return n;
}

static void run_directory(struct slice rest)
{
	struct golden_file files[FILES_MAX];
	struct pool pool = POOL_INIT;
	struct pcrcast_error e = { .msg = "" };
	struct golden g;
	size_t n = make_files(&pool, rest, files);

	if (n > 0) {
		struct golden_input in = {
			.name = "pcrlock.d", .bytes = SLICE_EMPTY, .files = files, .n_files = n
		};

		if (golden_read(&in, golden_format_by_name("pcrlock"), &g, &e) == 0) {
			CHECK(g.sets[0].n_registers > 0);
			write_twice(&g, "pcrlock-predict");
			write_twice(&g, "json");
		} else {
			CHECK(e.msg[0]);
		}
		golden_done(&g);
	}
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pcrcast_error e = { .msg = "" };
	struct golden g;

	if (n == 0)
		return 0;
	struct slice rest = n > 1 ? (struct slice){ data + 1, n - 1 } : SLICE_EMPTY;
	size_t which = data[0] % (N_FORMATS + 1);
	if (which == N_FORMATS) {
		run_directory(rest);
		return 0;
	}
	struct golden_input in = { .name = "input", .bytes = rest };
	if (golden_read(&in, golden_format_by_name(formats[which]), &g, &e) == 0) {
		write_twice(&g, formats[which]);
		write_twice(&g, "json");
	} else {
		CHECK(e.msg[0]);
	}
	golden_done(&g);
	/* recognising takes any bytes */
	(void)golden_read(&in, NULL, &g, &e);
	golden_done(&g);
	return 0;
}
