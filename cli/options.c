/* Options: reading them by a table, help from the same table, and values that several verbs take. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

/* ---- the table ---- */

enum { OPTIONS_MAX = 128 };

/* getopt_long over rows. Returns a code, -1 at the end of the options, '?' after a message on stderr. */
static int next_option(int argc, char **argv, const struct option_row *rows)
{
	struct option longs[OPTIONS_MAX] = { 0 };
	char shorts[2 * OPTIONS_MAX + 2] = ":";
	size_t n = 0, k = 1;

	for (; rows[n].name && n + 1 < OPTIONS_MAX; n++) {
		longs[n] = (struct option){ rows[n].name, rows[n].argument ? required_argument : no_argument,
					    NULL, rows[n].code };
		if (rows[n].short_name) {
			shorts[k++] = rows[n].short_name;
			if (rows[n].argument)
				shorts[k++] = ':';
		}
	}
	assert(!rows[n].name); /* a table that is too long for this would lose its last options */
	opterr = 0;
	int c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == '?') {
		usage_error("unknown option %s", optopt > 255 || optopt == 0 ?
							 argv[optind - 1] :
							 (char[]){ '-', (char)optopt, 0 });
		return '?';
	}
	if (c == ':') {
		usage_error("option %s needs a value", argv[optind - 1]);
		return '?';
	}
	for (size_t i = 0; i < n; i++)
		if (c > 0 && rows[i].short_name == c)
			return rows[i].code;
	return c;
}

static void print_help(const char *usage, const char *purpose, const struct option_row *rows)
{
	printf("usage: pcrcast %s\n%s\n\n", usage, purpose);
	for (; rows->name; rows++) {
		char left[64];

		(void)snprintf(left, sizeof left, "--%s%s%s", rows->name, rows->argument ? " " : "",
			       rows->argument ? rows->argument : "");
		/* printf pads bytes, not characters: "…" has three and takes one place */
		int more = 0;
		for (const char *p = left; *p; p++)
			more += (*p & 0xc0) == 0x80;
		if (rows->short_name)
			printf("  -%c, %-*s %s\n", rows->short_name, 26 + more, left, rows->help);
		else
			printf("  %-*s %s\n", 30 + more, left, rows->help);
	}
}

int take_options(int argc, char **argv, const struct option_row *rows, const char *usage, const char *purpose,
		 option_taker *take, void *arguments)
{
	int code;

	while ((code = next_option(argc, argv, rows)) != -1) {
		if (code == OPT_HELP) {
			print_help(usage, purpose, rows);
			return EXIT_DONE + 1;
		}
		if (code == '?' || take(arguments, code) != 0)
			return EXIT_TROUBLE + 1;
	}
	return 0;
}

/* ---- values ---- */

bool parse_banks(const char *text, alg_set *ret)
{
	alg_set set = 0;

	if (strcmp(text, "all") == 0) {
		*ret = (1u << ALG_COUNT) - 1;
		return true;
	}
	while (*text) {
		size_t n = strcspn(text, ",");
		enum alg alg = alg_by_name((struct slice){ (const uint8_t *)text, n });

		if (alg == ALG_COUNT)
			return false;
		set |= 1u << alg;
		text += n + (text[n] == ',');
	}
	*ret = set;
	return set != 0;
}

static bool parse_pcrs(const char *text, uint32_t *ret)
{
	uint32_t set = 0;

	for (;;) {
		char *end;
		unsigned long from, to;

		if (*text < '0' || *text > '9')
			return false;
		from = to = strtoul(text, &end, 10);
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return false;
			to = strtoul(end + 1, &end, 10);
		}
		if (from > to || to >= PCR_COUNT)
			return false;
		for (; from <= to; from++)
			set |= UINT32_C(1) << from;
		if (*end == '\0')
			break;
		if (*end != ',')
			return false;
		text = end + 1;
	}
	*ret = set;
	return true;
}

int take_banks(alg_set *ret)
{
	return parse_banks(optarg, ret) ?
		       0 :
		       usage_error("--bank %s: expected all or names of sha1, sha256, sha384, sha512",
				   optarg);
}

int take_pcrs(const char *option, uint32_t *ret)
{
	return parse_pcrs(optarg, ret) ?
		       0 :
		       usage_error("--%s %s: expected numbers from 0 to 23, as 4,9,11-13", option, optarg);
}

int take_color(void)
{
	return set_color(optarg) ? 0 : usage_error("--color %s: expected auto, always or never", optarg);
}

bool parse_unsigned(const char *text, unsigned long most, unsigned long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || *end || v > most)
		return false;
	*ret = v;
	return true;
}

bool is_phase_path(const char *text)
{
	size_t n = strlen(text);

	return strcmp(text, ":") == 0 || (n && text[0] != ':' && text[n - 1] != ':' && !strstr(text, "::"));
}

bool parse_hex(struct pool *pool, const char *text, struct slice *ret)
{
	return hex_decode(pool, slice_of_string(text), ret);
}
