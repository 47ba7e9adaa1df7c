/*
 * The report of Azure's host compatibility layer (HCL), which a confidential VM there reads from NV index 0x01400001 of its
 * vTPM: a header, the report of the TEE, and data in JSON whose digest the TEE vouches for. Among that data is the vTPM's
 * attestation key.
 */
#pragma once

#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"

/* The attestation key ("HCLAkPub", RSA) as SubjectPublicKeyInfo in DER, from pool. That the TEE vouches for it is not checked. */
int hcl_report_key(struct slice report, struct pool *pool, struct slice *ret, struct pcrcast_error *e);
