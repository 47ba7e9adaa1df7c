/*
 * pcrcast uki show: everything about an EFI file, gathered before anything is printed.
 */
#include <inttypes.h>
#include <string.h>

#include "base/hash_jobs.h"
#include "cli/cmd_uki.h"
#include "uki/kernel.h"
#include "uki/signature.h"

struct report {
	alg_set banks;
	struct uki_hashes hashes;
	struct signature_list signatures;
	bool *good;
	bool is_uki;
	struct uki uki;
	bool has_kernel;
	struct kernel kernel;
	const char *build_id, *no_build_id;
	const char *kernel_trouble;
	const struct digest *sections; /* n_sections * ALG_COUNT */
	bool *no_digest;               /* n_sections */
};

static int hash_sections(struct uki_arguments *a, struct uki_input *in, struct report *rep,
			 struct hash_jobs *jobs, struct pcrcast_error *e)
{
	size_t n = in->pe.n_sections, *ids = pool_array(&a->pool, n, sizeof *ids);
	struct digest *digests = pool_array(&a->pool, n * ALG_COUNT, sizeof *digests);
	int r = ids && digests ? 0 : err_nomem(e);
	uint64_t zeros = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct pe_section *s = &in->pe.sections[i];
		struct blob content;

		/* A kernel's section may claim more zeros than a UKI's may have; such a section has no digest here. */
		zeros += s->virt_len > s->raw_len ? s->virt_len - s->raw_len : 0;
		ids[i] = SIZE_MAX;
		if (zeros > PE_MAX_ZERO_FILL)
			continue;
		r = pe_section_content(&a->pool, &in->pe, &in->pe.sections[i], &content, e);
		if (r == 0)
			r = hash_jobs_add(jobs, &content, &ids[i], e);
	}
	if (r == 0)
		r = hash_jobs_run(jobs, rep->banks, 0, e);
	rep->no_digest = pool_array(&a->pool, n, sizeof *rep->no_digest);
	if (r == 0 && !rep->no_digest)
		r = err_nomem(e);
	for (size_t i = 0; r == 0 && i < n; i++)
		for (enum alg alg = 0; alg < ALG_COUNT && !(rep->no_digest[i] = ids[i] == SIZE_MAX); alg++)
			digests[i * ALG_COUNT + alg] = *hash_jobs_digest(jobs, ids[i], alg);
	rep->sections = digests;
	return r;
}

static int look_at_kernel(struct uki_arguments *a, struct uki_input *in, struct report *rep,
			  struct pcrcast_error *e)
{
	const struct blob *image = rep->is_uki ? &rep->uki.sections[UKI_LINUX].bytes : &in->bytes;
	struct source *temp = NULL;
	struct pcrcast_error odd;

	int r = kernel_identify(&a->pool, image, &rep->kernel, &temp, &odd);
	if (r == -PCRCAST_EUNSUPPORTED) {
		rep->kernel_trouble = pool_printf(&a->pool, "%s", odd.msg);
		r = 0;
	} else if (r == 0) {
		rep->has_kernel = true;
		r = kernel_build_id(&a->pool, image, &rep->kernel, &rep->build_id, &rep->no_build_id, &odd);
	}
	if (r < 0) {
		/* The kernel is odd; everything else about the file can still be shown. */
		rep->has_kernel = false;
		rep->kernel_trouble = pool_printf(&a->pool, "%s", odd.msg);
		r = odd.code == PCRCAST_EIO || odd.code == PCRCAST_ENOMEM ? r : 0;
		if (r < 0)
			*e = odd;
	}
	source_close(temp);
	return r;
}

static int gather(struct uki_arguments *a, struct uki_input *in, struct report *rep, struct pcrcast_error *e)
{
	struct hash_jobs *jobs = hash_jobs_new();
	int r = jobs ? hash_image(a, &in->pe, rep->banks, &rep->hashes, e) : err_nomem(e);

	if (r == 0)
		r = signatures_read(&a->pool, &in->pe, &rep->signatures, e);
	if (r == 0)
		r = signatures_check(&a->pool, &in->pe, &rep->signatures, jobs, &rep->good, e);
	if (r == 0)
		r = hash_sections(a, in, rep, jobs, e);
	rep->is_uki = uki_looks_like(&in->pe, &in->id) && in->id.kind == SD_STUB;
	if (r == 0 && rep->is_uki)
		r = open_uki(a, in, &rep->uki, e);
	if (r == 0 && in->id.kind != SD_BOOT && in->id.kind != SD_ADDON)
		r = look_at_kernel(a, in, rep, e);
	hash_jobs_free(jobs);
	return r;
}

static const char *identity_name(const struct sd_identity *id)
{
	return id->kind == SD_STUB  ? "systemd-stub" :
	       id->kind == SD_BOOT  ? "systemd-boot" :
	       id->kind == SD_ADDON ? "systemd-addon" :
				      NULL;
}

/* "measured" or what becomes of a section otherwise; NULL when the file is no UKI. */
static const char *section_role(const struct report *rep, size_t index)
{
	if (!rep->is_uki)
		return NULL;
	for (enum uki_section s = 0; s < UKI_SECTIONS; s++)
		if (rep->uki.sections[s].set && rep->uki.sections[s].index == index)
			return s == UKI_PCRSIG ? "used" : "measured";
	return "";
}

static void show_text(const struct uki_arguments *a, const struct uki_input *in, const struct report *rep)
{
	const char *machine = pe_machine_name(in->pe.machine), *who = identity_name(&in->id);

	printf("machine        %s, %s\n", machine ? machine : "unknown", in->pe.plus ? "PE32+" : "PE32");
	if (who) {
		printf("%-14s ", who);
		put_text(stdout, in->id.text);
		putchar('\n');
	}
	if (rep->is_uki)
		printf("profiles       %u\n", rep->uki.n_profiles ? rep->uki.n_profiles : 1);
	if (rep->has_kernel) {
		const struct kernel *k = &rep->kernel;

		printf("kernel         %s, ", kernel_format_name(k->format));
		put_text(stdout, k->version ? k->version : "version not found");
		printf("\n  measures     load options: %s, initrd: %s\n",
		       k->measures_load_options ? "yes" : "no", k->measures_initrd ? "yes" : "no");
		if (k->format == KERNEL_ZBOOT) {
			fputs("  zboot        ", stdout);
			put_text(stdout, k->zboot_compression ? k->zboot_compression : "unknown compression");
			puts(k->zboot_nested ? ", starts the decompressed image with LoadImage()" : "");
		}
		fputs("  build id     ", stdout);
		put_text(stdout, rep->build_id    ? rep->build_id :
				 rep->no_build_id ? rep->no_build_id :
						    "none");
		putchar('\n');
	} else if (rep->is_uki && rep->kernel_trouble) {
		fputs("kernel         ", stdout);
		put_text(stdout, rep->kernel_trouble);
		putchar('\n');
	}
	print_hashes(rep->banks, rep->hashes.plain, "authenticode");
	if (rep->hashes.differs)
		print_hashes(rep->banks, rep->hashes.padded, "  when signed");
	for (size_t i = 0; i < rep->signatures.n; i++) {
		const struct signature *s = &rep->signatures.items[i];

		fputs("signature      ", stdout);
		put_text(stdout, s->trouble ? s->trouble : s->subject);
		if (!s->trouble)
			printf(", %s, %s", s->alg < ALG_COUNT ? algs[s->alg].name : "unknown digest",
			       rep->good[i] ? "fits the image" : "does not fit the image");
		putchar('\n');
	}
	if (rep->signatures.n == 0)
		puts("signature      none");
	puts("section          memory       file     offset  ");
	for (size_t i = 0; i < in->pe.n_sections; i++) {
		const struct pe_section *s = &in->pe.sections[i];
		const char *role = section_role(rep, i);

		fputs("  ", stdout);
		put_text(stdout, s->name);
		printf("%*s %10" PRIu32 " %10" PRIu32 " %10" PRIu32 "  %s\n", (int)(10 - strlen(s->name)), "",
		       s->virt_len, s->raw_len, s->raw_off, role ? role : "");
		for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
			char hex[2 * DIGEST_MAX + 1];

			if (!(rep->banks & 1u << alg) || s->virt_len == 0 || !a->banks || rep->no_digest[i])
				continue;
			hex_encode(rep->sections[i * ALG_COUNT + alg].bytes, algs[alg].len, hex);
			printf("    %s:%s\n", algs[alg].name, hex);
		}
	}
}

static struct cJSON *sections_json(struct json_doc *d, const struct uki_input *in, const struct report *rep)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < in->pe.n_sections; i++) {
		const struct pe_section *s = &in->pe.sections[i];
		struct cJSON *o = json_object(d);
		const char *role = section_role(rep, i);

		json_add_string(d, o, "name", s->name);
		json_add_u64(d, o, "memorySize", s->virt_len);
		json_add_u64(d, o, "memoryOffset", s->virt_off);
		json_add_u64(d, o, "fileSize", s->raw_len);
		json_add_u64(d, o, "fileOffset", s->raw_off);
		if (role)
			json_add_bool(d, o, "measured", strcmp(role, "measured") == 0);
		if (!rep->no_digest[i])
			digests_json(d, o, "digests", rep->banks, rep->sections + i * ALG_COUNT);
		json_append(d, list, o);
	}
	return list;
}

static struct cJSON *signatures_json(struct json_doc *d, const struct report *rep)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < rep->signatures.n; i++) {
		const struct signature *s = &rep->signatures.items[i];
		struct cJSON *o = json_object(d);

		if (s->trouble) {
			json_add_string(d, o, "trouble", s->trouble);
		} else {
			json_add_string(d, o, "subject", s->subject);
			json_add_string(d, o, "issuer", s->issuer);
			json_add_hex(d, o, "certificateSha256", s->certificate.bytes, algs[ALG_SHA256].len);
			json_add_string(d, o, "digestAlgorithm",
					s->alg < ALG_COUNT ? algs[s->alg].name : "unknown");
			json_add_bool(d, o, "fits", rep->good[i]);
		}
		json_append(d, list, o);
	}
	return list;
}

static int show_json(const struct uki_arguments *a, const struct uki_input *in, const struct report *rep,
		     struct pcrcast_error *e)
{
	struct json_doc d = { false };
	struct cJSON *root = json_object(&d);
	const char *machine = pe_machine_name(in->pe.machine), *who = identity_name(&in->id);

	json_add_u64(&d, root, "version", 1);
	json_add_string(&d, root, "file", a->file);
	json_add_string(&d, root, "machine", machine ? machine : "unknown");
	json_add_string(&d, root, "format", in->pe.plus ? "PE32+" : "PE32");
	if (who) {
		struct cJSON *o = json_object(&d);

		json_add_string(&d, o, "kind", who);
		json_add_string(&d, o, "version", in->id.text);
		json_add(&d, root, "systemd", o);
	}
	if (rep->is_uki)
		json_add_u64(&d, root, "profiles", rep->uki.n_profiles ? rep->uki.n_profiles : 1);
	if (rep->has_kernel) {
		struct cJSON *o = json_object(&d);

		json_add_string(&d, o, "format", kernel_format_name(rep->kernel.format));
		if (rep->kernel.version)
			json_add_string(&d, o, "version", rep->kernel.version);
		json_add_bool(&d, o, "measuresLoadOptions", rep->kernel.measures_load_options);
		json_add_bool(&d, o, "measuresInitrd", rep->kernel.measures_initrd);
		if (rep->kernel.zboot_compression)
			json_add_string(&d, o, "zbootCompression", rep->kernel.zboot_compression);
		if (rep->build_id)
			json_add_string(&d, o, "buildId", rep->build_id);
		json_add(&d, root, "kernel", o);
	}
	digests_json(&d, root, "authenticode", rep->banks, rep->hashes.plain);
	if (rep->hashes.differs)
		digests_json(&d, root, "authenticodePadded", rep->banks, rep->hashes.padded);
	json_add(&d, root, "signatures", signatures_json(&d, rep));
	json_add(&d, root, "sections", sections_json(&d, in, rep));
	return write_json(&d, root, false, e);
}

int uki_run_show(struct uki_arguments *a, struct uki_input *in, struct pcrcast_error *e)
{
	struct report rep = { .banks = a->banks ? a->banks : 1u << ALG_SHA256 };
	int r = gather(a, in, &rep, e);

	if (r < 0)
		return r;
	if (a->json)
		return show_json(a, in, &rep, e);
	show_text(a, in, &rep);
	return 0;
}
