/*
 * --variant: axes from their texts, their combinations, and the prediction of one of these.
 */
#include "cli/predict_variants.h"

#include <string.h>
#include <sys/stat.h>

#include "predict/image.h"

enum axis_kind {
	AXIS_OPTION,  /* an option of this name with each value */
	AXIS_IMAGE,   /* another image */
	AXIS_FILE,    /* a file of the image with another content */
	AXIS_ADDON,   /* a file of the image, there or not */
	AXIS_WITHOUT, /* which file of the image is not there */
};

struct predict_axis {
	enum axis_kind kind;
	const struct option_row *option; /* AXIS_OPTION */
	const char *name;                /* in labels */
	const char *path;                /* AXIS_FILE, AXIS_ADDON: in the image */
	char **values;                   /* an empty one: as without this axis */
	size_t n, cap;
};

static const struct option_row rows[] = { PREDICT_OPTION_ROWS };

/* Those that say what is predicted, and not how a machine boots. */
static const int no_axes[] = { OPT_VARIANT, OPT_MODEL, OPT_CC };

/* Those that may stand on a command line several times. */
static const int repeatable[] = {
	OPT_ATTEMPTED,   OPT_SMBIOS, OPT_CONSOLE, OPT_HWID, OPT_PHASE, OPT_CC_QUIRK,
	OPT_GRUB_VOLUME, OPT_PK,     OPT_KEK,     OPT_DB,   OPT_DBX,
};

static const char present[] = "present", absent[] = "absent", on[] = "on", off[] = "off";

static bool among(int code, const int *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i] == code)
			return true;
	return false;
}

static bool is_repeatable(int code)
{
	return among(code, repeatable, sizeof repeatable / sizeof repeatable[0]);
}

/* ---- an axis ---- */

/* The text up to the next comma; "\," is a comma in it. */
static char *take_value(struct pool *pool, const char **text)
{
	char *value = pool_text(pool, *text, strlen(*text)), *to = value;
	const char *p = *text;

	while (value && *p && *p != ',') {
		p += p[0] == '\\' && p[1] == ',';
		*to++ = *p++;
	}
	if (value)
		*to = '\0';
	*text = p;
	return value;
}

static int take_values(struct predict_arguments *a, struct predict_axis *x, const char *text)
{
	for (;; text++) {
		char *value = take_value(a->pool, &text);
		char **place = value ? pool_push(a->pool, &x->values, &x->n, &x->cap, sizeof *place) : NULL;

		if (!place)
			return out_of_memory();
		for (size_t i = 0; i + 1 < x->n; i++)
			if (strcmp(x->values[i], value) == 0)
				return usage_error("--variant %s: the value \"%s\" stands there twice",
						   x->name, value);
		*place = value;
		if (!*text)
			return 0;
	}
}

static int check_words(const struct predict_axis *x, const char *one, const char *other)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->values[i], one) != 0 && strcmp(x->values[i], other) != 0)
			return usage_error("--variant %s=%s: expected %s or %s", x->name, x->values[i], one,
					   other);
	return 0;
}

static bool is_word(const char *text, size_t n, const char *word)
{
	return n == strlen(word) && strncmp(text, word, n) == 0;
}

/* The kind of axis that the first n bytes of text name. */
static int find_kind(struct predict_axis *x, const char *text, size_t n)
{
	static const struct {
		const char *name;
		enum axis_kind kind;
	} kinds[] = {
		{ "image", AXIS_IMAGE },
		{ "file", AXIS_FILE },
		{ "addon", AXIS_ADDON },
		{ "without", AXIS_WITHOUT },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (is_word(text, n, kinds[i].name)) {
			x->kind = kinds[i].kind;
			return 0;
		}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (is_word(text, n, rows[i].name) &&
		    !among(rows[i].code, no_axes, sizeof no_axes / sizeof no_axes[0])) {
			x->kind = AXIS_OPTION;
			x->option = &rows[i];
			return 0;
		}
	return usage_error(
		"--variant %.*s: expected image, file, addon, without or the name of an option about the boot or the machine",
		(int)n, text);
}

/* A second axis of one option has another name. */
static int name_axis(struct predict_arguments *a, struct predict_axis *x)
{
	size_t same = 0;

	for (size_t i = 0; i + 1 < a->n_axes; i++)
		same += a->axes[i].kind == x->kind && a->axes[i].option == x->option &&
			strcmp(a->axes[i].path ? a->axes[i].path : "", x->path ? x->path : "") == 0;
	if (same && x->kind != AXIS_WITHOUT && !(x->option && is_repeatable(x->option->code)))
		return usage_error("--variant %s: there is such an axis already", x->name);
	if (same)
		x->name = pool_printf(a->pool, "%s#%zu", x->name, same + 1);
	return x->name ? 0 : out_of_memory();
}

int predict_add_variant(struct predict_arguments *a, const char *text)
{
	const char *values = strchr(text, '=');
	struct predict_axis *x = pool_push(a->pool, &a->axes, &a->n_axes, &a->cap_axes, sizeof *x);

	if (!values || values == text)
		return usage_error("--variant %s: expected AXIS=VALUE,VALUE", text);
	if (!x)
		return out_of_memory();
	if (find_kind(x, text, (size_t)(values - text)) != 0)
		return EXIT_TROUBLE;
	x->name = pool_text(a->pool, text, (size_t)(values - text));
	values++;
	if (x->kind == AXIS_FILE || x->kind == AXIS_ADDON) {
		size_t n = strcspn(values, ":");

		if (!values[n] || n == 0)
			return usage_error("--variant %s: expected %s=PATH:VALUE,VALUE", text, x->name);
		x->path = pool_text(a->pool, values, n);
		x->name = x->path ? pool_printf(a->pool, "%s:%s", x->name, x->path) : NULL;
		values += n + 1;
	}
	if (!x->name)
		return out_of_memory();
	int status = take_values(a, x, values);
	if (status == 0 && x->kind == AXIS_ADDON)
		status = check_words(x, present, absent);
	if (status == 0 && x->kind == AXIS_OPTION && !x->option->argument)
		status = check_words(x, on, off);
	return status == 0 ? name_axis(a, x) : status;
}

const char *predict_axis_name(const struct predict_arguments *a, size_t i)
{
	return a->axes[i].name;
}

/* ---- combinations ---- */

static int apply_option(struct predict_arguments *a, const struct predict_axis *x, char *value)
{
	if (x->option->argument ? !*value : strcmp(value, on) != 0)
		return 0;
	optarg = x->option->argument ? value : NULL;
	return predict_take_option(a, x->option->code);
}

/* The i-th combination: the first axis changes most slowly. */
static int make_combination(struct predict_arguments *a, size_t i, struct predict_combination *c)
{
	const char *label = "";

	c->values = pool_array(a->pool, a->n_axes, sizeof *c->values);
	c->arguments = *a;
	predict_detach_lists(&c->arguments);
	if (!c->values)
		return out_of_memory();
	for (size_t k = a->n_axes; k-- > 0; i /= a->axes[k].n)
		c->values[k] = a->axes[k].values[i % a->axes[k].n];
	for (size_t k = 0; k < a->n_axes && label; k++) {
		const struct predict_axis *x = &a->axes[k];

		if (x->kind == AXIS_OPTION && apply_option(&c->arguments, x, c->values[k]) != 0)
			return EXIT_TROUBLE;
		if ((x->kind == AXIS_IMAGE || x->kind == AXIS_FILE) && *c->values[k] &&
		    !predict_note_input(&c->arguments, c->values[k]))
			return out_of_memory();
		label = pool_printf(a->pool, "%s%s%s=%s", label, k ? "," : "", x->name, c->values[k]);
	}
	c->label = label;
	return label ? predict_settle_options(&c->arguments) : out_of_memory();
}

/* An option that is there once cannot be an axis as well. */
static int check_axes(const struct predict_arguments *a)
{
	for (size_t i = 0; i < a->n_axes; i++) {
		const struct option_row *o = a->axes[i].option;

		if (o && !is_repeatable(o->code) && a->given & UINT64_C(1) << (o->code - PREDICT_OPT_FIRST))
			return usage_error("--%s is an axis of --variant and was given by itself too",
					   o->name);
	}
	return 0;
}

/* Each combination reads its files anew. */
static int check_standard_input(const struct predict_arguments *a, size_t n)
{
	const struct {
		const char *option, *path;
	} files[] = {
		{ "baseline", a->baseline_path },
		{ "after-state", a->after_state_path },
		{ "variables", a->firmware.store },
		{ "variables-dictionary", a->firmware.dictionary },
	};

	for (size_t i = 0; n > 1 && i < sizeof files / sizeof files[0]; i++)
		if (files[i].path && strcmp(files[i].path, "-") == 0)
			return usage_error(
				"--%s -: standard input can be read for one combination only, there are %zu",
				files[i].option, n);
	return 0;
}

int predict_combine(struct predict_arguments *a)
{
	size_t n = 1;

	for (size_t i = 0; i < a->n_axes; i++) {
		n *= a->axes[i].n; /* an axis has fewer values than its text has bytes */
		if (n > PREDICT_MAX_COMBINATIONS)
			return usage_error("--variant: more than %d combinations, each of which is a boot",
					   PREDICT_MAX_COMBINATIONS);
	}
	struct predict_combination *all = pool_array(a->pool, n, sizeof *all);
	if (!all)
		return out_of_memory();
	if (check_axes(a) != 0 || check_standard_input(a, n) != 0)
		return EXIT_TROUBLE;
	a->combinations = all;
	a->n_combinations = n;
	for (size_t i = 0; i < n; i++) {
		if (a->n_axes && make_combination(a, i, &all[i]) != 0)
			return EXIT_TROUBLE;
		if (!a->n_axes)
			all[i].arguments = *a;
	}
	return 0;
}

/* A directory is not written into, nor the companions of an EFI file. */
static int refuse_input(const char *option, const char *target, const char *input, struct pcrcast_error *e)
{
	struct stat in, out;

	if (strcmp(input, "-") == 0 || stat(input, &in) < 0)
		return 0;
	if (S_ISREG(in.st_mode) && stat(target, &out) == 0 && in.st_dev == out.st_dev &&
	    in.st_ino == out.st_ino)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET, "%s would overwrite %s", option, input);
	return refuse_overwrite(option, target, input, e);
}

int predict_refuse_overwrite(const struct predict_arguments *a, const char *option, const char *target,
			     struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n_combinations; i++) {
		const struct text_list *inputs = &a->combinations[i].arguments.inputs;

		for (size_t k = 0; r == 0 && k < inputs->n; k++)
			r = refuse_input(option, target, inputs->items[k], e);
	}
	return r;
}

/* ---- predicting ---- */

static int change_image(const struct predict_arguments *a, const struct predict_combination *c,
			struct image *img, struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && c->label && i < a->n_axes; i++) {
		const struct predict_axis *x = &a->axes[i];
		const char *value = c->values[i];

		if (x->kind == AXIS_FILE && *value)
			r = image_replace_file(img, x->path, value, e);
		else if (x->kind == AXIS_ADDON && strcmp(value, absent) == 0)
			r = image_remove_file(img, x->path, e);
		else if (x->kind == AXIS_WITHOUT && *value)
			r = image_remove_file(img, value, e);
	}
	return r;
}

int predict_one_combination(const struct predict_arguments *a, const struct predict_combination *c,
			    const char *image, alg_set banks, uint32_t pcrs, struct prediction *ret,
			    struct pcrcast_error *e)
{
	struct predict_options opt = c->arguments.options;
	struct image img;

	*ret = PREDICTION_INIT;
	for (size_t i = 0; c->label && i < a->n_axes; i++)
		if (a->axes[i].kind == AXIS_IMAGE && *c->values[i])
			image = c->values[i];
	if (strcmp(image, "-") == 0 && a->n_combinations > 1)
		return err_set(e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			       "standard input can be read for one combination only, there are %zu",
			       a->n_combinations);
	opt.banks = banks;
	opt.pcrs = pcrs;
	int r = image_open(image, &img, e);
	if (r == 0) {
		r = change_image(a, c, &img, e);
		r = r < 0 ? r : predict_by_model(&c->arguments, &img, &opt, ret, e);
		image_done(&img);
	}
	return r < 0 && c->label ? err_wrap(e, "%s", c->label) : r;
}

/* ---- remarks ---- */
