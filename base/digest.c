#include "base/digest.h"

#include <string.h>

#include "base/sha.h"

const struct alg_info algs[ALG_COUNT] = {
	[ALG_SHA1] = { "sha1", 0x0004, 20 },
	[ALG_SHA256] = { "sha256", 0x000b, 32 },
	[ALG_SHA384] = { "sha384", 0x000c, 48 },
	[ALG_SHA512] = { "sha512", 0x000d, 64 },
};

enum alg alg_by_name(struct slice name)
{
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (slice_equal_string(name, algs[a].name))
			return a;
	return ALG_COUNT;
}

enum alg alg_by_tpm_id(uint16_t id)
{
	for (enum alg a = 0; a < ALG_COUNT; a++)
		if (algs[a].tpm_id == id)
			return a;
	return ALG_COUNT;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->alg == b->alg && memcmp(a->bytes, b->bytes, algs[a->alg].len) == 0;
}

static int crypto_failed(struct pcrcast_error *e, enum alg alg)
{
	return err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute %s", algs[alg].name);
}

int digest_of(enum alg alg, struct slice bytes, struct digest *ret, struct pcrcast_error *e)
{
	struct sha *h = sha_new(alg);
	bool ok = h && sha_update(h, bytes.p, bytes.n) && sha_peek(h, ret);

	sha_free(h);
	return ok ? 0 : crypto_failed(e, alg);
}

void hex_encode(const uint8_t *bytes, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

void pcr_bank_reset(struct pcr_bank *bank, enum alg alg)
{
	*bank = (struct pcr_bank){ .alg = alg };
	for (int i = 17; i <= 22; i++)
		memset(bank->pcr[i], 0xff, algs[alg].len);
}

int pcr_extend(struct pcr_bank *bank, uint32_t pcr, const uint8_t *digest, struct pcrcast_error *e)
{
	size_t len = algs[bank->alg].len;
	uint8_t both[2 * DIGEST_MAX];
	struct digest d;

	if (pcr >= PCR_COUNT)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "PCR %u, expected 0 to %d", pcr,
			       PCR_COUNT - 1);
	memcpy(both, bank->pcr[pcr], len);
	memcpy(both + len, digest, len);
	int r = digest_of(bank->alg, (struct slice){ both, 2 * len }, &d, e);
	if (r < 0)
		return r;
	memcpy(bank->pcr[pcr], d.bytes, len);
	bank->extended |= UINT32_C(1) << pcr;
	bank->count[pcr]++;
	return 0;
}
