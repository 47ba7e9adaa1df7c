/*
 * The options that say how an image is booted, taken together: files that they name are read, what contradicts itself is
 * refused, and what is usual follows.
 */
#include <string.h>
#include <sys/stat.h>

#include "cli/golden_source.h"
#include "cli/input.h"
#include "cli/predict_variants.h"
#include "eventlog/cc.h"

/* ---- files ---- */

enum { BASELINE_MAX = 64 << 20 }; /* bytes; a firmware's log area has some 64 KiB */

/* The log borrows from its bytes, which live in the verb's pool; so do its events, and its own pool goes with them. */
static int read_baseline(struct predict_arguments *a)
{
	const char *slash = strrchr(a->baseline_path, '/');
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	struct slice bytes;

	if (!predict_note_input(a, a->baseline_path))
		return out_of_memory();
	int r = input_read(a->pool, a->baseline_path, BASELINE_MAX, &bytes, &e);
	if (r == 0)
		r = eventlog_read(bytes, EVENTLOG_KINDS, &a->baseline, &e);
	a->options.baseline = &a->baseline;
	a->options.baseline_name = slash && slash[1] ? slash + 1 : a->baseline_path;
	return r < 0 ? fail_at(a->baseline_path, &e) : 0;
}

/* Linux has the table in a file of a directory of its own. */
static int read_smbios_tables(struct predict_arguments *a)
{
	enum { TABLE_MAX = 16 << 20 }; /* bytes; real ones have some KiB */
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	const char *path = a->smbios_path;
	struct slice bytes;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		path = pool_printf(a->pool, "%s/DMI", path);
	if (!path || !predict_note_input(a, path))
		return out_of_memory();
	a->smbios_path = path;
	int r = input_read(a->pool, path, TABLE_MAX, &bytes, &e);
	if (r == 0 && smbios_read(a->pool, bytes, &a->smbios_table, &e) < 0)
		r = err_wrap(&e, "SMBIOS table");
	a->options.smbios_table = &a->smbios_table;
	return r < 0 ? fail_at(path, &e) : 0;
}

static int read_after_state(struct predict_arguments *a)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	bool known;

	if (!predict_note_input(a, a->after_state_path))
		return out_of_memory();
	int r = golden_values_read(a->pool, a->after_state_path, &a->after_state, &known, &e);
	if (r == 0 && !known)
		r = err_set(&e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			    "expected register values in a format of \"golden formats\"");
	if (r == 0 && a->after_state.cc)
		r = err_set(&e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			    "CC registers, expected values of PCRs");
	a->options.after_state = &a->after_state;
	return r < 0 ? fail_at(a->after_state_path, &e) : 0;
}

/* ---- settling ---- */

/* Options that contradict each other once everything is known; 0 or EXIT_TROUBLE. */
static int check_start(const struct predict_arguments *a)
{
	if ((a->baseline_path || a->after_state_path) && a->constellation)
		return usage_error("%s does not go with --model constellation",
				   a->baseline_path ? "--baseline" : "--after-state");
	if (a->after_state_path && a->options.cc)
		return usage_error("--after-state is about PCRs: --cc does not go with it");
	if (a->baseline_path && a->options.exit_given)
		return usage_error("--exit-boot-services: the log of --baseline tells");
	if ((a->options.firmware_version || a->options.memory_encryption) &&
	    (!a->options.model || a->options.model->version == VERSION_UNKNOWN))
		return usage_error("--firmware-version and --memory-encryption are for --model gcp");
	if (userspace_pcrs(&a->options.userspace) && a->constellation)
		return usage_error("--model constellation knows no measurements of userspace");
	if (a->baseline_path && a->after_state_path)
		return usage_error("--baseline and --after-state both say where the boot begins");
	if (!a->after_state_path && (a->options.kexec || a->options.exit_in_state))
		return usage_error("%s goes with --after-state",
				   a->options.kexec ? "--kexec" : "--exit-boot-services none");
	if (a->options.kexec && a->options.exit_given && !a->options.exit_in_state)
		return usage_error("--exit-boot-services: with --kexec there are no boot services");
	if (a->after_state_path && (a->options.failed_attempts || a->attempted.n))
		return usage_error("--%s is the firmware's, which --after-state leaves out",
				   a->attempted.n ? "attempted" : "failed-attempts");
	if (a->baseline_path && a->attempted.n)
		return usage_error("--attempted: the log of --baseline tells, with what was measured then");
	return 0;
}

int predict_settle_options(struct predict_arguments *a)
{
	struct predict_options *p = &a->options;

	if ((a->none_console && a->consoles.n) || (a->none_hwid && a->n_hwids))
		return usage_error("\"none\" was given beside a value");
	if (p->cc && a->constellation)
		return usage_error("--cc: the model constellation knows no CC registers");
	if (p->cc && (a->phases.n || userspace_pcrs(&p->userspace)))
		return usage_error("%s: userspace extends no CC register", a->phases.n ? "--phase" : "--cc");
	if (p->cc_quirks && !p->cc)
		return usage_error("--cc-quirk goes with --cc");
	p->attempted = a->attempted.items;
	p->n_attempted = a->attempted.n;
	p->smbios = a->smbios.items;
	p->n_smbios = a->smbios.n;
	p->grub_volumes = a->grub_volumes.items;
	p->n_grub_volumes = a->grub_volumes.n;
	p->consoles = a->consoles.items;
	p->n_consoles = a->consoles.n;
	p->hardware.ids = a->hwids;
	p->hardware.n_ids = a->n_hwids;
	p->userspace.nvpcr_inits = a->nvpcr_inits.items;
	p->userspace.n_nvpcr_inits = a->nvpcr_inits.n;
	p->userspace.file_systems = a->file_systems.items;
	p->userspace.n_file_systems = a->file_systems.n;
	p->userspace.volume_keys = a->volume_keys;
	p->userspace.n_volume_keys = a->n_volume_keys;
	if (check_start(a) != 0)
		return EXIT_TROUBLE;
	a->firmware.variables = FIRMWARE_VARIABLES_INIT;
	p->variables = NULL;
	if (a->smbios_path && read_smbios_tables(a) != 0)
		return EXIT_TROUBLE;
	int status = a->baseline_path ? read_baseline(a) : a->after_state_path ? read_after_state(a) : 0;
	return status ? status : predict_read_variables(a);
}

void predict_done_options(struct predict_arguments *a)
{
	for (size_t i = 0; a->n_axes && i < a->n_combinations; i++) { /* else it is a's own log */
		struct predict_arguments *each = &a->combinations[i].arguments;

		if (each->options.baseline)
			eventlog_done(&each->baseline);
		each->options.baseline = NULL;
	}
	if (a->options.baseline)
		eventlog_done(&a->baseline);
	a->options.baseline = NULL;
}

int predict_finish_options(struct predict_arguments *a)
{
	if (!a->n_axes && predict_settle_options(a) != 0)
		return EXIT_TROUBLE;
	return predict_combine(
		a); /* which settles the options of each combination, from files that are read anew */
}

/* pool_push() makes room elsewhere when an array is full. */
void predict_detach_lists(struct predict_arguments *copy)
{
	copy->attempted.cap = copy->attempted.n;
	copy->smbios.cap = copy->smbios.n;
	copy->consoles.cap = copy->consoles.n;
	copy->phases.cap = copy->phases.n;
	copy->grub_volumes.cap = copy->grub_volumes.n;
	copy->cap_hwids = copy->n_hwids;
	copy->firmware.pk.cap = copy->firmware.pk.n;
	copy->firmware.kek.cap = copy->firmware.kek.n;
	copy->firmware.db.cap = copy->firmware.db.n;
	copy->firmware.dbx.cap = copy->firmware.dbx.n;
	copy->nvpcr_inits.cap = copy->nvpcr_inits.n;
	copy->file_systems.cap = copy->file_systems.n;
	copy->inputs.cap = copy->inputs.n;
	copy->cap_volume_keys = copy->n_volume_keys;
	copy->options.baseline = NULL; /* it is read anew */
	copy->axes = NULL;
	copy->n_axes = copy->cap_axes = 0;
}

/* ---- what is usual ---- */

/* The registers of a boot that a state tells in some bank. */
static uint32_t state_pcrs(const struct pcr_values *v)
{
	uint32_t pcrs = 0;

	for (enum alg a = 0; a < ALG_COUNT; a++)
		pcrs |= v->known[a] & PREDICT_ALL_PCRS;
	return pcrs ? pcrs : PREDICT_DEFAULT_PCRS;
}

static uint32_t default_pcrs_of(const struct predict_arguments *a)
{
	uint32_t usual = a->options.cc       ? PREDICT_CC_REGISTERS :
			 a->constellation    ? PREDICT_CONSTELLATION_PCRS :
			 a->baseline_path    ? PREDICT_ALL_PCRS :
			 a->after_state_path ? state_pcrs(&a->after_state) :
					       PREDICT_DEFAULT_PCRS;

	return usual | userspace_pcrs(&a->options.userspace);
}

/* Those of every combination: the order of an axis' values does not matter. */
uint32_t predict_default_pcrs(const struct predict_arguments *a)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; i < a->n_combinations; i++)
		pcrs |= default_pcrs_of(&a->combinations[i].arguments);
	return pcrs ? pcrs : default_pcrs_of(a);
}

alg_set predict_default_banks(const struct predict_arguments *a)
{
	return 1u << (a->options.cc ? ALG_SHA384 : ALG_SHA256);
}

int predict_by_model(const struct predict_arguments *a, struct image *img, const struct predict_options *opt,
		     struct prediction *ret, struct pcrcast_error *e)
{
	return a->constellation ? predict_constellation(img, opt, ret, e) : predict(img, opt, ret, e);
}
