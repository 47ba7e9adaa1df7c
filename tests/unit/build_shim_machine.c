/*
 * The machine that boots a shim, and what it measures to PCR 7 and 14.
 */
#include "tests/unit/build_shim_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/efi/signature_list.h"

enum { ALL_PCRS = 0xffff };

static const struct guid sha256_guid = EFI_CERT_SHA256_GUID;

void shim_machine_start(struct shim_machine *f, struct esp *x)
{
	*f = (struct shim_machine){ .x = x };
	f->variables = (struct firmware_variables){ f->items, 0, 16, true };
	x->opt.pcrs = ALL_PCRS;
	x->opt.variables = &f->variables;
}

void set_variable(struct shim_machine *f, const char *name, const struct guid *guid, uint32_t attributes,
		  const void *p, size_t n)
{
	for (size_t i = 0; i < f->variables.n; i++)
		if (strcmp(f->items[i].name, name) == 0) {
			f->items[i].data = (struct slice){ p, n };
			f->items[i].attributes = attributes;
			return;
		}
	assert_true(f->variables.n < 16);
	f->items[f->variables.n++] = (struct firmware_variable){ name, *guid, attributes, { p, n } };
}

void set_mok(struct shim_machine *f, const char *name, const char *text)
{
	set_variable(f, name, &guid_shim_lock, 3, text, strlen(text));
}

struct built_file put_shim(struct esp *x, const char *path, struct build_shim what)
{
	struct built_file s;

	s.p = esp_keep(x, build_shim(&what, &s.n));
	esp_put(x, path, s.p, s.n);
	return s;
}

struct built_file put_kernel(struct esp *x, const char *path)
{
	struct built_file k;

	k.p = esp_keep(x, build_kernel(1, 0, &k.n));
	esp_put(x, path, k.p, k.n);
	return k;
}

struct built_file read_signed(struct esp *x, const char *name)
{
	char path[256];
	struct built_file s;

	(void)snprintf(path, sizeof path, "tests/data/signed/%s", name);
	s.p = esp_keep(x, load_file(path, &s.n));
	return s;
}

struct bytes signature_list(const struct guid *type, const struct guid *owner, const void *p, size_t n)
{
	struct bytes b = { NULL, 0 };

	bytes_add_signature_list(&b, type, owner, p, n);
	return b;
}

struct bytes no_key(void)
{
	static const uint8_t zeros[32];

	return signature_list(&sha256_guid, &guid_shim_lock, zeros, 32);
}

/* The next event of PCR 7 or 14 that is not the firmware's. */
static const struct event *next_own(struct esp *x)
{
	while (x->at < x->p.log.n_events) {
		const struct event *ev = &x->p.log.events[x->at++];

		if (ev->pcr == 14 || (ev->pcr == 7 && ev->type == EV_EFI_VARIABLE_AUTHORITY &&
				      !(ev->description && strstr(ev->description, "PK"))))
			return ev;
	}
	return NULL;
}

void check_digest(const struct esp *x, const struct event *ev, struct slice hashed)
{
	struct digest d;

	assert_int_equal(digest_of(ALG_SHA256, hashed, &d, NULL), 0);
	assert_memory_equal(event_digest(ev, &x->p.log, ALG_SHA256).p, d.bytes, 32);
}

void expect_14(struct esp *x, const char *name, struct slice hashed)
{
	const struct event *ev = next_own(x);

	if (!ev || ev->pcr != 14 || ev->data.n != strlen(name) + 1 ||
	    memcmp(ev->data.p, name, ev->data.n) != 0)
		fail_msg("expected PCR 14 %s, got PCR %d %s", name, ev ? (int)ev->pcr : -1,
			 ev && ev->description ? ev->description : "nothing");
	assert_int_equal(ev->type, EV_IPL);
	check_digest(x, ev, hashed);
}

void expect_14_bytes(struct esp *x, const char *name, struct bytes b)
{
	expect_14(x, name, (struct slice){ b.p, b.n });
	bytes_done(&b);
}

void expect_7(struct esp *x, const char *name, const struct guid *guid, const void *p, size_t n)
{
	const struct event *ev = next_own(x);
	struct bytes b = { NULL, 0 };

	bytes_add_variable(&b, name, guid, p, n);
	if (!ev || ev->pcr != 7 || ev->data.n != b.n || memcmp(ev->data.p, b.p, b.n) != 0)
		fail_msg("expected PCR 7 %s, got PCR %d %s", name, ev ? (int)ev->pcr : -1,
			 ev && ev->description ? ev->description : "nothing");
	check_digest(x, ev, (struct slice){ b.p, b.n });
	bytes_done(&b);
}

void expect_7_text(struct esp *x, const char *name, const char *text)
{
	expect_7(x, name, &guid_shim_lock, text, strlen(text));
}

void expect_no_more(struct esp *x)
{
	const struct event *ev = next_own(x);

	if (ev)
		fail_msg("unexpected: PCR %u %s", ev->pcr, ev->description);
}

size_t count_loads(const struct esp *x, const char *source)
{
	size_t n = 0;

	for (size_t i = 0; i < x->p.log.n_events; i++) {
		const struct event *ev = &x->p.log.events[i];

		n += ev->pcr == 4 && ev->type == EV_EFI_BOOT_SERVICES_APPLICATION &&
		     strcmp(ev->source, source) == 0;
	}
	return n;
}

const char *second_stage(const struct esp *x)
{
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 4 &&
		    strcmp(x->p.log.events[i].description, "second stage of shim") == 0)
			return x->p.log.events[i].source;
	return "none";
}
