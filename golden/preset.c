#include "golden/preset.h"

#include <string.h>
#include <strings.h>

#include "base/encode.h"

/* ---- the tables ---- */

#define OVERRIDES "Constellation v2.24, internal/attestation/measurements/overrides.go"
#define DEFAULTS "Constellation v2.24, internal/attestation/measurements/measurements_oss.go"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
/* A PCR into which nothing but a separator went: SHA-256(32 zeros || SHA-256(4 zeros)). */
#define SEPARATOR_ONLY "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"

#define N_ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define PART(rows)                 \
	{                          \
		rows, N_ROWS(rows) \
	}

/* What the measured-boot tool computes from an image; enforced on every cloud. */
static const struct preset_row image_rows[] = {
	{ .index = 4, .offline = true, .source = OVERRIDES },
	{ .index = 8, .offline = true, .source = OVERRIDES },
	{ .index = 9, .offline = true, .source = OVERRIDES },
	{ .index = 11, .offline = true, .source = OVERRIDES },
	{ .index = 12, .offline = true, .source = OVERRIDES },
	{ .index = 13, .offline = true, .source = OVERRIDES },
	{ .index = 15, .offline = true, .source = OVERRIDES }, /* zeros until the cluster's id is measured */
};

static const struct preset_row aws_rows[] = {
	{ .index = 0, .warn_only = true, .source = OVERRIDES },
	{ .index = 2, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 3, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 6, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 14, .warn_only = true, .value = ZEROS, .source = OVERRIDES },
};

static const struct preset_row aws_nitro_rows[] = {
	{ .index = 0,
	  .warn_only = true,
	  .value = "737f767a12f54e70eecbc8684011323ae2fe2dd9f90785577969d7a2013e8c12",
	  .source = OVERRIDES },
};

static const struct preset_row aws_snp_rows[] = {
	{ .index = 0,
	  .warn_only = true,
	  .value = "d6df855358f5b10f06f0fab3f408ad26cd165a2949bad69e2cc75692529e662a",
	  .source = OVERRIDES },
};

static const struct preset_row azure_rows[] = {
	{ .index = 1, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 2, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 3, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 14, .warn_only = true, .value = ZEROS, .source = OVERRIDES },
};

static const struct preset_row gcp_rows[] = {
	{ .index = 1,
	  .warn_only = true,
	  .value = "3695dcc55e3aa34027c27793c85c723c697d708c42d1f73bd6fa4f26608a5b24",
	  .source = OVERRIDES },
	{ .index = 2, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 3, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 6, .warn_only = true, .value = SEPARATOR_ONLY, .source = OVERRIDES },
	{ .index = 14, .warn_only = true, .value = ZEROS, .source = OVERRIDES },
};

static const struct preset_row openstack_rows[] = {
	{ .index = 14, .warn_only = true, .value = ZEROS, .source = OVERRIDES },
};

/* MRTD and RTMR0 to RTMR3. What the cluster's id is measured into later, RTMR2, is zeros by default. */
static const struct preset_row tdx_rows[] = {
	{ .index = 0, .source = DEFAULTS },
	{ .index = 1, .source = DEFAULTS },
	{ .index = 2, .source = DEFAULTS },
	{ .index = 3,
	  .fallback = true,
	  .value = ZEROS "00000000000000000000000000000000",
	  .source = DEFAULTS },
	{ .index = 4, .source = DEFAULTS },
};

// clang-format off
const struct golden_preset golden_presets[] = {
	{ "aws", "Constellation on AWS; the source states PCR 0", "AWS", NULL, false,
	  { PART(image_rows), PART(aws_rows) } },
	{ "aws-nitro-tpm", "Constellation on AWS, NitroTPM", "AWS", "aws-nitro-tpm", false,
	  { PART(image_rows), PART(aws_rows), PART(aws_nitro_rows) } },
	{ "aws-sev-snp", "Constellation on AWS, AMD SEV-SNP", "AWS", "aws-sev-snp", false,
	  { PART(image_rows), PART(aws_rows), PART(aws_snp_rows) } },
	{ "azure", "Constellation on Azure", "Azure", NULL, false,
	  { PART(image_rows), PART(azure_rows) } },
	{ "azure-sev-snp", "Constellation on Azure, AMD SEV-SNP", "Azure", "azure-sev-snp", false,
	  { PART(image_rows), PART(azure_rows) } },
	{ "azure-tdx", "Constellation on Azure, Intel TDX (by its vTPM)", "Azure", "azure-tdx", false,
	  { PART(image_rows), PART(azure_rows) } },
	{ "azure-trustedlaunch", "Constellation on Azure, trusted launch", "Azure", "azure-trustedlaunch", false,
	  { PART(image_rows), PART(azure_rows) } },
	{ "gcp", "Constellation on GCP", "GCP", NULL, false,
	  { PART(image_rows), PART(gcp_rows) } },
	{ "gcp-sev-es", "Constellation on GCP, AMD SEV-ES", "GCP", "gcp-sev-es", false,
	  { PART(image_rows), PART(gcp_rows) } },
	{ "gcp-sev-snp", "Constellation on GCP, AMD SEV-SNP", "GCP", "gcp-sev-snp", false,
	  { PART(image_rows), PART(gcp_rows) } },
	{ "openstack", "Constellation on OpenStack", "OpenStack", "qemu-vtpm", false,
	  { PART(image_rows), PART(openstack_rows) } },
	{ "qemu", "Constellation on QEMU", "QEMU", NULL, false,
	  { PART(image_rows) } },
	{ "qemu-vtpm", "Constellation on QEMU, vTPM", "QEMU", "qemu-vtpm", false,
	  { PART(image_rows) } },
	{ "qemu-tdx", "Constellation on QEMU, Intel TDX: MRTD and RTMRs", "QEMU", "qemu-tdx", true,
	  { PART(tdx_rows) } },
};
// clang-format on

const size_t n_golden_presets = N_ROWS(golden_presets);

const struct golden_preset *golden_preset_by_name(const char *name)
{
	for (size_t i = 0; i < n_golden_presets; i++)
		if (strcmp(golden_presets[i].name, name) == 0)
			return &golden_presets[i];
	return NULL;
}

/* What the preset says of a register; NULL: nothing. */
static const struct preset_row *row_of(const struct golden_preset *p, uint32_t index)
{
	for (size_t i = PRESET_PARTS; i-- > 0;)
		for (size_t k = 0; k < p->parts[i].n; k++)
			if (p->parts[i].rows[k].index == index)
				return &p->parts[i].rows[k];
	return NULL;
}

uint32_t golden_preset_registers(const struct golden_preset *p)
{
	uint32_t ret = 0;

	for (uint32_t i = 0; i < PCR_COUNT; i++) {
		const struct preset_row *row = row_of(p, i);

		if (row && !row->value)
			ret |= UINT32_C(1) << i;
	}
	return ret;
}

/* ---- applying one ---- */

struct applying {
	struct golden *g;
	struct golden_set *s;
	const struct golden_preset *p;
	enum alg alg;
	struct pcrcast_error *e;
};

/* A cloud's preset is that of the set's variant, if it has one of the cloud. */
static const struct golden_preset *preset_for(const struct golden_preset *p, const struct golden_set *s)
{
	for (size_t i = 0; !p->variant && s->id.variant && i < n_golden_presets; i++) {
		const struct golden_preset *q = &golden_presets[i];

		if (q->variant && strcmp(q->variant, s->id.variant) == 0 && strcmp(q->csp, p->csp) == 0)
			return q;
	}
	return p;
}

static int check_kind(const struct applying *a)
{
	const struct golden_set *s = a->s;

	if (s->cc != a->p->cc)
		return err_set(a->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "preset %s is for %s, the values are of %s", a->p->name,
			       a->p->cc ? "CC registers" : "PCRs", s->cc ? "CC registers" : "PCRs");
	if (s->id.csp && strcasecmp(s->id.csp, a->p->csp) != 0)
		return err_set(a->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "preset %s is for %s, the values are for %s", a->p->name, a->p->csp,
			       s->id.csp);
	if (s->id.variant && a->p->variant && strcmp(s->id.variant, a->p->variant) != 0)
		return err_set(a->e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "preset %s is for %s, the values are for %s", a->p->name, a->p->variant,
			       s->id.variant);
	return 0;
}

/* Leave out other banks, and registers that the verifier does not look at. */
static int select_registers(const struct applying *a)
{
	struct golden_set *s = a->s;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->n_registers && r == 0; i++) {
		const struct golden_register *reg = &s->registers[i];
		char name[12];

		if (reg->alg == a->alg && row_of(a->p, reg->index))
			s->registers[n++] = *reg;
		else
			r = golden_note(a->g, a->e, "%s:%s is left out: preset %s does not look at it",
					algs[reg->alg].name, golden_register_name(s, reg->index, name),
					a->p->name);
	}
	if (r == 0)
		s->n_registers = n;
	return r;
}

static int set_constant(const struct applying *a, const struct preset_row *row)
{
	const struct golden_register *old = golden_find(a->s, a->alg, row->index);
	struct slice value;
	char name[12];
	int r = 0;

	if (row->fallback && old)
		return 0;
	if (!hex_decode(&a->g->pool, slice_of_string(row->value), &value))
		return err_nomem(a->e); /* the tables are sound: a test reads them all */
	if (old && (old->n > 1 || memcmp(old->values[0].bytes, value.p, value.n) != 0))
		r = golden_note(a->g, a->e, "%s: the constant of preset %s replaces the source's value",
				golden_register_name(a->s, row->index, name), a->p->name);
	if (old)
		golden_register(a->g, a->s, a->alg, row->index, NULL)->n = 0;
	return r < 0 ? r :
		       golden_add_value(a->g, a->s, a->alg, row->index, value, GOLDEN_CONSTANT, NULL, a->e);
}

static int set_register(const struct applying *a, const struct preset_row *row)
{
	char name[12];
	int r = row->value ? set_constant(a, row) : 0;

	if (r < 0)
		return r;
	if (!golden_find(a->s, a->alg, row->index))
		return err_set(a->e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			       "preset %s needs %s:%s, which the source does not have%s", a->p->name,
			       algs[a->alg].name, golden_register_name(a->s, row->index, name),
			       a->p->variant || row->offline ? "" : " (the preset of a variant may)");
	golden_register(a->g, a->s, a->alg, row->index, NULL)->warn_only = row->warn_only;
	return 0;
}

static int apply_to_set(const struct applying *a)
{
	int r = check_kind(a);

	r = r < 0 ? r : select_registers(a);
	for (uint32_t i = 0; i < PCR_COUNT && r == 0; i++) {
		const struct preset_row *row = row_of(a->p, i);

		r = row ? set_register(a, row) : 0;
	}
	if (r < 0)
		return r;
	a->s->id.csp = a->p->csp;
	a->s->id.variant = a->p->variant ? a->p->variant : a->s->id.variant;
	return 0;
}

int golden_apply_preset(struct golden *g, const char *name, struct pcrcast_error *e)
{
	const struct golden_preset *p = golden_preset_by_name(name);
	int r = 0;

	if (!p)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "no preset \"%s\"", name);
	for (size_t i = 0; i < g->n && r == 0; i++) {
		struct golden_set *s = &g->sets[i];
		struct applying a = { .g = g, .s = s, .p = preset_for(p, s), .e = e };

		a.alg = a.p->cc ? ALG_SHA384 : ALG_SHA256;
		r = apply_to_set(&a);
	}
	return r;
}
