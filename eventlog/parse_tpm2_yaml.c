/*
 * The YAML of tpm2_eventlog, read back. Learnt from what tpm2-tools 5.4 prints (see write_yaml.c, which prints the same).
 */
#include "eventlog/tpm2_yaml.h"

#include "base/encode.h"
#include "base/yaml.h"
#include "eventlog/cel.h"
#include "eventlog/parse.h"

/* ---- scalars ---- */

static int expected(struct pcrcast_error *e, const struct yaml_node *at, const char *key, const char *what)
{
	return err_set(e, PCRCAST_EFORMAT, at ? at->offset : PCRCAST_NO_OFFSET, "%s: expected %s", key, what);
}

static bool is_scalar(const struct yaml_node *node)
{
	return node && node->kind == YAML_SCALAR;
}

/* A decimal number, no sign. */
static bool read_number(const struct yaml_node *node, uint64_t most, uint64_t *ret)
{
	uint64_t v = 0;

	if (!is_scalar(node) || node->text.n == 0 || node->text.n > 10)
		return false;
	for (size_t i = 0; i < node->text.n; i++) {
		if (node->text.p[i] < '0' || node->text.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(node->text.p[i] - '0');
	}
	if (v > most)
		return false;
	*ret = v;
	return true;
}

/* A number that may be missing: *ret is then as it was. */
static bool read_small(const struct yaml_node *map, const char *key, uint64_t most, uint64_t *ret)
{
	const struct yaml_node *node = yaml_get(map, key);

	return !node || read_number(node, most, ret);
}

/* ---- digests ---- */

static int add_digest(struct event_builder *b, struct eventlog *log, const struct yaml_node *name,
		      const struct yaml_node *hex, struct tpm2_yaml *y, struct pcrcast_error *e)
{
	enum alg alg = name ? is_scalar(name) ? alg_by_name(name->text) : ALG_COUNT : ALG_SHA1;
	struct slice digest;

	if (!is_scalar(hex) || (name && !is_scalar(name)))
		return expected(e, hex, "Digests", "AlgorithmId and Digest");
	if (alg == ALG_COUNT) {
		y->other_banks = true;
		return 0;
	}
	if (!hex_decode(&log->pool, hex->text, &digest) || digest.n != algs[alg].len)
		return expected(e, hex, "Digest", "hex of the algorithm's length");
	return event_builder_digest(b, log, algs[alg].tpm_id, digest, hex->offset, e);
}

/* Version 2 and crypto-agile events have a list of digests, events of a SHA-1 log one. */
static int read_digests(struct event_builder *b, struct eventlog *log, const struct yaml_node *node,
			struct tpm2_yaml *y, struct pcrcast_error *e)
{
	const struct yaml_node *list = yaml_get(node, "Digests"), *one = yaml_get(node, "Digest");
	uint64_t count = 0, n = 0;
	int r = 0;

	if (one && !list)
		return add_digest(b, log, NULL, one, y, e);
	if (is_scalar(list) && list->text.n == 0)
		return 0; /* a list of none */
	if (!list || list->kind != YAML_SEQUENCE)
		return expected(e, node, "event", "\"Digest\" or \"Digests\"");
	for (const struct yaml_node *d = list->first; d && r == 0; d = d->next, n++)
		r = add_digest(b, log, yaml_get(d, "AlgorithmId"), yaml_get(d, "Digest"), y, e);
	if (r == 0 && yaml_get(node, "DigestCount") &&
	    (!read_number(yaml_get(node, "DigestCount"), EVENTLOG_MAX_ALGS, &count) || count != n))
		r = expected(e, list, "DigestCount", "the number of digests");
	return r;
}

/* ---- data ---- */

static int take_locality(struct eventlog *log, const struct yaml_node *node, struct slice *ret,
			 struct pcrcast_error *e)
{
	static const char words[16] = "StartupLocality"; /* PFP 1.06 section 10.4.5.3, with its NUL */
	uint8_t *p = pool_array(&log->pool, sizeof words + 1, 1);
	uint64_t locality;

	if (!p)
		return err_nomem(e);
	if (!read_number(node, 0xff, &locality))
		return expected(e, node, "StartupLocality", "a number");
	memcpy(p, words, sizeof words);
	p[sizeof words] = (uint8_t)locality;
	*ret = (struct slice){ p, sizeof words + 1 };
	return 0;
}

/* The data where it is there as hex, of full length (more than 1024 bytes are cut), or can be nothing else. */
static int read_data(struct eventlog *log, const struct yaml_node *node, struct event *ev,
		     struct tpm2_yaml *y, struct pcrcast_error *e)
{
	const struct yaml_node *event = yaml_get(node, "Event"),
			       *locality = yaml_get(event, "StartupLocality");
	uint64_t size;

	ev->data = SLICE_EMPTY;
	if (!read_number(yaml_get(node, "EventSize"), UINT32_MAX, &size))
		return expected(e, node, "EventSize", "a number");
	if (size == 0)
		return 0;
	if (locality && ev->type == EV_NO_ACTION && size == 17)
		return take_locality(log, locality, &ev->data, e);
	if (is_scalar(event) && event->style != YAML_BLOCK && event->text.n == 2 * size &&
	    hex_decode(&log->pool, event->text, &ev->data))
		return 0;
	if (is_scalar(event) && event->style == YAML_BLOCK && ev->type == EV_EFI_ACTION &&
	    event->text.n == size) { /* text that is as long as the data is the data */
		const uint8_t *p = pool_copy(&log->pool, event->text.p, event->text.n);

		if (!p)
			return err_nomem(e);
		ev->data = (struct slice){ p, event->text.n };
		return 0;
	}
	ev->data = SLICE_EMPTY;
	y->n_without_data++;
	return 0;
}

/* ---- events ---- */

static int read_type(const struct yaml_node *node, uint32_t *ret, struct tpm2_yaml *y,
		     struct pcrcast_error *e)
{
	if (!is_scalar(node))
		return expected(e, node, "EventType", "a name");
	if (!memchr(node->text.p, '\0', node->text.n) &&
	    cel_event_type_by_name((const char *)node->text.p, ret))
		return 0;
	*ret = TPM2_YAML_UNKNOWN;
	y->n_unknown_types++;
	return 0;
}

/* The first event of a crypto-agile log. Algorithms are those that events have, in the order in which it announces them. */
static int take_spec_id(struct eventlog *log, const struct yaml_node *node, struct pcrcast_error *e)
{
	const struct yaml_node *map = yaml_get(node, "SpecID"), *vendor, *list;
	uint64_t class = 0, minor = 0, major = 2, errata = 0, uintn = 2, pcr = 0;

	map = map && map->kind == YAML_SEQUENCE ? map->first : map;
	if (!read_small(node, "PCRIndex", UINT32_MAX, &pcr) ||
	    !read_small(map, "platformClass", UINT32_MAX, &class) ||
	    !read_small(map, "specVersionMinor", 0xff, &minor) ||
	    !read_small(map, "specVersionMajor", 0xff, &major) ||
	    !read_small(map, "specErrata", 0xff, &errata) || !read_small(map, "uintnSize", 0xff, &uintn))
		return expected(e, node, "SpecID", "numbers");
	if (major < 2) /* version 1 is that of SHA-1 logs, whose first event is shown like any other */
		return expected(e, node, "specVersionMajor", "2 or more");
	log->spec_id = (struct eventlog_spec_id){ .pcr = (uint32_t)pcr,
						  .platform_class = (uint32_t) class,
						  .version_minor = (uint8_t)minor,
						  .version_major = (uint8_t)major,
						  .errata = (uint8_t)errata,
						  .uintn_size = (uint8_t)uintn,
						  .vendor_info = SLICE_EMPTY };
	list = yaml_get(map, "Algorithms");
	for (const struct yaml_node *c = list ? list->first : NULL; c; c = c->next) {
		const struct yaml_node *name = yaml_get(c, "algorithmId");
		enum alg alg = is_scalar(name) ? alg_by_name(name->text) : ALG_COUNT;
		bool there = false;

		for (size_t i = 0; i < log->n_algs && alg != ALG_COUNT; i++)
			there |= log->algs[i].id == algs[alg].tpm_id;
		if (alg != ALG_COUNT && !there) /* at most ALG_COUNT of them */
			log->algs[log->n_algs++] = (struct eventlog_alg){ algs[alg].tpm_id, algs[alg].len };
	}
	vendor = yaml_get(map, "vendorInfo");
	if (vendor && (!is_scalar(vendor) || vendor->text.n > 2 * 255 ||
		       !hex_decode(&log->pool, vendor->text, &log->spec_id.vendor_info)))
		return expected(e, vendor, "vendorInfo", "hex, at most 255 bytes");
	return 0;
}

static int read_event(struct eventlog *log, const struct yaml_node *node, struct tpm2_yaml *y,
		      struct pcrcast_error *e)
{
	struct event_builder b = { .ev = { .offset = node->offset } };
	uint64_t pcr;

	if (!read_number(yaml_get(node, "PCRIndex"), UINT32_MAX, &pcr))
		return expected(e, node, "PCRIndex", "a number");
	b.ev.pcr = (uint32_t)pcr;
	int r = read_type(yaml_get(node, "EventType"), &b.ev.type, y, e);
	r = r < 0 ? r : read_digests(&b, log, node, y, e);
	r = r < 0 ? r : read_data(log, node, &b.ev, y, e);
	if (r < 0)
		return r;
	/* tpm2_eventlog has no name for it; it tells where PCR 0 starts (PFP 1.06 section 3.3.2) */
	if (b.ev.type == TPM2_YAML_UNKNOWN && pcr == 0 && slice_equal_string(b.ev.data, "HCRTM")) {
		b.ev.type = EV_EFI_HCRTM_EVENT;
		y->n_unknown_types--;
	}
	log->end = 1; /* not the first record of a canonical log: the Spec ID event is none of these */
	return event_builder_done(&b, log, e);
}

static int read_events(struct eventlog *log, const struct yaml_node *list, struct tpm2_yaml *y,
		       struct pcrcast_error *e)
{
	int r = 0;

	if (!list || list->kind != YAML_SEQUENCE)
		return expected(e, list, "events", "a list");
	for (const struct yaml_node *c = list->first; c && r == 0; c = c->next) {
		bool spec_id = c == list->first && yaml_get(c, "SpecID");

		if (!spec_id && c == list->first) { /* a SHA-1 log */
			log->kind = EVENTLOG_TCG1;
			log->spec_id.version_major = 0;
		}
		r = spec_id ? take_spec_id(log, c, e) : read_event(log, c, y, e);
	}
	return r;
}

/* ---- the map at the end ---- */

/* As lines of tpm2_pcrread, which pcr_values_parse() takes: numbers may have the prefix 0x or quotation marks, and lost no zeros. */
static int read_pcrs(struct pool *pool, const struct yaml_node *pcrs, struct tpm2_yaml *y,
		     struct pcrcast_error *e)
{
	if (pcrs->kind != YAML_MAPPING)
		return pcrs->text.n ? expected(e, pcrs, "pcrs", "a map of banks") : 0;
	for (const struct yaml_node *bank = pcrs->first; bank; bank = bank->next) {
		enum alg alg = alg_by_name(bank->key);

		if (alg == ALG_COUNT) {
			y->other_banks = true;
			continue;
		}
		if (bank->kind != YAML_MAPPING)
			return expected(e, bank, "pcrs", "a map of registers for each bank");
		for (const struct yaml_node *c = bank->first; c; c = c->next) {
			struct pcr_values one;
			char *line = is_scalar(c) ?
					     pool_printf(pool, "%s:\n%s: %s\n", algs[alg].name,
							 (const char *)c->key.p, (const char *)c->text.p) :
					     NULL;

			if (!is_scalar(c))
				return expected(e, c, "pcrs", "a value for each register");
			if (!line)
				return err_nomem(e);
			if (pcr_values_parse(slice_of_string(line), &one, NULL) < 0 || one.cc ||
			    __builtin_popcount(one.known[alg]) != 1 || y->pcrs.known[alg] & one.known[alg])
				return expected(e, c, "pcrs",
						"a register of 0 to 23, and 0x and its value in full");
			unsigned index = (unsigned)__builtin_ctz(one.known[alg]);

			memcpy(y->pcrs.value[alg][index], one.value[alg][index], DIGEST_MAX);
			y->pcrs.known[alg] |= one.known[alg];
			y->has_pcrs = true;
		}
	}
	return 0;
}

/* ---- the file ---- */

bool tpm2_yaml_recognise(struct slice text)
{
	struct slice line;

	while (slice_line(&text, &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0 || line.p[0] == '#' || slice_equal_string(line, "---"))
			continue;
		if (!slice_equal_string(line, "version: 1") && !slice_equal_string(line, "version: 2"))
			return slice_equal_string(line, "events:");
	}
	return false;
}

int tpm2_yaml_read(struct slice text, struct eventlog *ret, struct tpm2_yaml *ret_yaml,
		   struct pcrcast_error *e)
{
	struct tpm2_yaml y = { .has_pcrs = false };
	struct pool pool = POOL_INIT;
	const struct yaml_node *root, *pcrs;
	uint64_t version = 1;

	*ret = EVENTLOG_INIT;
	int r = yaml_parse(text, &pool, &root, e);
	if (r == 0 && !read_small(root, "version", 2, &version))
		r = expected(e, root, "version", "1 or 2");
	if (r == 0)
		r = read_events(ret, yaml_get(root, "events"), &y, e);
	pcrs = r == 0 ? yaml_get(root, "pcrs") : NULL;
	if (pcrs)
		r = read_pcrs(&pool, pcrs, &y, e);
	pool_done(&pool);
	if (r == 0)
		*ret_yaml = y;
	return r;
}
