/*
 * Keylime's measured-boot reference state, as claims: what an event log says in these words, and what a state demands.
 *
 * Source: Keylime 7.14, keylime/policy/create_mb_policy.py (how a state is made of a log) and keylime/mba/elchecking/example.py (the
 * policy "example", which holds a log against a state). A digest is SHA-256 there, whatever other banks a log has.
 */
#pragma once

#include "base/efi/guid.h"
#include "golden/golden.h"

/* Claims of a state, by role; their names are keylime_role_names. */
enum keylime_role {
	KEYLIME_SECURE_BOOT, /* text "on" or "off" */
	KEYLIME_SCRTM,       /* EV_S_CRTM_VERSION; begins a group */
	KEYLIME_FIRMWARE,    /* firmware blobs, in order, in the group of an SCRTM */
	KEYLIME_PK,          /* signatures: owner and data */
	KEYLIME_KEK,
	KEYLIME_DB,
	KEYLIME_DBX,
	KEYLIME_VENDOR_DB,
	KEYLIME_MOK,  /* digests of shim's MokList, alternatives */
	KEYLIME_MOKX, /* of MokListX */
	KEYLIME_SHIM, /* Authenticode; these and the following make up a group: one way to boot */
	KEYLIME_GRUB,
	KEYLIME_KERNEL,      /* Authenticode; with Secure Boot */
	KEYLIME_KERNEL_FILE, /* of the whole file; without Secure Boot */
	KEYLIME_INITRD,
	KEYLIME_CMDLINE, /* text: a regular expression of Python */
	KEYLIME_ROLES,
};

extern const char *const keylime_role_names[KEYLIME_ROLES];

/* KEYLIME_ROLES when there is none of that name. */
enum keylime_role keylime_role_by_name(const char *name);

struct keylime_firmware {
	const struct golden_claim *scrtm;
	const struct golden_claim *const *blobs;
	size_t n_blobs;
};

struct keylime_kernel {
	const struct golden_claim
		*part[KEYLIME_ROLES]; /* KEYLIME_SHIM to KEYLIME_CMDLINE; NULL: not stated */
};

struct keylime_list {
	const struct golden_claim **claims;
	size_t n, cap;
};

/* A state. Everything borrows from the claims or is from the pool. */
struct keylime_state {
	bool secure_boot;
	struct keylime_firmware *firmware; /* alternatives */
	size_t n_firmware, cap_firmware;
	struct keylime_kernel *kernels; /* alternatives */
	size_t n_kernels, cap_kernels;
	struct keylime_list lists[KEYLIME_ROLES]; /* KEYLIME_PK to KEYLIME_MOKX */
};

/*
 * Order claims as a state. PCRCAST_EUNSUPPORTED: they are no state (a role is not Keylime's, or a group lacks a part); the message names
 * it. Claims of a group must follow each other.
 */
int keylime_state_of(struct pool *pool, const struct golden_claim *claims, size_t n,
		     struct keylime_state *ret, struct pcrcast_error *e);

/*
 * The claims that create_mb_refstate would make of a log. PCRCAST_EUNSUPPORTED names what the log lacks: Keylime knows boots by way of
 * firmware, shim, GRUB and a kernel only. The claims are from pool and may borrow from the log.
 */
int keylime_claims_of_log(struct pool *pool, const struct eventlog *log, struct golden_claim **ret,
			  size_t *ret_n, struct pcrcast_error *e);

/* ---- what both sides see in events ---- */

/* The text of an EV_IPL event (GRUB, shim): its data without the NUL at its end. */
struct slice keylime_string(const struct event *ev);

/* Does the text hold the words? */
bool keylime_contains(struct slice text, const char *words);

/* The command line of GRUB's event "kernel_cmdline: …" in PCR 8; false when ev is no such event. */
bool keylime_cmdline(const struct event *ev, struct slice *ret);

/* The signatures of a vendor_db authority event (owner and DER, once or more); false when the bytes are something else. */
bool keylime_vendor_signature(struct slice *rest, struct guid *ret_owner, struct slice *ret_data);
