/*
 * The options that say how an image is booted, one by one. What they mean together is in predict_settle.c.
 */
#include <limits.h>
#include <string.h>

#include "base/encode.h"
#include "base/utf16.h"
#include "cli/input.h"
#include "cli/predict_variants.h"

static bool push(struct predict_arguments *a, struct text_list *l, const char *item)
{
	const char **place = pool_push(a->pool, &l->items, &l->n, &l->cap, sizeof *place);

	if (place)
		*place = item;
	return place;
}

bool predict_note_input(struct predict_arguments *a, const char *path)
{
	return push(a, &a->inputs, path);
}

static int set_load_options(struct predict_arguments *a, const char *text, bool hex)
{
	struct predict_options *p = &a->options;
	struct pcrcast_error e;
	struct utf16 wide;

	if (p->has_load_options)
		return usage_error("load options were given twice");
	p->has_load_options = true;
	if (hex)
		return parse_hex(a->pool, text, &p->load_options) ?
			       0 :
			       usage_error("--load-options-hex %s: expected pairs of hex digits", text);
	if (utf16_of_utf8(a->pool, text, &wide, &e) < 0)
		return usage_error("--load-options: %s", e.msg);
	p->load_options = utf16_bytes(a->pool, wide, false);
	return p->load_options.p ? 0 : out_of_memory();
}

static int set_boot_secret(struct predict_arguments *a, const char *text)
{
	struct slice bytes;

	if (strcmp(text, "none") == 0) {
		a->options.boot_secret = BOOT_SECRET_NONE;
		return 0;
	}
	if (!parse_hex(a->pool, text, &bytes) || bytes.n != BOOT_SECRET_LEN)
		return usage_error("--boot-secret: expected none or %d hex digits", 2 * BOOT_SECRET_LEN);
	memcpy(a->options.boot_secret_bytes, bytes.p, BOOT_SECRET_LEN);
	a->options.boot_secret = BOOT_SECRET_GIVEN;
	return 0;
}

static int add_hwid(struct predict_arguments *a, const char *text)
{
	a->options.hardware.ids_known = true;
	if (strcmp(text, "none") == 0) {
		a->none_hwid = true;
		return 0;
	}
	struct guid *g = pool_push(a->pool, &a->hwids, &a->n_hwids, &a->cap_hwids, sizeof *g);
	if (!g)
		return out_of_memory();
	return guid_parse(text, g) ? 0 : usage_error("--hwid %s: expected a GUID or none", text);
}

/* "2" or "2:terse": one call in vain, then one that succeeds. "none": those of --after-state have been. */
static int set_exit_calls(struct predict_options *p, const char *text)
{
	static const char tail[] = ":terse";
	size_t n = strlen(text), k = strlen(tail);
	bool terse = n > k && strcmp(text + n - k, tail) == 0;
	unsigned long calls;
	char digits[8];

	p->exit_in_state = strcmp(text, "none") == 0;
	if (p->exit_in_state) {
		p->exit_given = true;
		return 0;
	}
	n -= terse ? k : 0;
	if (n >= sizeof digits)
		n = 0;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (!parse_unsigned(digits, PREDICT_MAX_EXIT_FAILURES + 1, &calls) || calls == 0)
		return usage_error(
			"--exit-boot-services %s: expected none or a number from 1 to %d, and perhaps :terse",
			text, PREDICT_MAX_EXIT_FAILURES + 1);
	p->exit_given = true;
	p->exit_failures = (unsigned)calls - 1;
	p->exit_failures_terse = terse;
	return 0;
}

static int take_number(const char *option, const char *text, unsigned long most, unsigned *ret)
{
	unsigned long v;

	if (!parse_unsigned(text, most, &v))
		return usage_error("--%s %s: expected a number from 0 to %lu", option, text, most);
	*ret = (unsigned)v;
	return 0;
}

static int take_cc_quirk(struct predict_options *p, const char *text)
{
	static const struct {
		const char *name;
		unsigned bit;
	} quirks[] = { { "vtpm", CC_QUIRK_VTPM }, { "separator-in-rtmr0", CC_QUIRK_SEPARATOR } };

	for (size_t i = 0; i < sizeof quirks / sizeof quirks[0]; i++)
		if (strcmp(quirks[i].name, text) == 0) {
			p->cc_quirks |= quirks[i].bit;
			return 0;
		}
	return usage_error("--cc-quirk %s: expected vtpm or separator-in-rtmr0", text);
}

/* Fields are separated by colons; systemd writes one inside a field as \\x3a. */
static size_t count_colons(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == ':';
	return n;
}

/* 32 hex digits, with dashes or without, in the form that is measured. */
static int set_machine_id(struct predict_arguments *a, const char *text)
{
	char *plain = pool_array(a->pool, strlen(text) + 1, 1), *p = plain;

	if (!plain)
		return out_of_memory();
	for (const char *t = text; *t; t++) {
		if (*t == '-' && strlen(text) == 36)
			continue;
		if (hex_digit((uint8_t)*t) < 0)
			return usage_error("--machine-id %s: expected 32 hex digits", text);
		*p++ = *t >= 'A' && *t <= 'F' ? (char)(*t - 'A' + 'a') : *t;
	}
	if (p - plain != 32)
		return usage_error("--machine-id %s: expected 32 hex digits", text);
	a->options.userspace.machine_id = plain;
	return 0;
}

/* The key is read from a file: command lines are public. */
static int add_volume_key(struct predict_arguments *a, const char *text)
{
	enum { KEY_MAX = 4096 }; /* bytes; dm-crypt's keys have 64 at most */
	struct volume_key *v =
		pool_push(a->pool, &a->volume_keys, &a->n_volume_keys, &a->cap_volume_keys, sizeof *v);
	const char *file = strchr(text, '=');
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };

	if (!v)
		return out_of_memory();
	if (!file || !file[1] || !(v->text = pool_text(a->pool, text, (size_t)(file - text))) ||
	    count_colons(v->text) != 1)
		return usage_error("--volume-key %s: expected NAME:UUID=FILE", text);
	if (!predict_note_input(a, file + 1))
		return out_of_memory();
	int r = input_read(a->pool, file + 1, KEY_MAX, &v->key, &e);
	if (r == 0 && v->key.n == 0)
		r = err_set(&e, PCRCAST_ETRUNC, 0, "an empty key");
	return r < 0 ? fail_at(file + 1, &e) : 0;
}

/* What is no DEVICE:UUID:DIR is refused where it is read. */
static int add_grub_volume(struct predict_arguments *a, const char *text)
{
	const char *dir = strchr(text, ':');

	dir = dir ? strchr(dir + 1, ':') : NULL;
	return push(a, &a->grub_volumes, text) && (!dir || predict_note_input(a, dir + 1)) ? 0 :
											     out_of_memory();
}

int predict_take_option(struct predict_arguments *a, int code)
{
	struct predict_options *p = &a->options;

	a->any = true;
	a->given |= UINT64_C(1) << (code - PREDICT_OPT_FIRST);
	switch (code) {
	case OPT_BOOT:
		p->boot = optarg;
		return 0;
	case OPT_ENTRY:
		p->entry = optarg;
		return 0;
	case OPT_PROFILE:
		p->has_profile = true;
		return take_number("profile", optarg, UINT_MAX - 1, &p->profile);
	case OPT_LOAD_OPTIONS:
	case OPT_LOAD_OPTIONS_HEX:
		return set_load_options(a, optarg, code == OPT_LOAD_OPTIONS_HEX);
	case OPT_FAILED_ATTEMPTS:
		p->failed_attempts_given = true;
		return take_number("failed-attempts", optarg, PREDICT_MAX_ATTEMPTS, &p->failed_attempts);
	case OPT_ATTEMPTED:
		if (a->attempted.n == PREDICT_MAX_ATTEMPTS)
			return usage_error("--attempted: more than %d times", PREDICT_MAX_ATTEMPTS);
		return empty_name(optarg)             ? EXIT_TROUBLE :
		       push(a, &a->attempted, optarg) ? 0 :
							out_of_memory();
	case OPT_SECURE_BOOT:
		p->secure_boot = strcmp(optarg, "on") == 0;
		p->secure_boot_absent = strcmp(optarg, "absent") == 0;
		p->secure_boot_given = true;
		return p->secure_boot || p->secure_boot_absent || strcmp(optarg, "off") == 0 ?
			       0 :
			       usage_error("--secure-boot %s: expected on, off or absent", optarg);
	case OPT_VARIABLES:
		if (a->firmware.store)
			return usage_error("--variables was given twice");
		a->firmware.store = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_VARIABLES_DICTIONARY:
		a->firmware.dictionary = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_PK:
		return push(a, &a->firmware.pk, optarg) ? 0 : out_of_memory();
	case OPT_KEK:
		return push(a, &a->firmware.kek, optarg) ? 0 : out_of_memory();
	case OPT_DB:
		return push(a, &a->firmware.db, optarg) ? 0 : out_of_memory();
	case OPT_DBX:
		return push(a, &a->firmware.dbx, optarg) ? 0 : out_of_memory();
	case OPT_EXIT_BOOT_SERVICES:
		return set_exit_calls(p, optarg);
	case OPT_MODEL:
		a->constellation = strcmp(optarg, "constellation") == 0;
		p->model = firmware_model_by_name(optarg);
		return a->constellation || p->model ?
			       0 :
			       usage_error("--model %s: expected " FIRMWARE_MODELS " or constellation",
					   optarg);
	case OPT_FIRMWARE_VERSION:
		return take_number("firmware-version", optarg, 999, &p->firmware_version);
	case OPT_MEMORY_ENCRYPTION:
		p->memory_encryption = memory_encryption_by_name(optarg);
		return p->memory_encryption != ENCRYPTIONS ?
			       0 :
			       usage_error(
				       "--memory-encryption %s: expected none, sev, sev-es, tdx or sev-snp",
				       optarg);
	case OPT_BASELINE:
		if (a->baseline_path)
			return usage_error("--baseline was given twice");
		a->baseline_path = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_AFTER_STATE:
		if (a->after_state_path)
			return usage_error("--after-state was given twice");
		a->after_state_path = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_KEXEC:
		p->kexec = true;
		return 0;
	case OPT_CONFIDENTIAL_VM:
		p->confidential_vm = true;
		return 0;
	case OPT_SMBIOS:
		if (!strchr(optarg, '=') || *optarg == '=')
			return usage_error("--smbios %s: expected KEY=VALUE", optarg);
		return push(a, &a->smbios, optarg) ? 0 : out_of_memory();
	case OPT_SMBIOS_TABLES:
		if (a->smbios_path)
			return usage_error("--smbios-tables was given twice");
		a->smbios_path = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_CONSOLE:
		p->console_known = true;
		if (strcmp(optarg, "none") == 0) {
			a->none_console = true;
			return 0;
		}
		optarg += strncmp(optarg, "console=", 8) == 0 ? 8 : 0;
		if (!*optarg)
			return usage_error("--console is empty: expected none or what follows console=");
		return push(a, &a->consoles, optarg) ? 0 : out_of_memory();
	case OPT_BOOT_SECRET:
		return set_boot_secret(a, optarg);
	case OPT_HWID:
		return add_hwid(a, optarg);
	case OPT_DT_COMPATIBLE:
		if (!*optarg)
			return usage_error("--dt-compatible is empty: expected a name or none");
		p->hardware.compatible_known = true;
		p->hardware.compatible = strcmp(optarg, "none") == 0 ? NULL : optarg;
		return 0;
	case OPT_OS_SEPARATOR:
		p->userspace.os_separator = true;
		return 0;
	case OPT_NVPCR_INIT:
		return count_colons(optarg) == 2 && push(a, &a->nvpcr_inits, optarg) ?
			       0 :
			       usage_error("--nvpcr-init %s: expected NAME:0xINDEX:HEX", optarg);
	case OPT_NVPCR_SEPARATOR:
		p->userspace.nvpcr_separator = true;
		return 0;
	case OPT_VOLUME_KEY:
		return add_volume_key(a, optarg);
	case OPT_MACHINE_ID:
		return set_machine_id(a, optarg);
	case OPT_FILE_SYSTEM:
		return count_colons(optarg) == 6 && push(a, &a->file_systems, optarg) ?
			       0 :
			       usage_error("--file-system %s: expected seven fields with colons between them",
					   optarg);
	case OPT_CLUSTER_ID:
		p->userspace.has_cluster_id = true;
		return hex_decode(a->pool, slice_of_string(optarg), &p->userspace.cluster_id) ||
				       base64_decode(a->pool, slice_of_string(optarg),
						     &p->userspace.cluster_id) ?
			       0 :
			       usage_error("--cluster-id %s: expected hex or base64", optarg);
	case OPT_BOOT_AGGREGATE:
		p->userspace.boot_aggregate = true;
		p->userspace.ima_hash = alg_by_name(slice_of_string(optarg));
		return p->userspace.ima_hash != ALG_COUNT ?
			       0 :
			       usage_error("--boot-aggregate %s: expected sha1, sha256, sha384 or sha512",
					   optarg);
	case OPT_IMA_HASHES:
		return parse_banks(optarg, &p->userspace.ima_hashes) ?
			       0 :
			       usage_error(
				       "--ima-hashes %s: expected all or names of sha1, sha256, sha384, sha512",
				       optarg);
	case OPT_IMA_TEMPLATE:
		p->userspace.ima_template_given = true;
		p->userspace.ima_template = ima_template_by_name(optarg);
		return p->userspace.ima_template != IMA_TEMPLATES ?
			       0 :
			       usage_error(
				       "--ima-template %s: expected ima-ng, ima-sig, ima-ngv2 or ima-sigv2",
				       optarg);
	case OPT_CC:
		p->cc = true;
		return 0;
	case OPT_CC_QUIRK:
		return take_cc_quirk(p, optarg);
	case OPT_VARIANT:
		return predict_add_variant(a, optarg);
	case OPT_GRUB_VOLUME:
		return add_grub_volume(a, optarg);
	case OPT_PHASE:
		if (!is_phase_path(optarg))
			return usage_error(
				"--phase \"%s\": expected words with : between them, or : for none", optarg);
		return push(a, &a->phases, optarg) ? 0 : out_of_memory();
	}
	return EXIT_TROUBLE;
}
