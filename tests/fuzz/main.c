/*
 * A plain main for the fuzz harnesses: run them over files, and with --mutate over seeded mutations of each
 * file too, so that "make check" needs no fuzzer.
 *
 * usage: fuzz_NAME [--mutate ROUNDS] FILE|DIRECTORY...
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static unsigned long rounds;
static unsigned long n_runs;

/* Numbers that are the same everywhere: a failure can be run again. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* An exact-size heap block, so that AddressSanitizer sees one byte too far. */
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, bytes, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	n_runs++;
}

static void mutate(const uint8_t *bytes, size_t n)
{
	static const uint8_t interesting[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	uint64_t state = n;
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	for (unsigned long i = 0; i < rounds && n > 0; i++) {
		size_t len = n;

		memcpy(copy, bytes, n);
		for (uint32_t k = next_random(&state) % 4 + 1; k > 0; k--) {
			size_t at = next_random(&state) % n;

			/* headers are at the start of most formats */
			if (next_random(&state) % 2)
				at %= 1024;
			copy[at] = next_random(&state) % 2 ?
					   (uint8_t)next_random(&state) :
					   interesting[next_random(&state) % sizeof interesting];
		}
		if (next_random(&state) % 8 == 0)
			len = next_random(&state) % n;
		run(copy, len);
	}
	free(copy);
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t n = 0, cap = 0, got;

	if (!f) {
		perror(path);
		return 1;
	}
	do {
		if (n == cap) {
			cap = cap ? 2 * cap : 65536;
			bytes = realloc(bytes, cap);
			if (!bytes)
				abort();
		}
		got = fread(bytes + n, 1, cap - n, f);
		n += got;
	} while (got > 0);
	(void)fclose(f);
	run(bytes, n);
	mutate(bytes, n);
	free(bytes);
	return 0;
}

static int run_path(const char *path)
{
	struct dirent **names;
	struct stat st;
	int status = 0;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return run_file(path);
	int n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char *child;

		if (names[i]->d_name[0] != '.') {
			if (asprintf(&child, "%s/%s", path, names[i]->d_name) < 0)
				abort();
			status |= run_path(child);
			free(child);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return status;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--mutate") == 0 && i + 1 < argc)
			rounds = strtoul(argv[++i], NULL, 10);
		else
			status |= run_path(argv[i]);
	}
	printf("%s: %lu inputs\n", argv[0], n_runs);
	return status;
}
