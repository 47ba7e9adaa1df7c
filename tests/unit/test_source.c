/* Sources: files as they are when opened, and refusal of all that is no file. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/source.h"

struct fixture {
	char dir[64];
	char file[128]; /* "0123456789", written an hour ago */
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A change within the file system's clock tick must not decide a test: the time of change is set. */
static void set_time(const char *path, time_t t)
{
	const struct timespec times[2] = { { .tv_sec = t }, { .tv_sec = t } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof f->dir, "%s/pcrcast-test-XXXXXX",
		       tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->file, sizeof f->file, "%s/file", f->dir);
	write_file(f->file, "0123456789");
	set_time(f->file, 1000000000);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->file);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void a_file_is_read_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct source *s;
	char buf[16] = "";

	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	assert_int_equal(source_size(s), 10);
	assert_string_equal(source_name(s), f->file);
	assert_int_equal(source_read(s, 7, buf, 3, NULL), 0);
	assert_memory_equal(buf, "789", 3);
	assert_int_equal(source_read(s, 0, buf, 10, NULL), 0);
	assert_memory_equal(buf, "0123456789", 10);
	assert_int_equal(source_read(s, 10, buf, 0, NULL), 0);
	assert_int_equal(source_check(s, NULL), 0);
	source_close(s);
}

static void reading_past_the_end_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pcrcast_error e;
	struct source *s;
	char buf[16];

	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	assert_int_equal(source_read(s, 0, buf, 11, &e), -PCRCAST_ETRUNC);
	assert_non_null(strstr(e.msg, "11 bytes wanted, the file ends at 10"));
	assert_int_equal(source_read(s, 11, buf, 0, &e), -PCRCAST_ETRUNC);
	assert_int_equal(source_read(s, 5, buf, SIZE_MAX, &e), -PCRCAST_ETRUNC);
	assert_int_equal(source_read(s, UINT64_MAX, buf, 2, &e), -PCRCAST_ETRUNC);
	source_close(s);
}

static void a_file_cut_short_while_reading_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct pcrcast_error e;
	struct source *s;
	char buf[16];

	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	assert_int_equal(truncate(f->file, 6), 0);
	assert_int_equal(source_size(s), 10);
	assert_int_equal(source_read(s, 2, buf, 4, &e), 0);
	assert_int_equal(source_read(s, 2, buf, 5, &e), -PCRCAST_EIO);
	assert_non_null(strstr(e.msg, "/file: the file was cut short while it was read"));
	assert_int_equal(e.offset, 6);
	assert_int_equal(source_check(s, &e), -PCRCAST_EIO);
	source_close(s);
}

static void a_file_that_changed_fails_the_check(void **state)
{
	struct fixture *f = *state;
	struct pcrcast_error e;
	struct source *s;

	/* other bytes, same length: the time tells */
	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	write_file(f->file, "9876543210");
	set_time(f->file, 1000000001);
	assert_int_equal(source_check(s, &e), -PCRCAST_EIO);
	assert_non_null(strstr(e.msg, "/file: the file was changed while it was read"));
	source_close(s);

	/* a fraction of a second */
	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	const struct timespec times[2] = { { .tv_sec = 1000000001, .tv_nsec = 5000 },
					   { .tv_sec = 1000000001, .tv_nsec = 5000 } };
	assert_int_equal(utimensat(AT_FDCWD, f->file, times, 0), 0);
	assert_int_equal(source_check(s, &e), -PCRCAST_EIO);
	source_close(s);

	/* other bytes, with the old time put back: the inode's own time of change tells */
	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL); /* longer than a tick */
	write_file(f->file, "0000000000");
	assert_int_equal(utimensat(AT_FDCWD, f->file, times, 0), 0);
	assert_int_equal(source_check(s, &e), -PCRCAST_EIO);
	source_close(s);

	/* longer, with the old time put back */
	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	write_file(f->file, "98765432101");
	assert_int_equal(utimensat(AT_FDCWD, f->file, times, 0), 0);
	assert_int_equal(source_check(s, &e), -PCRCAST_EIO);
	source_close(s);
}

static void a_file_that_was_replaced_is_still_the_one_opened(void **state)
{
	struct fixture *f = *state;
	struct source *s;
	char buf[10];

	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	assert_int_equal(unlink(f->file), 0);
	write_file(f->file, "new");
	assert_int_equal(source_read(s, 0, buf, 10, NULL), 0);
	assert_memory_equal(buf, "0123456789", 10);
	source_close(s);
}

static char untouched; /* stands for a result that must stay */

static void refuses(const char *path, int rc, const char *message)
{
	struct pcrcast_error e;
	struct source *s = (struct source *)&untouched;

	assert_int_equal(source_open_file(path, &s, &e), rc);
	assert_ptr_equal(s, &untouched);
	assert_non_null(strstr(e.msg, message));
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(source_open_file(path, &s, NULL), rc);
}

static void what_is_no_file_is_named(void **state)
{
	struct fixture *f = *state;
	char path[128];

	refuses(f->dir, -PCRCAST_EIO, "expected a file, found a directory");
	refuses("/dev/null", -PCRCAST_EIO, "expected a file, found a character device");

	(void)snprintf(path, sizeof path, "%s/fifo", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses(path, -PCRCAST_EIO, "expected a file, found a pipe"); /* and does not wait for a writer */
	assert_int_equal(unlink(path), 0);

	(void)snprintf(path, sizeof path, "%s/none", f->dir);
	refuses(path, -PCRCAST_ENOTFOUND, "cannot open: No such file or directory");

	(void)snprintf(path, sizeof path, "%s/loop", f->dir);
	assert_int_equal(symlink("loop", path), 0);
	refuses(path, -PCRCAST_EIO, "cannot open: ");
	assert_int_equal(unlink(path), 0);
}

static void a_file_inside_a_directory_is_opened_by_name_and_link(void **state)
{
	struct fixture *f = *state;
	struct source *s;
	char path[128];
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY);

	assert_true(dir >= 0);
	(void)snprintf(path, sizeof path, "%s/link", f->dir);
	assert_int_equal(symlink("file", path), 0);
	assert_int_equal(source_open_file_at(dir, "link", "DIR/link", &s, NULL), 0);
	assert_int_equal(source_size(s), 10);
	assert_string_equal(source_name(s), "DIR/link");
	source_close(s);
	assert_int_equal(unlink(path), 0);
	(void)close(dir);
}

static void an_empty_file_is_a_file(void **state)
{
	struct fixture *f = *state;
	struct source *s;

	write_file(f->file, "");
	assert_int_equal(source_open_file(f->file, &s, NULL), 0);
	assert_int_equal(source_size(s), 0);
	source_close(s);
}

struct writer {
	int fd;
	size_t n;
};

static void *write_all(void *arg)
{
	struct writer *w = arg;

	for (size_t i = 0; i < w->n; i++) {
		char c = (char)('a' + i % 26);

		if (write(w->fd, &c, 1) != 1)
			break;
	}
	(void)close(w->fd);
	return NULL;
}

static int read_pipe(size_t n, uint64_t limit, struct source **ret, struct pcrcast_error *e)
{
	pthread_t thread;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	struct writer w = { ends[1], n };
	assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
	int r = source_read_stream(ends[0], "stdin", limit, ret, e);
	char rest[4096];
	while (read(ends[0], rest, sizeof rest) > 0)
		;
	(void)close(ends[0]);
	(void)pthread_join(thread, NULL);
	return r;
}

static void a_stream_is_read_to_its_end(void **state)
{
	static const size_t lens[] = { 0, 1, 65535, 65536, 65537, 140000 };

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct source *s;
		char c;

		assert_int_equal(read_pipe(lens[i], lens[i], &s, NULL), 0);
		assert_int_equal(source_size(s), lens[i]);
		for (size_t k = 0; k < lens[i]; k += 61) {
			assert_int_equal(source_read(s, k, &c, 1, NULL), 0);
			assert_int_equal(c, 'a' + k % 26);
		}
		assert_int_equal(source_check(s, NULL), 0);
		source_close(s);
	}
}

static void a_stream_longer_than_the_limit_is_refused(void **state)
{
	struct pcrcast_error e;
	struct source *s;

	(void)state;
	assert_int_equal(read_pipe(101, 100, &s, &e), -PCRCAST_ELIMIT);
	assert_string_equal(e.msg, "stdin: more than the 100 bytes that are read from a stream");
	assert_int_equal(read_pipe(70000, 65536, &s, &e), -PCRCAST_ELIMIT);
}

static void a_stream_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct pcrcast_error e;
	struct source *s;
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY);

	assert_true(dir >= 0);
	assert_int_equal(source_read_stream(dir, "stdin", 100, &s, &e), -PCRCAST_EIO);
	assert_string_equal(e.msg, "stdin: cannot read: Is a directory");
	(void)close(dir);
}

static void bytes_in_memory_are_a_source(void **state)
{
	uint8_t *block = malloc(3);
	struct source *s;
	char buf[4];

	(void)state;
	assert_non_null(block);
	memcpy(block, "abc", 3);
	assert_int_equal(source_over_bytes((struct slice){ block, 3 }, "abc", &s, NULL), 0);
	assert_int_equal(source_read(s, 1, buf, 2, NULL), 0);
	assert_memory_equal(buf, "bc", 2);
	assert_int_equal(source_read(s, 1, buf, 3, NULL), -PCRCAST_ETRUNC);
	assert_int_equal(source_check(s, NULL), 0);
	source_close(s);
	free(block);

	assert_int_equal(source_over_bytes(SLICE_EMPTY, "nothing", &s, NULL), 0);
	assert_int_equal(source_size(s), 0);
	source_close(s);
	source_close(NULL);
}

static int fails(void *ctx, struct pcrcast_error *e)
{
	return err_set(e, *(enum pcrcast_code *)ctx, 3, "went away");
}

static int fails_to_read(void *ctx, uint64_t off, void *buf, size_t n, struct pcrcast_error *e)
{
	(void)off;
	(void)buf;
	(void)n;
	return fails(ctx, e);
}

static void errors_of_other_kinds_of_sources_carry_the_name(void **state)
{
	static const struct source_ops ops = { fails_to_read, fails, NULL };
	enum pcrcast_code code = PCRCAST_EUNSUPPORTED;
	struct pcrcast_error e;
	struct source *s;
	char c;

	(void)state;
	assert_int_equal(source_new(&ops, &code, 5, "disk.vmdk", &s, NULL), 0);
	assert_int_equal(source_read(s, 0, &c, 1, &e), -PCRCAST_EUNSUPPORTED);
	assert_string_equal(e.msg, "disk.vmdk: went away");
	assert_int_equal(source_check(s, &e), -PCRCAST_EUNSUPPORTED);
	assert_string_equal(e.msg, "disk.vmdk: went away");
	assert_true(source_read(s, 0, &c, 1, NULL) < 0);
	source_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read_in_any_order, begin, end),
		cmocka_unit_test_setup_teardown(reading_past_the_end_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(a_file_cut_short_while_reading_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(a_file_that_changed_fails_the_check, begin, end),
		cmocka_unit_test_setup_teardown(a_file_that_was_replaced_is_still_the_one_opened, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_named, begin, end),
		cmocka_unit_test_setup_teardown(a_file_inside_a_directory_is_opened_by_name_and_link, begin,
						end),
		cmocka_unit_test_setup_teardown(an_empty_file_is_a_file, begin, end),
		cmocka_unit_test(a_stream_is_read_to_its_end),
		cmocka_unit_test(a_stream_longer_than_the_limit_is_refused),
		cmocka_unit_test_setup_teardown(a_stream_that_cannot_be_read_is_an_error, begin, end),
		cmocka_unit_test(bytes_in_memory_are_a_source),
		cmocka_unit_test(errors_of_other_kinds_of_sources_carry_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
