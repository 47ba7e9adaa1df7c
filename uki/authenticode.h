/*
 * The bytes of a PE image that its Authenticode digest covers: what firmware measures into PCR 4 (or 2) when
 * it loads the image, and what a Secure Boot signature signs.
 *
 * Sources: Microsoft "Windows Authenticode Portable Executable Signature Format", 1.0, "Calculating the PE
 * Image Hash"; EDK2 SecurityPkg/Tcg/Tcg2Dxe/MeasureBootPeCoff.c. Where they differ, EDK2 is followed: it
 * is what a machine measures.
 */
#pragma once

#include "uki/pe.h"

/*
 * The measured bytes. An image that EDK2 does not measure (its sections and certificate table are longer
 * than the file) is an error, and so is one whose overlapping sections would make the work more than
 * AUTHENTICODE_MAX_FACTOR times its size.
 */
enum { AUTHENTICODE_MAX_FACTOR = 4 };
int authenticode_bytes(struct pool *pool, const struct pe *pe, struct blob *ret, struct pcrcast_error *e);

/*
 * The same with the zeros that signing tools put behind an unsigned file to make its length a multiple of 8:
 * what the file will measure once it is signed. False when that makes no difference.
 */
int authenticode_bytes_padded(struct pool *pool, const struct pe *pe, bool *ret_differs, struct blob *ret,
			      struct pcrcast_error *e);
