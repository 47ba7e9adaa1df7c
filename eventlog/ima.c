/* IMA's templates and what its events extend. Linux 6.1: ima_template.c, ima_template_lib.c, ima_crypto.c, ima_queue.c. */
#include "eventlog/parse.h"

#include "base/sha.h"

enum {
	OLD_DIGEST_LEN = 20, /* IMA_DIGEST_SIZE: template "ima" holds SHA-1 or MD5 padded to it */
	OLD_NAME_LEN = 256,  /* IMA_EVENT_NAME_LEN_MAX + 1: the name is hashed padded to it */
};

static const struct {
	const char *name, *fields;
} templates[] = {
	{ "ima", "d|n" },
	{ "ima-ng", "d-ng|n-ng" },
	{ "ima-sig", "d-ng|n-ng|sig" },
	{ "ima-ngv2", "d-ngv2|n-ng" },
	{ "ima-sigv2", "d-ngv2|n-ng|sig" },
	{ "ima-buf", "d-ng|n-ng|buf" },
	{ "ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig" },
	{ "evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode" },
};

static const struct {
	const char *name;
	enum ima_form form;
} fields[] = {
	{ "d", IMA_DIGEST },          { "n", IMA_NAME },
	{ "d-ng", IMA_NAMED_DIGEST }, { "d-ngv2", IMA_NAMED_DIGEST },
	{ "n-ng", IMA_NAME },         { "sig", IMA_BYTES },
	{ "buf", IMA_BYTES },         { "d-modsig", IMA_NAMED_DIGEST },
	{ "modsig", IMA_BYTES },      { "evmsig", IMA_BYTES },
	{ "xattrnames", IMA_NAME },   { "xattrlengths", IMA_BYTES },
	{ "xattrvalues", IMA_BYTES }, { "iuid", IMA_NUMBER_4 },
	{ "igid", IMA_NUMBER_4 },     { "imode", IMA_NUMBER_2 },
};

static bool field_find(struct slice name, enum ima_form *ret)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (slice_equal_string(name, fields[i].name)) {
			*ret = fields[i].form;
			return true;
		}
	return false;
}

/* A list of fields, "d-ng|n-ng". */
static bool fields_find(struct slice list, struct ima_template *ret)
{
	size_t start = 0;

	for (size_t i = 0; i <= list.n; i++) {
		if (i < list.n && list.p[i] != '|')
			continue;
		struct slice name = { list.p + start, i - start };
		if (ret->n == IMA_MAX_FIELDS || !field_find(name, &ret->fields[ret->n]))
			return false;
		ret->n++;
		start = i + 1;
	}
	return true;
}

const char *ima_template_fields(struct slice name)
{
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
		if (slice_equal_string(name, templates[i].name))
			return templates[i].fields;
	return NULL;
}

bool ima_template_find(struct slice name, struct ima_template *ret)
{
	struct ima_template t = { .old = slice_equal_string(name, "ima") };
	const char *known = ima_template_fields(name);

	if (!fields_find(known ? slice_of_string(known) : name, &t))
		return false;
	*ret = t;
	return true;
}

/* The data of template "ima": the digest and the name. */
static bool old_data_split(struct slice data, struct slice *ret_digest, struct slice *ret_name)
{
	struct reader r = reader_over(data);

	*ret_digest = reader_take(&r, OLD_DIGEST_LEN);
	*ret_name = reader_take(&r, reader_u32le(&r));
	return !r.failed && reader_left(&r) == 0;
}

bool ima_data_sound(const struct ima_template *t, struct slice data)
{
	struct reader r = reader_over(data);
	struct slice digest, name;

	if (t->old)
		return old_data_split(data, &digest, &name);
	for (size_t i = 0; i < t->n; i++)
		(void)reader_take(&r, reader_u32le(&r));
	return !r.failed && reader_left(&r) == 0;
}

/* ima_calc_field_array_hash_tfm: lengths and data of the fields; for "ima" no lengths, but a name of a fixed length. */
int event_ima_template_digest(const struct event *ev, enum alg alg, struct digest *ret,
			      struct pcrcast_error *e)
{
	struct slice digest, name;
	uint8_t bytes[OLD_DIGEST_LEN + OLD_NAME_LEN] = { 0 };

	if (strcmp(ev->template_name, "ima") != 0)
		return digest_of(alg, ev->data, ret, e);
	if (!old_data_split(ev->data, &digest, &name) || name.n > OLD_NAME_LEN)
		return err_set(e, PCRCAST_EFORMAT, ev->offset,
			       "%zu bytes of template data are not a digest and a name of at most %d",
			       ev->data.n, OLD_NAME_LEN);
	memcpy(bytes, digest.p, digest.n);
	memcpy(bytes + OLD_DIGEST_LEN, name.p, name.n);
	return digest_of(alg, (struct slice){ bytes, sizeof bytes }, ret, e);
}

/* ---- what is extended ---- */

/* A violation is logged with a digest of zeros: ima_add_template_entry. */
static bool is_violation(const struct event *ev, const struct eventlog *log)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg alg;
	uint8_t any = 0;

	if (!event_digest_next(log, &rest, &alg, &digest))
		return false;
	for (size_t i = 0; i < digest.n; i++)
		any |= digest.p[i];
	return any == 0;
}

/* The SHA-1 digest, as logged or else computed, padded with zeros. */
static int padded(const struct eventlog *log, const struct event *ev, struct digest *ret,
		  struct pcrcast_error *e)
{
	struct slice logged = event_digest(ev, log, ALG_SHA1);
	struct digest sha1;

	if (logged.n == 0) {
		int rc = event_ima_template_digest(ev, ALG_SHA1, &sha1, e);
		if (rc < 0)
			return rc;
		logged = (struct slice){ sha1.bytes, algs[ALG_SHA1].len };
	}
	memset(ret->bytes, 0, sizeof ret->bytes);
	memcpy(ret->bytes, logged.p, logged.n);
	return 0;
}

int event_extended(const struct eventlog *log, const struct event *ev, enum alg alg, struct digest *ret,
		   struct pcrcast_error *e)
{
	struct slice logged = event_digest(ev, log, alg);
	struct digest d = { .alg = alg };
	int rc = 0;

	if (ev->content != CONTENT_IMA && logged.n == 0)
		return 0;
	if (ev->content == CONTENT_IMA && is_violation(ev, log))
		memset(d.bytes, 0xff, algs[alg].len);
	else if (logged.n)
		memcpy(d.bytes, logged.p, logged.n);
	else if (log->ima_padded)
		rc = padded(log, ev, &d, e);
	else
		rc = event_ima_template_digest(ev, alg, &d, e);
	if (rc < 0)
		return rc;
	d.alg = alg;
	*ret = d;
	return 1;
}
