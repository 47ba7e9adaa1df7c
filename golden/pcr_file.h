/*
 * Files of register values as tpm2-tools writes them ("tpm2_quote -o", "tpm2_pcrread -o", option -F): "serialized", C
 * structures of tpm2-tss as they lie in the memory of a little-endian machine; "marshaled", the same in the TPM's wire form;
 * "values", the bare values one after the other.
 */
#pragma once

#include "base/pool.h"
#include "eventlog/check.h"

enum {
	PCR_FILE_MAX_BANKS = 16, /* TPM2_NUM_PCR_BANKS, tss2_tpm2_types.h */
	PCR_FILE_MAX_SELECT = 4, /* TPM2_PCR_SELECT_MAX: bytes of a bank's bit field */
};

/* Which registers of which banks, in the order in which their values come: bank after bank, in a bank by index. */
struct pcr_selection {
	size_t n;
	struct {
		uint16_t tpm_id; /* TPM_ALG_ID of the bank */
		enum alg alg;    /* ALG_COUNT: none that is known here; pcrs is 0 then */
		uint32_t pcrs;   /* bit i: PCR i, i in 0..23 */
	} banks[PCR_FILE_MAX_BANKS];
};

/* Every known value, banks in the order of enum alg. */
void pcr_selection_of(const struct pcr_values *values, struct pcr_selection *ret);

/*
 * Read a file. A bank may be named twice, but the same register then has the same value. PCRCAST_EUNSUPPORTED: a register of
 * a bank that is not known here is selected. ret_selection may be NULL.
 */
int pcr_file_read_serialized(struct slice bytes, struct pcr_selection *ret_selection, struct pcr_values *ret,
			     struct pcrcast_error *e);
int pcr_file_read_marshaled(struct slice bytes, struct pcr_selection *ret_selection, struct pcr_values *ret,
			    struct pcrcast_error *e);

/* Bare values do not say whose they are: selection does. */
int pcr_file_read_values(struct slice bytes, const struct pcr_selection *selection, struct pcr_values *ret,
			 struct pcrcast_error *e);

/* Write the selected values, which must all be known (PCRCAST_EINVAL names one that is not). The bytes are from pool. */
int pcr_file_write_serialized(const struct pcr_selection *selection, const struct pcr_values *values,
			      struct pool *pool, struct slice *ret, struct pcrcast_error *e);
int pcr_file_write_marshaled(const struct pcr_selection *selection, const struct pcr_values *values,
			     struct pool *pool, struct slice *ret, struct pcrcast_error *e);
int pcr_file_write_values(const struct pcr_selection *selection, const struct pcr_values *values,
			  struct pool *pool, struct slice *ret, struct pcrcast_error *e);
