/*
 * Hash jobs: blobs times banks, collected first and then run together on all cores. A blob that another
 * one begins with costs nothing of its own: its digest is taken on the way.
 */
#pragma once

#include "base/blob.h"
#include "base/digest.h"

struct hash_jobs; /* opaque */

struct hash_jobs *hash_jobs_new(void); /* NULL: out of memory */
void hash_jobs_free(struct hash_jobs *j);

/*
 * Bytes of all blobs of one object. A blob may have the same bytes many times: an initrd of thousands of files, which are one, would be
 * hashed for hours. The largest images have some GiB, which are hashed a few times.
 */
#define HASH_JOBS_MAX (UINT64_C(16) << 30)

/* Add a blob (whose pieces stay where they are until the run). *ret_id names it afterwards; the same blob has the same id. */
int hash_jobs_add(struct hash_jobs *j, const struct blob *b, size_t *ret_id, struct pcrcast_error *e);

/* Compute the digests of all jobs in each bank of banks, save those there are, on up to n_threads threads (0: one a core). */
int hash_jobs_run(struct hash_jobs *j, alg_set banks, unsigned n_threads, struct pcrcast_error *e);

/* Valid after a run that had alg among its banks. */
const struct digest *hash_jobs_digest(const struct hash_jobs *j, size_t id, enum alg alg);
