/*
 * A machine that boots a shim, with the variables that a test gives it, and expectations on what shim measures to PCR 7
 * and 14. What is expected is made byte by byte from shim's sources (see predict/shim.h).
 */
#pragma once

#include "base/efi/signature_list.h"
#include "predict/shim.h"
#include "tests/unit/build_esp.h"
#include "tests/unit/build_shim.h"

#define SHIM_FIRST "EFI/BOOT/BOOTX64.EFI"
#define SBAT_ORIGINAL "sbat,1,2021030218\n"

struct built_file {
	uint8_t *p;
	size_t n;
};

struct shim_machine {
	struct esp *x;
	struct firmware_variables variables;
	struct firmware_variable items[16];
};

/* A machine without variables, of which every register is asked for. */
void shim_machine_start(struct shim_machine *f, struct esp *x);
/* Set a variable (anew); the bytes outlive the machine. */
void set_variable(struct shim_machine *f, const char *name, const struct guid *guid, uint32_t attributes,
		  const void *p, size_t n);
void set_mok(struct shim_machine *f, const char *name, const char *text);

/* Files of the ESP; what is returned lives as long as x. */
struct built_file put_shim(struct esp *x, const char *path, struct build_shim what);
struct built_file put_kernel(struct esp *x, const char *path);
/* A file of tests/data/signed. */
struct built_file read_signed(struct esp *x, const char *name);

/* One EFI_SIGNATURE_LIST with one signature; to be done with bytes_done. */
struct bytes signature_list(const struct guid *type, const struct guid *owner, const void *p, size_t n);
/* What shim makes of an empty list. */
struct bytes no_key(void);

/* The digest of an event is that of hashed. */
void check_digest(const struct esp *x, const struct event *ev, struct slice hashed);

/* The next event of PCR 7 or 14 that is not the firmware's. */
void expect_14(struct esp *x, const char *name, struct slice hashed);
void expect_14_bytes(struct esp *x, const char *name, struct bytes b); /* frees b */
void expect_7(struct esp *x, const char *name, const struct guid *guid, const void *p, size_t n);
void expect_7_text(struct esp *x, const char *name, const char *text);
void expect_no_more(struct esp *x);

/* How many images of this path were loaded, by what is in the events. */
size_t count_loads(const struct esp *x, const char *source);
/* The path of shim's second stage, "none" without one. */
const char *second_stage(const struct esp *x);
