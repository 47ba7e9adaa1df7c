/*
 * --variables, --pk, --kek, --db and --dbx: the firmware's variables from files.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/efi/signature_file.h"
#include "cli/input.h"
#include "cli/predict_options.h"

enum {
	STORE_MAX = 64 << 20, /* bytes; AArch64 stores are padded to 64 MiB */
	SIGNATURES_MAX = 4 << 20,
	DICTIONARY_MAX = 1 << 20,
};

static int read_efivars(struct pool *pool, const char *path, struct firmware_variables *v,
			struct pcrcast_error *e)
{
	struct golden_file *files;
	size_t n;
	int r = input_read_directory(pool, path, STORE_MAX, &files, &n, e);

	if (r == 0 && n == 0)
		r = err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no files of efivars");
	for (size_t i = 0; i < n && r == 0; i++)
		r = firmware_variables_add_efivar(pool, v, files[i].name, files[i].bytes, e);
	if (r == 0)
		v->whole = firmware_variables_are_whole(v);
	return r;
}

static int read_store(struct predict_arguments *a)
{
	struct firmware_variables *v = &a->firmware.variables;
	const char *path = a->firmware.store;
	struct pcrcast_error e;
	struct slice bytes, dictionary = SLICE_EMPTY;
	struct stat st;
	int r;

	if (!predict_note_input(a, path) ||
	    (a->firmware.dictionary && !predict_note_input(a, a->firmware.dictionary))) {
		(void)err_nomem(&e);
		return fail(&e);
	}
	if (a->firmware.dictionary &&
	    input_read(a->pool, a->firmware.dictionary, DICTIONARY_MAX, &dictionary, &e) < 0)
		return fail_at(a->firmware.dictionary, &e);

	if (strcmp(path, "none") == 0) {
		v->whole = true;
		return 0;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		r = read_efivars(a->pool, path, v, &e);
	} else {
		r = input_read(a->pool, path, STORE_MAX, &bytes, &e);
		if (r == 0)
			r = variable_store_read(a->pool, bytes, dictionary, v, &e);
	}
	return r < 0 ? fail_at(path, &e) : 0;
}

/* The content of one variable from all its files, one behind the other. */
static int read_variable(struct predict_arguments *a, const char *option, const char *name,
			 const struct guid *guid, const struct text_list *files)
{
	struct firmware_variable v = { .name = name, .guid = *guid, .data = SLICE_EMPTY };
	struct pcrcast_error e;

	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->items[i];
		struct slice bytes, lists;
		char text[GUID_TEXT] = "";
		struct guid owner;

		if (strcmp(path, "none") == 0) {
			if (files->n > 1)
				return usage_error("--%s: \"none\" was given beside a file", option);
			continue;
		}
		if (strlen(path) > GUID_TEXT && path[GUID_TEXT - 1] == ':')
			memcpy(text, path, GUID_TEXT - 1);
		bool owned = guid_parse(text, &owner);
		path += owned ? GUID_TEXT : 0;
		int r = predict_note_input(a, path) ? input_read(a->pool, path, SIGNATURES_MAX, &bytes, &e) :
						      err_nomem(&e);
		if (r == 0)
			r = signature_file_read(a->pool, bytes, owned ? &owner : NULL, &lists, &e);
		if (r == -PCRCAST_EINVAL && !owned)
			return usage_error("--%s %s: %s: give it as GUID:FILE", option, path, e.msg);
		if (r < 0)
			return fail_at(path, &e);
		uint8_t *both = pool_array(a->pool, v.data.n + lists.n, 1);
		if (!both) {
			(void)err_nomem(&e);
			return fail(&e);
		}
		memcpy(both, v.data.p, v.data.n);
		memcpy(both + v.data.n, lists.p, lists.n);
		v.data = (struct slice){ both, v.data.n + lists.n };
	}
	return files->n && firmware_variables_set(a->pool, &a->firmware.variables, v, &e) < 0 ? fail(&e) : 0;
}

int predict_read_variables(struct predict_arguments *a)
{
	struct variable_arguments *f = &a->firmware;
	const struct {
		const char *option, *name;
		const struct guid *guid;
		const struct text_list *files;
	} rows[] = {
		{ "pk", "PK", &guid_efi_global, &f->pk },
		{ "kek", "KEK", &guid_efi_global, &f->kek },
		{ "db", "db", &guid_image_security, &f->db },
		{ "dbx", "dbx", &guid_image_security, &f->dbx },
	};
	bool any = f->store;
	if (f->dictionary && !f->store)
		return usage_error("--variables-dictionary goes with --variables");
	int status = f->store ? read_store(a) : 0;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == 0; i++) {
		any |= rows[i].files->n > 0;
		status = read_variable(a, rows[i].option, rows[i].name, rows[i].guid, rows[i].files);
	}
	if (status == 0 && any)
		a->options.variables = &f->variables;
	return status;
}
