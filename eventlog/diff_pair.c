/* Which of the units that are not the same in both logs are one thing, moved or with another content. */
#include <stdlib.h>

#include "eventlog/diff_impl.h"

struct candidate {
	uint64_t key, second_key;
	uint32_t index;
	unsigned side;
};

static int by_keys(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->second_key != b->second_key)
		return a->second_key < b->second_key ? -1 : 1;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* What pairs units that are not the same, tried in this order. The two keys; false: not a candidate. */
static bool key_content(const struct diff *d, const struct candidate *c, const struct unit *u,
			uint64_t ret[static 2])
{
	(void)d;
	(void)c;
	ret[0] = u->id;
	ret[1] = 0;
	return true;
}

static bool key_role_and_gap(const struct diff *d, const struct candidate *c, const struct unit *u,
			     uint64_t ret[static 2])
{
	(void)d;
	(void)c;
	ret[0] = diff_role_of(u->last).hash + u->section;
	ret[1] = u->gap;
	return true;
}

static bool key_role(const struct diff *d, const struct candidate *c, const struct unit *u,
		     uint64_t ret[static 2])
{
	struct diff_role role = diff_role_of(u->last);

	(void)d;
	(void)c;
	ret[0] = role.hash + u->section;
	ret[1] = 0;
	return role.names;
}

static bool key_stand_in_and_gap(const struct diff *d, const struct candidate *c, const struct unit *u,
				 uint64_t ret[static 2])
{
	ret[1] = u->gap;
	return !u->section && diff_stand_in((struct diff_side){ d->sides[c->side].log, u->last }, &ret[0]);
}

static bool (*const keys[])(const struct diff *d, const struct candidate *c, const struct unit *u,
			    uint64_t ret[static 2]) = {
	key_content,
	key_role_and_gap,
	key_role,
	key_stand_in_and_gap,
};

static void pair(struct diff *d, const struct span s[static 2], size_t which, struct candidate *list)
{
	size_t n = 0;

	for (unsigned side = 0; side < 2; side++)
		for (size_t i = s[side].from; i < s[side].from + s[side].n; i++) {
			const struct unit *u = &d->sides[side].items[i];
			struct candidate c = { .index = (uint32_t)i, .side = side };
			uint64_t key[2];

			if (u->partner != UNIT_NONE || !keys[which](d, &c, u, key))
				continue;
			c.key = key[0];
			c.second_key = key[1];
			list[n++] = c;
		}
	qsort(list, n, sizeof *list, by_keys);
	for (size_t i = 0; i < n;) {
		size_t a = i, b, end;

		for (b = a; b < n && list[b].side == 0 && list[b].key == list[a].key &&
			    list[b].second_key == list[a].second_key;
		     b++)
			;
		for (end = b; end < n && list[end].side == 1 && list[end].key == list[a].key &&
			      list[end].second_key == list[a].second_key;
		     end++)
			;
		for (size_t k = b; a < b && k < end; a++, k++) {
			struct unit *u = &d->sides[0].items[list[a].index],
				    *v = &d->sides[1].items[list[k].index];

			u->partner = list[k].index;
			v->partner = list[a].index;
			u->moved = v->moved = which == 0;
		}
		i = end;
	}
}

int diff_pair(struct diff *d, const struct span s[static 2], struct pcrcast_error *e)
{
	struct candidate *list = pool_array(d->scratch, s[0].n + s[1].n + 1, sizeof *list);

	if (!list)
		return err_nomem(e);
	for (unsigned side = 0; side < 2; side++) {
		uint32_t gap = 0;

		for (size_t i = s[side].from; i < s[side].from + s[side].n; i++) {
			gap += d->sides[side].items[i].same;
			d->sides[side].items[i].gap = gap;
		}
	}
	for (size_t which = 0; which < sizeof keys / sizeof keys[0]; which++)
		pair(d, s, which, list);
	return 0;
}
