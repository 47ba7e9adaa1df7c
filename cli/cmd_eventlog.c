/*
 * The verb eventlog: options of its verbs, and reading the logs that they are about.
 */
#include "cli/cmd_eventlog.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "cli/input.h"

enum {
	OPT_KIND = OPT_OWN,
	OPT_PARTIAL,
	OPT_TYPE,
	OPT_PCRS,
	OPT_AS_PCRS,
	OPT_TO,
};

/*
 * Bytes of a log. Firmware's areas hold some 64 KiB to a few MiB; an IMA list grows by about 150 bytes for each file
 * that is opened, so this is years of it. Read whole: securityfs tells no size, and a log is walked several times.
 */
enum { LOG_MAX = 512 << 20 };

#define ROW_KIND                                                                                          \
	{                                                                                                 \
		"kind", 0, "KIND", OPT_KIND,                                                              \
			"tcg1, tcg2, cc, wbcl, cel-json, cel-tlv, systemd or ima (default: by the bytes)" \
	}
#define ROW_PARTIAL                                                                   \
	{                                                                             \
		"partial", 0, NULL, OPT_PARTIAL,                                      \
			"when the log is damaged, go on with the sound events before" \
	}
#define ROW_PCR                                                                 \
	{                                                                       \
		"pcr", 0, "LIST", OPT_PCR, "registers: 4,9,11-13 (default all)" \
	}
#define ROW_TYPE                                                                            \
	{                                                                                   \
		"type", 0, "LIST", OPT_TYPE, "event types: EV_IPL,0x80000003 (default all)" \
	}

static const struct option_row show_rows[] = { ROW_BANK, ROW_PCR,         ROW_TYPE,  ROW_KIND, ROW_PARTIAL,
					       ROW_JSON, ROW_ONLY_ERRORS, ROW_COLOR, ROW_HELP, ROW_END };
static const struct option_row replay_rows[] = {
	ROW_BANK,
	ROW_PCR,
	{ "as-pcrs", 0, NULL, OPT_AS_PCRS, "a CC log's events as the PCRs of a TPM would have them" },
	ROW_KIND,
	ROW_PARTIAL,
	ROW_JSON,
	ROW_ONLY_ERRORS,
	ROW_COLOR,
	ROW_HELP,
	ROW_END,
};
static const struct option_row check_rows[] = {
	{ "pcrs", 0, "FILE", OPT_PCRS,
	  "compare with a machine: tpm2_pcrread's output, JSON, or /sys/class/tpm/tpm0" },
	{ "bank", 0, "LIST|all", OPT_BANK,
	  "hash banks to compare (default: all that the log and the machine have)" },
	ROW_PCR,
	ROW_KIND,
	ROW_PARTIAL,
	ROW_JSON,
	ROW_ONLY_ERRORS,
	ROW_COLOR,
	ROW_HELP,
	ROW_END,
};
static const struct option_row diff_rows[] = { ROW_PCR,         ROW_TYPE,  ROW_KIND, ROW_PARTIAL, ROW_JSON,
					       ROW_ONLY_ERRORS, ROW_COLOR, ROW_HELP, ROW_END };
static const struct option_row convert_rows[] = {
	{ "to", 0, "FORMAT", OPT_TO, "tcg, cel-json, tpm2-yaml or json" },
	{ "bank", 0, "LIST|all", OPT_BANK, "keep only these banks (default all)" },
	ROW_OUTPUT,
	ROW_KIND,
	ROW_PARTIAL,
	ROW_ONLY_ERRORS,
	ROW_COLOR,
	ROW_HELP,
	ROW_END,
};

/* ---- options ---- */

/*
 * An event type by name, with or without "EV_" or "EV_EFI_" and in either case, or by number. False when there is none
 * of that name.
 */
static bool parse_type(const char *text, size_t n, uint32_t *ret)
{
	/* PFP 1.06 section 10.4.1: the types have names in these ranges only */
	static const uint32_t ranges[][2] = { { EV_PREBOOT_CERT, EV_POST_CODE2 },
					      { EV_EFI_EVENT_BASE, EV_EFI_EVENT_BASE + 0xff } };
	char word[64], *end;

	if (n == 0 || n >= sizeof word)
		return false;
	memcpy(word, text, n);
	word[n] = '\0';
	if (word[0] >= '0' && word[0] <= '9') {
		unsigned long long v = strtoull(word, &end, 0);

		*ret = (uint32_t)v;
		return *end == '\0' && v <= UINT32_MAX;
	}
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		for (uint32_t type = ranges[i][0]; type <= ranges[i][1]; type++) {
			char buf[11];
			const char *name = event_type_name(type, buf);

			if (name != buf &&
			    (strcasecmp(name, word) == 0 || strcasecmp(name + strlen("EV_"), word) == 0 ||
			     (strncmp(name, "EV_EFI_", 7) == 0 && strcasecmp(name + 7, word) == 0))) {
				*ret = type;
				return true;
			}
		}
	}
	return false;
}

static int take_types(struct eventlog_arguments *a, const char *text)
{
	for (const char *p = text;; p++) {
		size_t n = strcspn(p, ",");
		uint32_t *place = pool_push(&a->pool, &a->types, &a->n_types, &a->cap_types, sizeof *place);

		if (!place)
			return out_of_memory();
		if (!parse_type(p, n, place))
			return usage_error("--type %s: expected names of event types, as EV_IPL, or numbers",
					   text);
		p += n;
		if (*p == '\0')
			return 0;
	}
}

static int take_option(void *arguments, int code)
{
	struct eventlog_arguments *a = arguments;

	switch (code) {
	case OPT_KIND:
		a->kind = eventlog_kind_by_name(optarg);
		return a->kind != EVENTLOG_KINDS ?
			       0 :
			       usage_error(
				       "--kind %s: expected tcg1, tcg2, cc, wbcl, cel-json, cel-tlv, systemd or ima",
				       optarg);
	case OPT_PARTIAL:
		a->partial = true;
		return 0;
	case OPT_BANK:
		a->all_banks = strcmp(optarg, "all") == 0;
		return take_banks(&a->banks);
	case OPT_PCR:
		a->has_pcrs = true;
		return take_pcrs("pcr", &a->pcrs);
	case OPT_TYPE:
		return take_types(a, optarg);
	case OPT_PCRS:
		a->pcrs_path = optarg;
		return 0;
	case OPT_AS_PCRS:
		a->as_pcrs = true;
		return 0;
	case OPT_TO:
		a->to = optarg;
		return 0;
	case OPT_OUTPUT:
		a->output = optarg;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_QUIET:
		a->quiet = true;
		return 0;
	case OPT_COLOR:
		return take_color();
	}
	return EXIT_TROUBLE;
}

/* ---- reading ---- */

struct log_input {
	struct file_bytes file;
	struct eventlog log;
	bool damaged;
	struct pcrcast_error damage;
};

static void log_input_done(struct log_input *in)
{
	eventlog_done(&in->log);
	free(in->file.bytes);
}

int eventlog_read_file(struct pool *pool, const char *path, struct slice *ret, struct pcrcast_error *e)
{
	return input_read(pool, path, LOG_MAX, ret, e);
}

/*
 * The CCEL table of ACPI (ACPI 6.5 section 5.2.34): a header of 36 bytes, the kind of machine, then length and physical
 * address of the log. Linux shows the table as /sys/firmware/acpi/tables/CCEL and the log as data/CCEL beside it.
 */
static int follow_ccel_table(const char *path, struct log_input *in, struct pcrcast_error *e)
{
	enum { TABLE_LEN = 56, AT_LEN = 4, AT_AREA_LEN = 40, AT_AREA = 48 };
	char beside[4096];

	if (in->file.n != TABLE_LEN || memcmp(in->file.bytes, "CCEL", 4) != 0 ||
	    get_u32le(in->file.bytes + AT_LEN) != TABLE_LEN)
		return 0;
	uint64_t area_len = get_u64le(in->file.bytes + AT_AREA_LEN),
		 area = get_u64le(in->file.bytes + AT_AREA);
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path + 1) : 0;
	int n = snprintf(beside, sizeof beside, "%.*sdata/CCEL", dir_len, path);
	free(in->file.bytes);
	in->file.bytes = NULL;
	in->file.n = 0;
	if (strcmp(path, "-") == 0 || n < 0 || (size_t)n >= sizeof beside ||
	    input_read_bytes(beside, LOG_MAX, &in->file, e) < 0)
		return err_set(
			e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			"this is the CCEL table, which says that the log has %llu bytes at physical address 0x%llx; "
			"Linux shows the log itself as data/CCEL beside the table, and there is none here",
			(unsigned long long)area_len, (unsigned long long)area);
	return 0;
}

/* Read a log. When its framing is lost and --partial allows it, that is noted in *in and no error. */
static int log_read(const struct eventlog_arguments *a, const char *path, struct log_input *in,
		    struct pcrcast_error *e)
{
	int r = input_read_bytes(path, LOG_MAX, &in->file, e);

	if (r == 0)
		r = follow_ccel_table(path, in, e);
	if (r < 0)
		return r;
	if (in->file.n == 0)
		return err_set(e, PCRCAST_ETRUNC, 0, "an empty log");
	r = eventlog_read((struct slice){ in->file.bytes, in->file.n }, a->kind, &in->log, e);
	if (r < 0 && a->partial && in->log.n_events > 0 && r != -PCRCAST_ENOMEM) {
		in->damaged = true;
		in->damage = *e;
		*e = (struct pcrcast_error){ .offset = PCRCAST_NO_OFFSET };
		r = 0;
	}
	return r;
}

/* ---- the verb ---- */

static const struct verb {
	const char *name, *usage, *purpose;
	const struct option_row *rows;
	int (*run)(const struct eventlog_arguments *a, const struct eventlog *log,
		   struct pcrcast_error *e); /* NULL: diff */
	bool wants_structure; /* run eventlog_check_structure first, which adds to the log's findings */
} verbs[] = {
	{ "show", "eventlog show LOG [OPTION…]", "The events of a log, decoded.", show_rows,
	  eventlog_run_show, false },
	{ "replay", "eventlog replay LOG [OPTION…]", "The values that the events lead to.", replay_rows,
	  eventlog_run_replay, false },
	{ "check", "eventlog check LOG [OPTION…]",
	  "Is a log true: does each payload fit its digest, does the replay fit a machine?", check_rows,
	  eventlog_run_check, true },
	{ "diff", "eventlog diff A B [OPTION…]", "What differs between two logs, event by event.", diff_rows,
	  NULL, false },
	{ "convert", "eventlog convert LOG --to FORMAT [OPTION…]", "Write a log in another form.",
	  convert_rows, eventlog_run_convert, false },
};

static void help(void)
{
	puts("usage: pcrcast eventlog VERB LOG… [OPTION…]\n");
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].purpose);
}

/*
 * Damage is reported at the end, after what the sound events gave. "Different" or "not trusted" stays: the sound events
 * already show it. Anything else is not known of a log that was not read whole.
 */
static int report_damage(const char *file, const struct log_input *in, int status)
{
	if (!in->damaged)
		return status;
	(void)fail_at(file, &in->damage);
	return status == EXIT_DIFFERENT ? status : EXIT_TROUBLE;
}

static int run_verb(const struct verb *v, struct eventlog_arguments *a)
{
	struct log_input in = { .log = EVENTLOG_INIT }, other = { .log = EVENTLOG_INIT };
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	const char *about = a->file;

	int r = log_read(a, a->file, &in, &e);
	if (r == 0 && a->other_file) {
		about = a->other_file;
		r = log_read(a, a->other_file, &other, &e);
	}
	if (r == 0) {
		about = a->file;
		a->damage = in.damaged ? &in.damage : NULL;
		a->other_damage = other.damaged ? &other.damage : NULL;
		if (v->wants_structure)
			r = eventlog_check_structure(&in.log, &e);
	}
	if (r == 0)
		r = v->run ? v->run(a, &in.log, &e) : eventlog_run_diff(a, &in.log, &other.log, &e);
	if (r < 0) {
		r = fail_at(about, &e);
	} else {
		(void)fflush(stdout);
		r = report_damage(a->file, &in, r);
		r = report_damage(a->other_file, &other, r);
	}
	log_input_done(&other);
	log_input_done(&in);
	return r;
}

int cmd_eventlog(int argc, char **argv)
{
	const struct verb *v = NULL;

	if (argc < 2)
		return usage_error("eventlog: expected show, replay, check, diff or convert");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			v = &verbs[i];
	if (!v)
		return usage_error("eventlog: unknown verb \"%s\"", argv[1]);

	struct eventlog_arguments a = { .pool = POOL_INIT, .kind = EVENTLOG_KINDS };
	argc--;
	argv++;
	int status = take_options(argc, argv, v->rows, v->usage, v->purpose, take_option, &a);
	if (status) {
		pool_done(&a.pool);
		return status - 1;
	}
	int files = v->run ? 1 : 2;
	if (optind + files != argc)
		status = usage_error("eventlog %s: expected %s", v->name,
				     files == 1 ? "one LOG" : "two logs, A and B");
	if (status == EXIT_DONE && files == 2 && strcmp(argv[optind], "-") == 0 &&
	    strcmp(argv[optind + 1], "-") == 0)
		status = usage_error("eventlog diff: only one of A and B can be standard input");
	if (status == EXIT_DONE) {
		a.file = argv[optind];
		a.other_file = files == 2 ? argv[optind + 1] : NULL;
		status = run_verb(v, &a);
	}
	pool_done(&a.pool);
	return status;
}
