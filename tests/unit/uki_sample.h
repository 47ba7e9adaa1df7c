/*
 * Unified kernel images of few sections, opened as a version of systemd-stub does, and what tests ask about them. To be
 * included behind cmocka.h.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/unit/build_pe.h"
#include "uki/sections.h"

enum { SIZE_OF_IMAGE = 56, VIRTUAL_SIZE = 8 };

#define TEXT(section, text)                                               \
	{                                                                 \
		.name = (section), .bytes = (text), .n = sizeof(text) - 1 \
	}
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct hardware nothing_known;

struct opened {
	struct pool pool;
	struct pe pe;
	struct sd_identity id;
	struct uki uki;
	struct pcrcast_error e;
	uint8_t *image;
	size_t n;
	int rc;
};

/* Takes over image. */
static inline struct opened open_image(uint8_t *image, size_t n, unsigned profile, const struct hardware *hw)
{
	struct opened o = { .pool = POOL_INIT, .image = image, .n = n };
	struct blob b;

	assert_int_equal(blob_of_bytes(&o.pool, (struct slice){ image, n }, &b, NULL), 0);
	assert_int_equal(pe_parse(&o.pool, &b, &o.pe, NULL), 0);
	assert_int_equal(sd_identify(&o.pool, &o.pe, &o.id, NULL), 0);
	o.rc = uki_open(&o.pool, &o.pe, &o.id, profile, hw, &o.uki, &o.e);
	return o;
}

static inline struct opened open_uki(const char *version, const struct built_section *s, size_t n_sections,
				     unsigned profile, const struct hardware *hw)
{
	size_t n;
	uint8_t *image = build_uki(version, s, n_sections, &n);

	return open_image(image, n, profile, hw);
}

static inline void done(struct opened *o)
{
	pool_done(&o->pool);
	free(o->image);
}

static inline const struct stub_rules *rules_of(unsigned version)
{
	bool newer;

	return stub_rules_for((struct sd_version){ version, 0 }, &newer);
}

/* expected NULL: the section is not used. */
static inline void assert_section(struct opened *o, enum uki_section which, const char *expected)
{
	const struct uki_content *c = &o->uki.sections[which];
	struct slice s;

	if (o->rc < 0)
		fail_msg("%s", o->e.msg);
	assert_int_equal(c->set, expected != NULL);
	if (!expected)
		return;
	assert_int_equal(blob_load(&o->pool, &c->bytes, 1000, &s, NULL), 0);
	if (!slice_equal_string(s, expected))
		fail_msg("section %s is \"%.*s\", expected \"%s\"", uki_section_names[which], (int)s.n,
			 (const char *)s.p, expected);
}

static inline void assert_refused(struct opened *o, int rc, const char *message)
{
	assert_int_equal(o->rc, rc);
	if (!strstr(o->e.msg, message))
		fail_msg("\"%s\" is not in \"%s\"", message, o->e.msg);
	done(o);
}
