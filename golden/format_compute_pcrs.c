/*
 * What compute-pcrs prints (trusted-execution-clusters, before that confidential-clusters; lib/src/pcrs.rs and tpmevents.rs,
 * 2026): { "pcrs": [{ "id": 4, "value": hex, "events": [{ "name", "pcr", "hash", "id" }] }] }, or one such PCR, SHA-256, as
 * serde_json prints it with lines. Its first version (2025) has "parts": [{ "name", "hash" }] in place of events.
 *
 * The "id" of an event is one of a fixed list: what the event is about. Programs that recombine the events of several images go
 * by it, so a PCR is written only when the id of each of its events is certain.
 */
#include <string.h>

#include "base/bytes.h"
#include "eventlog/cel.h"
#include "eventlog/decode.h"
#include "golden/format_rows.h"

struct event_id {
	const char *id;
	uint32_t pcr, type;
	const char *name; /* as the program writes it; NULL: as the type */
	const char *what; /* what tells it: see id_of_event; NULL: only the id itself */
};

#define SECTION(id, name)                                               \
	{ "Pcr11" id, 11, EV_IPL, name, name },                         \
	{                                                               \
		"Pcr11" id "Content", 11, EV_IPL, name "_CONTENT", NULL \
	}

// clang-format off
static const struct event_id ids[] = {
	{ "Pcr4EfiCall", 4, EV_EFI_ACTION, NULL, "Calling EFI Application from Boot Option" },
	{ "Pcr4Separator", 4, EV_SEPARATOR, NULL, NULL },
	{ "Pcr4Shim", 4, EV_EFI_BOOT_SERVICES_APPLICATION, NULL, "shim" },
	{ "Pcr4Grub", 4, EV_EFI_BOOT_SERVICES_APPLICATION, NULL, "grub" },
	{ "Pcr4Vmlinuz", 4, EV_EFI_BOOT_SERVICES_APPLICATION, NULL, "vmlinuz" },
	{ "Pcr4Uki", 4, EV_EFI_BOOT_SERVICES_APPLICATION, NULL, NULL },
	{ "Pcr4UkiAddon", 4, EV_EFI_BOOT_SERVICES_APPLICATION, NULL, NULL },
	{ "Pcr7SecureBoot", 7, EV_EFI_VARIABLE_DRIVER_CONFIG, NULL, "SecureBoot" },
	{ "Pcr7Pk", 7, EV_EFI_VARIABLE_DRIVER_CONFIG, NULL, "PK" },
	{ "Pcr7Kek", 7, EV_EFI_VARIABLE_DRIVER_CONFIG, NULL, "KEK" },
	{ "Pcr7Db", 7, EV_EFI_VARIABLE_DRIVER_CONFIG, NULL, "db" },
	{ "Pcr7Dbx", 7, EV_EFI_VARIABLE_DRIVER_CONFIG, NULL, "dbx" },
	{ "Pcr7Separator", 7, EV_SEPARATOR, NULL, NULL },
	{ "Pcr7ShimCert", 7, EV_EFI_VARIABLE_AUTHORITY, NULL, NULL },
	{ "Pcr7SbatLevel", 7, EV_EFI_VARIABLE_AUTHORITY, NULL, "SbatLevel" },
	{ "Pcr7GrubDbCert", 7, EV_EFI_VARIABLE_AUTHORITY, NULL, NULL },
	{ "Pcr7GrubVendorDbCert", 7, EV_EFI_VARIABLE_AUTHORITY, NULL, NULL },
	{ "Pcr7GrubMokListCert", 7, EV_EFI_VARIABLE_AUTHORITY, NULL, NULL },
	SECTION("Linux", ".linux"),
	SECTION("Osrel", ".osrel"),
	SECTION("Cmdline", ".cmdline"),
	SECTION("Initrd", ".initrd"),
	SECTION("Uname", ".uname"),
	SECTION("Sbat", ".sbat"),
	{ "Pcr14MokList", 14, EV_IPL, NULL, "MokList" },
	{ "Pcr14MokListX", 14, EV_IPL, NULL, "MokListX" },
	{ "Pcr14MokListTrusted", 14, EV_IPL, NULL, "MokListTrusted" },
};
// clang-format on

enum { N_IDS = sizeof ids / sizeof ids[0] };

static const struct event_id *id_by_word(const char *word)
{
	for (size_t i = 0; i < N_IDS; i++)
		if (strcmp(ids[i].id, word) == 0)
			return &ids[i];
	return NULL;
}

/* ---- reading ---- */

static int expected(struct pcrcast_error *e, const char *key, const char *what)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, what);
}

/* The type of an event of the first version, which gives a name alone: that of a type, or of a section. */
static bool type_by_name(const char *name, uint32_t pcr, uint32_t *ret)
{
	if (pcr == 11 && name[0] == '.') {
		*ret = EV_IPL;
		return true;
	}
	return strncmp(name, "EV_", 3) == 0 && cel_event_type_by_name(name, ret);
}

/* Its description is the id, or the name when it has none. */
static int read_event(struct golden *g, struct eventlog *log, uint32_t pcr, const struct cJSON *node,
		      bool with_id, struct pcrcast_error *e)
{
	struct event ev = { .pcr = pcr, .n_digests = 1, .origin = EVENT_COMPUTED, .data = SLICE_EMPTY };
	const char *name, *word = NULL;
	struct slice hash;
	uint64_t number;

	if (!json_string(json_get(node, "name"), &name))
		return expected(e, "name", "a string");
	if (!json_hex(&g->pool, json_get(node, "hash"), &hash) || hash.n != algs[ALG_SHA256].len)
		return expected(e, "hash", "64 hex digits");
	if (with_id && !json_string(json_get(node, "id"), &word))
		return expected(e, "id", "a string");
	if (with_id && (!json_u64(json_get(node, "pcr"), &number) || number != pcr))
		return expected(e, "pcr", "the number of the PCR that the event is listed under");
	const struct event_id *id = word ? id_by_word(word) : NULL;
	if (id && id->pcr != pcr)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "event \"%s\" in PCR %u, expected in %u", word, pcr, id->pcr);
	if (id)
		ev.type = id->type;
	else if (!type_by_name(name, pcr, &ev.type))
		return err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			       "event \"%s\", \"%s\": of which type it is is not known", word ? word : "",
			       name);
	ev.description = pool_text(&log->pool, word ? word : name, strlen(word ? word : name));
	uint8_t *digests = pool_array(&log->pool, 2 + hash.n, 1);
	struct event *place = ev.description && digests ? pool_push(&log->pool, &log->events, &log->n_events,
								    &log->cap, sizeof ev) :
							  NULL;
	if (!place)
		return err_nomem(e);
	put_u16le(digests, algs[ALG_SHA256].tpm_id);
	memcpy(digests + 2, hash.p, hash.n);
	ev.digests = (struct slice){ digests, 2 + hash.n };
	*place = ev;
	return 0;
}

/* The value must be the one that the events lead to: the program makes it of them. */
static int check_value(const struct golden_set *s, uint32_t pcr, size_t first_event, struct pcrcast_error *e)
{
	const struct golden_register *r = golden_find(s, ALG_SHA256, pcr);
	struct pcr_bank bank;

	pcr_bank_reset(&bank, ALG_SHA256);
	for (size_t i = first_event; i < s->log->n_events; i++) {
		int rc = pcr_extend(&bank, pcr, event_digest(&s->log->events[i], s->log, ALG_SHA256).p, e);

		if (rc < 0)
			return rc;
	}
	if (memcmp(bank.pcr[pcr], r->values[0].bytes, algs[ALG_SHA256].len) != 0)
		return expected(e, "value", "the value that the events lead to");
	return 0;
}

static int read_pcr(struct golden *g, struct golden_set *s, const struct cJSON *node, struct pcrcast_error *e)
{
	const struct cJSON *events = json_get(node, "events"), *parts = json_get(node, "parts");
	size_t first_event = s->log->n_events, n = 0;
	uint64_t pcr;

	if (!json_u64(json_get(node, "id"), &pcr) || pcr >= PCR_COUNT)
		return expected(e, "id", "a PCR, 0 to 23");
	if (golden_find(s, ALG_SHA256, (uint32_t)pcr))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "a second time");
	if (!json_is_array(events) == !json_is_array(parts))
		return expected(e, "events", "an array");
	int r = golden_add_hex(g, s, ALG_SHA256, (uint32_t)pcr, json_get(node, "value"), GOLDEN_COMPUTED,
			       NULL, e);
	for (const struct cJSON *c = json_first(events ? events : parts); c && r == 0;
	     c = json_next(c), n++) {
		r = read_event(g, s->log, (uint32_t)pcr, c, events != NULL, e);
		if (r < 0)
			err_wrap(e, "event %zu", n);
	}
	return r < 0 ? r : check_value(s, (uint32_t)pcr, first_event, e);
}

GOLDEN_READER(compute_pcrs_read)
{
	const struct cJSON *pcrs = json_get(in->json, "pcrs");
	struct golden_set *s = golden_add_set(g, e);
	size_t n = 0;
	int r = 0;

	if (!s)
		return -PCRCAST_ENOMEM;
	s->log = pool_new(&g->pool, struct eventlog);
	if (!s->log)
		return err_nomem(e);
	*s->log = EVENTLOG_INIT;
	s->log->algs[s->log->n_algs++] =
		(struct eventlog_alg){ algs[ALG_SHA256].tpm_id, algs[ALG_SHA256].len };
	if (!pcrs)
		return read_pcr(g, s, in->json, e);
	if (!json_is_array(pcrs))
		return expected(e, "pcrs", "an array");
	for (const struct cJSON *c = json_first(pcrs); c && r == 0; c = json_next(c), n++) {
		r = read_pcr(g, s, c, e);
		if (r < 0)
			err_wrap(e, "pcrs %zu", n);
	}
	return r;
}

/* ---- writing ---- */

static bool has_digest_of(const struct event *ev, const struct eventlog *log, struct slice bytes)
{
	struct slice have = event_digest(ev, log, ALG_SHA256);
	struct digest d;

	return have.n && digest_of(ALG_SHA256, bytes, &d, NULL) == 0 && memcmp(have.p, d.bytes, have.n) == 0;
}

/* The last name of a path in the words of a device path, "…\EFI\BOOT\shimx64.efi". */
static const char *file_of_path(const char *path)
{
	const char *file = path;

	for (; *path; path++)
		if (*path == '\\' || *path == '/')
			file = path + 1;
	return file;
}

/* A text among the fields of an event's body; NULL when there is none. */
static const char *body_text(struct pool *pool, const struct eventlog *log, const struct event *ev,
			     const char *name)
{
	struct decoded d;
	const struct field *f = NULL;

	if (event_decode(pool, log, ev, &d, NULL) == 0)
		f = field_find(&d.root, name);
	return f && f->kind == FIELD_TEXT ? f->text : NULL;
}

static bool is_about(struct pool *pool, const struct eventlog *log, const struct event *ev,
		     const struct event_id *id)
{
	const char *text;

	switch (id->type) {
	case EV_EFI_ACTION:
		return has_digest_of(ev, log, slice_of_string(id->what));
	case EV_SEPARATOR: /* not that of an error */
		return has_digest_of(ev, log, (struct slice){ (const uint8_t[4]){ 0 }, 4 });
	case EV_IPL: /* sd-stub measures a section's name with its NUL; shim logs a variable's with it */
		if (id->pcr == 11)
			return id->what && has_digest_of(ev, log,
							 (struct slice){ (const uint8_t *)id->what,
									 strlen(id->what) + 1 });
		return ev->data.n && slice_equal(ev->data, (struct slice){ (const uint8_t *)id->what,
									   strlen(id->what) + 1 });
	case EV_EFI_BOOT_SERVICES_APPLICATION:
		text = id->what ? body_text(pool, log, ev, "devicePath") : NULL;
		return text && strncmp(file_of_path(text), id->what, strlen(id->what)) == 0;
	default:
		text = id->what ? body_text(pool, log, ev, "unicodeName") : NULL;
		return text && strcmp(text, id->what) == 0;
	}
}

/* What an event is; NULL when that is not certain. before: what the one before it in this PCR is. */
static const struct event_id *id_of_event(struct pool *pool, const struct eventlog *log,
					  const struct event *ev, const struct event_id *before)
{
	const struct event_id *id = ev->description ? id_by_word(ev->description) : NULL;

	if (id)
		return id->pcr == ev->pcr && id->type == ev->type ? id : NULL;
	if (ev->pcr == 11 && before && before->what) /* a section's contents follow its name */
		return before + 1;
	for (size_t i = 0; i < N_IDS; i++)
		if (ids[i].pcr == ev->pcr && ids[i].type == ev->type && is_about(pool, log, ev, &ids[i]))
			return &ids[i];
	return NULL;
}

/* The events of a PCR; *ret_why says in words what stands against writing them. */
static struct cJSON *events_json(struct json_doc *d, struct pool *pool, const struct eventlog *log,
				 const struct golden_register *reg, const char **ret_why)
{
	struct cJSON *list = json_array(d);
	const struct event_id *id = NULL;
	struct pcr_bank bank;

	pcr_bank_reset(&bank, ALG_SHA256);
	for (size_t i = 0; i < log->n_events && !*ret_why; i++) {
		const struct event *ev = &log->events[i];
		struct slice digest = event_digest(ev, log, ALG_SHA256);
		char buf[11];

		if (ev->pcr != reg->index || ev->type == EV_NO_ACTION)
			continue;
		id = id_of_event(pool, log, ev, id);
		if (!id || digest.n == 0) {
			*ret_why = pool_printf(pool, "it has no id for an event (%s, event %zu)",
					       event_type_name(ev->type, buf), i);
			break;
		}
		struct cJSON *o = json_object(d);
		json_add_string(d, o, "name", id->name ? id->name : event_type_name(id->type, buf));
		json_add_u64(d, o, "pcr", ev->pcr);
		json_add_hex(d, o, "hash", digest.p, digest.n);
		json_add_string(d, o, "id", id->id);
		json_append(d, list, o);
		if (pcr_extend(&bank, reg->index, digest.p, NULL) < 0)
			d->failed = true;
	}
	if (!*ret_why && memcmp(bank.pcr[reg->index], reg->values[0].bytes, algs[ALG_SHA256].len) != 0)
		*ret_why = "the events that are known do not lead to its value";
	return list;
}

GOLDEN_WRITER(compute_pcrs_write)
{
	const struct golden_set *s = &g->sets[0];
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *pcrs = json_array(&d);
	int r = 0;

	for (size_t i = 0; i < s->n_registers && r == 0; i++) {
		const struct golden_register *reg = &s->registers[i];
		const char *why = NULL;
		struct cJSON *o = json_object(&d), *events = events_json(&d, w->pool, s->log, reg, &why);

		json_add_u64(&d, o, "id", reg->index);
		json_add_hex(&d, o, "value", reg->values[0].bytes, algs[ALG_SHA256].len);
		json_add(&d, o, "events", events);
		if (!why) {
			json_append(&d, pcrs, o);
			continue;
		}
		json_free(o);
		r = golden_lost(w, e, "PCR %u: compute-pcrs cannot hold it, as %s", reg->index, why);
	}
	if (r == 0 && !d.failed && !json_first(pcrs))
		r = err_set(e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			    "compute-pcrs cannot hold any of these PCRs: %s", w->lost[w->n_lost - 1]);
	json_add(&d, root, "pcrs", pcrs);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return golden_write_indented(w, &d, root, 2, e);
}

GOLDEN_RECOGNISER(compute_pcrs_recognise)
{
	const struct cJSON *pcrs = json_get(in->json, "pcrs");
	const struct cJSON *pcr = json_is_array(pcrs) ? json_first(pcrs) : in->json;

	return json_get(pcr, "id") && json_get(pcr, "value") &&
	       (json_is_array(json_get(pcr, "events")) || json_is_array(json_get(pcr, "parts")));
}
