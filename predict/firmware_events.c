/*
 * What firmware made from EDK2 measures besides the images: boot variables, the partition table, leaving it behind.
 *
 * Sources: PFP 1.06, sections 3.3.4 and 10.4; EDK2 SecurityPkg/Tcg/Tcg2Dxe/Tcg2Dxe.c and
 * SecurityPkg/Library/DxeTpm2MeasureBootLib/DxeTpm2MeasureBootLib.c (edk2-stable202605).
 */
#include <stdio.h>

#include "base/bytes.h"
#include "predict/gpt.h"
#include "predict/secureboot.h"
#include "predict/shim.h"

static bool wanted(const struct walk *w, uint32_t pcr)
{
	return w->opt->pcrs & UINT32_C(1) << pcr;
}

/* ---- PCR 1 ---- */

/* EDK2 hashes the variable's data alone (ReadAndMeasureBootVariable), not the structure around it. */
static int boot_variable(struct walk *w, const char *name, struct slice data, struct pcrcast_error *e)
{
	struct slice bytes = SLICE_EMPTY;
	int r = walk_variable_data(w, name, &guid_efi_global, data, &bytes, e);

	return r < 0 ? r :
		       walk_event_bytes(w, 1, (uint32_t)EV_EFI_VARIABLE_BOOT, bytes, data, EVENT_COMPUTED,
					(struct event_text){ name, "firmware variable" }, e);
}

/* A boot order may name one option time and again, and a hostile one a large one. Real machines have some ten of some 100 bytes. */
enum { BOOT_ORDER_MAX = 1024, BOOT_BYTES_MAX = 4 << 20 };

/* BootOrder and what it names; variables that are missing are passed over. */
static int measure_boot_order(struct walk *w, struct slice order, struct pcrcast_error *e)
{
	static const char long_order[] = "the boot order is longer than can be followed";
	size_t total = order.n;
	int r = boot_variable(w, "BootOrder", order, e);

	for (size_t i = 0; r == 0 && i + 2 <= order.n; i += 2) {
		const char *name = pool_printf(w->pool, "Boot%04X", get_u16le(order.p + i));

		if (!name)
			return err_nomem(e);
		const struct firmware_variable *found =
			firmware_variables_find(w->opt->variables, name, &guid_efi_global);
		total += found ? found->data.n : 0;
		if (i / 2 >= BOOT_ORDER_MAX || total > BOOT_BYTES_MAX)
			return walk_event_unknown(w, 1, (uint32_t)EV_EFI_VARIABLE_BOOT,
						  (struct event_text){ "Boot####", "firmware variables" },
						  long_order, NULL, e);
		if (found)
			r = boot_variable(w, name, found->data, e);
	}
	return r;
}

int firmware_boot_variables(struct walk *w, struct pcrcast_error *e)
{
	const struct firmware_variables *v = w->opt->variables;
	const struct firmware_variable *order = firmware_variables_find(v, "BootOrder", &guid_efi_global);

	if (order)
		return measure_boot_order(w, order->data, e);
	return walk_event_unknown(
		w, 1, (uint32_t)EV_EFI_VARIABLE_BOOT,
		(struct event_text){ "BootOrder and Boot####", "firmware variables" },
		firmware_variables_know(v, "BootOrder", &guid_efi_global) ?
			"the variables hold no boot order, the firmware will make one from the devices it finds" :
			"the firmware's boot order is not known",
		"--variables", e);
}

/* ---- PCR 5 ---- */

/*
 * UEFI_GPT_DATA: the header without what may follow its 92 bytes, the number of partitions, the entries in use
 * (Tcg2MeasureGptTable).
 */
static int gpt_data(struct walk *w, const struct gpt *g, struct slice *ret, struct pcrcast_error *e)
{
	enum { HEADER = 92 };
	uint8_t *bytes = pool_array(w->pool, HEADER + 8 + g->n_partitions * g->entry_len, 1), *p = bytes;

	if (!bytes)
		return err_nomem(e);
	memcpy(p, g->header.p, HEADER); /* gpt_read has seen that there are so many */
	put_u64le(p + HEADER, g->n_partitions);
	p += HEADER + 8;
	for (size_t i = 0; i < g->n_partitions; i++, p += g->entry_len)
		memcpy(p, g->partitions[i].type, g->entry_len); /* an entry begins with its type */
	*ret = (struct slice){ bytes, (size_t)(p - bytes) };
	return 0;
}

static int partition_table(struct walk *w, struct pcrcast_error *e)
{
	struct event_text text = { "partition table", "disk image, sector 1" };
	const struct gpt *g = w->img->gpt;
	struct slice bytes = SLICE_EMPTY;
	const char *why = NULL;

	if (w->baseline && w->img->kind != IMAGE_DISK)
		return baseline_table(w, e);
	if (w->img->kind != IMAGE_DISK)
		why = "the firmware measures the disk's partition table: predict from a disk image";
	else if (g && g->from_backup)
		why = "the primary partition table is damaged, the firmware repairs it and measures the repaired one";
	else if (g && g->unprotected)
		why = "the disk has no protective MBR: whether the firmware finds its partition table is not known";
	if (why)
		return walk_event_unknown(w, 5, (uint32_t)EV_EFI_GPT_EVENT, text, why, NULL, e);
	if (!g)
		return 0; /* no table, no event */
	int r = gpt_data(w, g, &bytes, e);
	return r < 0 ? r :
		       walk_event_bytes(w, 5, (uint32_t)EV_EFI_GPT_EVENT, bytes, bytes, EVENT_COMPUTED, text,
					e);
}

static int exit_action(struct walk *w, const char *text, struct pcrcast_error *e)
{
	struct slice bytes = slice_of_string(text);

	return walk_event_bytes(w, 5, (uint32_t)EV_EFI_ACTION, bytes, bytes, EVENT_CONSTANT,
				(struct event_text){ text, "PFP 1.06, section 10.4.4" }, e);
}

int firmware_exit_boot_services(struct walk *w, struct pcrcast_error *e)
{
	static const char invocation[] = "Exit Boot Services Invocation";
	const struct predict_options *o = w->opt;
	int r = 0;

	if (wanted(w, 5) && !o->exit_given)
		r = walk_assume(w, "exit-boot-services", "succeeds at the first call", "--exit-boot-services",
				e);
	for (unsigned i = 0; r == 0 && i < o->exit_failures; i++) {
		if (!o->exit_failures_terse)
			r = exit_action(w, invocation, e);
		if (r == 0)
			r = exit_action(w, "Exit Boot Services Returned with Failure", e);
	}
	if (r == 0)
		r = exit_action(w, invocation, e);
	return r < 0 ? r : exit_action(w, "Exit Boot Services Returned with Success", e);
}

/* ---- loading images ---- */

static int authority(struct walk *w, const struct pe *pe, const char *source, struct pcrcast_error *e)
{
	struct db_verdict v;

	if (!db_known(w))
		return walk_event_unknown(w, 7, (uint32_t)EV_EFI_VARIABLE_AUTHORITY,
					  (struct event_text){ "db entry that lets an image pass", source },
					  "which entry of db lets an image pass is not known", "--variables",
					  e);
	int r = db_judge(w, pe, &v, e);
	if (r < 0)
		return r;
	if (v.answer != DB_ALLOWS) /* refused before it is measured; walk_judge_image says so */
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: firmware with Secure Boot does not load it: %s", source, v.why);
	return walk_authority(w, "db", &guid_image_security, v.entry, AUTHORITY_FIRMWARE, e);
}

int walk_load(struct walk *w, const struct pe *pe, const char *path, struct event_text text,
	      struct pcrcast_error *e)
{
	if (shim_in_charge(w->shim))
		return shim_image_load(w->shim, pe, path, text, e);
	int r = w->opt->secure_boot ? authority(w, pe, text.source, e) : 0;

	if (r == 0 && !w->partition_table_measured) {
		w->partition_table_measured = true;
		r = partition_table(w, e);
	}
	return r < 0 ? r : walk_image_load(w, pe, path, text, e);
}

int walk_loaded_before(struct walk *w, const struct pe *pe, const char *source, struct pcrcast_error *e)
{
	struct db_verdict v;

	w->partition_table_measured = true;
	if (!w->opt->secure_boot || !db_known(w))
		return 0;
	int r = db_judge(w, pe, &v, e);
	if (r == 0 && v.answer != DB_ALLOWS)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "%s: firmware with Secure Boot does not load it: %s", source, v.why);
	struct slice bytes;
	r = r < 0 ? r : walk_variable_data(w, "db", &guid_image_security, v.entry, &bytes, e);
	return r < 0 ? r : walk_authority_before(w, bytes, e);
}

/* ---- what is taken for granted ---- */

int firmware_assumptions(struct walk *w, struct pcrcast_error *e)
{
	static const struct {
		uint32_t pcrs; /* bit i: PCR i */
		const char *what;
	} nothing_else[] = {
		{ 1 << 2 | 1 << 3 | 1 << 6, "option ROMs and other drivers of devices" },
		{ 1 << 6, "measurements of the manufacturer" },
	};
	static const char *const measured[] = {
		"the firmware measures itself there",
		"the firmware may measure ACPI and SMBIOS tables there",
	};
	uint32_t said; /* by the model */
	int r = model_name_open(w, &said, e);

	for (size_t i = 0; r == 0 && i < sizeof nothing_else / sizeof nothing_else[0]; i++)
		if (w->opt->pcrs & nothing_else[i].pcrs & ~said)
			r = walk_assume(w, nothing_else[i].what, "none", "--baseline", e);
	for (uint32_t pcr = 0; r == 0 && pcr < sizeof measured / sizeof measured[0]; pcr++)
		if (!(said & UINT32_C(1) << pcr))
			r = walk_unknown(w, pcr, measured[pcr], "--baseline", e);
	return r;
}
