/*
 * EV_IPL: what boot loaders log. The event tells what was measured and the digest is of the thing itself; who wrote it
 * shows only in the form of the text.
 *
 * Sources: GRUB 2.12 commands/tpm.c and RHEL 8's 2.02; shim 16.1 mok.c; systemd 252 to 262 src/boot.
 */
#include "eventlog/event_body.h"

enum {
	PCR_GRUB_FILES = 9,
	PCR_KERNEL_CONFIG = 12, /* systemd-stub: command lines, credentials */
	PCR_OLD_CMDLINE = 8,    /* systemd-boot before 252 */
	STRAY_TEXT_MIN = 4,     /* characters; fewer are no sign of text */
	SHORT_TEXT = 160,       /* characters of a text in the summary */
};

static const struct {
	const char *prefix; /* as GRUB writes it, not part of what it hashes */
	const char *kind;
} grub[] = {
	{ "grub_cmd: ", "command" },
	{ "kernel_cmdline: ", "kernel command line" },
	{ "module_cmdline: ", "module command line" },
	{ "grub_cmd ", "command" },
	{ "grub_kernel_cmdline ", "kernel command line" },
	{ "grub_module_cmdline ", "module command line" },
};

/* Whole texts. systemd's are UTF-16, shim's ASCII. */
static const struct {
	const char *text, *writer, *kind;
} known[] = {
	{ "MokList", "shim", "variable" },
	{ "MokListX", "shim", "variable" },
	{ "MokSBState", "shim", "variable" },
	{ "MokListTrusted", "shim", "variable" },
	{ "MokPolicy", "shim", "variable" },
	{ "Credentials initrd", "systemd-stub", "initrd" },
	{ "Global credentials initrd", "systemd-stub", "initrd" },
	{ "System extension initrd", "systemd-stub", "initrd" },
	{ "Global system extension initrd", "systemd-stub", "initrd" },
	{ "Configuration extension initrd", "systemd-stub", "initrd" },
	{ "Global configuration extension initrd", "systemd-stub", "initrd" },
	{ "Entry credentials initrd", "systemd-boot", "initrd" },
	{ "Entry system extension initrd", "systemd-boot", "initrd" },
	{ "Entry configuration extension initrd", "systemd-boot", "initrd" },
};

/* Sections of a unified kernel image: UAPI.5 and systemd 262, uki.h. */
static const char *const sections[] = {
	".linux", ".osrel",  ".cmdline", ".initrd",  ".ucode",   ".splash", ".dtb",   ".uname",
	".sbat",  ".pcrsig", ".pcrpkey", ".profile", ".dtbauto", ".hwids",  ".efifw",
};

/* systemd-stub logs the same text for a section's name (hashed with its NUL) and for its content: the digest tells. */
static bool is_of_name(struct body *b, const char *section)
{
	struct slice name = { (const uint8_t *)section, strlen(section) + 1 };

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct slice logged = event_digest(b->ev, b->log, alg);
		struct digest d;

		if (logged.n && digest_of(alg, name, &d, NULL) == 0)
			return memcmp(logged.p, d.bytes, logged.n) == 0;
	}
	return false;
}

static void conclude(struct body *b, const char *writer, const char *kind, const char *string, bool wide)
{
	if (writer)
		body_text(b, &b->out.root, "writer", writer);
	if (kind)
		body_text(b, &b->out.root, "kind", kind);
	body_text(b, &b->out.root, "string", string);
	if (wide)
		body_text(b, &b->out.root, "encoding", "utf-16");
	body_summary(b, "%s%s%s%s%s", writer ? writer : "", writer ? " " : "", kind ? kind : "",
		     kind ? ": " : "", body_shorten(b, string, SHORT_TEXT));
}

void body_ipl(struct body *b)
{
	bool pcrs = b->log->kind != EVENTLOG_CC; /* else the register says little */
	char *string;
	enum text_kind text = body_text_of(b, b->ev->data, &string);

	if (text == TEXT_NONE) {
		/* Some GRUBs have a stray byte where the NUL should be the last: what is in front of it is still text. */
		const uint8_t *nul = memchr(b->ev->data.p, 0, b->ev->data.n);
		size_t n = nul ? (size_t)(nul - b->ev->data.p) : 0;

		text = n >= STRAY_TEXT_MIN ? body_text_of(b, (struct slice){ b->ev->data.p, n }, &string) :
					     TEXT_NONE;
		if (text == TEXT_NONE) {
			body_plain(b);
			return;
		}
		body_trouble(b, (struct slice){ nul + 1, b->ev->data.n - n - 1 },
			     "%zu bytes behind the NUL of the text", b->ev->data.n - n - 1);
	}
	bool wide = text == TEXT_UTF16;
	for (size_t i = 0; !wide && i < sizeof grub / sizeof grub[0]; i++) {
		size_t n = strlen(grub[i].prefix);

		if (strncmp(string, grub[i].prefix, n) == 0) {
			conclude(b, "GRUB", grub[i].kind, string + n, false);
			return;
		}
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(string, known[i].text) == 0 && wide == (strcmp(known[i].writer, "shim") != 0)) {
			conclude(b, known[i].writer, known[i].kind, string, wide);
			return;
		}
	for (size_t i = 0; wide && i < sizeof sections / sizeof sections[0]; i++)
		if (strcmp(string, sections[i]) == 0) {
			conclude(b, "systemd-stub",
				 is_of_name(b, sections[i]) ? "section name" : "section content", string,
				 true);
			return;
		}
	if (wide && (!pcrs || b->ev->pcr == PCR_KERNEL_CONFIG || b->ev->pcr == PCR_OLD_CMDLINE))
		conclude(b, NULL, "command line", string, true);
	else if (!wide && b->ev->pcr == PCR_GRUB_FILES && (*string == '/' || *string == '('))
		conclude(b, "GRUB", "file", string, false);
	else
		conclude(b, NULL, NULL, string, wide);
}
