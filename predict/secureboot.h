/*
 * Secure Boot as EDK2's firmware does it, from known variables. Private to predict/.
 */
#pragma once

#include "predict/walk.h"

enum db_answer {
	DB_ALLOWS,
	DB_DENIES,
	DB_UNSURE, /* it depends on what is not judged here */
};

struct db_verdict {
	enum db_answer answer;
	const char *why;    /* for any other answer than DB_ALLOWS */
	struct slice entry; /* DB_ALLOWS: the EFI_SIGNATURE_DATA of db that lets the image pass */
};

/* Judge an image by db, dbx and dbt of w->opt->variables, which know db. */
int db_judge(struct walk *w, const struct pe *pe, struct db_verdict *ret, struct pcrcast_error *e);

/* Is db known, so that db_judge can be asked? */
bool db_known(const struct walk *w);

/*
 * What the variables say about Secure Boot, where the user has not: o->secure_boot. PCRCAST_EINVAL when they contradict him.
 */
int secure_boot_settle(struct predict_options *o, struct pcrcast_error *e);

/* The firmware's first events of PCR 7: state and variables of Secure Boot. */
int secure_boot_events(struct walk *w, struct pcrcast_error *e);
