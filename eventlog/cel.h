/*
 * Names and numbers of the TCG Canonical Event Log Format 1.0 (and 1.1, which added systemd's). Private to eventlog/.
 */
#pragma once

#include "base/pool.h"
#include "eventlog/eventlog.h"

/* Types of the fields of a record and of their parts, CEL 1.0 section 5.1. */
enum cel_field {
	CEL_RECNUM = 0,
	CEL_PCR = 1,
	CEL_NV_INDEX = 2,
	CEL_DIGESTS = 3,
	CEL_CC_REGISTER =
		108, /* not of TCG: go-eventlog (cel package) writes it for CC measurement registers */
};

enum cel_content_type {
	CEL_CONTENT_CEL = 4,
	CEL_CONTENT_PCCLIENT = 5,
	CEL_CONTENT_IMA_TEMPLATE = 7,
	CEL_CONTENT_IMA_TLV = 8,
	CEL_CONTENT_SYSTEMD = 9,
};

/* The word that CEL-JSON has for a content type; for a number without a word, the number. NULL when memory gives out. */
const char *cel_content_type_name(uint8_t type, struct pool *pool);

/* Records number PCRs and NV indices in one field each; a handle of an NV index tells itself (TPM 2.0 Library part 2, TPM_HT_NV_INDEX). */
static inline bool cel_is_nv_index(uint32_t number)
{
	return number >> 24 == 0x01;
}

/* TPM_ALG_ID by the name in "hashAlg", any case; 0: not known. */
uint16_t cel_alg_by_name(const char *name);
/* NULL: it has no name. */
const char *cel_alg_name(uint16_t id);

/* "EV_IPL", "ev_ipl" (libcel) or "ipl" (systemd); false when it is none. */
bool cel_event_type_by_name(const char *name, uint32_t *ret);
