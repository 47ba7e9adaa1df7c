/*
 * systemd-stub, systemd-boot and addons: who an image says it is, and what its version does.
 *
 * What differs between versions is a row of a table here; the stages in predict/ read the row. A new
 * release means a new row and a recorded boot that proves it.
 */
#pragma once

#include "uki/pe.h"

/* The sections of a Unified Kernel Image in the order in which they are measured (systemd uki.h: UnifiedSection). */
enum uki_section {
	UKI_LINUX,
	UKI_OSREL,
	UKI_CMDLINE,
	UKI_INITRD,
	UKI_UCODE,
	UKI_SPLASH,
	UKI_DTB,
	UKI_UNAME,
	UKI_SBAT,
	UKI_PCRSIG, /* never measured */
	UKI_PCRPKEY,
	UKI_PROFILE,
	UKI_DTBAUTO,
	UKI_HWIDS,
	UKI_EFIFW,
	UKI_SECTIONS,
};

extern const char *const uki_section_names[UKI_SECTIONS];

#define UKI_BIT(s) (1u << (s)) /* a set of sections: one bit each */

enum sd_kind {
	SD_NONE,
	SD_STUB,
	SD_BOOT,
	SD_ADDON,
};

/* "257.13-1~deb13u1" is 257, minor 13; "254" is 254, minor 0. */
struct sd_version {
	unsigned major, minor;
};

struct sd_identity {
	enum sd_kind kind;
	struct sd_version version; /* 0, 0 when text is not a version */
	const char *text;          /* as in the file; from the pool given */
};

/*
 * Find "#### LoaderInfo: systemd-stub VERSION ####". It lies in section .sdmagic; in systemd-stub 252 for
 * arm64 it lies in bytes that belong to no section, so those are searched too. The section contents of
 * an image (its kernel, its initrd) are not. kind is SD_NONE when there is no such text.
 */
int sd_identify(struct pool *pool, const struct pe *pe, struct sd_identity *ret, struct pcrcast_error *e);

/* How sections are found by name. */
enum section_match {
	MATCH_PREFIX_LAST, /* every section whose name begins with the known name; the last one counts */
	MATCH_EXACT_FIRST, /* the whole name; the first one counts */
};

/* What becomes of control characters and blanks in a command line (mangle_stub_cmdline in systemd's util.c). */
enum mangle_rule {
	MANGLE_TRAILING,   /* bytes up to 0x1f become a space, spaces at the end are cut */
	MANGLE_BOTH_UNDEF, /* as MANGLE_BOTH, but the result for an all-blank text is undefined */
	MANGLE_BOTH,       /* bytes up to 0x20 and 0x7f become a space, those at both ends are cut */
};

enum addon_rule {
	ADDONS_NONE,
	ADDONS_EVENT_PER_DIRECTORY, /* command lines of one directory joined, mangled, one event each directory */
	ADDONS_JOINED_RAW,          /* all joined as they are, then mangled; one event */
	ADDONS_JOINED_MANGLED,      /* each one mangled, then joined; one event */
};

enum smbios_rule {
	SMBIOS_IGNORED,
	SMBIOS_RAW,     /* appended and measured as it is */
	SMBIOS_MANGLED, /* mangled first; nothing happens when that leaves nothing */
};

enum initrd_rule {
	INITRD_BASE_PADDED, /* .initrd is padded only when something follows it */
	INITRD_ALL_PADDED,  /* each part padded when there is .ucode or a generated part */
	INITRD_MANY_PADDED, /* each part padded when there are two or more */
};

enum console_rule {
	CONSOLE_NEVER,
	CONSOLE_APPENDED, /* console= words for what the hardware has, when the command line has none */
};

enum certainty {
	NO,
	YES,
	UNSURE, /* differs between point releases of this version, and which one began is not known */
};

struct stub_rules {
	struct sd_version from; /* the first version this row is for; it holds until the next row */
	uint32_t sections;      /* known sections, UKI_BIT each */
	enum section_match match;
	enum certainty sections_within_image; /* a section beyond SizeOfImage is passed over */
	enum mangle_rule mangle;
	enum certainty
		cvm_ignores_options; /* Secure Boot, confidential VM, no .cmdline: load options ignored */
	enum certainty
		any_control_char; /* a control character anywhere voids the load options, not only in front */
	bool blank_options_count; /* load options that mangle to nothing still replace .cmdline */
	enum addon_rule addons;
	uint32_t addon_sections;     /* an addon without any of these is ignored */
	bool addons_before_sections; /* in the log: addons are loaded ahead of the PCR 11 events */
	bool dtb_addons_last;        /* their events come behind those of the archives */
	enum smbios_rule smbios;
	bool counter_stripped;            /* NAME+3-1.efi has its companions in NAME.efi.extra.d */
	bool confext;                     /* *.confext.raw go into an archive of their own */
	enum certainty global_extensions; /* \loader\extensions is read */
	bool extra_literals;              /* .extra/os-release and .extra/profile */
	bool boot_secret;                 /* .extra/boot-secret, random per machine */
	enum initrd_rule initrd;
	bool initrd_joins_previous; /* an initrd registered before (by systemd-boot) is put in front */
	bool loads_kernel_image;    /* LoadImage() for .linux: firmware measures it when Secure Boot is off */
	enum certainty
		keeps_own_options; /* no command line at all: the kernel sees the stub's own load options */
	enum console_rule console;
	bool smbios_to_pcr1;
};

/*
 * The row for a version; the newest row for a version above all of them, and *ret_newer then says so. NULL
 * for a version below the oldest row.
 */
const struct stub_rules *stub_rules_for(struct sd_version v, bool *ret_newer);

/* "254", "254.26": for messages. */
const char *sd_version_text(struct pool *pool, struct sd_version v);
