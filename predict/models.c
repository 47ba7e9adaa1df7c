/*
 * What is known of the firmware of clouds and machines: rows of data, each with the log or document that shows it.
 * Nothing here is guessed: a register that no source explains stays open.
 */
#include "predict/models.h"

#include "predict/walk.h"

static const struct firmware_model models[] = {
	{ .name = "edk2",
	  .title = "EDK2 as QEMU runs it",
	  .source =
		  "EDK2 Tcg2Dxe.c and BmBoot.c, edk2-stable202211 to 202605; recorded boots of OVMF and AAVMF",
	  .attempts = ATTEMPTS_EDK2 },
	/*
	 * Thirteen logs of Compute Engine instances in the test data of go-attestation, go-eventlog and go-tpm-tools (COS, Debian,
	 * RHEL, Ubuntu; plain, SEV and SEV-SNP): PCR 0 is version, NonHostInfo, separator; PCR 2, 3 and 6 the separator alone.
	 */
	{ .name = "gcp",
	  .title = "Google Compute Engine",
	  .source = "recorded logs of instances; Google's page on measurement registers of Confidential VMs",
	  .attempts = ATTEMPTS_EDK2,
	  .version = VERSION_GCE,
	  .separator_only = 1 << 2 | 1 << 3 | 1 << 6,
	  .open = { { 1 << 1, "Compute Engine's firmware measures ACPI tables and boot options there" } } },
	/*
	 * The user guide says that PCR 0 and 1 are constant, but not their values. Its tool (nitro-tpm-pcr-compute 1.1) makes PCR 4
	 * of "Calling…", the separator and the images. Constellation lists PCR 2, 3 and 6 of its machines, plain and SEV-SNP, as
	 * the separator alone (internal/attestation/measurements: overrides.go, measurements_enterprise.go).
	 */
	{ .name = "aws",
	  .title = "Amazon EC2 with NitroTPM",
	  .source =
		  "EC2 user guide, NitroTPM attestation document; nitro-tpm-pcr-compute 1.1; Constellation's reference values",
	  .attempts = ATTEMPTS_EDK2,
	  .separator_only = 1 << 2 | 1 << 3 | 1 << 6,
	  .open = { { 1 << 0 | 1 << 1, "EC2 keeps it constant, but does not publish its value" },
		    { 1 << 5, "no log of an EC2 instance shows what is measured there" } } },
	/*
	 * Constellation has its clients enforce one PCR 4, computed as EDK2 measures, on Azure as well (2.24, measured-boot). PCR 2
	 * and 3 are the separator alone in its reference values and in the quotes of SEV-SNP and TDX machines in Trustee's test
	 * data (az-snp-vtpm, az-tdx-vtpm); PCR 1 is so in the former only, PCR 6 in none.
	 */
	{ .name = "azure",
	  .title = "Azure virtual machines",
	  .source =
		  "Constellation 2.24, image/measured-boot and reference values; quotes in Trustee's test data",
	  .attempts = ATTEMPTS_EDK2,
	  .separator_only = 1 << 2 | 1 << 3,
	  .open = { { 1 << 6, "Azure measures something of the machine there" },
		    { 0xa3, "no log of an Azure machine shows what is measured there" } } },
	{ .name = "vmware",
	  .title = "VMware virtual machines",
	  .source = "no log or document is known",
	  .attempts = ATTEMPTS_UNKNOWN,
	  .open = { { 0xef, "no log of VMware's firmware shows what is measured there" } } },
	/*
	 * Recorded logs of Dell, HP, Lenovo, Supermicro and others (guard-oss, ibmtss, tpm2-tools): "Calling…" may be missing, and
	 * applications of the firmware may come before the separator.
	 */
	{ .name = "bare-metal",
	  .title = "a physical machine",
	  .source = "some fifty recorded logs, which differ",
	  .attempts = ATTEMPTS_UNKNOWN,
	  .open = { { 0xef, "each machine's firmware measures its own there" } } },
};

static const struct {
	const char *name;
	uint8_t number; /* byte 16 of GCE NonHostInfo: go-tpm-tools, attest.proto, GCEConfidentialTechnology */
} encryptions[ENCRYPTIONS] = {
	[ENCRYPTION_NOT_SAID] = { "", 0 }, [ENCRYPTION_NONE] = { "none", 0 },
	[ENCRYPTION_SEV] = { "sev", 1 },   [ENCRYPTION_SEV_ES] = { "sev-es", 2 },
	[ENCRYPTION_TDX] = { "tdx", 3 },   [ENCRYPTION_SEV_SNP] = { "sev-snp", 4 },
};

const struct firmware_model *firmware_model_default(void)
{
	return &models[0];
}

const struct firmware_model *firmware_model_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
		if (strcmp(models[i].name, name) == 0)
			return &models[i];
	return NULL;
}

enum memory_encryption memory_encryption_by_name(const char *name)
{
	enum memory_encryption m = ENCRYPTION_NONE;

	while (m < ENCRYPTIONS && strcmp(encryptions[m].name, name) != 0)
		m++;
	return m;
}

/* EV_NONHOST_INFO: "GCE NonHostInfo" and its NUL, the technology, zeros up to 32 bytes. */
static int nonhost_event(struct walk *w, struct pcrcast_error *e)
{
	enum { LEN = 32, TECHNOLOGY = 16 };
	enum memory_encryption m = w->opt->memory_encryption;
	struct event_text text = { "GCE NonHostInfo", "--memory-encryption" };
	uint8_t *bytes = pool_array(w->pool, LEN, 1);
	int r = 0;

	if (!bytes)
		return err_nomem(e);
	if (m == ENCRYPTION_NOT_SAID && w->opt->confidential_vm)
		return walk_event_unknown(w, 0, EV_NONHOST_INFO, text,
					  "which technology encrypts the machine's memory is measured there",
					  "--memory-encryption", e);
	if (m == ENCRYPTION_NOT_SAID)
		r = walk_assume(w, "memory-encryption", "none", "--memory-encryption", e);
	memcpy(bytes, "GCE NonHostInfo", sizeof "GCE NonHostInfo");
	bytes[TECHNOLOGY] = encryptions[m].number;
	struct slice data = { bytes, LEN };
	return r < 0 ? r : walk_event_bytes(w, 0, EV_NONHOST_INFO, data, data, EVENT_ASSUMED, text, e);
}

/* EV_S_CRTM_VERSION: UTF-16 with a NUL. */
static int version_event(struct walk *w, struct pcrcast_error *e)
{
	enum { LATEST = 2 };
	unsigned version = w->opt->firmware_version ? w->opt->firmware_version : LATEST;
	const char *words = pool_printf(w->pool, "GCE Virtual Firmware v%u", version);
	struct utf16 wide;
	int r = words ? utf16_of_utf8(w->pool, words, &wide, e) : err_nomem(e);

	if (r == 0 && !w->opt->firmware_version)
		r = walk_assume(w, "firmware-version", "2", "--firmware-version", e);
	if (r < 0)
		return r;
	struct slice data = utf16_bytes(w->pool, wide, true);
	if (!data.p)
		return err_nomem(e);
	return walk_event_bytes(w, 0, EV_S_CRTM_VERSION, data, data, EVENT_ASSUMED,
				(struct event_text){ words, "--firmware-version" }, e);
}

int model_version_events(struct walk *w, struct pcrcast_error *e)
{
	if (w->opt->model->version != VERSION_GCE)
		return 0;
	int r = version_event(w, e);

	return r < 0 ? r : nonhost_event(w, e);
}

int model_name_open(struct walk *w, uint32_t *ret_said, struct pcrcast_error *e)
{
	const struct firmware_model *m = w->opt->model;
	int r = 0;

	*ret_said = m->separator_only | (m->version == VERSION_GCE ? 1u : 0);
	for (size_t i = 0; i < MODEL_OPEN_MAX && m->open[i].pcrs; i++)
		for (uint32_t pcr = 0; r == 0 && pcr < PCR_COUNT; pcr++)
			if (m->open[i].pcrs & UINT32_C(1) << pcr)
				r = walk_unknown(w, pcr, m->open[i].reason, "--baseline", e);
	for (size_t i = 0; i < MODEL_OPEN_MAX; i++)
		*ret_said |= m->open[i].pcrs;
	return r;
}
