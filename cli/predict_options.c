#define _GNU_SOURCE
#include "cli/predict_options.h"

#include <limits.h>
#include <string.h>

#include "base/utf16.h"

static bool push(struct predict_arguments *a, struct text_list *l, const char *item)
{
	const char **place = pool_push(a->pool, &l->items, &l->n, &l->cap, sizeof *place);

	if (place)
		*place = item;
	return place;
}

static int out_of_memory(void)
{
	fputs("pcrcast: out of memory\n", stderr);
	return EXIT_TROUBLE;
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

static int take_number(const char *option, const char *text, unsigned long most, unsigned *ret)
{
	unsigned long v;

	if (!parse_unsigned(text, most, &v))
		return usage_error("--%s %s: expected a number from 0 to %lu", option, text, most);
	*ret = (unsigned)v;
	return 0;
}

int predict_take_option(struct predict_arguments *a, int code)
{
	struct predict_options *p = &a->options;

	a->any = true;
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
		return take_number("failed-attempts", optarg, PREDICT_MAX_ATTEMPTS, &p->failed_attempts);
	case OPT_SECURE_BOOT:
		p->secure_boot = strcmp(optarg, "on") == 0;
		p->secure_boot_given = true;
		return p->secure_boot || strcmp(optarg, "off") == 0 ?
			       0 :
			       usage_error("--secure-boot %s: expected on or off", optarg);
	case OPT_MODEL:
		a->constellation = strcmp(optarg, "constellation") == 0;
		return a->constellation || strcmp(optarg, "edk2") == 0 ?
			       0 :
			       usage_error("--model %s: expected edk2 or constellation", optarg);
	case OPT_CONFIDENTIAL_VM:
		p->confidential_vm = true;
		return 0;
	case OPT_SMBIOS:
		if (!strchr(optarg, '=') || *optarg == '=')
			return usage_error("--smbios %s: expected KEY=VALUE", optarg);
		return push(a, &a->smbios, optarg) ? 0 : out_of_memory();
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
	case OPT_PHASE:
		if (!is_phase_path(optarg))
			return usage_error(
				"--phase \"%s\": expected words with : between them, or : for none", optarg);
		return push(a, &a->phases, optarg) ? 0 : out_of_memory();
	}
	return EXIT_TROUBLE;
}

int predict_finish_options(struct predict_arguments *a)
{
	struct predict_options *p = &a->options;

	if ((a->none_console && a->consoles.n) || (a->none_hwid && a->n_hwids))
		return usage_error("\"none\" was given beside a value");
	p->smbios = a->smbios.items;
	p->n_smbios = a->smbios.n;
	p->consoles = a->consoles.items;
	p->n_consoles = a->consoles.n;
	p->hardware.ids = a->hwids;
	p->hardware.n_ids = a->n_hwids;
	return 0;
}

uint32_t predict_default_pcrs(const struct predict_arguments *a)
{
	return a->constellation ? PREDICT_CONSTELLATION_PCRS : PREDICT_DEFAULT_PCRS;
}

int predict_by_model(const struct predict_arguments *a, struct image *img, const struct predict_options *opt,
		     struct prediction *ret, struct pcrcast_error *e)
{
	return a->constellation ? predict_constellation(img, opt, ret, e) : predict(img, opt, ret, e);
}

void predict_print_remarks(const struct prediction *p, uint32_t pcrs, bool quiet)
{
	for (size_t i = 0; i < p->n_unknowns; i++) {
		const struct unknown *u = &p->unknowns[i];

		if (u->pcr >= PCR_COUNT || !(pcrs & UINT32_C(1) << u->pcr))
			continue;
		fprintf(stderr, "PCR %u is not known: ", u->pcr);
		put_text(stderr, u->reason);
		if (u->option)
			fprintf(stderr, "; %s would tell", u->option);
		fputc('\n', stderr);
	}
	if (quiet)
		return;
	for (size_t i = 0; i < p->n_assumptions; i++) {
		fprintf(stderr, "assumed: %s ", p->assumptions[i].what);
		put_text(stderr, p->assumptions[i].value);
		if (p->assumptions[i].option)
			fprintf(stderr, " (%s)", p->assumptions[i].option);
		fputc('\n', stderr);
	}
	for (size_t i = 0; i < p->n_notes; i++) {
		fputs("note: ", stderr);
		put_text(stderr, p->notes[i]);
		fputc('\n', stderr);
	}
}
