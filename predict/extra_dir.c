#include "predict/extra_dir.h"

#include <string.h>

#define SUFFIX ".extra.d"

static size_t skip_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/*
 * The length of the boot counter that s, which begins with '+', begins with: "+LEFT" or "+LEFT-DONE" up to
 * a '.' or the end of the path. 0 when s is something else, such as the "+deb12" of a version.
 */
static size_t counter_len(const char *s)
{
	size_t n = skip_digits(s + 1);

	if (n == 0)
		return 0;
	n += 1;
	if (s[n] == '-') {
		size_t done = skip_digits(s + n + 1);

		if (done == 0)
			return 0;
		n += 1 + done;
	}
	return s[n] == '.' || s[n] == '\0' ? n : 0;
}

char *extra_dir_of(struct pool *pool, const char *path, bool strip_counter)
{
	static const char suffix[] = SUFFIX;
	char *out = pool_array(pool, strlen(path) + sizeof suffix, 1);
	size_t n = 0;

	if (!out)
		return NULL;
	for (; *path; path++) {
		char c = *path == '/' ? '\\' : *path;

		if (c != '\\' || n == 0 || out[n - 1] != '\\')
			out[n++] = c;
	}
	out[n] = '\0';

	/* Only the first '+' of the whole path is looked at, wherever it is (systemd-stub 254 to 262). */
	char *plus = strip_counter ? strchr(out, '+') : NULL;
	if (plus) {
		size_t len = counter_len(plus);

		memmove(plus, plus + len, strlen(plus + len) + 1);
		n -= len;
	}
	memcpy(out + n, suffix, sizeof suffix);
	return out;
}
