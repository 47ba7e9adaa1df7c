/*
 * A key in PEM (RFC 7468, and RFC 1421 for the traditional encryption): its label and its DER, decrypted where need be.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"

enum {
	SIGN_PEM_MAX = 64 << 10,    /* bytes of a file; a private RSA key of 16384 bits has 13000 */
	SIGN_PASSPHRASE_MAX = 1024, /* bytes; libcrypto's own limit (PEM_BUFSIZE) */
};

/*
 * Asks for the passphrase of a key: at most size bytes into buf; returns how many, or a negative code with e filled when
 * there is none to be had. Whoever calls it cleanses buf.
 */
typedef int (*sign_passphrase)(void *ctx, char *buf, size_t size, struct pcrcast_error *e);

struct sign_pem {
	char label
		[64]; /* "PRIVATE KEY", "PUBLIC KEY", …; "PRIVATE KEY" too when that was "ENCRYPTED …" and is decrypted */
	uint8_t *der; /* n bytes */
	size_t n;
	bool encrypted; /* still */
	bool decrypted; /* it was encrypted */
};

#define SIGN_PEM_INIT ((struct sign_pem){ .n = 0 })

/* Cleanses what it frees. */
void sign_pem_done(struct sign_pem *p);

/*
 * Read the only block of a file; text around it is passed over, and so are the "EC PARAMETERS" that openssl ecparam
 * writes in front of a key. ask is called at most once, and only when the block is encrypted; NULL leaves such a block
 * as it is. *ret is to be done with sign_pem_done.
 */
int sign_pem_read(struct slice text, sign_passphrase ask, void *ctx, struct sign_pem *ret,
		  struct pcrcast_error *e);

/* The error for a key that came out of a decryption and is none. */
int sign_wrong_passphrase(struct pcrcast_error *e);
