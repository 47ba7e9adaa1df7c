#define _GNU_SOURCE
#include "cli/golden_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/input.h"
#include "eventlog/cc.h"

/* ---- images ---- */

/* Where a value of a register came from: the worst of its events. */
static enum golden_origin origin_of(const struct eventlog *log, uint32_t pcr)
{
	bool computed = false, assumed = false, observed = false;

	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].pcr == pcr) {
			computed |= log->events[i].origin == EVENT_COMPUTED;
			assumed |= log->events[i].origin == EVENT_ASSUMED;
			observed |= log->events[i].origin == EVENT_OBSERVED;
		}
	return assumed  ? GOLDEN_ASSUMED :
	       computed ? GOLDEN_COMPUTED :
	       observed ? GOLDEN_OBSERVED :
			  GOLDEN_CONSTANT;
}

static int add_phases(const struct prediction *p, enum alg alg, const struct text_list *phases,
		      enum golden_origin origin, struct golden *g, struct golden_set *s,
		      struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; i < phases->n && r == 0; i++) {
		struct pcr_bank bank;

		r = predict_phase(p, alg, phases->items[i], &bank, e);
		if (r == 0)
			r = golden_add_value(g, s, alg, 11, (struct slice){ bank.pcr[11], algs[alg].len },
					     origin, phases->items[i], e);
	}
	return r;
}

/* The events of the registers that have a value: a log of these says nothing of others, as one of all would. */
static void keep_events(struct eventlog *log, uint32_t pcrs)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n_events; i++)
		if (log->events[i].pcr < PCR_COUNT && pcrs >> log->events[i].pcr & 1)
			log->events[n++] = log->events[i];
	log->n_events = n;
}

/* The last name of a path, without slashes behind it: what an image is called wherever it lies. */
static const char *last_name(struct pool *pool, const char *path)
{
	size_t n = strlen(path), from;

	while (n > 1 && path[n - 1] == '/')
		n--;
	for (from = n; from > 0 && path[from - 1] != '/'; from--)
		;
	return from < n ? pool_text(pool, path + from, n - from) : pool_text(pool, path, n);
}

int golden_of_combination(struct prediction *p, const struct predict_combination *c, const char *image,
			  uint32_t pcrs, struct golden *g, struct pcrcast_error *e)
{
	const struct text_list *phases = &c->arguments.phases;
	struct golden_set *s = golden_add_set(g, e);
	int r = s ? 0 : -PCRCAST_ENOMEM;

	if (s && c->label && !(s->id.variant = pool_text(&g->pool, c->label, strlen(c->label))))
		return err_nomem(e);

	if (s)
		s->cc = p->cc;
	if (s && !(s->id.image = last_name(&g->pool, image)))
		r = err_nomem(e);
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		for (uint32_t i = 0; i < PCR_COUNT && r == 0; i++) {
			/* nothing is predicted for RTMR3, which is userspace's: that it stays as it is, is taken for granted */
			enum golden_origin origin =
				p->cc && i == CC_RTMR3 ? GOLDEN_ASSUMED : origin_of(&p->log, i);

			if (!(p->banks & 1u << alg) || !(pcrs & ~p->incomplete & UINT32_C(1) << i))
				continue;
			if (i == 11 && phases->n)
				r = add_phases(p, alg, phases, origin, g, s, e);
			else
				r = golden_add_value(g, s, alg, i,
						     (struct slice){ p->values[alg].pcr[i], algs[alg].len },
						     origin, NULL, e);
		}
	keep_events(&p->log, pcrs & ~p->incomplete);
	return r < 0 ? r : golden_keep_log(g, s, &p->log, e);
}

static int read_image(const char *path, const struct golden_source_options *opt, struct golden *ret,
		      struct pcrcast_error *e)
{
	const struct predict_arguments *a = &opt->predict;
	alg_set banks = opt->banks                   ? opt->banks :
			opt->usual && !a->options.cc ? opt->usual :
						       predict_default_banks(a);
	uint32_t pcrs = opt->has_pcrs                     ? opt->pcrs :
			opt->image_pcrs && !a->options.cc ? opt->image_pcrs :
							    predict_default_pcrs(a);
	struct prediction *all = calloc(a->n_combinations, sizeof *all);
	int r = all ? 0 : err_nomem(e);

	ret->format = "image";
	for (size_t i = 0; all && i < a->n_combinations; i++)
		all[i] = PREDICTION_INIT;
	for (size_t i = 0; r == 0 && i < a->n_combinations; i++) {
		r = predict_one_combination(a, &a->combinations[i], path, banks, pcrs, &all[i], e);
		if (r == 0 && opt->has_pcrs && all[i].incomplete & pcrs)
			r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
				    "a register that --pcr names has no value");
	}
	if (r == 0 || (all && r == -PCRCAST_ENOTFOUND))
		predict_print_all_remarks(a, all, pcrs, opt->quiet);
	for (size_t i = 0; r == 0 && i < a->n_combinations; i++)
		r = golden_of_combination(&all[i], &a->combinations[i], path, pcrs, ret, e);
	for (size_t i = 0; all && i < a->n_combinations; i++)
		prediction_done(&all[i]);
	free(all);
	return r;
}

int golden_fit_variants(struct golden *g, const struct golden_format *f, struct pcrcast_error *e)
{
	return f->holds & HOLDS_SETS || g->n < 2 ? 0 : golden_merge_sets(g, e);
}

/* Does a file begin as an EFI file or a disk in one of its containers does? */
bool golden_is_image(const char *path)
{
	static const struct {
		size_t at;
		const char *magic;
	} magics[] = {
		{ 0, "MZ" },       { 0, "QFI\xfb" },           { 0, "KDMV" },       { 0, "COWD" },
		{ 0, "conectix" }, { 0, "# Disk Descriptor" }, { 512, "EFI PART" }, { 4096, "EFI PART" },
	};
	uint8_t head[4096 + 8] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return false;
	ssize_t n = pread(fd, head, sizeof head, 0);
	(void)close(fd);
	/* the boot sector of a FAT file system without a partition table: a jump, and the signature at its end */
	bool found =
		n >= 512 && (head[0] == 0xeb || head[0] == 0xe9) && head[510] == 0x55 && head[511] == 0xaa;
	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
		size_t len = strlen(magics[i].magic);

		found |= n > 0 && magics[i].at + len <= (size_t)n &&
			 memcmp(head + magics[i].at, magics[i].magic, len) == 0;
	}
	return found;
}

enum { SECTION_MAX = 16 << 20 }; /* bytes; signatures of some hundred policies have 100 KiB */

int golden_section_read(struct pool *pool, const char *path, const struct golden_source_options *opt,
			const char *section, struct slice *ret, struct pcrcast_error *e)
{
	const struct stub_rules *rules;
	const struct pe_section *s;
	struct source *source;
	struct sd_identity id;
	struct blob bytes;
	struct pe pe;
	bool newer, exists;

	int r = source_open_file(path, &source, e);
	if (r < 0)
		return r;
	r = blob_of_source(pool, source, &bytes, e);
	r = r < 0 ? r : pe_parse(pool, &bytes, &pe, e);
	r = r < 0 ? r : sd_identify(pool, &pe, &id, e);
	if (r == 0) {
		rules = stub_rules_for(id.version, &newer);
		s = uki_find_section(&pe, rules ? rules->match : MATCH_EXACT_FIRST,
				     opt->predict.options.profile, section, &exists);
		if (!s)
			r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no section %s", section);
		else
			r = pe_section_content(pool, &pe, s, &bytes, e);
	}
	if (r == 0)
		r = blob_load(pool, &bytes, SECTION_MAX, ret, e);
	source_close(source);
	return r;
}

/* ---- directories ---- */

/* A directory of registers (sysfs) or of systemd's components tells itself by what is right below it; another is an ESP. */
static bool is_reference_directory(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (d && !found && (entry = readdir(d))) {
		const char *dot = strstr(entry->d_name, ".pcrlock");

		found = strncmp(entry->d_name, "pcr-sha", 7) == 0 ||
			(dot && (strcmp(dot, ".pcrlock") == 0 || strcmp(dot, ".pcrlock.d") == 0));
	}
	if (d)
		(void)closedir(d);
	return found;
}

static int read_directory(const char *path, const struct golden_source_options *opt, struct golden_input *in,
			  struct pool *pool, struct golden *ret, struct pcrcast_error *e)
{
	struct golden_file *files;
	int r = input_read_directory(pool, path, GOLDEN_FILE_MAX, &files, &in->n_files, e);

	if (r == 0 && in->n_files == 0)
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "an empty directory");
	if (r < 0)
		return r;
	in->files = files;
	return golden_read(in, opt->from, ret, e);
}

/* ---- files ---- */

static int read_log(struct slice bytes, struct golden *ret, struct pcrcast_error *e)
{
	const uint8_t *copy = pool_copy(&ret->pool, bytes.p, bytes.n); /* the log borrows from it */
	struct eventlog log;

	if (!copy)
		return err_nomem(e);
	int r = eventlog_read((struct slice){ copy, bytes.n }, EVENTLOG_KINDS, &log, e);
	struct golden_set *s = r == 0 ? golden_add_set(ret, e) : NULL;
	if (!s) {
		eventlog_done(&log);
		return r < 0 ? r : -PCRCAST_ENOMEM;
	}
	ret->format = "event log";
	r = golden_take_log(ret, s, &log, GOLDEN_OBSERVED, e);
	if (r == 0 && s->n_registers == 0)
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			    "an event log that leads to no register's value");
	return r;
}

static int read_file(const char *path, const struct golden_source_options *opt, struct golden_input *in,
		     struct pool *pool, struct golden *ret, struct pcrcast_error *e)
{
	struct pcrcast_error not_golden;
	const char *why;

	bool section = opt->from && strcmp(opt->from->name, "pcrsig") == 0 && golden_is_image(path);

	int r = section ? golden_section_read(pool, path, opt, ".pcrsig", &in->bytes, e) :
			  input_read(pool, path, GOLDEN_FILE_MAX, &in->bytes, e);
	if (r < 0)
		return r;
	if (in->bytes.n == 0)
		return err_set(e, PCRCAST_ETRUNC, 0, "an empty file");
	r = golden_read(in, opt->from, ret, &not_golden);
	/* Not recognised: then it may be a log. What was recognised and is damaged is an error. */
	if (r == 0 || opt->from || ret->format || eventlog_recognise(in->bytes, &why) == EVENTLOG_KINDS) {
		if (r < 0)
			*e = not_golden;
		return r;
	}
	golden_done(ret);
	return read_log(in->bytes, ret, e);
}

int golden_source_read(const char *path, const struct golden_source_options *opt, struct golden *ret,
		       struct pcrcast_error *e)
{
	const char *slash = strrchr(path, '/');
	struct golden_input in = { .name = slash && slash[1] ? slash + 1 : path,
				   .bytes = SLICE_EMPTY,
				   .banks = opt->banks,
				   .has_pcrs = opt->has_pcrs,
				   .pcrs = opt->pcrs };
	struct pool pool = POOL_INIT;
	struct stat st;
	int r;

	*ret = GOLDEN_INIT;
	bool is_dir = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	if (is_dir && (opt->from || is_reference_directory(path)))
		r = read_directory(path, opt, &in, &pool, ret, e);
	else if (is_dir || (!opt->from && golden_is_image(path)))
		r = read_image(path, opt, ret, e);
	else
		r = read_file(path, opt, &in, &pool, ret, e);
	pool_done(&pool);
	return r;
}

/* ---- values ---- */

static int single_values(const struct golden *g, struct pcr_values *ret, struct pcrcast_error *e)
{
	*ret = (struct pcr_values){ 0 };
	if (g->n != 1)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "%zu sets of values, expected one",
			       g->n);
	ret->cc = g->sets[0].cc;
	for (enum alg alg = 0; alg < ALG_COUNT; alg++) {
		struct pcr_values one;
		int r = golden_single_values(&g->sets[0], alg, &one, e);

		if (r < 0)
			return r;
		ret->known[alg] = one.known[alg];
		memcpy(ret->value[alg], one.value[alg], sizeof ret->value[alg]);
	}
	return 0;
}

int golden_values_read(struct pool *pool, const char *path, struct pcr_values *ret, bool *ret_known,
		       struct pcrcast_error *e)
{
	/* no image is read here, so there are no combinations */
	struct golden_source_options opt = { .quiet = true, .predict = { .pool = pool } };
	struct golden g = GOLDEN_INIT;
	struct stat st;
	int r;

	*ret_known = true;
	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
	    (S_ISDIR(st.st_mode) ? !is_reference_directory(path) : golden_is_image(path)))
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       S_ISDIR(st.st_mode) ? "no pcr-sha256/0 or the like in this directory" :
						     "an image, expected values of registers");
	r = golden_source_read(path, &opt, &g, e);
	*ret_known = r != -PCRCAST_EUNSUPPORTED || g.format;
	if (r == 0)
		r = single_values(&g, ret, e);
	golden_done(&g);
	return *ret_known ? r : 0;
}
