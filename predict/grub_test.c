/*
 * The commands test and [. Source: GRUB 2.06 and 2.12, grub-core/commands/test.c: no precedence as in a POSIX
 * shell, but one pass from left to right.
 */
#include "predict/grub.h"

struct test {
	struct grub *g;
	const struct grub_value *v;
	size_t n, at;
	unsigned depth;
	const char *why; /* the outcome is not known */
	struct pcrcast_error *e;
	int error;
};

static long signed_number(const char *s)
{
	const char *end;

	return *s == '-' ? -(long)grub_number(s + 1, &end) : (long)grub_number(s, &end);
}

/* -pgt, -plt: numbers behind what both begin with. */
static bool compare_behind_prefix(const char *a, const char *b, bool greater)
{
	const char *end;
	size_t i = 0;

	while (a[i] && a[i] == b[i])
		i++;
	while (i > 0 && a[i - 1] >= '0' && a[i - 1] <= '9')
		i--;
	unsigned long x = grub_number(a + i, &end), y = grub_number(b + i, &end);
	return greater ? x > y : x < y;
}

/* a OP b; false: OP is no operator. */
static bool binary(struct test *t, const char *a, const char *op, const char *b, bool *ret)
{
	static const struct {
		const char *op;
		int kind; /* 0: text, 1: number */
		bool less, equal, greater;
	} rows[] = {
		{ "=", 0, false, true, false },  { "==", 0, false, true, false },
		{ "!=", 0, true, false, true },  { "<", 0, true, false, false },
		{ "<=", 0, true, true, false },  { ">", 0, false, false, true },
		{ ">=", 0, false, true, true },  { "-eq", 1, false, true, false },
		{ "-ge", 1, false, true, true }, { "-gt", 1, false, false, true },
		{ "-le", 1, true, true, false }, { "-lt", 1, true, false, false },
		{ "-ne", 1, true, false, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(op, rows[i].op) != 0)
			continue;
		long x = signed_number(a), y = signed_number(b);
		int c = rows[i].kind ? (x > y) - (x < y) : strcmp(a, b);
		*ret = c < 0 ? rows[i].less : c > 0 ? rows[i].greater : rows[i].equal;
		return true;
	}
	if (strcmp(op, "-pgt") == 0 || strcmp(op, "-plt") == 0) {
		*ret = compare_behind_prefix(a, b, op[2] == 'g');
		return true;
	}
	if (strncmp(op, "-nt", 3) == 0 || strncmp(op, "-ot", 3) == 0) {
		t->why = "times of files are not compared";
		return true;
	}
	return false;
}

/* -s opens the file, which is measured; the others only look. */
static bool file_test(struct test *t, char kind, const char *name)
{
	struct grub_file f;
	int r = kind == 's' ? grub_open_file(t->g, grub_text(name), &f, t->e) :
			      grub_find_file(t->g, grub_text(name), &f, t->e);

	if (r < 0) {
		t->error = r;
		return false;
	}
	if (f.found == GRUB_NOT_KNOWN)
		t->why = f.why;
	if (f.found != GRUB_FOUND)
		return false;
	switch (kind) {
	case 'd':
		return f.is_dir;
	case 'f':
		return !f.is_dir;
	case 's':
		return f.content.len != 0;
	}
	return true;
}

static bool unary(struct test *t, const char *op, const char *arg, bool *ret)
{
	if (op[0] != '-' || !op[1] || op[2] || !strchr("defsnz", op[1]))
		return false;
	if (op[1] == 'n' || op[1] == 'z')
		*ret = !*arg == (op[1] == 'z');
	else
		*ret = file_test(t, op[1], arg);
	return true;
}

static bool parse(struct test *t)
{
	enum { LEVELS_MAX = 50 };
	bool and = true, or = false, invert = false, value;

	while (t->at < t->n && !t->error) {
		const char *s = t->v[t->at].s, *second = t->at + 1 < t->n ? t->v[t->at + 1].s : NULL,
			   *third = t->at + 2 < t->n ? t->v[t->at + 2].s : NULL;

		value = false;
		if (third && binary(t, s, second, third, &value)) {
			t->at += 3;
		} else if (second && unary(t, s, second, &value)) {
			t->at += 2;
		} else if (strcmp(s, ")") == 0) {
			t->at++;
			return or || and;
		} else if (strcmp(s, "(") == 0) {
			t->at++;
			if (++t->depth > LEVELS_MAX) {
				t->why = "too many parentheses";
				return false;
			}
			value = parse(t);
			t->depth--;
		} else if (strcmp(s, "!") == 0) {
			invert = !invert;
			t->at++;
			continue;
		} else if (strcmp(s, "-a") == 0) {
			t->at++;
			continue;
		} else if (strcmp(s, "-o") == 0) {
			or = or || and;
			and = true;
			t->at++;
			continue;
		} else {
			value = *s != 0;
			t->at++;
		}
		and = and&&value != invert;
		invert = false;
	}
	return or || and;
}

int grub_cmd_test(struct grub *g, const struct grub_args *a, struct grub_result *res, struct pcrcast_error *e)
{
	struct test t = { .g = g, .v = a->v, .n = a->n, .e = e };

	if (t.n && !t.v[t.n - 1].why && strcmp(t.v[t.n - 1].s, "]") == 0)
		t.n--;
	for (size_t i = 0; i < t.n; i++)
		if (a->v[i].why) {
			*res = (struct grub_result){ GRUB_OK, a->v[i].why };
			return 0;
		}
	bool yes = parse(&t);
	*res = (struct grub_result){ yes ? GRUB_OK : GRUB_TEST_FAILURE, t.why };
	return t.error;
}
