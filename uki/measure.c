#include "uki/measure.h"

const char *const uki_default_phases[] = {
	"enter-initrd",
	"enter-initrd:leave-initrd",
	"enter-initrd:leave-initrd:sysinit",
	"enter-initrd:leave-initrd:sysinit:ready",
	NULL,
};

static int extend_bytes(struct pcr_bank *bank, struct slice bytes, struct pcrcast_error *e)
{
	struct digest d;
	int r = digest_of(bank->alg, bytes, &d, e);

	return r < 0 ? r : pcr_extend(bank, 11, d.bytes, e);
}

int uki_measure(const struct uki *uki, alg_set banks, struct pcr_bank ret[static ALG_COUNT],
		struct pcrcast_error *e)
{
	struct hash_jobs *jobs = hash_jobs_new();
	size_t ids[UKI_SECTIONS] = { 0 };
	int r = jobs ? 0 : err_nomem(e);

	if (r == 0 && uki->unknown)
		r = err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"which .dtbauto or .efifw section is measured depends on the hardware: give --hwid or --dt-compatible");
	if (r == 0 && uki->unsure_range)
		r = err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"a section lies beyond SizeOfImage: whether this release of systemd-stub measures it is not known");
	for (enum uki_section s = 0; r == 0 && s < UKI_SECTIONS; s++)
		if (uki->sections[s].set && s != UKI_PCRSIG)
			r = hash_jobs_add(jobs, &uki->sections[s].bytes, &ids[s], e);
	if (r == 0)
		r = hash_jobs_run(jobs, banks, 0, e);
	for (enum alg a = 0; r == 0 && a < ALG_COUNT; a++) {
		pcr_bank_reset(&ret[a], a);
		for (enum uki_section s = 0; r == 0 && banks & 1u << a && s < UKI_SECTIONS; s++) {
			const char *name = uki_section_names[s];

			if (!uki->sections[s].set || s == UKI_PCRSIG)
				continue;
			/* the name with its NUL, then the content */
			r = extend_bytes(&ret[a], (struct slice){ (const uint8_t *)name, strlen(name) + 1 },
					 e);
			if (r == 0)
				r = pcr_extend(&ret[a], 11, hash_jobs_digest(jobs, ids[s], a)->bytes, e);
		}
	}
	hash_jobs_free(jobs);
	return r;
}

int uki_measure_phase(struct pcr_bank *bank, const char *path, struct pcrcast_error *e)
{
	int r = 0;

	for (const char *word = path; r == 0 && *word;) {
		size_t n = strcspn(word, ":");

		if (n)
			r = extend_bytes(bank, (struct slice){ (const uint8_t *)word, n }, e);
		word += n + (word[n] == ':');
	}
	return r;
}
