/*
 * What systemd's JSON forms have in common. Private to golden/.
 */
#pragma once

#include "golden/format.h"

/* Is it { bank: [ { key: …, other: … }, … ], … }? Told by the first entry. */
bool systemd_is_bank_lists(const struct cJSON *json, const char *key, const char *other);

/* Read such a document into a new set. read gets one entry, which is an object. */
int systemd_read_bank_lists(const struct golden_input *in, struct golden *g,
			    int (*read)(struct golden *g, struct golden_set *s, enum alg alg,
					const struct cJSON *entry, struct pcrcast_error *e),
			    struct pcrcast_error *e);

/* "pcr" of an entry. */
int systemd_read_pcr(const struct cJSON *entry, uint32_t *ret, struct pcrcast_error *e);

/* Add a computed value that stands in hex. */
int systemd_add_hex(struct golden *g, struct golden_set *s, enum alg alg, uint32_t pcr,
		    const struct cJSON *node, const char *label, struct pcrcast_error *e);
