/*
 * A recorded boot of a file that QEMU handed to the firmware (-kernel).
 *
 * Sources: QEMU 9.2 hw/i386/x86-common.c (x86_load_linux); boots with QEMU 10.0 and OVMF 2022.11. Where such a file
 * stands in a log is in baseline_cut.c.
 */
#include "predict/baseline_impl.h"
#include "predict/walk.h"

/* A file that QEMU hands over is loaded at another time than one of a disk. */
int baseline_check_direct(struct walk *w, const struct baseline *b, struct pcrcast_error *e)
{
	if (b->direct && !w->img->file)
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"event %zu: QEMU handed the first file over (-kernel): expected one EFI file to predict, not a disk or directory",
			b->first);
	return b->direct ? walk_note(w, "in the baseline QEMU hands the first EFI file over (-kernel)", e) :
			   0;
}

/*
 * QEMU writes into the header of a Linux kernel that it passes, and before 9.2 into whatever it passes; it has a copy
 * without that, but not all firmware asks for it. "HdrS" is the mark of Linux' boot protocol.
 */
static int say_what_qemu_passes(struct walk *w, const struct start *first, struct pcrcast_error *e)
{
	static const char reason[] =
		"QEMU may write into the header of a Linux kernel that it passes (-kernel): what is measured may be no longer this file";
	enum { AT_MARK = 0x202, MARK = 4 };
	uint8_t mark[MARK];

	if (first->pe.image.len < AT_MARK + MARK)
		return 0;
	int r = blob_read(&first->pe.image, AT_MARK, mark, MARK, e);
	if (r < 0)
		return r;
	return memcmp(mark, "HdrS", MARK) == 0 ?
		       walk_unknown(w, 4, reason, NULL, e) :
		       walk_assume(w, "qemu", "9.2 or later, which passes the file unchanged", NULL, e);
}

/* The initrd of -initrd. Nothing else is on the volume that the file comes from (EDK2's QemuKernelLoaderFsDxe.c). */
static int say_what_qemu_adds(struct walk *w, struct start *first, struct pcrcast_error *e)
{
	static const char reason[] =
		"QEMU may pass an initrd (-initrd), as in the baseline: it is not in this file";
	const struct baseline *b = w->baseline;

	first->alone = true;
	if (uki_looks_like(&first->pe, &first->id) || (b->kernel_speaks && !b->initrd_seen))
		return walk_assume(w, "qemu-initrd", "none", NULL, e);
	first->initrd_unknown = true;
	first->why_initrd_unknown = reason;
	return 0;
}

int baseline_between(struct walk *w, struct start *first, struct pcrcast_error *e)
{
	int r = baseline_keep_all(w, BASELINE_BETWEEN, e);

	if (r < 0 || !w->baseline->direct)
		return r;
	r = say_what_qemu_passes(w, first, e);
	return r < 0 ? r : say_what_qemu_adds(w, first, e);
}
