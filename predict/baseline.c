/*
 * Predict with a baseline: the firmware's own events come from a recorded log, the chain's from the image.
 */
#include "predict/baseline_impl.h"

#include <stdio.h>

#include "base/bytes.h"
#include "eventlog/decode.h"
#include "predict/cc.h"
#include "predict/smbios_handoff.h"

/* What firmware says of SecureBoot, one byte (UEFI 2.10, section 3.3); an absent variable is measured empty: off. */
static bool secure_boot_of(struct walk *w, bool *ret, bool *ret_exists)
{
	struct efi_variable v;

	if (!baseline_variable(w->pool, w->opt->baseline, "SecureBoot", &v) || v.data.n > 1)
		return false;
	*ret = v.data.n == 1 && v.data.p[0] == 1;
	*ret_exists = v.data.n == 1;
	return true;
}

static int check_secure_boot(struct walk *w, struct pcrcast_error *e)
{
	bool on = false, exists = false, known = secure_boot_of(w, &on, &exists);

	if (known && exists && w->opt->secure_boot_given && w->opt->secure_boot_absent)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "Secure Boot is %s in this log, --secure-boot says absent", on ? "on" : "off");
	if (known && on != w->opt->secure_boot && w->opt->secure_boot_given)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "Secure Boot is %s in this log, --secure-boot says %s", on ? "on" : "off",
			       w->opt->secure_boot ? "on" : "off");
	if (known) {
		w->settled->secure_boot = on;
		return w->opt->secure_boot_given ?
			       0 :
			       walk_assume(w, "secure-boot",
					   on ? "on, as in the baseline" : "off, as in the baseline",
					   "--secure-boot", e);
	}
	return w->opt->secure_boot_given ?
		       0 :
		       walk_assume(w, "secure-boot", "off: the baseline does not tell", "--secure-boot", e);
}

static int check_variable(const struct firmware_variables *said, const char *name, const struct guid *guid,
			  struct slice logged, struct pcrcast_error *e)
{
	const struct firmware_variable *other = firmware_variables_find(said, name, guid);

	if (!firmware_variables_know(said, name, guid) ||
	    slice_equal(other ? other->data : SLICE_EMPTY, logged))
		return 0;
	return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
		       "the variable %s of this log is another than the options about variables say", name);
}

/* The log holds the variables of Secure Boot as they are: with them the chain is judged. They are not measured again. */
static int take_variables(struct walk *w, struct pcrcast_error *e)
{
	static const struct {
		const char *name;
		const struct guid *guid;
	} block[] = {
		{ "PK", &guid_efi_global },      { "KEK", &guid_efi_global },
		{ "db", &guid_image_security },  { "dbx", &guid_image_security },
		{ "dbt", &guid_image_security },
	};
	const struct firmware_variables *said = w->opt->variables;
	struct firmware_variables *all = pool_new(w->pool, struct firmware_variables);
	int r = 0;

	if (!all)
		return err_nomem(e);
	*all = FIRMWARE_VARIABLES_INIT;
	for (size_t i = 0; r == 0 && said && i < said->n; i++)
		r = firmware_variables_set(w->pool, all, said->items[i], e);
	all->whole = said && said->whole;
	for (size_t i = 0; r == 0 && i < sizeof block / sizeof block[0]; i++) {
		struct efi_variable v;

		if (!baseline_variable(w->pool, w->opt->baseline, block[i].name, &v))
			continue;
		r = check_variable(said, block[i].name, block[i].guid, v.data, e);
		if (r == 0)
			r = firmware_variables_set(w->pool, all,
						   (struct firmware_variable){ .name = block[i].name,
									       .guid = *block[i].guid,
									       .data = v.data },
						   e);
	}
	w->settled->variables = all;
	return r;
}

/* Every event that is kept and extended needs a digest in every bank. */
static int check_banks(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	for (enum alg a = 0; a < ALG_COUNT; a++) {
		struct pcr_bank ignored;
		int r = w->opt->banks & 1u << a ? eventlog_start(b->log, a, &ignored, e) : 0;

		if (r < 0)
			return r;
		for (size_t i = 0; w->opt->banks & 1u << a && i < b->log->n_events; i++) {
			const struct event *ev = &b->log->events[i];

			if (b->places[i] != BASELINE_NOWHERE && ev->type != EV_NO_ACTION &&
			    baseline_pcr(b->log, ev) < PCR_COUNT &&
			    event_digest(ev, b->log, a).n != algs[a].len)
				return err_set(e, PCRCAST_ENOTFOUND, ev->offset, "event %zu has no %s digest",
					       i, algs[a].name);
		}
	}
	return 0;
}

static int check_attempts(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	if ((w->opt->failed_attempts || w->opt->failed_attempts_given) &&
	    w->opt->failed_attempts != b->n_failed)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "%u boot options were left in this log, --failed-attempts says %u",
			       b->n_failed, w->opt->failed_attempts);
	const char *text = pool_printf(w->pool, "%u, as in the baseline", b->n_failed);
	if (!text)
		return err_nomem(e);
	return walk_assume(w, "failed-attempts", text, NULL, e);
}

/* ---- boot options ---- */

/* Firmware of 2022 has them in RTMR1, as if in PCR 5; others in RTMR0. */
static bool is_boot_variable(const struct eventlog *log, const struct event *ev)
{
	return (baseline_of_pcr(log, ev, 1) || (log->kind == EVENTLOG_CC && baseline_of_pcr(log, ev, 5))) &&
	       ev->content == CONTENT_PCCLIENT &&
	       (ev->type == (uint32_t)EV_EFI_VARIABLE_BOOT || ev->type == (uint32_t)EV_EFI_VARIABLE_BOOT2);
}

/* The data that a boot option of the log hands to its file; false: there is no such variable. */
static bool optional_data(struct walk *w, const struct event *ev, const char *name, struct slice *ret)
{
	/* MdePkg: what EDK2 puts behind a boot option that it has made itself, and does not hand over (BmBoot.c) */
	static const uint8_t automatic[] = { 0x4e, 0xac, 0x08, 0x81, 0x11, 0x9f, 0x59, 0x4d,
					     0x85, 0x0e, 0xe2, 0x1a, 0x52, 0x2c, 0x59, 0xb2 };
	struct load_option option;
	struct efi_variable v;

	if (!is_boot_variable(w->opt->baseline, ev) || efi_variable_read(w->pool, ev->data, &v) ||
	    strlen(v.name) != strlen("Boot0000") || strncmp(v.name, name, strlen(name)) != 0 ||
	    load_option_read(w->pool, v.data, &option))
		return false;
	*ret = option.optional_data;
	if (slice_equal(*ret, (struct slice){ automatic, sizeof automatic }))
		*ret = SLICE_EMPTY;
	while (ret->n >= 2 && ret->p[ret->n - 1] == 0 && ret->p[ret->n - 2] == 0)
		ret->n -= 2; /* with a NUL or without */
	return true;
}

/* The name of the boot option that the last attempt tried, by BootOrder; false: the log does not tell. */
static bool tried_option(struct walk *w, const struct baseline *b, char ret[static 9])
{
	for (size_t i = 0; i < b->attempt; i++) {
		const struct event *ev = &b->log->events[i];
		struct efi_variable v;
		struct slice number;

		if (ev->type == (uint32_t)EV_EFI_VARIABLE_BOOT && is_boot_variable(b->log, ev) &&
		    !efi_variable_read(w->pool, ev->data, &v) && strcmp(v.name, "BootOrder") == 0 &&
		    slice_at(v.data, 2ull * b->n_failed, 2, &number)) {
			(void)snprintf(ret, 9, "Boot%04X", get_u16le(number.p));
			return true;
		}
	}
	return false;
}

/*
 * Load options come from the boot option, which PCR 1 has measured: is what is asked what the log's option says? Firmware's
 * own marks behind an option, which are GUIDs, are handed over as well, but nothing reads them.
 */
static int check_boot_options(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	enum { MARK = 16 };
	static const char reason[] =
		"the boot options in the baseline hand over other load options than this boot has";
	struct slice asked = w->opt->has_load_options ? w->opt->load_options : SLICE_EMPTY;
	bool any = false, fits = false;
	uint32_t pcr = 1;
	char name[9] = "Boot";

	if (b->direct)
		return 0; /* QEMU hands the load options over */
	while (asked.n >= 2 && asked.p[asked.n - 1] == 0 && asked.p[asked.n - 2] == 0)
		asked.n -= 2;
	if (asked.n == 0 && !tried_option(w, b, name))
		return 0;
	for (size_t i = 0; i < b->attempt; i++) {
		struct slice data;

		if (!optional_data(w, &b->log->events[i], name, &data))
			continue;
		any = true;
		pcr = baseline_pcr(b->log, &b->log->events[i]);
		fits |= slice_equal(data, asked) || (asked.n == 0 && data.n == MARK);
	}
	return any && !fits ? walk_unknown(w, pcr, reason, "--load-options", e) : 0;
}

/*
 * The firmware's boot order and boot options, when the user's variables have them, against those that the log measured. Firmware
 * may write them anew before it measures them; but where they differ, the log's are not known to be this machine's.
 */
static int check_boot_variables(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	static const char reason[] =
		"the boot options in the baseline are others than those in the variables";
	static const char endless[] =
		"the baseline has more boot options than are compared with the variables";
	enum { COMPARED_MAX = 2048 }; /* each is looked up; real logs have some ten */
	const struct firmware_variables *vars = w->opt->variables;
	size_t n = 0;

	if (!firmware_variables_find(vars, "BootOrder", &guid_efi_global))
		return 0;
	for (size_t i = 0; i < b->attempt; i++) {
		const struct event *ev = &b->log->events[i];
		const struct firmware_variable *own;
		struct efi_variable v;

		if (ev->type != (uint32_t)EV_EFI_VARIABLE_BOOT || !is_boot_variable(b->log, ev) ||
		    efi_variable_read(w->pool, ev->data, &v))
			continue;
		if (n++ == COMPARED_MAX)
			return walk_unknown(w, baseline_pcr(b->log, ev), endless, NULL, e);
		own = firmware_variables_find(vars, v.name, &guid_efi_global);
		if (!own || !slice_equal(own->data, v.data))
			return walk_unknown(w, baseline_pcr(b->log, ev), reason, NULL, e);
	}
	return 0;
}

/* ---- the whole log ---- */

static int name_unsure_events(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->log->n_events; i++)
		if (b->places[i] == BASELINE_UNSURE)
			r = walk_unknown(w, baseline_pcr(b->log, &b->log->events[i]), b->events[i].reason,
					 NULL, e);
	return r;
}

int baseline_open(struct walk *w, struct pcrcast_error *e)
{
	struct baseline *b = pool_new(w->pool, struct baseline);
	const char *name = w->opt->baseline_name ? w->opt->baseline_name : "baseline";

	if (!b)
		return err_nomem(e);
	int r = baseline_check_kind(w, w->opt->baseline->kind, e);
	r = r < 0 ? r : baseline_sort(w->pool, w->opt->baseline, name, b, e);
	if (r == 0 && w->opt->cc)
		r = baseline_check_registers(w, b, e);
	r = r < 0 ? r : baseline_check_direct(w, b, e);
	r = r < 0 ? r : check_banks(w, b, e);
	r = r < 0 ? r : check_secure_boot(w, e);
	r = r < 0 ? r : take_variables(w, e);
	r = r < 0 ? r : check_attempts(w, b, e);
	r = r < 0 ? r : check_boot_options(w, b, e);
	r = r < 0 ? r : check_boot_variables(w, b, e);
	r = r < 0 ? r : name_unsure_events(w, b, e);
	if (r == 0 && b->left_again)
		r = walk_note(w, "in the baseline the first EFI file came back to the firmware", e);
	if (r < 0)
		return err_wrap(e, "baseline %s", name);
	w->baseline = b;
	w->out->baseline = b->events;
	w->out->n_baseline = b->log->n_events;
	return 0;
}

/* ---- events ---- */

/* The firmware measures the SMBIOS table too: when the user's is another one, what it would make of that is not known. */
static int check_smbios(struct walk *w, const struct event *ev, struct pcrcast_error *e)
{
	static const char reason[] =
		"what the baseline's firmware measured of its SMBIOS table is not what EDK2 makes of that of --smbios-tables";
	int r = 0;

	if (!baseline_of_pcr(w->baseline->log, ev, 1) || !w->opt->smbios_table || !smbios_handoff_is(ev))
		return 0;
	if (!w->smbios_handoff) {
		w->smbios_handoff = pool_new(w->pool, struct smbios_handoff);
		r = w->smbios_handoff ? smbios_handoff_make(w->opt->smbios_table, w->smbios_handoff, e) :
					err_nomem(e);
	}
	if (r < 0 || smbios_handoff_fits(w->smbios_handoff, w->baseline->log, ev))
		return r;
	return walk_unknown(w, 1, reason, "--baseline", e);
}

static int keep(struct walk *w, size_t i, struct pcrcast_error *e)
{
	const struct baseline *b = w->baseline;
	const struct event *ev = &b->log->events[i];
	struct event kept = *ev;
	struct decoded body;
	char buf[11];

	kept.pcr = baseline_pcr(b->log, ev);
	if (kept.pcr >= PCR_COUNT) {
		b->events[i].reason = "no PCR but an NV index";
		return 0;
	}
	int r = event_decode(w->pool, b->log, ev, &body, e);
	if (r < 0)
		return r;
	const char *what = body.summary && *body.summary ? body.summary : event_type_name(ev->type, buf);
	struct event_text text = { pool_text(w->pool, what, strlen(what)),
				   pool_printf(w->pool, "%s: event %zu", b->name, i) };
	if (!text.description || !text.source)
		return err_nomem(e);
	b->events[i].kept = true;
	r = check_smbios(w, ev, e);
	if (r < 0)
		return r;
	/* Measured once a boot: an attempt that came back has done it. */
	if (ev->type == (uint32_t)EV_EFI_GPT_EVENT || ev->type == (uint32_t)EV_EFI_GPT_EVENT2)
		w->partition_table_measured = true;
	if (smbios_event_known(ev))
		w->smbios_measured = true;
	if (baseline_of_pcr(b->log, ev, 7) && ev->type == (uint32_t)EV_EFI_VARIABLE_AUTHORITY) {
		r = walk_authority_before(w, ev->data, e);
		if (r < 0)
			return r;
	}
	return walk_event_observed(w, b->log, &kept, text, e);
}

int baseline_keep_all(struct walk *w, enum baseline_place place, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->baseline->log->n_events; i++)
		if (w->baseline->places[i] == place)
			r = keep(w, i, e);
	return r;
}

int baseline_before(struct walk *w, struct pcrcast_error *e)
{
	return baseline_keep_all(w, BASELINE_BEFORE, e);
}

int baseline_table(struct walk *w, struct pcrcast_error *e)
{
	int r = walk_assume(w, "partition-table",
			    w->baseline->table_seen ? "that of the baseline's disk" :
						      "none, as in the baseline",
			    NULL, e);
	return r < 0 ? r : baseline_keep_all(w, BASELINE_TABLE, e);
}

/* In front of what the firmware says at the end of boot services, nothing of it is in doubt but how often it is asked. */
int baseline_after(struct walk *w, struct pcrcast_error *e)
{
	int r = baseline_keep_all(w, BASELINE_AFTER, e);

	if (r < 0)
		return r;
	if (!w->baseline->exits)
		return walk_unknown(w, 5, "the baseline says nothing of ExitBootServices()", "--baseline", e);
	return walk_assume(w, "exit-boot-services", "the calls of the baseline", NULL, e);
}

int baseline_smbios(struct walk *w, bool keep_them, bool *ret_any, struct pcrcast_error *e)
{
	const struct baseline *b = w->baseline;

	*ret_any = false;
	for (size_t i = 0; b && i < b->log->n_events; i++)
		if (b->places[i] == BASELINE_SMBIOS) {
			b->events[i].reason =
				keep_them ?
					"SMBIOS structures of the machine, which this chain measures as well" :
					"SMBIOS structures, which --smbios-tables tells";
			*ret_any = true;
		}
	return keep_them && b ? baseline_keep_all(w, BASELINE_SMBIOS, e) : 0;
}
