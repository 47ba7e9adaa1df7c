/*
 * The options that say how an image is booted: for every verb that predicts.
 */
#pragma once

#include "cli/cli.h"
#include "predict/constellation.h"
#include "predict/predict.h"

/* What getopt returns for them; the codes of the verbs begin at 256. */
enum {
	PREDICT_OPT_FIRST = 1024,
	OPT_BOOT = PREDICT_OPT_FIRST,
	OPT_ENTRY,
	OPT_PROFILE,
	OPT_LOAD_OPTIONS,
	OPT_LOAD_OPTIONS_HEX,
	OPT_FAILED_ATTEMPTS,
	OPT_ATTEMPTED,
	OPT_SECURE_BOOT,
	OPT_CONFIDENTIAL_VM,
	OPT_SMBIOS,
	OPT_SMBIOS_TABLES,
	OPT_CONSOLE,
	OPT_BOOT_SECRET,
	OPT_HWID,
	OPT_DT_COMPATIBLE,
	OPT_PHASE,
	OPT_MODEL,
	OPT_VARIABLES,
	OPT_VARIABLES_DICTIONARY,
	OPT_PK,
	OPT_KEK,
	OPT_DB,
	OPT_DBX,
	OPT_EXIT_BOOT_SERVICES,
	OPT_CC,
	OPT_CC_QUIRK,
	OPT_FIRMWARE_VERSION,
	OPT_MEMORY_ENCRYPTION,
	OPT_BASELINE,
	OPT_AFTER_STATE,
	OPT_KEXEC,
	OPT_MACHINE_ID,
	OPT_FILE_SYSTEM,
	OPT_VOLUME_KEY,
	OPT_CLUSTER_ID,
	OPT_OS_SEPARATOR,
	OPT_NVPCR_INIT,
	OPT_NVPCR_SEPARATOR,
	OPT_BOOT_AGGREGATE,
	OPT_IMA_TEMPLATE,
	OPT_IMA_HASHES,
	OPT_VARIANT,
	OPT_GRUB_VOLUME,
};

/* Rows for a verb's table of options, in the order of the man page. */
// clang-format off
#define PREDICT_OPTION_ROWS \
	{ "boot", 0, "PATH|Boot####", OPT_BOOT, \
	  "first EFI file inside the ESP, or a boot option of --variables (default \\EFI\\BOOT\\BOOT<ARCH>.EFI)" }, \
	{ "entry", 0, "ID", OPT_ENTRY, \
	  "boot menu entry to follow (default: the one the boot loader would choose)" }, \
	{ "profile", 0, "N", OPT_PROFILE, "UKI profile" }, \
	{ "grub-volume", 0, "DEVICE:UUID:DIR", OPT_GRUB_VOLUME, \
	  "what GRUB reads besides the ESP, as hd0,gpt2:UUID:/boot (repeatable)" }, \
	{ "load-options", 0, "TEXT", OPT_LOAD_OPTIONS, \
	  "load options for the first EFI file (UTF-16LE, no NUL added)" }, \
	{ "load-options-hex", 0, "HEX", OPT_LOAD_OPTIONS_HEX, "the same as exact bytes" }, \
	{ "failed-attempts", 0, "N", OPT_FAILED_ATTEMPTS, \
	  "boot options tried before this one that loaded nothing (default 0)" }, \
	{ "attempted", 0, "PATH|Boot####|none", OPT_ATTEMPTED, \
	  "one tried after those, which came back, or loaded nothing (repeatable, in order)" }, \
	{ "model", 0, "NAME", OPT_MODEL, \
	  "edk2 (the default), gcp, aws, azure, vmware, bare-metal; constellation: what its own tool computes" }, \
	{ "firmware-version", 0, "N", OPT_FIRMWARE_VERSION, "with gcp: of the virtual firmware (default 2)" }, \
	{ "memory-encryption", 0, "NAME", OPT_MEMORY_ENCRYPTION, "with gcp: none, sev, sev-es, tdx or sev-snp" }, \
	{ "baseline", 0, "LOG", OPT_BASELINE, \
	  "take the firmware's own events from a recorded log; predicts PCR 0 to 15, or RTMRs (--cc)" }, \
	{ "after-state", 0, "FILE", OPT_AFTER_STATE, \
	  "start from these register values: the image has been loaded, no firmware events" }, \
	{ "kexec", 0, NULL, OPT_KEXEC, \
	  "with --after-state: kexec starts the image, only userspace measures from there on" }, \
	{ "secure-boot", 0, "on|off|absent", OPT_SECURE_BOOT, \
	  "Secure Boot (default: as --variables says, else off)" }, \
	{ "variables", 0, "STORE|none", OPT_VARIABLES, \
	  "the firmware's variables: OVMF_VARS.fd, JSON, UefiData, directory of efivars" }, \
	{ "variables-dictionary", 0, "FILE", OPT_VARIABLES_DICTIONARY, \
	  "what EC2's UefiData is compressed with" }, \
	{ "pk", 0, "[GUID:]FILE|none", OPT_PK, "the variable PK, in place of the store's" }, \
	{ "kek", 0, "[GUID:]FILE|none", OPT_KEK, "the variable KEK (repeatable)" }, \
	{ "db", 0, "[GUID:]FILE|none", OPT_DB, "the variable db (repeatable)" }, \
	{ "dbx", 0, "[GUID:]FILE|none", OPT_DBX, "the variable dbx (repeatable)" }, \
	{ "exit-boot-services", 0, "N[:terse]|none", OPT_EXIT_BOOT_SERVICES, \
	  "calls of ExitBootServices(), all but the last in vain (default 1); none: --after-state has them" }, \
	{ "confidential-vm", 0, NULL, OPT_CONFIDENTIAL_VM, "the machine is a confidential VM" }, \
	{ "cc", 0, NULL, OPT_CC, "RTMR0 to RTMR3 of a TDX guest (--pcr: 1 to 4) instead of PCRs" }, \
	{ "cc-quirk", 0, "NAME", OPT_CC_QUIRK, \
	  "of that guest: vtpm (it has a TPM too) or separator-in-rtmr0 (older firmware); repeatable" }, \
	{ "smbios", 0, "KEY=VALUE", OPT_SMBIOS, "SMBIOS type 11 string (repeatable)" }, \
	{ "smbios-tables", 0, "FILE|DIR", OPT_SMBIOS_TABLES, \
	  "the machine's SMBIOS table: /sys/firmware/dmi/tables, DMI in it, or dmidecode --dump-bin" }, \
	{ "console", 0, "ARG|none", OPT_CONSOLE, \
	  "what systemd-stub 261+ appends as console=ARG (repeatable)" }, \
	{ "boot-secret", 0, "none|HEX", OPT_BOOT_SECRET, \
	  "the 32 bytes of .extra/boot-secret (systemd-stub 261+)" }, \
	{ "hwid", 0, "GUID|none", OPT_HWID, "hardware id (CHID) of the machine, best first (repeatable)" }, \
	{ "dt-compatible", 0, "NAME|none", OPT_DT_COMPATIBLE, \
	  "first compatible string of the firmware's device tree" }, \
	{ "boot-aggregate", 0, "HASH", OPT_BOOT_AGGREGATE, \
	  "PCR 10 with IMA's first entry only; HASH is the kernel's (ima_hash=)" }, \
	{ "ima-template", 0, "NAME", OPT_IMA_TEMPLATE, "ima-ng (the default), ima-sig, ima-ngv2, ima-sigv2" }, \
	{ "ima-hashes", 0, "LIST", OPT_IMA_HASHES, \
	  "hashes that the kernel has built in; its entry in other banks is padded SHA-1" }, \
	{ "os-separator", 0, NULL, OPT_OS_SEPARATOR, \
	  "also the word that systemd 261+ puts into PCR 0-7, 9 and 12-14" }, \
	{ "nvpcr-init", 0, "NAME:0xINDEX:HEX", OPT_NVPCR_INIT, \
	  "PCR 9: an NvPCR that systemd 259+ sets up (repeatable)" }, \
	{ "nvpcr-separator", 0, NULL, OPT_NVPCR_SEPARATOR, "PCR 9: the word behind them" }, \
	{ "volume-key", 0, "NAME:UUID=FILE", OPT_VOLUME_KEY, \
	  "PCR 15: a volume of systemd-cryptsetup, its key in FILE (repeatable)" }, \
	{ "machine-id", 0, "ID", OPT_MACHINE_ID, "PCR 15: the machine id" }, \
	{ "file-system", 0, "FIELDS", OPT_FILE_SYSTEM, \
	  "PCR 15: a file system, as PATH:TYPE:UUID:LABEL:PARTUUID:PARTTYPE:PARTNAME (repeatable)" }, \
	{ "cluster-id", 0, "ID", OPT_CLUSTER_ID, "PCR 15: Constellation's cluster id, hex or base64" }, \
	{ "variant", 0, "AXIS=A,B", OPT_VARIANT, \
	  "every combination of the axes' values: any option above, image, file, addon, without (repeatable)" }, \
	{ "phase", 0, "WORD[:WORD…]", OPT_PHASE, "also PCR 11 after these userspace phases (repeatable)" }
// clang-format on

struct text_list {
	const char **items;
	size_t n, cap;
};

/* What is known of the firmware's variables: a store, and files of single ones. */
struct variable_arguments {
	const char *store;      /* --variables; NULL: not given */
	const char *dictionary; /* --variables-dictionary; NULL: not given */
	struct text_list pk, kek, db, dbx;
	struct firmware_variables variables;
};

struct predict_arguments {
	struct pool *pool;
	struct predict_options options; /* banks and pcrs are the verb's to set */
	struct text_list attempted, smbios, consoles, phases, grub_volumes, nvpcr_inits, file_systems;
	struct volume_key *volume_keys;
	size_t n_volume_keys, cap_volume_keys;
	struct guid *hwids;
	size_t n_hwids, cap_hwids;
	struct variable_arguments firmware;
	bool none_console, none_hwid; /* the word "none" was given */
	bool any;                     /* one of the options was given */
	bool constellation;           /* the model is Constellation's tool */
	const char *baseline_path;    /* --baseline; NULL: not given */
	struct eventlog baseline;
	const char *smbios_path; /* --smbios-tables, once it is read the file itself; NULL: not given */
	struct smbios_table smbios_table;
	const char *after_state_path; /* --after-state; NULL: not given */
	struct pcr_values after_state;
	uint64_t given;          /* bit i: the option with code PREDICT_OPT_FIRST + i was given */
	struct text_list inputs; /* files and directories that the options read */

	/* predict_variants.h */
	struct predict_axis *axes;
	size_t n_axes, cap_axes;
	struct predict_combination *combinations; /* after predict_finish_options */
	size_t n_combinations;
};

/* Take one of these options, whose value is optarg. EXIT_TROUBLE after a message. */
int predict_take_option(struct predict_arguments *a, int code);

/* After the last option: EXIT_TROUBLE, after a message, when they contradict each other. */
int predict_finish_options(struct predict_arguments *a);
/* The same for the arguments of one combination. */
int predict_settle_options(struct predict_arguments *a);
/* Of a copy of arguments: options taken from now on leave the original's lists as they are. */
void predict_detach_lists(struct predict_arguments *copy);

/* Read the files that the options name into options.variables; part of predict_finish_options. */
int predict_read_variables(struct predict_arguments *a);

/* Remember a file or directory that is read. False: out of memory. */
bool predict_note_input(struct predict_arguments *a, const char *path);
/* Refuse to write target, which option names, over what the options read; after predict_finish_options. */
int predict_refuse_overwrite(const struct predict_arguments *a, const char *option, const char *target,
			     struct pcrcast_error *e);

/* Frees what the options have opened. */
void predict_done_options(struct predict_arguments *a);

/* Registers that the model predicts when none are named. */
uint32_t predict_default_pcrs(const struct predict_arguments *a);
/* And the bank, likewise. */
alg_set predict_default_banks(const struct predict_arguments *a);

/* predict(), by the model that was chosen; opt is a->options with banks and pcrs set. */
int predict_by_model(const struct predict_arguments *a, struct image *img, const struct predict_options *opt,
		     struct prediction *ret, struct pcrcast_error *e);
