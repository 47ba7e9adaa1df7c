/*
 * Firmware as clouds and makers run it: what is known of the events that are not the image's. Private to predict/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_OPEN_MAX = 4 };

/* How PCR 4 begins. */
enum model_attempts {
	ATTEMPTS_EDK2, /* "Calling EFI Application from Boot Option", separator; two more actions for each failed attempt */
	ATTEMPTS_UNKNOWN, /* machines differ, or nobody has shown a log */
};

/* What PCR 0 holds. */
enum model_version {
	VERSION_UNKNOWN,
	VERSION_GCE, /* Compute Engine: a version text, and which technology encrypts the memory */
};

/* What is measured of the firmware when it is a Compute Engine's. */
enum memory_encryption {
	ENCRYPTION_NOT_SAID,
	ENCRYPTION_NONE,
	ENCRYPTION_SEV,
	ENCRYPTION_SEV_ES,
	ENCRYPTION_TDX,
	ENCRYPTION_SEV_SNP,
	ENCRYPTIONS,
};

/* "none", "sev", …; ENCRYPTIONS: there is none of that name. */
enum memory_encryption memory_encryption_by_name(const char *name);

struct firmware_model {
	const char *name;   /* for --model */
	const char *title;  /* for people */
	const char *source; /* where it is shown */
	enum model_attempts attempts;
	enum model_version version;
	uint32_t separator_only; /* bit i: PCR i holds nothing but the separator */
	struct {
		uint32_t pcrs;
		const char *reason;
	} open[MODEL_OPEN_MAX]; /* registers that need more than is known, up to pcrs 0 */
};

/* NULL: there is none of that name. The first row is the default, EDK2 as it comes with QEMU. */
const struct firmware_model *firmware_model_by_name(const char *name);
const struct firmware_model *firmware_model_default(void);

/* "edk2, gcp, …" for messages. */
#define FIRMWARE_MODELS "edk2, gcp, aws, azure, vmware, bare-metal"

struct walk;
struct pcrcast_error;

/* What the model's firmware measures into PCR 0 before it boots anything. */
int model_version_events(struct walk *w, struct pcrcast_error *e);

/* Name the registers that the model leaves open; *ret_said: those for which it has a word of its own. */
int model_name_open(struct walk *w, uint32_t *ret_said, struct pcrcast_error *e);
