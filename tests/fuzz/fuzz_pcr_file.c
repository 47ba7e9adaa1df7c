/*
 * Read a file of register values, write it in each form and read that again: the values are the same. The first byte chooses
 * the form.
 */
#include <stddef.h>
#include <stdint.h>

#include "golden/pcr_file.h"
#include "tests/fuzz/fuzz.h"

/* assert() for every build mode. */
static const struct pcr_selection one_each = {
	.n = 2, .banks = { { 0x0004, ALG_SHA1, 1 << 3 }, { 0x000b, ALG_SHA256, 1 << 23 } }
};

static bool same_selection(const struct pcr_selection *a, const struct pcr_selection *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->banks[i].tpm_id == b->banks[i].tpm_id && a->banks[i].alg == b->banks[i].alg &&
		       a->banks[i].pcrs == b->banks[i].pcrs;
	return same;
}

/* Member by member: there is padding between them. */
static bool same_values(const struct pcr_values *a, const struct pcr_values *b)
{
	return memcmp(a->known, b->known, sizeof a->known) == 0 &&
	       memcmp(a->value, b->value, sizeof a->value) == 0;
}

static void write_and_read(const struct pcr_selection *s, const struct pcr_values *v)
{
	struct pool pool = POOL_INIT;
	struct pcr_selection same;
	struct pcr_values again;
	struct slice out;

	CHECK(pcr_file_write_serialized(s, v, &pool, &out, NULL) == 0);
	CHECK(pcr_file_read_serialized(out, &same, &again, NULL) == 0);
	CHECK(same_values(&again, v) && same_selection(&same, s));
	CHECK(pcr_file_write_marshaled(s, v, &pool, &out, NULL) == 0);
	CHECK(pcr_file_read_marshaled(out, &same, &again, NULL) == 0);
	CHECK(same_values(&again, v) && same_selection(&same, s));
	CHECK(pcr_file_write_values(s, v, &pool, &out, NULL) == 0);
	CHECK(pcr_file_read_values(out, s, &again, NULL) == 0);
	CHECK(same_values(&again, v));
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pcrcast_error e = { .msg = "" };
	struct pcr_selection s = one_each;
	struct pcr_values v;
	int rc;

	if (n == 0)
		return 0;
	struct slice bytes = n > 1 ? (struct slice){ data + 1, n - 1 } : SLICE_EMPTY;
	switch (data[0] % 3) {
	case 0:
		rc = pcr_file_read_serialized(bytes, &s, &v, &e);
		break;
	case 1:
		rc = pcr_file_read_marshaled(bytes, &s, &v, &e);
		break;
	default:
		rc = pcr_file_read_values(bytes, &s, &v, &e);
		break;
	}
	if (rc == 0)
		write_and_read(&s, &v);
	else
		CHECK(e.msg[0] != '\0' && (int)e.code == -rc && e.offset <= bytes.n);
	return 0;
}
