#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- messages ---- */

/* The length of the well-formed UTF-8 character at p, 0 when there is none (RFC 3629, section 4). */
static size_t utf8_len(const unsigned char *p)
{
	size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

void put_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t n = utf8_len(p);

		/* C0 controls, DEL, and the C1 controls U+0080 to U+009F, which some terminals obey */
		if (n == 0 || *p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0)) {
			for (size_t i = 0; i < (n ? n : 1); i++)
				fprintf(out, "\\x%02x", p[i]);
			p += n ? n : 1;
		} else {
			(void)fwrite(p, 1, n, out);
			p += n;
		}
	}
}

int fail_at(const char *file, const struct pcrcast_error *e)
{
	fputs("pcrcast: ", stderr);
	if (file && strncmp(e->msg, file, strlen(file)) != 0) {
		put_text(stderr, file);
		fputs(": ", stderr);
	}
	put_text(stderr, e->msg);
	if (e->offset != PCRCAST_NO_OFFSET)
		fprintf(stderr, " (at byte %" PRIu64 ")", e->offset);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

int fail(const struct pcrcast_error *e)
{
	return fail_at(NULL, e);
}

int usage_error(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fputs("pcrcast: ", stderr);
	put_text(stderr, text);
	fputs(" (see --help)\n", stderr);
	return EXIT_TROUBLE;
}

/* ---- options ---- */

enum { OPTIONS_MAX = 48 };

int next_option(int argc, char **argv, const struct option_row *rows)
{
	struct option longs[OPTIONS_MAX] = { 0 };
	char shorts[2 * OPTIONS_MAX + 2] = ":";
	size_t n = 0, k = 1;

	for (; rows[n].name && n + 1 < OPTIONS_MAX; n++) {
		longs[n] = (struct option){ rows[n].name, rows[n].argument ? required_argument : no_argument, NULL, rows[n].code };
		if (rows[n].short_name) {
			shorts[k++] = rows[n].short_name;
			if (rows[n].argument)
				shorts[k++] = ':';
		}
	}
	opterr = 0;
	int c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == '?') {
		usage_error("unknown option %s", optopt > 255 || optopt == 0 ? argv[optind - 1] : (char[]){ '-', (char)optopt, 0 });
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

void print_help(const char *usage, const char *purpose, const struct option_row *rows)
{
	printf("usage: pcrcast %s\n%s\n\n", usage, purpose);
	for (; rows->name; rows++) {
		char left[64];

		(void)snprintf(left, sizeof left, "--%s%s%s", rows->name, rows->argument ? " " : "",
			       rows->argument ? rows->argument : "");
		if (rows->short_name)
			printf("  -%c, %-26s %s\n", rows->short_name, left, rows->help);
		else
			printf("  %-30s %s\n", left, rows->help);
	}
}

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

bool parse_pcrs(const char *text, uint32_t *ret)
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

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool parse_hex(struct pool *pool, const char *text, struct slice *ret)
{
	size_t n = strlen(text);
	uint8_t *bytes = pool_array(pool, n / 2, 1);

	if (!bytes || n % 2)
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		int hi = hex_value(text[2 * i]), lo = hex_value(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret = (struct slice){ bytes, n / 2 };
	return true;
}

/* ---- output ---- */

int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "pcrcast: cannot write to standard output: %s\n", strerror(errno));
		return EXIT_TROUBLE;
	}
	return status;
}

static int write_all(int fd, struct slice bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes = (struct slice){ bytes.p + n, bytes.n - (size_t)n };
	}
	return 0;
}

static int write_failed(const char *path, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "%s: cannot write: %s", path, strerror(errno));
}

static int write_directly(const char *path, struct slice bytes, struct pcrcast_error *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return write_failed(path, e);
	int r = write_all(fd, bytes) < 0 ? write_failed(path, e) : 0;
	if (close(fd) < 0 && r == 0)
		r = write_failed(path, e);
	return r;
}

int write_file(const char *path, struct slice bytes, struct pcrcast_error *e)
{
	char temp[4096 + 16];
	struct stat st;

	if (strcmp(path, "-") == 0)
		return fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n && fflush(stdout) == 0 ? 0 : write_failed("standard output", e);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_directly(path, bytes, e);
	if ((size_t)snprintf(temp, sizeof temp, "%s.XXXXXX", path) >= sizeof temp) {
		errno = ENAMETOOLONG;
		return write_failed(path, e);
	}
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return write_failed(path, e);
	mode_t mask = umask(0);
	(void)umask(mask);
	bool ok = write_all(fd, bytes) == 0 && fchmod(fd, 0666 & ~mask) == 0;
	ok = (fsync(fd) == 0 || errno == EINVAL) && ok;
	ok = close(fd) == 0 && ok;
	if (ok && rename(temp, path) == 0)
		return 0;
	int r = write_failed(path, e);
	(void)unlink(temp);
	return r;
}

static enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;

bool set_color(const char *when)
{
	static const char *const names[] = { [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never" };

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(when, names[i]) == 0) {
			color = i;
			return true;
		}
	return false;
}

void print_digest_line(enum alg alg, unsigned pcr, const uint8_t *digest, const char *after)
{
	bool bold = color == COLOR_ALWAYS || (color == COLOR_AUTO && isatty(STDOUT_FILENO));
	char name[24], hex[2 * DIGEST_MAX + 1];

	(void)snprintf(name, sizeof name, "%s:%u", algs[alg].name, pcr);
	hex_encode(digest, algs[alg].len, hex);
	printf("%s%-10s%s %s%s", bold ? "\033[1m" : "", name, bold ? "\033[0m" : "", hex, *after ? "  " : "");
	put_text(stdout, after);
	putchar('\n');
}
