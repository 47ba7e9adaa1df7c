#include "base/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16384, ALIGN = 16 };

struct pool_block {
	struct pool_block *next;
	size_t size;
	_Alignas(ALIGN) unsigned char bytes[];
};

void pool_done(struct pool *p)
{
	while (p->blocks) {
		struct pool_block *next = p->blocks->next;

		free(p->blocks);
		p->blocks = next;
	}
	p->left = 0;
}

static void *take(struct pool *p, size_t n)
{
	if (n > SIZE_MAX - sizeof(struct pool_block) - ALIGN)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (n == 0)
		n = ALIGN;
	if (n > p->left) {
		size_t size = n > BLOCK / 4 ? n : BLOCK;
		struct pool_block *b = calloc(1, sizeof *b + size);

		if (!b)
			return NULL;
		b->size = size;
		if (size == n && p->blocks) {
			/* A block for one large object goes behind the newest, whose free bytes stay in use. */
			b->next = p->blocks->next;
			p->blocks->next = b;
			return b->bytes;
		}
		b->next = p->blocks;
		p->blocks = b;
		p->left = size;
	}

	void *ret = p->blocks->bytes + p->blocks->size - p->left;
	p->left -= n;
	return ret;
}

void *pool_array(struct pool *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return take(p, total);
}

void *pool_copy(struct pool *p, const void *bytes, size_t n)
{
	void *ret = take(p, n);

	if (ret && n)
		memcpy(ret, bytes, n);
	return ret;
}

char *pool_text(struct pool *p, const char *text, size_t n)
{
	char *ret = n < SIZE_MAX ? take(p, n + 1) : NULL;

	if (ret && n)
		memcpy(ret, text, n); /* the NUL is there: the pool's memory is zeroed */
	return ret;
}

char *pool_vprintf(struct pool *p, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *ret = n < 0 ? NULL : take(p, (size_t)n + 1);
	if (ret)
		(void)vsnprintf(ret, (size_t)n + 1, fmt, ap);
	return ret;
}

char *pool_printf(struct pool *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *ret = pool_vprintf(p, fmt, ap);
	va_end(ap);
	return ret;
}

void *pool_push(struct pool *p, void *items, size_t *n, size_t *cap, size_t size)
{
	unsigned char *array; /* read and written with memcpy: *items has a type of its own */

	memcpy(&array, items, sizeof array);
	if (*n == *cap) {
		size_t more = *cap ? *cap : 8;
		unsigned char *bigger = *cap > SIZE_MAX - more ? NULL : pool_array(p, *cap + more, size);

		if (!bigger)
			return NULL;
		if (*n)
			memcpy(bigger, array, *n * size);
		array = bigger;
		memcpy(items, &array, sizeof array);
		*cap += more;
	}
	return array + (*n)++ * size;
}

bool pool_push_text(struct pool *p, const char ***texts, size_t *n, size_t *cap, const char *fmt, va_list ap)
{
	const char *text = pool_vprintf(p, fmt, ap);
	const char **place = text ? pool_push(p, texts, n, cap, sizeof *place) : NULL;

	if (place)
		*place = text;
	return place != NULL;
}
