/*
 * What a replay cannot do without: the hash calls, and nothing else. Also makes the log that is replayed.
 *
 * usage: hash_calls make N FILE    write a crypto-agile log of N events in four banks
 *        hash_calls run N          N times PCR := H(PCR || digest) in four banks
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum { BANKS = 4, LEN_MAX = 64, DATA_LEN = 24, EVENT_IPL = 13, EVENT_NO_ACTION = 3, REGISTERS = 24 };

static const struct {
	uint16_t id, len; /* TPM_ALG_ID, digest bytes */
} banks[BANKS] = { { 0x0004, 20 }, { 0x000b, 32 }, { 0x000c, 48 }, { 0x000d, 64 } };

static void put16(FILE *f, unsigned v)
{
	(void)fputc((int)(v & 0xff), f);
	(void)fputc((int)(v >> 8 & 0xff), f);
}

static void put32(FILE *f, uint32_t v)
{
	put16(f, v & 0xffff);
	put16(f, v >> 16);
}

/* Digests need not be of anything: xorshift64 is quick and differs from event to event. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int make(unsigned long n, const char *path)
{
	FILE *f = fopen(path, "wb");
	uint64_t state = 1;

	if (!f)
		return 2;
	put32(f, 0);
	put32(f, EVENT_NO_ACTION);
	for (int i = 0; i < 20; i++)
		(void)fputc(0, f);
	put32(f, 28 + 4 * BANKS + 1);
	(void)fwrite("Spec ID Event03", 1, 16, f);
	put32(f, 0);
	(void)fwrite("\0\2\0\2", 1, 4, f);
	put32(f, BANKS);
	for (int b = 0; b < BANKS; b++) {
		put16(f, banks[b].id);
		put16(f, banks[b].len);
	}
	(void)fputc(0, f);
	for (unsigned long i = 0; i < n; i++) {
		put32(f, (uint32_t)(i % REGISTERS));
		put32(f, EVENT_IPL);
		put32(f, BANKS);
		for (int b = 0; b < BANKS; b++) {
			put16(f, banks[b].id);
			for (unsigned k = 0; k < banks[b].len; k += 4)
				put32(f, (uint32_t)next(&state));
		}
		put32(f, DATA_LEN);
		(void)fprintf(f, "event %017lu", i);
		(void)fputc(0, f);
	}
	return fclose(f) == 0 ? 0 : 2;
}

static int run(unsigned long n)
{
	const EVP_MD *md[BANKS] = { EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	for (int b = 0; b < BANKS && ctx; b++) {
		uint8_t pcr[LEN_MAX] = { 0 }, digest[LEN_MAX] = { 0 };

		for (unsigned long i = 0; i < n; i++) {
			memcpy(digest, &i, sizeof i);
			if (EVP_DigestInit_ex(ctx, md[b], NULL) != 1 ||
			    EVP_DigestUpdate(ctx, pcr, banks[b].len) != 1 ||
			    EVP_DigestUpdate(ctx, digest, banks[b].len) != 1 ||
			    EVP_DigestFinal_ex(ctx, pcr, NULL) != 1)
				return 2;
		}
		printf("%02x", pcr[0]);
	}
	putchar('\n');
	EVP_MD_CTX_free(ctx);
	return ctx ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "make") == 0)
		return make(strtoul(argv[2], NULL, 10), argv[3]);
	if (argc == 3 && strcmp(argv[1], "run") == 0)
		return run(strtoul(argv[2], NULL, 10));
	fprintf(stderr, "usage: %s make N FILE | run N\n", argv[0]);
	return 2;
}
