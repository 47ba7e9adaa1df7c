#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "predict/extra_dir.h"

/* ---- messages ---- */

/* The length of the well-formed UTF-8 character at p, 0 when there is none (RFC 3629, section 4). */
static size_t utf8_len(const unsigned char *p)
{
	size_t n = *p < 0x80               ? 1 :
		   *p >= 0xc2 && *p < 0xe0 ? 2 :
		   (*p & 0xf0) == 0xe0     ? 3 :
		   *p >= 0xf0 && *p < 0xf5 ? 4 :
					     0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/*
 * Characters that do something to a terminal or to how the text around them reads: C0 controls, DEL, the C1 controls
 * U+0080 to U+009F, line and paragraph separators, and the marks that change the direction of writing.
 */
static bool is_unsafe(const unsigned char *p, size_t n)
{
	uint32_t c = n == 1 ? p[0] :
		     n == 2 ? (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f) :
		     n == 3 ? (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f) :
			      0x10000;

	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void put_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t n = utf8_len(p);

		if (n == 0 || is_unsafe(p, n)) {
			for (size_t i = 0; i < (n ? n : 1); i++)
				fprintf(out, "\\x%02x", p[i]);
			p += n ? n : 1;
		} else {
			(void)fwrite(p, 1, n, out);
			p += n;
		}
	}
}

/* Cut "FILE: " out where it begins a part of the message; parts have ": " between them. */
static void drop_name(char *msg, const char *file)
{
	size_t n = strlen(file);

	for (char *part = msg; part;) {
		if (strncmp(part, file, n) == 0 && part[n] == ':' && part[n + 1] == ' ') {
			memmove(part, part + n + 2, strlen(part + n + 2) + 1);
			continue;
		}
		part = strstr(part, ": ");
		part = part ? part + 2 : NULL;
	}
}

int fail_at(const char *file, const struct pcrcast_error *e)
{
	char msg[sizeof e->msg];

	(void)snprintf(msg, sizeof msg, "%s", e->msg);
	fputs("pcrcast: ", stderr);
	if (file && *file) {
		drop_name(msg, file);
		put_text(stderr, file);
		if (*msg)
			fputs(": ", stderr);
	}
	put_text(stderr, msg);
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

int out_of_memory(void)
{
	fputs("pcrcast: out of memory\n", stderr);
	return EXIT_TROUBLE;
}

bool empty_name(const char *name)
{
	if (!*name)
		fputs("pcrcast: the file name is empty\n", stderr);
	return !*name;
}

/* ---- output ---- */

int finish(int status)
{
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && status != EXIT_TROUBLE) {
		fprintf(stderr, "pcrcast: cannot write to standard output: %s\n",
			errno ? strerror(errno) : "write error");
		return EXIT_TROUBLE;
	}
	return status;
}

static int write_failed(const char *path, struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "%s: cannot write: %s", path, strerror(errno));
}

/* The file is written beside its place with the mode it has, or that a new one would have. */
static int open_beside(struct out_file *o, const struct stat *old)
{
	if ((size_t)snprintf(o->temp, sizeof o->temp, "%s.XXXXXX", o->path) >= sizeof o->temp) {
		errno = ENAMETOOLONG;
		return -1;
	}
	o->fd = mkostemp(o->temp, O_CLOEXEC);
	if (o->fd < 0) {
		o->temp[0] = '\0';
		return -1;
	}
	mode_t mask = umask(0);
	(void)umask(mask);
	return fchmod(o->fd, old ? old->st_mode & 07777 : 0666 & ~mask);
}

int out_open(const char *path, struct out_file *ret, struct pcrcast_error *e)
{
	struct out_file *o = ret;
	struct stat st;

	*o = (struct out_file){ .fd = -1, .shown = path };
	/* What a link points to is written, not the link. */
	if (!realpath(path, o->path) && (errno != ENOENT || strlen(path) >= sizeof o->path))
		return write_failed(path, e);
	if (o->path[0] == '\0' || stat(o->path, &st) < 0)
		(void)snprintf(o->path, sizeof o->path, "%s", path);
	bool there = stat(o->path, &st) == 0;
	if (there && !S_ISREG(st.st_mode)) {
		/* O_NONBLOCK: a pipe that nobody reads is an error, not a reason to wait. */
		o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (o->fd >= 0)
			(void)fcntl(o->fd, F_SETFL, 0);
	} else if (open_beside(o, there ? &st : NULL) < 0) {
		int r = write_failed(path, e);

		out_abort(o);
		return r;
	}
	return o->fd < 0 ? write_failed(path, e) : 0;
}

int out_write(struct out_file *o, struct slice bytes, struct pcrcast_error *e)
{
	while (bytes.n) {
		ssize_t n = write(o->fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return write_failed(o->shown, e);
		bytes = (struct slice){ bytes.p + n, bytes.n - (size_t)n };
	}
	return 0;
}

int out_commit(struct out_file *o, struct pcrcast_error *e)
{
	bool ok = !o->temp[0] || fsync(o->fd) == 0 || errno == EINVAL;

	ok = close(o->fd) == 0 && ok;
	o->fd = -1;
	if (ok && o->temp[0])
		ok = rename(o->temp, o->path) == 0;
	int r = ok ? 0 : write_failed(o->shown, e);
	if (ok)
		o->temp[0] = '\0';
	out_abort(o);
	return r;
}

void out_abort(struct out_file *o)
{
	if (o->fd >= 0)
		(void)close(o->fd);
	if (o->temp[0])
		(void)unlink(o->temp);
	o->fd = -1;
	o->temp[0] = '\0';
}

/* ---- what must not be written ---- */

/* The real path of the directory that target is or would be in; "" when there is none. */
static void directory_of(const char *target, char ret[static PATH_MAX])
{
	char path[PATH_MAX];

	ret[0] = '\0';
	if (!realpath(target, path) && (size_t)snprintf(path, sizeof path, "%s", target) >= sizeof path)
		return;
	char *slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	if (!realpath(slash ? path : ".", ret))
		ret[0] = '\0';
}

/* Does the directory dir, a real path, lie at or under root? */
static bool lies_in(const char *dir, const char *root)
{
	char real[PATH_MAX];

	if (!*dir || !realpath(root, real))
		return false;
	size_t n = strcmp(real, "/") == 0 ? 0 : strlen(real);
	return strncmp(dir, real, n) == 0 && (dir[n] == '/' || dir[n] == '\0');
}

/* The same for the directory of an EFI file's companions, under both names that it has with a boot counter. */
static bool lies_in_companions(const char *dir, const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	struct pool pool = POOL_INIT;
	bool found = false;

	for (int stripped = 0; stripped <= 1; stripped++) {
		const char *name = extra_dir_of(&pool, base, stripped);
		const char *path = name ? pool_printf(&pool, "%.*s%s", (int)(base - file), file, name) : NULL;

		found |= path && lies_in(dir, path);
	}
	pool_done(&pool);
	return found;
}

int refuse_overwrite(const char *option, const char *target, const char *image, struct pcrcast_error *e)
{
	bool from_stdin = strcmp(image, "-") == 0;
	char dir[PATH_MAX];
	struct stat in, out;

	if ((from_stdin ? fstat(STDIN_FILENO, &in) : stat(image, &in)) < 0)
		return 0; /* opening it says why */
	bool there = stat(target, &out) == 0;
	if (there && !S_ISREG(out.st_mode) && !S_ISBLK(out.st_mode))
		return 0;
	if (there && out.st_dev == in.st_dev && out.st_ino == in.st_ino)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "%s would overwrite the input", option);
	directory_of(target, dir);
	if (from_stdin || !(S_ISDIR(in.st_mode) ? lies_in(dir, image) : lies_in_companions(dir, image)))
		return 0;
	return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
		       there ? "%s would overwrite %s, a file of the image" : "%s would add %s to the image",
		       option, target);
}

int write_file(const char *path, struct slice bytes, struct pcrcast_error *e)
{
	struct out_file o;
	int r = out_open(path, &o, e);

	if (r < 0)
		return r;
	r = out_write(&o, bytes, e);
	if (r < 0) {
		out_abort(&o);
		return r;
	}
	return out_commit(&o, e);
}

static enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;

bool set_color(const char *when)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"
	};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(when, names[i]) == 0) {
			color = i;
			return true;
		}
	return false;
}

void print_digest_line(enum alg alg, unsigned pcr, const uint8_t *digest, const char *after)
{
	char name[12];

	(void)snprintf(name, sizeof name, "%u", pcr);
	print_register_line(alg, name, digest, after);
}

void print_register_line(enum alg alg, const char *register_name, const uint8_t *digest, const char *after)
{
	bool bold = color == COLOR_ALWAYS || (color == COLOR_AUTO && isatty(STDOUT_FILENO));
	char name[24], hex[2 * DIGEST_MAX + 1];

	(void)snprintf(name, sizeof name, "%s:%s", algs[alg].name, register_name);
	hex_encode(digest, algs[alg].len, hex);
	printf("%s%-10s%s %s%s", bold ? "\033[1m" : "", name, bold ? "\033[0m" : "", hex, *after ? "  " : "");
	put_text(stdout, after);
	putchar('\n');
}
