/*
 * Texts of a log in memory: what is printed, printed to memory.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "eventlog/write.h"

static int in_memory(int (*print)(const struct eventlog *log, FILE *out, struct pcrcast_error *e),
		     const struct eventlog *log, struct pool *pool, struct slice *ret,
		     struct pcrcast_error *e)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return err_nomem(e);
	int rc = print(log, out, e);
	bool failed = ferror(out) != 0;
	failed |= fclose(out) != 0;
	if (rc == 0) {
		const uint8_t *copy = failed ? NULL : pool_copy(pool, text, n);

		if (copy)
			*ret = (struct slice){ copy, n };
		else
			rc = err_nomem(e);
	}
	free(text);
	return rc;
}

int eventlog_write_cel_json(const struct eventlog *log, struct pool *pool, struct slice *ret,
			    struct pcrcast_error *e)
{
	return in_memory(eventlog_print_cel_json, log, pool, ret, e);
}

int eventlog_write_tpm2_yaml(const struct eventlog *log, struct pool *pool, struct slice *ret,
			     struct pcrcast_error *e)
{
	return in_memory(eventlog_print_tpm2_yaml, log, pool, ret, e);
}
