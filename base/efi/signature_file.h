/*
 * A signature database (PK, KEK, db, dbx) from the files that tools keep it in.
 */
#pragma once

#include "base/efi/guid.h"
#include "base/error.h"
#include "base/pool.h"

/*
 * The variable's content, signature lists, from a file's bytes:
 * - signature lists as they are (cert-to-efi-sig-list, efitools);
 * - the same behind the four attribute bytes of Linux' efivars file system;
 * - the same behind the authentication of a signed update (.auth): EFI_VARIABLE_AUTHENTICATION_2;
 * - certificates in DER (one) or PEM (one or more), each of which becomes a list of its own, as cert-to-efi-sig-list makes them.
 * A certificate has no owner, who is measured too: *owner is it, NULL is an error then. For lists, which have owners, owner
 * must be NULL. An empty file is an error.
 */
int signature_file_read(struct pool *pool, struct slice bytes, const struct guid *owner, struct slice *ret,
			struct pcrcast_error *e);
