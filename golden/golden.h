/*
 * Reference ("golden") values: what registers may hold, who says so, and how strictly it is meant. Every format of
 * reference values reads into this model and is written from it.
 *
 * A file may speak of several kinds of machine (a cloud, a variant of an image): it is a list of sets.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/slice.h"
#include "eventlog/check.h"
#include "eventlog/eventlog.h"

/* Where a value came from. */
enum golden_origin {
	GOLDEN_STATED,   /* a reference file states it and does not say why */
	GOLDEN_COMPUTED, /* from the bytes of an image */
	GOLDEN_CONSTANT, /* fixed by a document or program */
	GOLDEN_OBSERVED, /* a machine had it: a log, a quote or a dump of its registers */
	GOLDEN_ASSUMED,  /* an option or its default is behind it */
	GOLDEN_ORIGINS,
};

/* "stated", "computed", …; GOLDEN_ORIGINS when there is none of that name. */
const char *golden_origin_name(enum golden_origin origin);
enum golden_origin golden_origin_by_name(const char *name);

/* One accepted value of a register. */
struct golden_value {
	uint8_t bytes[DIGEST_MAX]; /* the first algs[alg].len count, alg being the register's */
	enum golden_origin origin;
	const char *
		label; /* which of several it is: a phase path ("enter-initrd:leave-initrd"), the name of a variant; NULL */
};

/* A register and the values that it may hold; in a format that orders its values (phases), they are in that order. */
struct golden_register {
	enum alg alg;
	uint32_t index; /* PCR 0..23; in a CC set 0 is MRTD, 1..4 are RTMR0..3 */
	bool warn_only; /* another value is worth a warning and no refusal */
	struct golden_value *values;
	size_t n, cap; /* at least one value */
};

/* What a reference is for. NULL: not said. The words are those of the format that has them. */
struct golden_identity {
	const char *image;  /* name of the image or component */
	const char *vendor; /* CoMID: class.vendor */
	const char *csp;    /* Constellation: "AWS", "Azure", "GCP", "OpenStack", "QEMU" */
	const char
		*variant; /* Constellation: attestationVariant ("aws-nitro-tpm"); RVPS: "tpm", "snp", "tdx" */
	const char *version, *ref, *stream;
};

/* A policy over registers of one bank, perhaps signed: an entry of systemd's tpm2-pcr-signature.json. */
struct golden_policy {
	enum alg alg;
	uint32_t pcrs;           /* bit i: PCR i */
	const char *label;       /* phase path, if the source says; NULL */
	uint8_t digest[32];      /* "pol": PolicyPCR digest, session hash SHA-256 */
	bool has_fingerprint;    /* "pkfp" is there */
	uint8_t fingerprint[32]; /* SHA-256 of the public key as PKCS #1 DER */
	struct slice signature;  /* "sig"; empty: none */
	const char *ref;         /* "ref": policyRef that goes with the signature (systemd 262); NULL: none */
};

/*
 * A statement about something that is measured, for formats that speak of digests of components and not of registers
 * (Keylime's measured-boot state). Claims of one group belong together: one accepted kernel is a group.
 */
struct golden_claim {
	const char *
		role; /* stable word: "scrtm", "platform-firmware", "shim", "grub", "kernel", "initrd", "cmdline", "db", … */
	size_t group;       /* claims of one role and different groups are alternatives */
	enum alg alg;       /* of bytes when they are a digest; ALG_COUNT: they are not */
	struct slice bytes; /* digest, or data (a certificate); empty when text is set */
	const char *text;   /* a pattern or word; NULL: bytes count */
	const char *owner;  /* GUID text of a signature's owner; NULL */
};

/* A field of some format that the model has no place for, kept so that the same format can write it back. */
struct golden_extra {
	const char *format; /* its name in golden_formats */
	const char *key;
	const char *json; /* the value as compact JSON text */
};

struct golden_set {
	struct golden_identity id;
	bool cc;                           /* registers are CC measurement registers */
	struct golden_register *registers; /* by bank, then by index; no two of the same */
	size_t n_registers, cap_registers;
	struct eventlog *log; /* the events behind the values, owned by the golden; NULL: not known */
	struct golden_policy *policies;
	size_t n_policies, cap_policies;
	struct golden_claim *claims;
	size_t n_claims, cap_claims;
	struct golden_extra *extras;
	size_t n_extras, cap_extras;
};

/* Reference values of a file, or made. Everything comes from pool. */
struct golden {
	struct pool pool;
	const char *format; /* that it was read from, "image" or "event log"; NULL: made otherwise */
	struct golden_set *sets;
	size_t n, cap;
	const char **notes; /* what was odd or left out on reading, for people */
	size_t n_notes, cap_notes;
};

#define GOLDEN_INIT ((struct golden){ .pool = POOL_INIT })

void golden_done(struct golden *g);

/* ---- building ---- */

/*
 * Values of a register: more than anybody lists, and few enough that looking each one up among the others takes no time. A hostile
 * file holds hundreds of thousands.
 */
enum { GOLDEN_MAX_SETS = 1024, GOLDEN_MAX_VALUES = 4096 };

/* A new, empty set at the end; good until the next is added. NULL with e filled: memory or GOLDEN_MAX_SETS. */
struct golden_set *golden_add_set(struct golden *g, struct pcrcast_error *e);

/* Does --set NAME mean this set? Its csp, variant or image is NAME, or "CSP/VARIANT" is. */
bool golden_set_called(const struct golden_set *s, const char *name);

/* The register of a set, made when it is not there (without values then, so add one). NULL with e filled: index out of range, memory. */
struct golden_register *golden_register(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index,
					struct pcrcast_error *e);

/* The register of a set; NULL when it has none. */
const struct golden_register *golden_find(const struct golden_set *s, enum alg alg, uint32_t index);

/*
 * Add an accepted value; label is copied. A value of another length than the bank's is PCRCAST_EFORMAT. The same value
 * with the same label a second time changes nothing.
 */
int golden_add_value(struct golden *g, struct golden_set *s, enum alg alg, uint32_t index, struct slice value,
		     enum golden_origin origin, const char *label, struct pcrcast_error *e);

/* Every known value of values, as one set's. */
int golden_add_pcr_values(struct golden *g, struct golden_set *s, const struct pcr_values *values,
			  enum golden_origin origin, struct pcrcast_error *e);

struct golden_policy *golden_add_policy(struct golden *g, struct golden_set *s, struct pcrcast_error *e);
struct golden_claim *golden_add_claim(struct golden *g, struct golden_set *s, struct pcrcast_error *e);
int golden_add_extra(struct golden *g, struct golden_set *s, const char *format, const char *key,
		     const char *json, struct pcrcast_error *e);

int golden_note(struct golden *g, struct pcrcast_error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The set takes log over (on failure too), whose memory must come from log->pool or outlive g. It states no value by that. */
int golden_keep_log(struct golden *g, struct golden_set *s, struct eventlog *log, struct pcrcast_error *e);

/*
 * Replay log and state the value of every register that it extends, in the banks that it has; log is
 * taken over as golden_keep_log() does.
 */
int golden_take_log(struct golden *g, struct golden_set *s, struct eventlog *log, enum golden_origin origin,
		    struct pcrcast_error *e);

/*
 * Make one set of all, which must be of the same kind of registers: a register's values are those of every set, labelled
 * with the variants that have them (no label: all). A boot then may have the value of one variant in one register and that
 * of another in the next, which a note says; so does one for each register that is left out because a set has no value of it.
 * The set has no events, policies, claims or extras. The first set's identity stays, without the variant.
 */
int golden_merge_sets(struct golden *g, struct pcrcast_error *e);

/* The banks that a set has values in. */
alg_set golden_banks(const struct golden_set *s);

/* The values of a bank, where each register has exactly one; PCRCAST_EINVAL names the first that has several. */
int golden_single_values(const struct golden_set *s, enum alg alg, struct pcr_values *ret,
			 struct pcrcast_error *e);

/* "4", or "mrtd", "rtmr0" … for a CC set; written to buf where need be. */
const char *golden_register_name(const struct golden_set *s, uint32_t index, char buf[static 12]);
