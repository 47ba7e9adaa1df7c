#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf16.h"
#include "cli/cli.h"
#include "eventlog/events_json.h"
#include "predict/predict.h"

enum {
	OPT_BOOT = 256,
	OPT_ENTRY,
	OPT_PROFILE,
	OPT_LOAD_OPTIONS,
	OPT_LOAD_OPTIONS_HEX,
	OPT_FAILED_ATTEMPTS,
	OPT_SECURE_BOOT,
	OPT_CONFIDENTIAL_VM,
	OPT_SMBIOS,
	OPT_CONSOLE,
	OPT_BOOT_SECRET,
	OPT_HWID,
	OPT_DT_COMPATIBLE,
	OPT_PHASE,
	OPT_BANK,
	OPT_PCR,
	OPT_EVENTS,
	OPT_WRITE_LOG,
	OPT_JSON,
	OPT_QUIET,
	OPT_COLOR,
	OPT_HELP,
};

static const struct option_row rows[] = {
	{ "boot", 0, "PATH", OPT_BOOT,
	  "first EFI file inside the ESP (default \\EFI\\BOOT\\BOOT<ARCH>.EFI)" },
	{ "entry", 0, "ID", OPT_ENTRY,
	  "boot menu entry to follow (default: the one systemd-boot would choose)" },
	{ "profile", 0, "N", OPT_PROFILE, "UKI profile" },
	{ "load-options", 0, "TEXT", OPT_LOAD_OPTIONS,
	  "load options for the first EFI file (UTF-16LE, no NUL added)" },
	{ "load-options-hex", 0, "HEX", OPT_LOAD_OPTIONS_HEX, "the same as exact bytes" },
	{ "failed-attempts", 0, "N", OPT_FAILED_ATTEMPTS,
	  "boot options tried and left before this one (default 0)" },
	{ "secure-boot", 0, "on|off", OPT_SECURE_BOOT, "Secure Boot (default off)" },
	{ "confidential-vm", 0, NULL, OPT_CONFIDENTIAL_VM, "the machine is a confidential VM" },
	{ "smbios", 0, "KEY=VALUE", OPT_SMBIOS, "SMBIOS type 11 string (repeatable)" },
	{ "console", 0, "ARG|none", OPT_CONSOLE,
	  "what systemd-stub 261+ appends as console=ARG (repeatable)" },
	{ "boot-secret", 0, "none|HEX", OPT_BOOT_SECRET,
	  "the 32 bytes of .extra/boot-secret (systemd-stub 261+)" },
	{ "hwid", 0, "GUID|none", OPT_HWID, "hardware id (CHID) of the machine, best first (repeatable)" },
	{ "dt-compatible", 0, "NAME|none", OPT_DT_COMPATIBLE,
	  "first compatible string of the firmware's device tree" },
	{ "phase", 0, "WORD[:WORD…]", OPT_PHASE, "also PCR 11 after these userspace phases (repeatable)" },
	{ "bank", 0, "LIST|all", OPT_BANK, "hash banks: sha1,sha256,sha384,sha512 (default sha256)" },
	{ "pcr", 0, "LIST", OPT_PCR, "registers, as 4,9,11-13 (the default)" },
	{ "events", 0, NULL, OPT_EVENTS, "list the events behind every value" },
	{ "write-log", 0, "FILE", OPT_WRITE_LOG, "write the prediction as a TCG crypto-agile event log" },
	{ "json", 0, NULL, OPT_JSON, "print JSON" },
	{ "quiet", 'q', NULL, OPT_QUIET, "no assumptions and notes on stderr" },
	{ "color", 0, "WHEN", OPT_COLOR, "auto (the default), always or never" },
	{ "help", 'h', NULL, OPT_HELP, "this list" },
	{ NULL, 0, NULL, 0, NULL },
};

struct list {
	const char **items;
	size_t n, cap;
};

struct arguments {
	struct pool pool;
	struct predict_options predict;
	struct list smbios, consoles, phases;
	struct guid *hwids;
	size_t n_hwids, cap_hwids;
	bool none_console, none_hwid; /* the word "none" was given */
	bool phases_left_out;         /* PCR 11 is not among those selected */
	bool pcrs_named, events, json, quiet;
	const char *write_log;
	const char *image;
};

static bool push(struct arguments *a, struct list *l, const char *item)
{
	const char **place = pool_push(&a->pool, &l->items, &l->n, &l->cap, sizeof *place);

	if (place)
		*place = item;
	return place;
}

static int out_of_memory(void)
{
	fputs("pcrcast: out of memory\n", stderr);
	return EXIT_TROUBLE;
}

static int set_load_options(struct arguments *a, const char *text, bool hex)
{
	struct predict_options *p = &a->predict;
	struct pcrcast_error e;
	struct utf16 wide;

	if (p->has_load_options)
		return usage_error("load options were given twice");
	p->has_load_options = true;
	if (hex)
		return parse_hex(&a->pool, text, &p->load_options) ?
			       0 :
			       usage_error("--load-options-hex %s: expected pairs of hex digits", text);
	if (utf16_of_utf8(&a->pool, text, &wide, &e) < 0)
		return usage_error("--load-options: %s", e.msg);
	p->load_options = utf16_bytes(&a->pool, wide, false);
	return p->load_options.p ? 0 : out_of_memory();
}

static int set_boot_secret(struct arguments *a, const char *text)
{
	struct slice bytes;

	if (strcmp(text, "none") == 0) {
		a->predict.boot_secret = BOOT_SECRET_NONE;
		return 0;
	}
	if (!parse_hex(&a->pool, text, &bytes) || bytes.n != BOOT_SECRET_LEN)
		return usage_error("--boot-secret: expected none or %d hex digits", 2 * BOOT_SECRET_LEN);
	memcpy(a->predict.boot_secret_bytes, bytes.p, BOOT_SECRET_LEN);
	a->predict.boot_secret = BOOT_SECRET_GIVEN;
	return 0;
}

static int add_hwid(struct arguments *a, const char *text)
{
	a->predict.hardware.ids_known = true;
	if (strcmp(text, "none") == 0) {
		a->none_hwid = true;
		return 0;
	}
	struct guid *g = pool_push(&a->pool, &a->hwids, &a->n_hwids, &a->cap_hwids, sizeof *g);
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

static int take_option(struct arguments *a, int code)
{
	struct predict_options *p = &a->predict;

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
	case OPT_BANK:
		return parse_banks(optarg, &p->banks) ?
			       0 :
			       usage_error("--bank %s: expected all or names of sha1, sha256, sha384, sha512",
					   optarg);
	case OPT_PCR:
		a->pcrs_named = true;
		return parse_pcrs(optarg, &p->pcrs) ?
			       0 :
			       usage_error("--pcr %s: expected numbers from 0 to 23, as 4,9,11-13", optarg);
	case OPT_EVENTS:
		a->events = true;
		return 0;
	case OPT_WRITE_LOG:
		if (strcmp(optarg, "-") == 0)
			return usage_error("--write-log -: standard output is for the values, name a file");
		a->write_log = optarg;
		return empty_name(optarg) ? EXIT_TROUBLE : 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_QUIET:
		a->quiet = true;
		return 0;
	case OPT_COLOR:
		return set_color(optarg) ? 0 :
					   usage_error("--color %s: expected auto, always or never", optarg);
	}
	return EXIT_TROUBLE;
}

/* 0 to go on, else the exit status + 1. */
static int take_arguments(struct arguments *a, int argc, char **argv)
{
	struct predict_options *p = &a->predict;
	int code;

	while ((code = next_option(argc, argv, rows)) != -1) {
		if (code == OPT_HELP) {
			print_help(
				"predict IMAGE [OPTION…]",
				"What the PCRs will be when a machine boots IMAGE: a disk image, an ESP directory or one EFI file.",
				rows);
			return EXIT_DONE + 1;
		}
		if (code == '?' || take_option(a, code) != 0)
			return EXIT_TROUBLE + 1;
	}
	if (optind + 1 != argc)
		return usage_error("predict needs one IMAGE, found %d", argc - optind) + 1;
	if ((a->none_console && a->consoles.n) || (a->none_hwid && a->n_hwids))
		return usage_error("\"none\" was given beside a value") + 1;
	a->image = argv[optind];
	if (empty_name(a->image))
		return EXIT_TROUBLE + 1;
	p->smbios = a->smbios.items;
	p->n_smbios = a->smbios.n;
	p->consoles = a->consoles.items;
	p->n_consoles = a->consoles.n;
	p->hardware.ids = a->hwids;
	p->hardware.n_ids = a->n_hwids;
	if (!p->banks)
		p->banks = 1u << ALG_SHA256;
	if (!p->pcrs)
		p->pcrs = PREDICT_DEFAULT_PCRS;
	if (a->phases.n && !(p->pcrs & 1u << 11)) {
		a->phases.n = 0;
		a->phases_left_out = true;
	}
	return 0;
}

/* ---- rendering ---- */

static const char no_phases[] = "--phase was not used: it extends PCR 11, which --pcr does not name";

static bool selected(const struct arguments *a, uint32_t pcr)
{
	return pcr < PCR_COUNT && a->predict.pcrs & UINT32_C(1) << pcr;
}

static bool known(const struct prediction *p, uint32_t pcr)
{
	return !(p->incomplete & UINT32_C(1) << pcr);
}

static void print_events(const struct arguments *a, const struct prediction *p)
{
	for (size_t i = 0; i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];
		char buf[11], hex[2 * DIGEST_MAX + 1] = "unknown";

		if (!selected(a, ev->pcr))
			continue;
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct slice d = event_digest(ev, &p->log, alg);

			if (!(p->banks & 1u << alg) || (d.n == 0 && ev->n_digests))
				continue;
			if (d.n)
				hex_encode(d.p, d.n, hex);
			printf("%2u  %-34s %s:%s  %s  ", ev->pcr, event_type_name(ev->type, buf),
			       algs[alg].name, hex, event_origin_name(ev->origin));
			put_text(stdout, ev->description);
			fputs("  [", stdout);
			put_text(stdout, ev->source);
			fputs("]\n", stdout);
			if (d.n == 0)
				break;
		}
	}
}

static int print_text(const struct arguments *a, const struct prediction *p, struct pcrcast_error *e)
{
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
			if (p->banks & 1u << alg && selected(a, pcr) && known(p, pcr))
				print_digest_line(alg, pcr, p->values[alg].pcr[pcr], "");
	for (size_t i = 0; i < a->phases.n && known(p, 11); i++)
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			struct pcr_bank bank;

			if (!(p->banks & 1u << alg))
				continue;
			int r = predict_phase(p, alg, a->phases.items[i], &bank, e);
			if (r < 0)
				return r;
			print_digest_line(alg, 11, bank.pcr[11], a->phases.items[i]);
		}
	if (a->events)
		print_events(a, p);
	return 0;
}

static struct cJSON *phases_json(struct json_doc *d, const struct arguments *a, const struct prediction *p)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < a->phases.n; i++) {
		struct cJSON *o = json_object(d), *pcrs = json_object(d);

		json_add_string(d, o, "phase", a->phases.items[i]);
		for (enum alg alg = 0; alg < ALG_COUNT && known(p, 11); alg++) {
			struct cJSON *bank = NULL;
			struct pcr_bank values;

			if (!(p->banks & 1u << alg))
				continue;
			if (predict_phase(p, alg, a->phases.items[i], &values, NULL) < 0)
				d->failed = true;
			bank = json_object(d);
			json_add_hex(d, bank, "11", values.pcr[11], algs[alg].len);
			json_add(d, pcrs, algs[alg].name, bank);
		}
		json_add(d, o, "pcrs", pcrs);
		json_append(d, list, o);
	}
	return list;
}

static struct cJSON *pcrs_json(struct json_doc *d, const struct arguments *a, const struct prediction *p)
{
	struct cJSON *pcrs = json_object(d);

	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		if (!(p->banks & 1u << alg))
			continue;
		struct cJSON *bank = json_object(d);
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			char key[4];

			if (!selected(a, pcr) || !known(p, pcr))
				continue;
			(void)snprintf(key, sizeof key, "%u", pcr);
			json_add_hex(d, bank, key, p->values[alg].pcr[pcr], algs[alg].len);
		}
		json_add(d, pcrs, algs[alg].name, bank);
	}
	return pcrs;
}

static bool print_json(const struct arguments *a, const struct prediction *p)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d), *complete = json_object(&d), *list;

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "image", a->image);
	json_add(&d, root, "pcrs", pcrs_json(&d, a, p));
	if (a->phases.n)
		json_add(&d, root, "phases", phases_json(&d, a, p));
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		char key[4];

		(void)snprintf(key, sizeof key, "%u", pcr);
		if (selected(a, pcr))
			json_add_bool(&d, complete, key, known(p, pcr));
	}
	json_add(&d, root, "complete", complete);
	if (a->events) {
		list = json_array(&d);
		for (size_t i = 0; i < p->log.n_events; i++)
			if (selected(a, p->log.events[i].pcr))
				json_append(&d, list, event_json(&d, &p->log, &p->log.events[i], EVENTS_JSON_BRIEF));
		json_add(&d, root, "events", list);
	}
	list = json_array(&d);
	for (size_t i = 0; i < p->n_assumptions; i++) {
		struct cJSON *o = json_object(&d);

		json_add_string(&d, o, "what", p->assumptions[i].what);
		json_add_string(&d, o, "value", p->assumptions[i].value);
		if (p->assumptions[i].option)
			json_add_string(&d, o, "option", p->assumptions[i].option);
		json_append(&d, list, o);
	}
	json_add(&d, root, "assumptions", list);
	list = json_array(&d);
	for (size_t i = 0; i < p->n_unknowns; i++) {
		struct cJSON *o = json_object(&d);

		if (selected(a, p->unknowns[i].pcr)) {
			json_add_u64(&d, o, "pcr", p->unknowns[i].pcr);
			json_add_string(&d, o, "reason", p->unknowns[i].reason);
			if (p->unknowns[i].option)
				json_add_string(&d, o, "option", p->unknowns[i].option);
			json_append(&d, list, o);
		} else {
			json_free(o);
		}
	}
	json_add(&d, root, "unknown", list);
	list = json_array(&d);
	for (size_t i = 0; i < p->n_notes; i++)
		json_append_string(&d, list, p->notes[i]);
	if (a->phases_left_out)
		json_append_string(&d, list, no_phases);
	json_add(&d, root, "notes", list);
	bool ok = json_write(&d, root, false, stdout);
	json_free(root);
	return ok;
}

static void print_remarks(const struct arguments *a, const struct prediction *p)
{
	for (size_t i = 0; i < p->n_unknowns; i++) {
		const struct unknown *u = &p->unknowns[i];

		if (!selected(a, u->pcr))
			continue;
		fprintf(stderr, "PCR %u is not known: ", u->pcr);
		put_text(stderr, u->reason);
		if (u->option)
			fprintf(stderr, "; %s would tell", u->option);
		fputc('\n', stderr);
	}
	if (a->quiet)
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
	if (a->phases_left_out)
		fprintf(stderr, "note: %s\n", no_phases);
}

/* The events of the selected registers, without those that have no value. */
static int write_log(const struct arguments *a, const struct prediction *p, struct pcrcast_error *e)
{
	struct eventlog log = EVENTLOG_INIT;
	struct slice bytes;
	int r = 0;

	memcpy(log.algs, p->log.algs, sizeof log.algs);
	log.n_algs = p->log.n_algs;
	for (size_t i = 0; r == 0 && i < p->log.n_events; i++) {
		const struct event *ev = &p->log.events[i];

		if (!selected(a, ev->pcr) || !known(p, ev->pcr))
			continue;
		struct event *place =
			pool_push(&log.pool, &log.events, &log.n_events, &log.cap, sizeof *place);
		if (place)
			*place = *ev;
		else
			r = err_nomem(e);
	}
	if (r == 0)
		r = eventlog_write_tcg2(&log, &log.pool, &bytes, e);
	if (r == 0)
		r = write_file(a->write_log, bytes, e);
	eventlog_done(&log);
	for (unsigned pcr = 0; r == 0 && pcr < PCR_COUNT; pcr++)
		if (selected(a, pcr) && !known(p, pcr))
			fprintf(stderr, "note: the log leaves PCR %u out: it is not known\n", pcr);
	return r;
}

int cmd_predict(int argc, char **argv)
{
	struct prediction p = PREDICTION_INIT;
	struct arguments a = { .pool = POOL_INIT };
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	struct image img;
	int status = take_arguments(&a, argc, argv);

	if (status) {
		pool_done(&a.pool);
		return status - 1;
	}
	if ((a.write_log && refuse_overwrite("--write-log", a.write_log, a.image, &e) < 0) ||
	    image_open(a.image, &img, &e) < 0) {
		pool_done(&a.pool);
		return fail_at(a.image, &e);
	}
	int r = predict(&img, &a.predict, &p, &e);
	if (r == 0 && a.write_log)
		r = write_log(&a, &p, &e);
	if (r == 0 && !a.json)
		r = print_text(&a, &p, &e);
	if (r == 0 && a.json && !print_json(&a, &p))
		r = err_set(&e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot write JSON to standard output");
	if (r == 0 && fflush(stdout) == 0) {
		print_remarks(&a, &p);
		/* What was asked for by name has to be there. */
		bool missing =
			(a.pcrs_named && p.incomplete & a.predict.pcrs) || (a.phases.n && !known(&p, 11));

		status = missing ? EXIT_TROUBLE : EXIT_DONE;
	} else {
		status = r < 0 ? fail_at(a.image, &e) : EXIT_DONE; /* main says that stdout failed */
	}
	prediction_done(&p);
	image_done(&img);
	pool_done(&a.pool);
	return status;
}
