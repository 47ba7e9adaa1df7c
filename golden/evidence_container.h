/*
 * What the readers of containers share; private to evidence*.c. A reader fills an evidence that is EVIDENCE_INIT, save its
 * container.
 */
#pragma once

#include "base/error.h"
#include "base/json_read.h"
#include "golden/evidence.h"

/* ---- the containers ---- */

/* True when the bytes have the form of Keylime's quote string. */
bool evidence_is_keylime_quote(struct slice bytes);
int evidence_read_keylime_quote(struct slice bytes, struct evidence *ev, struct pcrcast_error *e);

/* Of the text form nothing but the first field's name is looked at. */
bool evidence_is_text_attestation(struct slice bytes);
int evidence_read_text_attestation(struct slice bytes, struct evidence *ev, struct pcrcast_error *e);

bool evidence_is_binary_attestation(struct slice bytes);
int evidence_read_binary_attestation(struct slice bytes, struct evidence *ev, struct pcrcast_error *e);

/* Containers that are JSON: true when the keys of the document are theirs. */
bool evidence_is_keylime_answer(const struct cJSON *root);
int evidence_read_keylime_answer(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);

bool evidence_is_keylime_push(const struct cJSON *root);
int evidence_read_keylime_push(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);

bool evidence_is_go_dump(const struct cJSON *root);
int evidence_read_go_dump(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);

bool evidence_is_go_platform(const struct cJSON *root);
int evidence_read_go_platform(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);

bool evidence_is_constellation(const struct cJSON *root);
int evidence_read_constellation(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);

bool evidence_is_trustee(const struct cJSON *root);
int evidence_read_trustee(const struct cJSON *root, struct evidence *ev, struct pcrcast_error *e);

/* ---- filling in ---- */

/* A quote at the end, without anything in it; *ret is good until the next is added. */
int evidence_add_quote(struct evidence *ev, struct evidence_quote **ret, struct pcrcast_error *e);

/* The value of one register. A second one of the same register is refused, whatever it is. */
int evidence_add_pcr(struct evidence_quote *q, enum alg alg, uint64_t index, struct slice value,
		     struct pcrcast_error *e);

int evidence_add_intermediate(struct evidence *ev, struct slice certificate, struct pcrcast_error *e);

/* Note something, once, in up to 255 characters. A file can make only so many notes. */
int evidence_note(struct evidence *ev, struct pcrcast_error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* At least one quote, each with message and signature. */
int evidence_check(const struct evidence *ev, struct pcrcast_error *e);

/* A copy of bytes in ev's pool. */
int evidence_copy(struct evidence *ev, struct slice bytes, struct slice *ret, struct pcrcast_error *e);

/* ---- JSON ---- */

/* The text at key; NULL when it is not there or null. Another type is refused. */
int evidence_string(const struct cJSON *object, const char *key, const char **ret, struct pcrcast_error *e);

/* Base64 at key, as Go writes []byte: *ret keeps what it is when the key is not there or null. */
int evidence_base64(struct evidence *ev, const struct cJSON *object, const char *key, struct slice *ret,
		    struct pcrcast_error *e);

/* Note the keys that object has beside these; NULL ends the list. what names the object in the note. */
int evidence_note_keys(struct evidence *ev, const struct cJSON *object, const char *what,
		       const char *const *keys, struct pcrcast_error *e);
