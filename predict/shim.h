/*
 * shim, the first boot loader of many distributions: what its files here share. Private to predict/.
 *
 * Read for all of them: rhboot/shim 15, 15.1, 15.2, 15.4, 15.5, 15.6, 15.7, 15.8, 16.0 and 16.1 (shim.c, mok.c, sbat.c, pe.c, verify.c, tpm.c,
 * load-options.c, loader-proto.c, replacements.c, fallback.c, csv.c, cert.S, sbat_var.S).
 */
#pragma once

#include "predict/walk.h"

/* What shim writes into SbatLevel when it starts. */
enum shim_level {
	LEVEL_NONE,       /* it knows no SBAT */
	LEVEL_ORIGINAL,   /* a text without revocations, unless the variable looks like a level already */
	LEVEL_OF_CODE,    /* two texts in the code */
	LEVEL_OF_SECTION, /* two texts in section .sbatlevel */
	LEVEL_FOLLOWS_SECURITY, /* the same; with Secure Boot off the text without revocations comes back */
};

enum shim_options_rule {
	SHIM_OPTIONS_UNREAD, /* how this version reads load options is not known here */
	SHIM_OPTIONS_15, /* an empty name is a name; an EFI_LOAD_OPTION must end its paths with its first one */
	SHIM_OPTIONS_16,
};

/* What is measured of MokList and MokListX. */
enum shim_lists {
	LISTS_COMPLETE, /* with shim's own part in front, and a digest of zeros when there is nothing */
	LISTS_STORED,   /* the variables as they are, and those only that exist */
	LISTS_UNSURE,
};

/* What differs between versions (shim_rules.c). */
struct shim_rules {
	unsigned major, minor; /* the first version */
	bool unknown;          /* no version that is known here */
	bool patched; /* distributors have changed what is measured under this number: the build tells enum shim_lists, and nothing tells what is in PCR 7 */
	bool state_unsure;    /* and whether MokSBState and MokDBState are heeded (shim commit 822d07ad) */
	bool first_signature; /* of an image's signatures only the first counts */
	enum shim_level level;
	enum shim_options_rule options;
	bool zeros_whole;   /* load options are empty when all of them is zero; else when the first unit is */
	bool tries_default; /* when a second stage named by load options is not there, the default one is */
	bool options_file;  /* options.csv beside shim names the second stage */
	bool trusted;       /* MokListTrusted is measured */
	bool trusted_inverse;                /* as 1 when there is no such variable, and only then */
	bool trusted_pcr7;                   /* to PCR 7 as well as to PCR 14 */
	bool policy;                         /* MokPolicy is measured */
	bool certificate_files;              /* with Secure Boot shim_certificate*.efi beside shim is read */
	const char *const *revocation_files; /* and these; NULL at the end. NULL: none */
	bool runtime_list; /* images are looked up in MokListRT, with shim's own certificates in it, not in MokList */
	bool sbat_by_protocol; /* an image that is only verified through the protocol is held against SbatLevel, if it has .sbat */
	bool sbat_last; /* and any image after its signatures, whose authorities are measured by then */
	bool measures_first; /* the second stage is measured before it is verified, so that a refused one is, too */
	bool can_stay; /* the protocol outlasts the first image that the second stage starts, when that asks for it */
	bool load_image; /* with Secure Boot LoadImage() is replaced: shim verifies and measures, not the firmware */
	bool knows_sections; /* and a section of an image that it has loaded itself is taken without either */
};

/* NULL: none that is known here. */
const struct shim_rules *shim_rules_for(unsigned major, unsigned minor, bool *ret_newer);

/* A shim binary. Everything lives in the walk's pool. */
struct shim_image {
	const char *path;
	struct slice bytes;  /* the whole file */
	const char *version; /* "16.1" */
	const char *arch;    /* "x64" */
	const struct shim_rules *rules;
	enum shim_lists lists;
	struct slice vendor_cert;       /* DER */
	struct slice vendor_db;         /* signature lists instead of a certificate */
	struct slice vendor_dbx;        /* signature lists */
	struct slice build_cert;        /* DER of the certificate that its build made to sign its helpers */
	struct slice sbat;              /* content of .sbat */
	struct slice automatic, latest; /* the texts of .sbatlevel; 15.7 calls the first one "previous" */
	struct utf16 default_loader;    /* "\\grubx64.efi", with two backslashes */
	bool ignores_removable_options; /* built so that load options do not count under \EFI\BOOT\BOOT… */
};

/* Has the image shim's version text? Its helpers, MokManager and fallback, have its .sbat but not that. */
int shim_recognise(struct pool *pool, const struct pe *pe, bool *ret, struct pcrcast_error *e);

int shim_read(struct walk *w, const struct start *s, struct shim_image *ret, struct pcrcast_error *e);

/* ---- SBAT (shim_sbat.c) ---- */

struct sbat_entry {
	struct slice name; /* of a component */
	uint16_t generation;
};

struct sbat {
	const struct sbat_entry *entries;
	size_t n;
};

enum {
	SBAT_SECTION_COLUMNS = 6, /* of a row of .sbat */
	SBAT_LEVEL_COLUMNS = 2,   /* of a row of SbatLevel; the first row has one more */
};

/* A level without revocations. */
#define SBAT_LEVEL_ORIGINAL "sbat,1,2021030218\n"

/* NULL: read. Else why shim refuses the text (from pool). */
const char *sbat_read(struct pool *pool, struct slice text, size_t columns, struct sbat *ret);

/* NULL: nothing of the image is revoked. Else what is (from pool). */
const char *sbat_revoked(struct pool *pool, const struct sbat *image, const struct sbat *level);

/* Does shim from 15.6 on leave the variable as it is, rather than replace it by the candidate? */
bool sbat_level_stays(struct slice variable, struct slice candidate);

/* ---- a run of shim ---- */

struct shim_authority {
	const char *name;
	const struct guid *guid;
	struct slice data; /* p NULL: not known what */
};

struct shim {
	struct walk *w;
	struct shim_image image;
	struct tree *volume; /* where it lies */
	bool secure; /* it verifies what it loads: Secure Boot is on, and MokSBState does not say otherwise */
	bool ignore_db;                    /* MokDBState */
	struct slice mok_list, mok_list_x; /* MokList and MokListX, as the variables are */
	struct slice mok_list_rt;          /* as measured: shim's own certificates in front */
	struct slice mok_list_x_rt;        /* MokListX with shim's vendor dbx in front */
	struct sbat level;                 /* SbatLevel, when secure */
	unsigned n_started;                /* images since, the second stage among them */
	bool stays;                        /* the second stage has asked for that */
	bool gone;                         /* its protocol and hooks are */
	/* SHA-256 of signers' certificates that db is taken to hold, and each has an event of its own already. */
	struct digest *assumed;
	size_t n_assumed, cap_assumed;
	/* What lets the image pass that was judged last. */
	struct shim_authority *authorities;
	size_t n_authorities, cap_authorities;
};

/* A variable of shim's, in shim's namespace. Empty: there is none, or nothing is known of it, which is then an assumption. */
int shim_variable(struct shim *shim, const char *name, struct slice *ret, struct pcrcast_error *e);

/* The variable itself, or the copy that a running system sees of it. NULL *ret: there is none, or nothing is known of it. */
int shim_find_variable(struct shim *shim, const char *name, const struct firmware_variable **ret,
		       struct pcrcast_error *e);
/* Could the running system not have set it, by its attributes? 0: they are not known. */
bool shim_is_state(const struct firmware_variable *v);

/* SbatLevel as shim measures it, empty for one that knows none; with Secure Boot shim->level is set (shim_level.c). */
int shim_settle_level(struct shim *shim, struct slice *ret, struct pcrcast_error *e);

/* Why PCR 7 is not known behind a shim of these rules: patched. */
extern const char shim_patched_reason[];

/* What is measured of the variables when shim starts (shim_mok.c). */
int shim_import(struct shim *shim, struct pcrcast_error *e);

/* The second stage (shim_options.c): a path in the volume of shim, and what it is handed. */
struct shim_target {
	const char *path;
	struct slice options;
	bool named; /* by load options or options.csv */
};

/* As load options and options.csv have it. */
int shim_choose_target(struct shim *shim, const struct start *s, struct shim_target *ret,
		       struct pcrcast_error *e);
int shim_default_target(struct shim *shim, struct shim_target *ret, struct pcrcast_error *e);
/* A file beside the image at path. NULL: out of memory. */
char *shim_beside(struct pool *pool, const char *path, const char *name);
bool shim_on_removable_path(const char *path);

/*
 * Does shim let an image pass (shim_verify.c)? by_protocol: called through shim's protocol or LoadImage(), where an image may
 * lack .sbat. The rest as walk_judge_image(), with shim->authorities set for shim_log_authorities().
 */
int shim_judge(struct shim *shim, const struct pe *pe, bool by_protocol, bool on_the_way, enum verdict *ret,
	       const char **ret_why, struct pcrcast_error *e);
int shim_log_authorities(struct shim *shim, struct pcrcast_error *e);

/* ---- what comes after shim (shim.c) ---- */

/* An image that was loaded after shim is started. */
void shim_note_start(struct shim *shim, const struct start *s);
/* Do images that systemd-boot and systemd-stub load now pass through shim, rather than through the firmware alone? */
bool shim_in_charge(const struct shim *shim);
/* Is there shim's protocol SHIM_IMAGE_LOADER, which is so without Secure Boot too? shim may be NULL. */
bool shim_brings_loader(const struct shim *shim);
/* In the place of walk_judge_image() and walk_image_load() then. */
int shim_judge_later(struct shim *shim, const struct pe *pe, bool on_the_way, enum verdict *ret,
		     const char **ret_why, struct pcrcast_error *e);
int shim_image_load(struct shim *shim, const struct pe *pe, const char *path, struct event_text text,
		    struct pcrcast_error *e);
/*
 * systemd-stub starts the kernel inside a UKI with Secure Boot on. where names it in errors.
 */
int shim_inner_kernel(struct shim *shim, const struct pe *pe, const char *where, struct event_text text,
		      struct pcrcast_error *e);
/*
 * Verify() of shim's protocol, as GRUB calls it, with Secure Boot on or off: the event and, if the image passes, what lets it.
 * *ret_why: NULL, or why it does not pass (it is measured all the same).
 */
int shim_verify(struct shim *shim, const struct pe *pe, struct event_text text, const char **ret_why,
		struct pcrcast_error *e);

/* ---- fallback (fallback.c) ---- */

/* The path of fbx64.efi when shim starts it; NULL: it starts its second stage. */
int fallback_find(struct shim *shim, const char **ret, struct pcrcast_error *e);
/* What fallback makes the firmware boot next. */
int fallback_target(struct shim *shim, const char *fallback, struct shim_target *ret,
		    struct pcrcast_error *e);
