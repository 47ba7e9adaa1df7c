/*
 * Events about variables.
 */
#include "base/bytes.h"
#include "predict/walk.h"

int walk_variable_data(struct walk *w, const char *name, const struct guid *guid, struct slice data,
		       struct slice *ret, struct pcrcast_error *e)
{
	enum { FIXED = 32 };
	struct utf16 wide;
	int r = utf16_of_utf8(w->pool, name, &wide, e);

	if (r < 0)
		return r;
	struct slice units = utf16_bytes(w->pool, wide, false);
	uint8_t *bytes = units.p ? pool_array(w->pool, FIXED + units.n + data.n, 1) : NULL;
	if (!bytes)
		return err_nomem(e);
	memcpy(bytes, guid->bytes, GUID_LEN);
	put_u64le(bytes + 16, wide.n);
	put_u64le(bytes + 24, data.n);
	memcpy(bytes + FIXED, units.p, units.n);
	memcpy(bytes + FIXED + units.n, data.p, data.n);
	*ret = (struct slice){ bytes, FIXED + units.n + data.n };
	return 0;
}

enum {
	AUTHORITIES_MAX = 256
}; /* of one boot; each is compared with those before, and db has some ten entries */

/* *ret_new: the event's data is remembered from now on, and was not before. */
static int remember(struct walk *w, enum authority who, struct slice bytes, bool *ret_new,
		    struct pcrcast_error *e)
{
	*ret_new = false;
	for (size_t i = 0; i < w->n_authorities[who]; i++)
		if (slice_equal(w->authorities[who][i], bytes))
			return 0;
	if (w->n_authorities[who] >= AUTHORITIES_MAX)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "PCR 7: more than %d entries of variables that let images pass",
			       AUTHORITIES_MAX);
	struct slice *place = pool_push(w->pool, &w->authorities[who], &w->n_authorities[who],
					&w->cap_authorities[who], sizeof *place);
	if (!place)
		return err_nomem(e);
	*place = bytes;
	*ret_new = true;
	return 0;
}

int walk_authority_before(struct walk *w, struct slice bytes, struct pcrcast_error *e)
{
	bool ignored;

	return remember(w, AUTHORITY_FIRMWARE, bytes, &ignored, e);
}

int walk_authority(struct walk *w, const char *name, const struct guid *guid, struct slice data,
		   enum authority who, struct pcrcast_error *e)
{
	struct slice bytes = SLICE_EMPTY;
	bool is_new = false;
	int r = walk_variable_data(w, name, guid, data, &bytes, e);

	if (r == 0)
		r = remember(w, who, bytes, &is_new, e);
	if (r < 0 || !is_new)
		return r;
	const char *text = pool_printf(w->pool, "%s entry that lets an image pass", name);
	if (!text)
		return err_nomem(e);
	return walk_event_bytes(w, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY, bytes, bytes, EVENT_COMPUTED,
				(struct event_text){ text, name }, e);
}
