/*
 * Predict what a machine will measure when it boots an image: a walk through the boot that appends the
 * events which firmware, boot loader, stub and kernel would log.
 */
#pragma once

#include "base/digest.h"
#include "base/efi/smbios.h"
#include "base/efi/variable_store.h"
#include "base/hash_jobs.h"
#include "eventlog/check.h"
#include "predict/image.h"
#include "predict/models.h"
#include "predict/userspace.h"
#include "uki/sections.h"

enum boot_secret {
	BOOT_SECRET_UNKNOWN,
	BOOT_SECRET_NONE,
	BOOT_SECRET_GIVEN,
};

enum { BOOT_SECRET_LEN = 32 };

/* What the user says about the machine. Zeros are the defaults. */
struct predict_options {
	const char *
		boot; /* path of the first EFI file in the ESP, or Boot#### of variables; NULL: \EFI\BOOT\BOOT<ARCH>.EFI */
	const char *entry; /* boot menu entry; NULL: the one systemd-boot would choose */
	bool has_profile;
	unsigned profile;
	bool has_load_options;
	struct slice load_options; /* bytes that the firmware passes to the first EFI file */
	unsigned
		failed_attempts; /* boot options tried before that loaded nothing; at most PREDICT_MAX_ATTEMPTS */
	bool failed_attempts_given; /* it is what the user says, 0 too */
	/*
	 * Boot options tried after these, in order, each of which came back: a path in the ESP, Boot#### of variables, or "none"
	 * for one that loaded nothing.
	 */
	const char *const *attempted;
	size_t n_attempted; /* at most PREDICT_MAX_ATTEMPTS */
	bool secure_boot, secure_boot_given;
	bool secure_boot_of_variables; /* set by predict(): not given, but the variables say it */
	bool secure_boot_absent; /* the firmware knows no Secure Boot and has no variable SecureBoot; it is off */
	bool secure_boot_exists; /* set by predict(): the variables show that the firmware knows Secure Boot */
	bool confidential_vm;
	bool cc; /* the registers are RTMR0 to RTMR3 of a TDX guest, and pcrs and banks are about these */
	unsigned cc_quirks;        /* CC_QUIRK_ bits */
	const char *const *smbios; /* "KEY=VALUE" OEM strings of the first type 11 structure, in order */
	size_t n_smbios;
	/* The machine's SMBIOS table, which holds all OEM strings too: those of smbios have to be among them. NULL: not known. */
	const struct smbios_table *smbios_table;
	bool console_known; /* consoles are all that systemd-stub 261+ would append */
	const char *const *consoles;
	size_t n_consoles;
	enum boot_secret boot_secret;
	uint8_t boot_secret_bytes[BOOT_SECRET_LEN];
	struct hardware hardware;
	/* "DEVICE:UUID:DIRECTORY": file systems besides the ESP that GRUB reads; UUID may be empty */
	const char *const *grub_volumes;
	size_t n_grub_volumes;
	bool exit_given;          /* what follows was given */
	bool exit_in_state;       /* after_state is of a time when the boot services had ended */
	unsigned exit_failures;   /* calls of ExitBootServices() before the one that succeeds */
	bool exit_failures_terse; /* their invocation is not measured, as in EDK2 before edk2-stable202411 */
	const struct firmware_variables *variables; /* NULL: nothing is known of them */
	const struct firmware_model *model;         /* NULL: EDK2 */
	unsigned firmware_version;                  /* of a model that measures one; 0: the newest */
	enum memory_encryption memory_encryption;
	/* The firmware's own events are taken from this log, which outlives the call; NULL: none. Its name is for texts. */
	const struct eventlog *baseline;
	const char *baseline_name;
	const struct pcr_values *after_state; /* registers when the image gets control; NULL: from reset */
	bool kexec; /* with after_state: kexec starts the image, so that nothing of it is measured before userspace */
	struct userspace_options userspace;
	alg_set banks; /* 0: SHA-256 */
	uint32_t pcrs; /* bit i: PCR i is wanted; only these are hashed. 0: PREDICT_DEFAULT_PCRS */
};

/* How a TDX guest differs from one with EDK2 from stable202411 and without a TPM. */
enum {
	CC_QUIRK_SEPARATOR =
		1 << 0, /* the firmware extends RTMR0 with the separator of RTMR1 (EDK2 to stable202408) */
	CC_QUIRK_VTPM = 1 << 1, /* there is a TPM too: Linux' EFI stub measures to that only */
};

enum {
	PREDICT_CC_REGISTERS = 0x1e, /* RTMR0 to RTMR3, as enum cc_register counts them */
	PREDICT_MAX_ATTEMPTS = 1000,
	PREDICT_MAX_EXIT_FAILURES = 100,
	PREDICT_ALL_PCRS = 0xffff, /* what a boot can extend; the usual ones with a baseline */
	PREDICT_DEFAULT_PCRS = 1 << 4 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13,
};

struct assumption {
	const char *what, *value;
	const char *option; /* that would state it otherwise; NULL: there is none */
};

/* Why a register has no value. */
struct unknown {
	uint32_t pcr;
	const char *reason;
	const char *option; /* that would supply what is missing; NULL: there is none */
};

/* What became of one event of the baseline log. */
struct baseline_event {
	uint32_t pcr, type;
	bool kept; /* it is among the prediction's events; else what the image makes of the boot is there instead */
	const char *reason; /* whose it is */
};

struct prediction {
	struct eventlog log; /* its pool owns everything here; events of all registers, in order */
	const struct assumption *assumptions;
	size_t n_assumptions;
	const struct unknown *unknowns;
	size_t n_unknowns;
	const char *const
		*notes; /* what the user should know besides: companions used, a version newer than known */
	size_t n_notes;
	const struct baseline_event *baseline; /* one for each event of the baseline log, in its order */
	size_t n_baseline;
	uint32_t incomplete; /* bit i: PCR i has no value */
	bool cc; /* PCRs, here and in events, unknowns, values and baseline, are CC registers: enum cc_register counts them */
	alg_set banks;
	struct pcr_bank values[ALG_COUNT]; /* for each alg in banks */
};

#define PREDICTION_INIT ((struct prediction){ .log = EVENTLOG_INIT })

/* ret is to be done with prediction_done whatever is returned. img must outlive it only during the call. */
int predict(struct image *img, const struct predict_options *opt, struct prediction *ret,
	    struct pcrcast_error *e);

void prediction_done(struct prediction *p);

/* Bank alg after userspace has extended PCR 11 with the words of a phase path (see uki_measure_phase). */
int predict_phase(const struct prediction *p, enum alg alg, const char *path, struct pcr_bank *ret,
		  struct pcrcast_error *e);
