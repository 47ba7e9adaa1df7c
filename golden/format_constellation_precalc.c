/*
 * What Constellation's measured-boot tool writes for an image: values and the events that lead to them.
 *
 * Source: Constellation v2.24, image/measured-boot/measure/pcr.go and cmd/main.go.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "golden/constellation.h"
#include "golden/format_rows.h"

/* The tool names an event's type in front of its description, save for the boot stages. */
static const struct {
	const char *prefix;
	uint32_t type;
} types[] = {
	{ "EV_EFI_ACTION", (uint32_t)EV_EFI_ACTION },
	{ "EV_SEPARATOR", EV_SEPARATOR },
	{ "EV_EVENT_TAG", EV_EVENT_TAG },
	{ "EV_IPL", EV_IPL },
	{ "EV_EFI_BOOT_SERVICES_APPLICATION", (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION },
	{ "EV_EFI_BOOT_SERVICES_DRIVER", (uint32_t)EV_EFI_BOOT_SERVICES_DRIVER },
	{ "EV_EFI_VARIABLE_DRIVER_CONFIG", (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG },
	{ "EV_EFI_VARIABLE_BOOT", (uint32_t)EV_EFI_VARIABLE_BOOT },
	{ "EV_EFI_VARIABLE_AUTHORITY", (uint32_t)EV_EFI_VARIABLE_AUTHORITY },
	{ "EV_S_CRTM_VERSION", EV_S_CRTM_VERSION },
	{ "Boot Stage ", (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION },
};

static const char boot_stage[] = "Boot Stage ";

/* ---- reading ---- */

/* EV_UNUSED when the description begins with none that is known here. */
static uint32_t type_of(const char *description)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		size_t n = strlen(types[i].prefix);

		if (strncmp(description, types[i].prefix, n) == 0 &&
		    (types[i].prefix[n - 1] == ' ' || description[n] == ':' || description[n] == '\0'))
			return types[i].type;
	}
	return EV_UNUSED;
}

static int bad(struct pcrcast_error *e, const char *key, const char *expected)
{
	return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "\"%s\": expected %s", key, expected);
}

static int read_event(struct golden *g, struct eventlog *log, const struct cJSON *node,
		      struct pcrcast_error *e)
{
	static const char *const keys[] = { "PCRIndex", "Digest", "Data", "Description", NULL };
	const struct cJSON *data = json_get(node, "Data");
	struct event ev = { .origin = EVENT_RECORDED, .n_digests = 1, .data = SLICE_EMPTY };
	struct slice digest;
	const char *text;
	uint64_t pcr;

	int r = constellation_note_keys(g, node, keys, e);
	if (r < 0)
		return r;
	if (!json_u64(json_get(node, "PCRIndex"), &pcr) || pcr >= PCR_COUNT)
		return bad(e, "PCRIndex", "a number from 0 to 23");
	if (!json_hex(&g->pool, json_get(node, "Digest"), &digest) || digest.n != algs[ALG_SHA256].len)
		return bad(e, "Digest", "64 hex digits");
	if (!json_string(json_get(node, "Description"), &text))
		return bad(e, "Description", "a string");
	ev.pcr = (uint32_t)pcr;
	ev.type = type_of(text);
	ev.description = pool_text(&log->pool, text, strlen(text));
	if (data &&
	    (!json_string(data, &text) || !base64_decode(&log->pool, slice_of_string(text), &ev.data)))
		return bad(e, "Data", "base64");
	uint8_t *entry = pool_array(&log->pool, 2 + digest.n, 1);
	struct event *place =
		entry ? pool_push(&log->pool, &log->events, &log->n_events, &log->cap, sizeof *place) : NULL;
	if (!place || !ev.description)
		return err_nomem(e);
	put_u16le(entry, algs[ALG_SHA256].tpm_id);
	memcpy(entry + 2, digest.p, digest.n);
	ev.digests = (struct slice){ entry, 2 + digest.n };
	*place = ev;
	return 0;
}

static int read_events(struct golden *g, struct golden_set *s, const struct cJSON *list,
		       struct pcrcast_error *e)
{
	struct eventlog *log = pool_new(&g->pool, struct eventlog);

	if (!log)
		return err_nomem(e);
	*log = EVENTLOG_INIT;
	log->algs[log->n_algs++] = (struct eventlog_alg){ algs[ALG_SHA256].tpm_id, algs[ALG_SHA256].len };
	s->log = log; /* golden_done has it from here on */
	for (const struct cJSON *c = json_first(list); c; c = json_next(c))
		if (read_event(g, log, c, e) < 0)
			return err_wrap(e, "event %zu", log->n_events);
	return 0;
}

/* The tool makes both from one state: they differ only when somebody has changed the file. */
static int note_differences(struct golden *g, const struct golden_set *s, struct pcrcast_error *e)
{
	struct pcr_bank bank;
	int r = eventlog_replay(s->log, ALG_SHA256, &bank, e);

	for (size_t i = 0; i < s->n_registers && r == 0; i++) {
		const struct golden_register *reg = &s->registers[i];

		if (memcmp(bank.pcr[reg->index], reg->values[0].bytes, algs[ALG_SHA256].len) != 0)
			r = golden_note(g, e, "PCR %u: the events do not lead to the value that is stated",
					reg->index);
	}
	return r;
}

GOLDEN_READER(constellation_precalc_read)
{
	static const char *const keys[] = { "measurements", "EventLog", NULL };
	const struct cJSON *log = json_get(in->json, "EventLog"), *events = json_get(log, "Events");
	struct golden_set *s = golden_add_set(g, e);
	struct constellation_map m = { .g = g, .s = s, .origin = GOLDEN_COMPUTED };

	if (!s)
		return -PCRCAST_ELIMIT;
	int r = constellation_note_keys(g, in->json, keys, e);
	r = r < 0 ? r : constellation_add_json(&m, json_get(in->json, "measurements"), e);
	if (r == 0 && s->cc)
		r = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "values of 48 bytes, expected PCRs of 32");
	if (r < 0 || !log)
		return r;
	if (!json_is_object(log) || (!json_is_array(events) && !json_is_null(events)))
		return bad(e, "EventLog", "an object with \"Events\", an array");
	if (json_is_null(events)) /* Go's list without elements */
		return 0;
	r = read_events(g, s, events, e);
	return r < 0 ? r : note_differences(g, s, e);
}

GOLDEN_RECOGNISER(constellation_precalc_recognise)
{
	return !json_get(in->json, "csp") && constellation_is_map(json_get(in->json, "measurements"));
}

/* ---- writing ---- */

/* "EV_IPL: …", in the tool's manner. */
static const char *describe(struct pool *pool, const struct event *ev)
{
	const char *text = ev->description ? ev->description : "";
	char buf[11];

	if (strncmp(text, "EV_", 3) == 0 || strncmp(text, boot_stage, strlen(boot_stage)) == 0)
		return text;
	return pool_printf(pool, "%s%s%s", event_type_name(ev->type, buf), *text ? ": " : "", text);
}

static int add_event(struct golden_writer *w, struct json_doc *d, struct cJSON *list, const struct event *ev,
		     struct slice digest, struct pcrcast_error *e)
{
	const char *text = describe(w->pool, ev);
	char *data = ev->data.n ? base64_text(w->pool, ev->data) : NULL;

	if (!text || (ev->data.n && !data))
		return err_nomem(e);
	struct cJSON *o = json_object(d);
	json_add_u64(d, o, "PCRIndex", ev->pcr);
	json_add_hex(d, o, "Digest", digest.p, digest.n);
	if (data)
		json_add_string(d, o, "Data", data);
	json_add_string(d, o, "Description", text);
	json_append(d, list, o);
	return 0;
}

GOLDEN_WRITER(constellation_precalc_write)
{
	const struct golden_set *s = &g->sets[0];
	const struct eventlog *log = s->log;
	struct json_doc d = { false };
	int r = constellation_check(s, e);

	if (r < 0)
		return r;
	struct cJSON *root = json_object(&d), *events = json_object(&d), *list = log ? json_array(&d) : NULL;
	json_add(&d, root, "measurements", constellation_map_json(&d, s, false));
	for (size_t i = 0; log && i < log->n_events && r == 0; i++) {
		struct slice digest = event_digest(&log->events[i], log, ALG_SHA256);

		/* what extends none of the registers that are written would be no event of the tool's */
		if (digest.n && log->events[i].type != EV_NO_ACTION &&
		    golden_find(s, ALG_SHA256, log->events[i].pcr))
			r = add_event(w, &d, list, &log->events[i], digest, e);
	}
	if (list)
		json_add(&d, events, "Events", list);
	else
		json_add_raw(&d, events, "Events", "null");
	json_add(&d, root, "EventLog", events);
	if (r < 0) {
		json_free(root);
		return r;
	}
	return constellation_write_json(w, &d, root, e);
}
