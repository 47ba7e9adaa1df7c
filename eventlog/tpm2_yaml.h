/*
 * The YAML of tpm2_eventlog (tpm2-tools, versions 1 and 2 of the form) as a log. It has all digests; of the events' data
 * it shows what it understands, and the bytes only of some.
 */
#pragma once

#include "eventlog/check.h"

struct tpm2_yaml {
	struct pcr_values pcrs; /* the map at its end: what tpm2_eventlog's own replay gave */
	bool has_pcrs;
	size_t n_without_data;  /* events whose data is not there as bytes: it is empty in the log */
	size_t n_unknown_types; /* events whose type is not told: it is TPM2_YAML_UNKNOWN in the log */
	bool other_banks;       /* digests of algorithms that are not known here were left out */
};

#define TPM2_YAML_UNKNOWN UINT32_C(0xffffffff)

/* Does the text begin as such YAML does? */
bool tpm2_yaml_recognise(struct slice text);

/* Nothing in ret borrows from text. ret is to be done with eventlog_done whatever is returned. Errors carry the byte offset. */
int tpm2_yaml_read(struct slice text, struct eventlog *ret, struct tpm2_yaml *ret_yaml,
		   struct pcrcast_error *e);
