/*
 * Memory that is freed all at once. An opened image and a prediction each own one pool; everything that
 * hangs off them (strings, blobs, events) is taken from it and never freed singly.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
	struct pool_block *blocks; /* newest first */
	size_t left;               /* free bytes at the end of the newest block */
};

#define POOL_INIT ((struct pool){ NULL, 0 })

void pool_done(struct pool *p);

/* n * size zeroed bytes, aligned for any type; NULL when memory or the multiplication gives out. */
void *pool_array(struct pool *p, size_t n, size_t size);

void *pool_copy(struct pool *p, const void *bytes, size_t n);

/* A NUL-terminated copy of n bytes. */
char *pool_text(struct pool *p, const char *text, size_t n);

char *pool_printf(struct pool *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *pool_vprintf(struct pool *p, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/*
 * Make room for one more element in an array that grows by doubling: *items holds n elements of the given
 * size, of *cap allocated. Returns the place of the new element (zeroed), NULL when memory gives out.
 */
void *pool_push(struct pool *p, void *items, size_t *n, size_t *cap, size_t size);

/* The same for texts: one more, as printf makes it. False when memory gives out; the array is as it was then. */
bool pool_push_text(struct pool *p, const char ***texts, size_t *n, size_t *cap, const char *fmt, va_list ap)
	__attribute__((format(printf, 5, 0)));

#define pool_new(p, type) ((type *)pool_array((p), 1, sizeof(type)))
