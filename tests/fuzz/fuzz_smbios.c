/* SMBIOS tables: structures lie in the file one behind the other, strings in their structures, an error says what and where. */
#include <stddef.h>
#include <stdint.h>

#include "base/efi/smbios.h"
#include "predict/smbios_handoff.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct smbios_structure *s)
{
	struct slice rest = smbios_strings(s), each = SLICE_EMPTY;
	const uint8_t *end = s->bytes.p + s->bytes.n;
	size_t total = 0;

	CHECK(s->fields_len >= 4 && s->bytes.n >= s->fields_len + 2u && end[-1] == 0 && end[-2] == 0);
	while (smbios_next_string(&rest, &each)) {
		CHECK(each.n && each.p + each.n < end && !memchr(each.p, 0, each.n));
		total += each.n + 1;
	}
	CHECK(total + s->fields_len < s->bytes.n);
	for (size_t field = 0; field < 256; field++)
		if (smbios_field_string(s, field, &each))
			CHECK(field < s->fields_len && each.p + each.n < end);
}

/* What EDK2 would measure of the table; an event without digests is of no table. */
static void blank_out(const struct smbios_table *t)
{
	const struct event ev = { .digests = SLICE_EMPTY, .data = t->bytes };
	const struct eventlog log = EVENTLOG_INIT;
	struct smbios_handoff h;

	CHECK(!smbios_handoff_is(&ev));
	CHECK(smbios_handoff_make(t, &h, NULL) == 0 && !smbios_handoff_fits(&h, &log, &ev));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice bytes = n ? (struct slice){ data, n } : SLICE_EMPTY;
	struct pcrcast_error e = { .msg = "" };
	struct smbios_table t = { .bytes = SLICE_EMPTY };
	struct pool pool = POOL_INIT;

	if (smbios_read(&pool, bytes, &t, &e) == 0) {
		size_t at = t.n ? t.items[0].off : 0;

		for (size_t i = 0; i < t.n; i++) {
			CHECK(t.items[i].off == at && t.items[i].bytes.p == data + at);
			at += t.items[i].bytes.n;
			CHECK(at < n && t.items[i].type != 127);
			look_at(&t.items[i]);
		}
		CHECK(t.bytes.n >= 6 && t.bytes.n <= n);
		blank_out(&t);
	} else {
		CHECK(t.n == 0 && e.msg[0] != '\0' && e.offset <= n);
	}
	pool_done(&pool);
	return 0;
}
