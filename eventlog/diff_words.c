#include "eventlog/diff_words.h"

#include "base/efi/variable.h"
#include "eventlog/diff_words_impl.h"

static bool is_image(const struct event *ev)
{
	return ev->content == CONTENT_PCCLIENT &&
	       (ev->type == EV_EFI_BOOT_SERVICES_APPLICATION || ev->type == EV_EFI_BOOT_SERVICES_DRIVER ||
		ev->type == EV_EFI_RUNTIME_SERVICES_DRIVER);
}

static bool is_variable(const struct event *ev)
{
	return ev->content == CONTENT_PCCLIENT &&
	       (ev->type == EV_EFI_VARIABLE_DRIVER_CONFIG || ev->type == EV_EFI_VARIABLE_BOOT ||
		ev->type == EV_EFI_VARIABLE_BOOT2 || ev->type == EV_EFI_VARIABLE_AUTHORITY ||
		ev->type == EV_EFI_SPDM_DEVICE_POLICY || ev->type == EV_EFI_SPDM_DEVICE_AUTHORITY);
}

static const char *section_label(struct pool *pool, const struct event *ev)
{
	const char *name = utf16le_text(pool, ev->data);

	return name ? pool_printf(pool, "section %s", name) : NULL;
}

/* The decoder's line, without the length behind it. */
static const char *image_label(struct pool *pool, const struct event *ev, const struct decoded *d)
{
	const char *comma = strrchr(d->summary, ',');
	size_t n = comma ? (size_t)(comma - d->summary) : strlen(d->summary);

	return pool_printf(pool, "%s%.*s", ev->type == EV_EFI_BOOT_SERVICES_APPLICATION ? "boot " : "",
			   (int)n, d->summary);
}

/* What Linux' EFI stub tags: the text behind it is a constant, not what was measured (Linux 6.1, efi-stub-helper.c). */
static const char *linux_label(const struct event *ev, const struct decoded *d)
{
	const struct field *writer = field_find(&d->root, "writer"), *kind = field_find(&d->root, "kind");

	if (ev->type != EV_EVENT_TAG || !writer || !kind || writer->kind != FIELD_TEXT ||
	    strcmp(writer->text, "Linux") != 0)
		return NULL;
	return strcmp(kind->text, "initrd") == 0 ? "Linux initrd" : "Linux load options";
}

static const char *event_label(struct pool *pool, const struct event *ev, const struct decoded *d)
{
	const char *label = is_image(ev) ? image_label(pool, ev, d) : linux_label(ev, d);

	if (!label)
		label = d->summary;
	return *label ? label : "event"; /* an empty text is all there is to say of it */
}

/* What two events have in common: for "kind: content" the kind. */
static const char *common_label(struct pool *pool, const struct event *ev, const struct decoded *a,
				const struct decoded *b)
{
	const struct field *name = is_variable(ev) ? field_find(&a->root, "unicodeName") : NULL;
	char buf[11];
	size_t n = 0, colon = 0;

	if (name)
		return pool_printf(pool, "%s %s",
				   ev->type == EV_EFI_VARIABLE_AUTHORITY ? "authority" : "variable",
				   name->text);
	if (ev->content == CONTENT_PCCLIENT &&
	    (ev->type == EV_EFI_GPT_EVENT || ev->type == EV_EFI_GPT_EVENT2))
		return "partition table";
	for (; a->summary[n] && a->summary[n] == b->summary[n]; n++)
		if (colon == 0 && a->summary[n] == ':' && a->summary[n + 1] == ' ')
			colon = n;
	if (a->summary[n] == b->summary[n])
		return event_label(pool, ev, a);
	if (colon)
		return pool_text(pool, a->summary, colon);
	return pool_text(pool, event_type_name(ev->type, buf), strlen(event_type_name(ev->type, buf)));
}

static void tell_digests(struct words *w, const struct eventlog_alg *alg, struct diff_side a,
			 struct diff_side b)
{
	struct slice x = diff_digest(a.log, a.ev, alg->id), y = diff_digest(b.log, b.ev, alg->id);

	if (slice_equal(x, y))
		words_tell(w, a.ev->type == EV_NO_ACTION ? "other data" : "digests of another bank differ");
	else
		words_tell(w, "digest %s → %s", x.n ? words_hex(w, x, DIGEST_SHOWN) : "none",
			   y.n ? words_hex(w, y, DIGEST_SHOWN) : "none");
}

static const char *finish(struct words *w, struct pool *pool, const char *label)
{
	if (!w->text || !label)
		return NULL;
	return w->left_out ? pool_printf(pool, "%s: %s, and %zu more", label, w->text, w->left_out) :
			     pool_printf(pool, "%s: %s", label, w->text);
}

const char *diff_words_changed(struct pool *pool, const struct eventlog_alg *alg, struct diff_side a,
			       struct diff_side b, bool section)
{
	struct pool scratch = POOL_INIT;
	struct words w = { .pool = &scratch, .text = "" };
	struct decoded x, y;
	const char *label, *s = NULL;

	if (section) {
		tell_digests(&w, alg, a, b);
		s = finish(&w, pool, section_label(&scratch, a.ev));
	} else if (event_decode(&scratch, a.log, a.ev, &x, NULL) == 0 &&
		   event_decode(&scratch, b.log, b.ev, &y, NULL) == 0) {
		label = is_image(a.ev) ? image_label(&scratch, b.ev, &y) :
					 common_label(&scratch, a.ev, &x, &y);
		/* an image's content is its digest; of other events the fields tell more */
		if (is_image(a.ev))
			tell_digests(&w, alg, a, b);
		words_tell_fields(&w, &x.root, &y.root);
		if (w.n == 0)
			tell_digests(&w, alg, a, b);
		s = finish(&w, pool, label);
	}
	pool_done(&scratch);
	return s;
}

/* What an event is called; NULL when memory gives out. */
static const char *label_of(struct pool *pool, struct diff_side side, bool section)
{
	struct decoded d;

	if (section)
		return section_label(pool, side.ev);
	return event_decode(pool, side.log, side.ev, &d, NULL) == 0 ? event_label(pool, side.ev, &d) : NULL;
}

const char *diff_words_single(struct pool *pool, const struct eventlog_alg *alg, struct diff_side side,
			      bool section)
{
	struct pool scratch = POOL_INIT;
	struct words w = { .pool = &scratch, .text = "" };
	const char *label = label_of(&scratch, side, section), *s = NULL;
	struct slice digest = diff_digest(side.log, side.ev, alg->id);
	if (label)
		s = digest.n ?
			    pool_printf(pool, "%s: digest %s", label, words_hex(&w, digest, DIGEST_SHOWN)) :
			    pool_text(pool, label, strlen(label));
	pool_done(&scratch);
	return s;
}

const char *diff_words_moved(struct pool *pool, struct diff_side side, bool section, size_t place_a,
			     size_t place_b)
{
	struct pool scratch = POOL_INIT;
	const char *label = label_of(&scratch, side, section), *s = NULL;
	if (label)
		s = pool_printf(pool, "%s: place %zu → %zu in the register", label, place_a + 1, place_b + 1);
	pool_done(&scratch);
	return s;
}
