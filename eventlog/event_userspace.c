/*
 * What is measured after boot: systemd's userspace log (systemd 262, src/shared/tpm2-util.c) and Linux' IMA list (Linux 6.1,
 * security/integrity/ima/ima_template.c).
 */
#include "eventlog/event_body.h"

#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/parse.h"

/* ---- systemd ---- */

/* The whole event is one line of JSON of the writer's making: plain members are fields, others their text. */
void body_systemd(struct body *b)
{
	struct pcrcast_error why = { .code = 0 };
	struct cJSON *root = NULL;
	const char *type = NULL, *string = NULL;

	if (json_parse(b->ev->data, &root, &why) < 0 || !json_is_object(root)) {
		json_free(root);
		if (why.code == PCRCAST_ENOMEM)
			b->failed = true;
		body_summary(b, "systemd event");
		body_trouble(b, b->ev->data, "expected a JSON object%s%s", why.code ? ": " : "",
			     why.code ? why.msg : "");
		return;
	}
	for (const struct cJSON *c = json_first(root); c; c = json_next(c)) {
		const char *key = json_key(c), *text;
		uint64_t number;
		bool value;

		if (!body_item(b, SLICE_EMPTY) || !key)
			break;
		key = pool_text(b->pool, key, strlen(key));
		if (!key) {
			b->failed = true;
			break;
		}
		if (json_string(c, &text)) {
			text = pool_text(b->pool, text, strlen(text));
			body_text(b, &b->out.root, key, text);
			if (strcmp(key, "eventType") == 0)
				type = text;
			else if (strcmp(key, "string") == 0)
				string = text;
		} else if (json_u64(c, &number)) {
			body_number(b, &b->out.root, key, number);
		} else if (json_bool(c, &value)) {
			body_bool(b, &b->out.root, key, value);
		} else {
			body_text(b, &b->out.root, key, json_text(b->pool, c));
		}
	}
	json_free(root);
	body_summary(b, "%s%s%s", type ? type : "systemd event", string ? ": " : "", string ? string : "");
}

/* ---- IMA ---- */

enum { IMA_DIGEST_LEN = 20, IMA_FIELDS_MAX = 16, IMA_ALG_MAX = 32 };

/* "sha256:" NUL digest; d-ngv2 has "ima:" or "verity:" in front. */
static void ima_digest(struct body *b, struct slice value)
{
	const uint8_t *nul = memchr(value.p, 0, value.n);
	size_t n = nul ? (size_t)(nul - value.p) : 0;
	char *text;

	/* With the colon that ends it, and short enough to be the name of an algorithm. */
	if (!nul || n < 2 || n > IMA_ALG_MAX || value.p[n - 1] != ':' ||
	    body_text_of(b, (struct slice){ value.p, n - 1 }, &text) == TEXT_NONE) {
		body_hex(b, &b->out.root, "digest", value);
		return;
	}
	body_text(b, &b->out.root, "digestAlgorithm", text);
	body_hex(b, &b->out.root, "digest", (struct slice){ nul + 1, value.n - n - 1 });
}

/* Template "ima": a SHA-1 digest, then the name; the list has its length in front, the hash is over 256 padded bytes. */
static void ima_old(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	struct slice digest = reader_take(&r, IMA_DIGEST_LEN);
	struct slice name = { r.base + r.pos, reader_left(&r) };

	body_summary(b, "IMA event");
	if (r.failed) {
		body_trouble(b, b->ev->data, "%zu bytes are too few for an IMA event, which begins with %d",
			     b->ev->data.n, IMA_DIGEST_LEN);
		return;
	}
	if (name.n >= 4 && get_u32le(name.p) == name.n - 4)
		name = (struct slice){ name.p + 4, name.n - 4 };
	body_text(b, &b->out.root, "digestAlgorithm", "sha1");
	body_hex(b, &b->out.root, "digest", digest);
	body_string(b, &b->out.root, "fileName", name);
	const struct field *f = field_find(&b->out.root, "fileName");
	if (f && f->text)
		body_summary(b, "%s", f->text);
}

static void ima_field(struct body *b, struct slice id, struct slice value)
{
	if (slice_equal_string(id, "d")) {
		body_hex(b, &b->out.root, "digest", value);
	} else if (slice_equal_string(id, "d-ng") || slice_equal_string(id, "d-ngv2")) {
		ima_digest(b, value);
	} else if (slice_equal_string(id, "n-ng") || slice_equal_string(id, "n")) {
		body_string(b, &b->out.root, "fileName", value);
	} else {
		const char *name = slice_equal_string(id, "sig") ? "signature" :
				   slice_equal_string(id, "buf") ? "buffer" :
								   NULL;

		if (!name)
			name = pool_text(b->pool, (const char *)id.p, id.n);
		if (!name)
			b->failed = true;
		else
			body_hex(b, &b->out.root, name, value);
	}
}

/* A template of one field goes by its name alone. */
static bool is_ima_field(const char *name)
{
	static const char *const ids[] = { "d",   "n",   "d-ng",     "d-ngv2", "n-ng",
					   "sig", "buf", "d-modsig", "modsig", "evmsig" };

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (strcmp(ids[i], name) == 0)
			return true;
	return false;
}

void body_ima(struct body *b)
{
	const char *fields = b->ev->template_name;
	struct reader r = reader_over(b->ev->data);

	if (!fields || strcmp(fields, "ima") == 0) {
		ima_old(b);
		return;
	}
	/* A template without a name of its own goes by its fields, "d-ng|n-ng". */
	const char *known = ima_template_fields(slice_of_string(fields));
	if (known)
		fields = known;
	bool described = strchr(fields, '|') || is_ima_field(fields);
	body_summary(b, "IMA event");
	for (int i = 0; i < IMA_FIELDS_MAX && *fields && described; i++) {
		size_t n = strcspn(fields, "|");
		struct slice value = reader_take(&r, reader_u32le(&r));

		if (r.failed) {
			body_trouble_at(b, &r, "field %d of template %s is cut short", i,
					b->ev->template_name);
			break;
		}
		size_t before = b->out.root.n;
		ima_field(b, (struct slice){ (const uint8_t *)fields, n }, value);
		/* The names of a template's fields come from the list: one that is there twice would be one member of two. */
		for (size_t k = before; k < b->out.root.n; k++)
			if (field_find(&b->out.root, b->out.root.children[k].name) !=
			    &b->out.root.children[k]) {
				b->out.root.n = before;
				body_trouble(b, value, "field %d of template %s is there twice", i,
					     b->ev->template_name);
				break;
			}
		fields += n + (fields[n] == '|');
	}
	if (!described)
		body_trouble(b, b->ev->data, "the fields of template %s are not known", b->ev->template_name);
	else if (!b->out.trouble)
		body_end(b, &r, "IMA event");
	const struct field *f = field_find(&b->out.root, "fileName");
	if (f && f->text)
		body_summary(b, "%s", f->text);
}
