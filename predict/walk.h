/*
 * The state of a walk through a boot, and the ways to add to it. Private to predict/.
 */
#pragma once

#include "base/utf16.h"
#include "predict/baseline.h"
#include "predict/predict.h"
#include "uki/signature.h"

/* Options of the user that only some boots read: one bit each in walk.used. */
enum walk_option {
	OPTION_CONSOLE = 1 << 0,
	OPTION_BOOT_SECRET = 1 << 1,
	OPTION_SMBIOS = 1 << 2,
	OPTION_HWID = 1 << 3,
	OPTION_DT_COMPATIBLE = 1 << 4,
	OPTION_LOAD_OPTIONS = 1 << 5,
	OPTION_PROFILE = 1 << 6,
	OPTION_GRUB_VOLUME = 1 << 7,
	OPTION_SMBIOS_TABLES = 1 << 8,
};

/* Who has verified an image: each measures an authority only the first time it is used. */
enum authority {
	AUTHORITY_FIRMWARE,
	AUTHORITY_SHIM,
	AUTHORITY_COUNT,
};

/* What the component at work tells EFI_CC_MEASUREMENT_PROTOCOL, compared with what it tells a TPM. */
enum cc_speech {
	CC_SAME,
	CC_SILENT,
	CC_WITHOUT_TAGGED, /* not the tagged events */
	CC_TAGGED_AS_IPL,  /* tagged events as EV_IPL, without the tag */
	CC_UNSURE,
};

/* How an image that boots nothing returns to who started it: the EFI_STATUS decides what that does next. */
enum way_back {
	BACK_NOT,         /* it does not, or how is not known */
	BACK_ERROR,       /* with an error other than these */
	BACK_NOT_FOUND,   /* EFI_NOT_FOUND */
	BACK_REFUSED,     /* EFI_SECURITY_VIOLATION or EFI_ACCESS_DENIED, from loading an image */
	BACK_UNCERTAIN,   /* with an error, or by somebody's choice with EFI_SUCCESS */
	BACK_APPLICATION, /* an application of which nothing is known */
};

/* Which job hashes which event. */
struct event_job {
	size_t event, job; /* event: index in the log */
};

struct walk {
	struct prediction *out;
	struct pool *pool; /* the prediction's */
	const struct predict_options *opt;
	struct predict_options
		*settled; /* the same, for what the inputs themselves settle before the first stage */
	const struct baseline *baseline; /* NULL: none */
	uint32_t
		wanted; /* registers to compute, as the prediction counts them: opt->pcrs, unless these are CC registers */
	struct image *img;
	struct hash_jobs *jobs;
	struct event_job *event_jobs;
	size_t n_event_jobs, cap_event_jobs;
	size_t cap_assumptions, cap_unknowns, cap_notes;

	/* SHA-256 of the certificates that are taken to be in db: each has signed an image on the way. */
	struct digest *trusted;
	size_t n_trusted, cap_trusted;
	uint64_t n_tried;     /* bytes of signatures that certificates of the variables were tried with */
	unsigned used;        /* OPTION_ bits, each set where the option is read; a note names the rest */
	bool menu_seen;       /* the boot went through a boot menu */
	bool smbios_measured; /* somebody has measured SMBIOS to PCR 1 already */
	struct smbios_handoff *smbios_handoff; /* of --smbios-tables; NULL: not asked for yet */
	bool partition_table_measured;
	struct slice *authorities[AUTHORITY_COUNT]; /* the event data that each has measured */
	size_t n_authorities[AUTHORITY_COUNT], cap_authorities[AUTHORITY_COUNT];

	enum cc_speech cc_speech; /* of the component at work */
	enum cc_speech cc_shim;   /* of shim, which goes on to measure images when others are at work */
	const char *cc_unsure;    /* CC_UNSURE: why */
	bool cc_smbios_unsure; /* whether the component at work measures SMBIOS structures without a TPM is not known */
	bool shim_speaks; /* it is shim that logs, whoever is at work */

	struct shim *shim; /* shim has run; NULL: not */
	struct {
		const char *path; /* NULL: what the options of the user say */
		struct slice options;
	} next_boot;   /* what the firmware boots after a restart */
	bool restarts; /* the machine does not go on, but boots that; what there was is forgotten */

	bool attempting;    /* what is walked through came back to the firmware, says the user */
	enum way_back back; /* how; set by walk_comes_back() */

	bool has_aggregate;  /* IMA's first entry is among the events, */
	size_t aggregate_at; /* here; its digest is made when all others are known */

	uint64_t n_text; /* bytes of texts, see walk_count_text() */

	struct source **temps; /* temporary files behind blobs; closed when the walk ends */
	size_t n_temps, cap_temps;
	struct tree **trees; /* file systems inside files; closed when the walk ends */
	size_t n_trees, cap_trees;
};

/* An EFI image about to be started, and what it is handed. */
struct start {
	struct tree *volume; /* where it was loaded from; companions are looked up there */
	bool alone;          /* but on the machine nothing is beside it */
	const char *path;    /* in volume, stored spelling, '\' between names and in front */
	const char
		*real_path; /* the name it has when it runs: boot counting renames files; same as path else */
	struct pe pe;       /* of the bytes handed to LoadImage() */
	struct sd_identity id;
	struct slice options;       /* LoadOptions, n bytes; p may be empty */
	const char *options_source; /* for event texts; NULL: the load options */
	bool options_of_user;       /* they are, or end in, what --load-options says */
	bool options_unknown;       /* they depend on what is not known */
	const char *why_unknown,
		*option_missing; /* the reason, and the option that would tell (may be NULL) */
	bool has_initrd;         /* a LoadFile2 initrd is registered */
	struct blob initrd;
	const char *initrd_source; /* for event texts */
	bool initrd_unknown;       /* it depends on what is not known */
	const char *why_initrd_unknown, *initrd_option;
};

/*
 * Events. description is for people; source says where the hashed bytes come from. All strings and slices
 * must live in the walk's pool or be constants.
 */
struct event_text {
	const char *description, *source;
};

/* An event whose digest covers bytes of the image (or made from it). */
int walk_event(struct walk *w, uint32_t pcr, uint32_t type, struct slice data, const struct blob *hashed,
	       struct event_text text, struct pcrcast_error *e);

/* An event whose digest covers bytes fixed by a document, program or option. */
int walk_event_bytes(struct walk *w, uint32_t pcr, uint32_t type, struct slice data, struct slice hashed,
		     enum event_origin origin, struct event_text text, struct pcrcast_error *e);

/* An event with a digest of its own in each bank; those of banks that are not computed are not read. */
int walk_event_digests(struct walk *w, uint32_t pcr, uint32_t type, struct slice data,
		       const struct digest digests[static ALG_COUNT], enum event_origin origin,
		       struct event_text text, struct pcrcast_error *e);
int walk_set_digests(struct walk *w, struct event *ev, const struct digest digests[static ALG_COUNT],
		     struct pcrcast_error *e);

/* An event of a recorded log, with its digests of each bank. ev may be EV_NO_ACTION. */
int walk_event_observed(struct walk *w, const struct eventlog *log, const struct event *ev,
			struct event_text text, struct pcrcast_error *e);

/* An event that will happen but whose digest cannot be known. Makes the register incomplete. */
int walk_event_unknown(struct walk *w, uint32_t pcr, uint32_t type, struct event_text text,
		       const char *reason, const char *option, struct pcrcast_error *e);

/* EV_IPL whose data is text as UTF-16 with a NUL, as systemd logs it. */
int walk_ipl(struct walk *w, uint32_t pcr, struct utf16 data, const struct blob *hashed,
	     struct event_text text, struct pcrcast_error *e);

/* EV_IPL to PCR 12 whose data and hashed bytes are a command line as UTF-16 with a NUL (tpm_log_load_options). */
int walk_command_line(struct walk *w, struct utf16 line, enum event_origin origin, struct event_text text,
		      struct pcrcast_error *e);

/* EV_EVENT_TAG: u32 tag, u32 length, text as UTF-16 with a NUL (tpm_log_tagged_event). */
int walk_tagged(struct walk *w, uint32_t pcr, uint32_t tag, const char *name, const struct blob *hashed,
		struct event_text text, struct pcrcast_error *e);

/* Make a register incomplete. */
int walk_unknown(struct walk *w, uint32_t pcr, const char *reason, const char *option,
		 struct pcrcast_error *e);

/* Say what was taken for granted, or what else the user should know; a second time the same says nothing. */
int walk_assume(struct walk *w, const char *what, const char *value, const char *option,
		struct pcrcast_error *e);
int walk_note(struct walk *w, const char *note, struct pcrcast_error *e);

/* What firmware makes of loading an image (PFP 1.06 section 10.2.5): the PCR 4 or 2 event. path may be NULL. */
int walk_image_load(struct walk *w, const struct pe *pe, const char *path, struct event_text text,
		    struct pcrcast_error *e);

/*
 * The same as a boot loader logs it that loads images itself: to PCR 4 as an application, whatever it is. path NULL: no device path
 * at all. linked: with the address that the image is linked for.
 */
int walk_application_load(struct walk *w, const struct pe *pe, const char *path, bool linked,
			  struct event_text text, struct pcrcast_error *e);

/*
 * EV_EFI_VARIABLE_AUTHORITY to PCR 7: data of the variable name that has let an image pass (firmware: one EFI_SIGNATURE_DATA).
 * Nothing when who has measured the same before.
 */
int walk_authority(struct walk *w, const char *name, const struct guid *guid, struct slice data,
		   enum authority who, struct pcrcast_error *e);

/* The firmware has measured an authority with this UEFI_VARIABLE_DATA without the walk. */
int walk_authority_before(struct walk *w, struct slice bytes, struct pcrcast_error *e);

/* UEFI_VARIABLE_DATA (PFP 1.06 section 10.4.2). Lives in the walk's pool. */
int walk_variable_data(struct walk *w, const char *name, const struct guid *guid, struct slice data,
		       struct slice *ret, struct pcrcast_error *e);

/*
 * What firmware makes of LoadImage() all in all: the authority that lets the image pass with Secure Boot, the disk's partition
 * table the first time, and walk_image_load. For an image that is judged to be accepted (or measured).
 */
int walk_load(struct walk *w, const struct pe *pe, const char *path, struct event_text text,
	      struct pcrcast_error *e);

/* The firmware has loaded this image and measured all that before the walk began. source is for errors. */
int walk_loaded_before(struct walk *w, const struct pe *pe, const char *source, struct pcrcast_error *e);

/* Will firmware load this image? */
enum verdict {
	IMAGE_ACCEPTED,
	IMAGE_REFUSED,  /* before it is measured */
	IMAGE_MEASURED, /* it is measured, but cannot be loaded */
	IMAGE_UNSURE,   /* with Secure Boot: signed, but by nobody known to be trusted */
};

/*
 * on_the_way: the boot goes through this image, so that its signer is taken to be trusted, and said to be.
 * *ret_why: what becomes of it and why, for any other verdict than IMAGE_ACCEPTED.
 */
int walk_judge_image(struct walk *w, const struct pe *pe, bool on_the_way, enum verdict *ret,
		     const char **ret_why, struct pcrcast_error *e);

/*
 * Another certificate of the variable (or of shim's list) name is about to be tried with the signature: PCRCAST_ELIMIT when these
 * were too many in this boot, each of which reads the signature anew.
 */
int walk_count_trial(struct walk *w, const char *name, const struct signature *s, struct pcrcast_error *e);

/*
 * n bytes of text from source are about to be kept, or made by joining: PCRCAST_ELIMIT when all those of the walk are too many. A
 * file system may show one large file under thousands of names.
 */
int walk_count_text(struct walk *w, uint64_t n, const char *source, struct pcrcast_error *e);

/* Open an EFI file of a volume as the image to start next; judging it and the event of loading it are the caller's. */
int walk_open_start(struct walk *w, struct tree *volume, const char *path, struct start *ret,
		    struct pcrcast_error *e);

/* Take OEM strings and hardware ids from the table, when there is one. PCRCAST_EINVAL: other strings were given. Before the first stage. */
int walk_settle_smbios(struct walk *w, struct pcrcast_error *e);

/*
 * Something reads SMBIOS type 11 strings, which it does not in a confidential VM: *ret is true. Says what is
 * assumed about them.
 */
int walk_reads_smbios(struct walk *w, bool *ret, struct pcrcast_error *e);

/* The option that these strings come from, and what this makes an event of one. */
const char *walk_smbios_option(const struct walk *w);
enum event_origin walk_smbios_origin(const struct walk *w);

/* The value of the first SMBIOS type 11 string with this key that a stage reads; NULL: none. */
int walk_smbios(struct walk *w, const char *key, const char **ret, struct pcrcast_error *e);

/* The SMBIOS structures that systemd-boot and systemd-stub 261+ measure to PCR 1, once a boot: whoever is first. */
int walk_smbios_structures(struct walk *w, struct pcrcast_error *e);

/*
 * The boot ends here, for the reason that error is about: whoever is at work returns to who started it. Returns error, which for
 * the boot that is predicted is one; an attempt before it goes on from here.
 */
int walk_comes_back(struct walk *w, enum way_back how, int error);

/* The machine is taken to be no confidential VM, where that makes a difference. */
int walk_no_confidential_vm(struct walk *w, struct pcrcast_error *e);

/*
 * A whole prediction: boot appends the events, which are then hashed and replayed. opt->pcrs says of which registers.
 */
int walk_boot(struct image *img, const struct predict_options *opt,
	      int (*boot)(struct walk *w, struct pcrcast_error *e), struct prediction *ret,
	      struct pcrcast_error *e);

/* The stages. Each appends the events of an image that has been loaded, and goes on to what it starts. */
int stage_firmware(struct walk *w, struct pcrcast_error *e);
/* Parts of it. */
/* What --boot names: a boot option of the variables, or else a path (NULL: not given) without load options. */
enum boot_place {
	BOOT_ON_ESP,    /* of the image, as far as can be told */
	BOOT_DEVICE,    /* a device, without a partition: of which disk is not known */
	BOOT_ELSEWHERE, /* another partition */
	BOOT_NETWORK,
	BOOT_FIRMWARE, /* an application within the firmware */
};
struct boot_option {
	const char *name; /* NULL: it is no boot option */
	const char *path; /* NULL: the removable-media file */
	enum boot_place place;
	struct slice load_options;
};
/* asked_by: the option of the user that gives the name, for errors. */
int firmware_boot_option(struct walk *w, const char *name, const char *asked_by, struct boot_option *ret,
			 struct pcrcast_error *e);
/*
 * Say which others the variables have the firmware try before this one, which boots the file path, unless the user has said
 * what was tried.
 */
int firmware_note_order(struct walk *w, const struct boot_option *option, const char *path,
			struct pcrcast_error *e);
/* PCRCAST_EINVAL when the boot option boots nothing that an image can hold; a note when it names another partition. */
int firmware_check_place(struct walk *w, const struct boot_option *option, struct pcrcast_error *e);
/* The one removable-media file that the ESP holds. */
int firmware_find_file(struct walk *w, const char **ret, struct pcrcast_error *e);
/* An attempt has ended, and the next begins: two actions in PCR 4. */
int firmware_next_attempt(struct walk *w, struct pcrcast_error *e);
/* The attempts before the boot that is predicted, as the user tells them (attempts.c). */
int firmware_attempts(struct walk *w, struct pcrcast_error *e);
int firmware_boot_variables(struct walk *w, struct pcrcast_error *e);
int firmware_exit_boot_services(struct walk *w, struct pcrcast_error *e);
int firmware_assumptions(struct walk *w, struct pcrcast_error *e);
int stage_image(struct walk *w, const struct start *s,
		struct pcrcast_error *e); /* whichever of these it is */
int stage_sdboot(struct walk *w, const struct start *s, struct pcrcast_error *e);
int stage_stub(struct walk *w, const struct start *s, struct pcrcast_error *e);
int stage_shim(struct walk *w, const struct start *s, struct pcrcast_error *e);
int stage_grub(struct walk *w, const struct start *s, struct pcrcast_error *e);

/* The kernel's EFI stub. source names the image in event texts. */
int stage_kernel(struct walk *w, const struct start *s, const char *source, struct pcrcast_error *e);

/* What the running system measures when asked for. */
int stage_userspace(struct walk *w, struct pcrcast_error *e);

enum { IMA_PCR = 10 }; /* CONFIG_IMA_MEASURE_PCR_IDX */

/* IMA's first entry: its place, and its digest when bank holds the registers of the boot in the kernel's hash. */
int ima_first_entry(struct walk *w, struct pcrcast_error *e);
int ima_finish(struct walk *w, const struct pcr_bank *bank, struct pcrcast_error *e);
