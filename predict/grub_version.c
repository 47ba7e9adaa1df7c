/*
 * How GRUB compares the names of entries of the Boot Loader Specification.
 *
 * Sources: Red Hat's GRUB 2.06 and 2.12 (rhboot/grub2, branches rhel-9-main and fedora-40 to fedora-45), commands/blscfg.c:
 * vercmp, split_package_string, split_cmp; upstream GRUB 2.14 with the filevercmp.c of gnulib that it is built with.
 */
#include "predict/grub.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- Red Hat: name, version and release, each as RPM compares versions ---- */

static bool separates(char c)
{
	return c && !is_digit(c) && !is_alpha(c) && c != '~' && c != '+';
}

static size_t run_length(struct slice s, bool (*is)(char c))
{
	size_t n = 0;

	while (n < s.n && is((char)s.p[n]))
		n++;
	return n;
}

static char first(struct slice s)
{
	return s.n ? (char)*s.p : 0;
}

static void skip(struct slice *s, size_t n)
{
	*s = (struct slice){ s->p + n, s->n - n };
}

/* Runs of digits by their value, runs of letters by their bytes: -1, 0 or 1. */
static int compare_run(struct slice a, struct slice b, bool digits)
{
	while (digits && first(a) == '0')
		skip(&a, 1);
	while (digits && first(b) == '0')
		skip(&b, 1);
	if (digits && a.n != b.n)
		return a.n > b.n ? 1 : -1;
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	if (c == 0)
		c = (a.n > b.n) - (a.n < b.n);
	return (c > 0) - (c < 0);
}

/* A mark that both have here is passed over (0); else 1 or -1, or 2: neither has it. */
static int compare_mark(struct slice *a, struct slice *b, char mark)
{
	if (first(*a) != mark && first(*b) != mark)
		return 2;
	if (mark == '+' && (!a->n || !b->n)) /* the longer one is the newer one */
		return a->n ? 1 : -1;
	if (first(*a) != mark)
		return 1;
	if (first(*b) != mark)
		return -1;
	skip(a, 1);
	skip(b, 1);
	return 0;
}

static int compare_versions(struct slice a, struct slice b)
{
	if (slice_equal(a, b))
		return 0;
	while (a.n || b.n) {
		skip(&a, run_length(a, separates));
		skip(&b, run_length(b, separates));
		int c = compare_mark(&a, &b, '~');
		if (c == 2)
			c = compare_mark(&a, &b, '+');
		if (c == 0)
			continue;
		if (c != 2)
			return c;
		if (!a.n || !b.n)
			break;
		bool digits = is_digit(first(a));
		size_t n = run_length(a, digits ? is_digit : is_alpha),
		       m = run_length(b, digits ? is_digit : is_alpha);
		if (m == 0)
			return digits ? 1 : -1;
		c = compare_run((struct slice){ a.p, n }, (struct slice){ b.p, m }, digits);
		if (c)
			return c;
		skip(&a, n);
		skip(&b, m);
	}
	return (a.n != 0) - (b.n != 0);
}

/* The part behind the last "-", which is cut off; false: there is none. */
static bool cut_last(struct slice *s, struct slice *ret)
{
	for (size_t n = s->n; n > 0; n--)
		if (s->p[n - 1] == '-') {
			*ret = (struct slice){ s->p + n, s->n - n };
			s->n = n - 1;
			return true;
		}
	return false;
}

/* "name-version-release"; with one "-" what follows it is the version, and there is no release. */
static void split(const char *s, struct slice part[3])
{
	struct slice name = slice_of_string(s), last, middle;

	part[1] = part[2] = SLICE_EMPTY;
	if (cut_last(&name, &last)) {
		part[1] = last;
		if (cut_last(&name, &middle)) {
			part[1] = middle;
			part[2] = last;
		}
	}
	part[0] = name;
}

int grub_compare_packages(const char *a, const char *b)
{
	struct slice x[3], y[3];
	int c = 0;

	split(a, x);
	split(b, y);
	for (unsigned i = 0; c == 0 && i < 3; i++)
		c = compare_versions(x[i], y[i]);
	return c;
}

/* ---- upstream: as "ls -v" sorts ---- */

/* Its length without what looks like endings, as ".conf". */
static size_t without_endings(const char *s)
{
	size_t i = 0;

	for (;; i++) {
		size_t n = i;

		while (s[i] == '.' && (is_alpha(s[i + 1]) || s[i + 1] == '~'))
			for (i += 2; is_alpha(s[i]) || is_digit(s[i]) || s[i] == '~'; i++)
				;
		if (!s[i])
			return n;
	}
}

/* The weight of a byte: "~" before the end before digits before letters before the rest. */
static int weight(struct slice s)
{
	unsigned char c = (unsigned char)first(s);

	if (s.n == 0)
		return -1;
	if (is_digit((char)c))
		return 0;
	return is_alpha((char)c) ? c : c == '~' ? -2 : c + 256;
}

static bool no_digit(struct slice s)
{
	return s.n && !is_digit(first(s));
}

static int compare_as_debian(struct slice a, struct slice b)
{
	while (a.n || b.n) {
		while (no_digit(a) || no_digit(b)) {
			int x = weight(a), y = weight(b);

			if (x != y)
				return x < y ? -1 : 1;
			skip(&a, 1);
			skip(&b, 1);
		}
		size_t n = run_length(a, is_digit), m = run_length(b, is_digit);
		int c = compare_run((struct slice){ a.p, n }, (struct slice){ b.p, m }, true);
		if (c)
			return c;
		skip(&a, n);
		skip(&b, m);
	}
	return 0;
}

int grub_compare_files(const char *a, const char *b)
{
	struct slice x = slice_of_string(a), y = slice_of_string(b);
	static const char *const special[] = { "", ".", ".." };

	/* These come first, then what else begins with a dot. */
	for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
		if (slice_equal_string(x, special[i]) || slice_equal_string(y, special[i]))
			return slice_equal(x, y) ? 0 : slice_equal_string(x, special[i]) ? -1 : 1;
	if ((*a == '.') != (*b == '.'))
		return *a == '.' ? -1 : 1;
	x.n = without_endings(a);
	y.n = without_endings(b);
	int c = compare_as_debian(x, y);
	return c ? c : compare_as_debian(slice_of_string(a), slice_of_string(b));
}
