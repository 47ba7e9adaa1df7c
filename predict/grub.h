/*
 * GRUB: what is embedded in its image, the run of its configuration and what it measures on the way. Private to
 * predict/.
 *
 * A run goes on as long as everything that decides about its way is known. A value that is not known is carried
 * along (why is set) and makes the register unknown that it is measured into; where it decides about the way the run
 * stops, and every register that what follows would extend loses its value, with the file and line as the reason.
 */
#pragma once

#include "predict/grub_script.h"
#include "predict/walk.h"

/* ---- the image ---- */

enum grub_linux {
	GRUB_LINUX_UNKNOWN,
	GRUB_LINUX_PARAMS, /* kernel and initrd are put into memory and entered past the PE entry point */
	/*
	 * The module peimage loads PE images, chain-loaded ones too: nobody measures them, their stubs see load options. Without
	 * it, and where it yields to shim, they are loaded by LoadImage().
	 */
	GRUB_LINUX_PE_ENTRY,
	GRUB_LINUX_LOAD_IMAGE, /* LoadImage(): firmware measures it */
};

/* How builds differ; see grub_image.c. */
struct grub_rules {
	const char *vendor;      /* as in the second line of .sbat: "debian"; "": upstream */
	unsigned from, to;       /* versions: major * 100 + minor; to is included */
	bool opens_config_twice; /* once to see that it is there */
	/*
	 * Red Hat's patches: configfile and submenus hand on every variable, not only exported ones; the default entry is looked
	 * for by id and title before it is a number; a configuration beside the image comes before that of the prefix; blscfg.
	 */
	bool redhat;
	enum grub_linux linux_x86;
	bool options_have_nul; /* load options of a kernel end with a NUL */
	bool initrd_by_load_file2;
	unsigned shim_verifications; /* of a kernel, with Secure Boot; 0: not known */
	bool refuses_modules; /* with Secure Boot, when it has opened and measured them; false: not known */
};

struct grub_image {
	const char *shown;              /* path of the image, for messages */
	const char *version;            /* as .sbat tells it */
	const struct grub_rules *rules; /* NULL: no row says how this build behaves */
	const char *arch;               /* "x86_64", as in the names of directories */
	const char *prefix;             /* embedded; NULL: none */
	struct slice config;            /* embedded; empty: none */
	bool has_memdisk;
	struct blob memdisk;
	const char *const *modules;
	size_t n_modules, cap_modules;
	struct slice module_bytes; /* the whole area of embedded objects */
	bool yields_to_shim;       /* peimage leaves images to a shim that brings a loader of its own */
};

int grub_image_read(struct walk *w, const struct start *s, struct grub_image *ret, struct pcrcast_error *e);
/* Is this a string of the embedded modules, from NUL to NUL? */
bool grub_image_mentions(const struct grub_image *img, const char *text);
/* One ELF module: its name and the modules it needs, each NULL when it does not say. names come from pool. */
int grub_module_read(struct pool *pool, struct slice elf, const char **ret_name, struct slice *ret_needs,
		     struct pcrcast_error *e);

/* ---- values ---- */

struct grub_value {
	const char *s;   /* when it is known */
	const char *why; /* NULL: it is known */
};

struct grub_args {
	struct grub_value *v;
	size_t n, cap;
	const struct grub_node *block; /* NULL: none */
	bool has_block;
};

/* How a command ended: grub_err_t, 0 is success. */
struct grub_result {
	int code;
	const char *why; /* not NULL: it is not known how */
};

enum { GRUB_OK = 0, GRUB_TEST_FAILURE = 1, GRUB_FAILED = 2 /* any other error */ };

struct grub_variable {
	const char *name;
	struct grub_value value;
	bool exported;
	bool unset;
};

struct grub_function {
	const char *name, *file;
	const struct grub_node *body;
};

struct grub_entry {
	struct grub_value title, id;
	struct grub_args args; /* for setparams; the first is the title */
	bool setparams;        /* the entry begins with that command */
	const struct grub_node *body;
	struct slice text;    /* when body is NULL: text still to be parsed */
	const char *text_why; /* not NULL: what it is is not known */
	const char *file;
	uint32_t line;
	bool submenu, restricted;
};

struct grub_menu {
	struct grub_entry *entries;
	size_t n, cap;
};

/* What configfile and submenus open and close. */
struct grub_context {
	struct grub_context *outer;
	struct grub_variable *vars;
	size_t n, cap;
	struct grub_menu menu;
};

struct grub_scope {
	struct grub_args args;
	size_t shifts;
};

/* A file system that GRUB can name. */
struct grub_device {
	const char *name;  /* "hd0,gpt1" */
	struct tree *tree; /* NULL: there is one, but what it holds is not known */
	const char *why;   /* then: why; NULL: it is not in the image */
	bool unmeasured;
	bool may_tell_case; /* it may be that names with other capitals are other names: it is not FAT, or not known to be */
	const char *uuid; /* NULL: not known */
};

/* Loaded, to be started by "boot". */
struct grub_loaded {
	enum { LOADED_NOTHING, LOADED_LINUX, LOADED_CHAIN } what;
	struct start start;
	const char *name; /* of the kernel's file, for event texts */
	struct blob_builder initrd;
	bool has_initrd;
	const char *initrd_why; /* its bytes are not known */
};

/* What blscfg has read, newest first. */
struct grub_bls_list {
	struct grub_bls_entry **entries;
	size_t n, cap;
	const struct grub_context *context; /* where it ran */
};

enum { GRUB_DEVICES_MAX = 10 };

struct grub {
	struct walk *w;
	struct pool *pool;
	const struct start *start;
	struct grub_image image;
	struct grub_context *context;
	struct grub_function *functions;
	size_t n_functions, cap_functions;
	struct grub_scope *scope; /* NULL: outside functions and entries */
	struct grub_device devices[GRUB_DEVICES_MAX];
	size_t n_devices;
	const char **loaded_modules; /* from files, besides those embedded */
	size_t n_loaded, cap_loaded;
	const struct slice *command_list; /* command.lst of the prefix; NULL: none was read */
	struct grub_loaded loaded;
	struct grub_bls_list bls;
	bool measures;        /* the tpm module is there */
	bool quiet;           /* the rescue parser runs, which measures no commands */
	bool normal;          /* normal mode was entered: the prefix is watched */
	bool translated;      /* a catalogue of translations was loaded */
	bool stopped, booted; /* nothing more is run */
	const char *file;     /* that is being run, for messages */
	uint32_t line;
	unsigned long steps, loops, breaks;
	bool continues, returning;
	unsigned depth;
	size_t bytes; /* that expansions have made */
};

/* ---- variables (grub_env.c) ---- */

struct grub_value grub_get(struct grub *g, const char *name); /* s NULL: not set */
int grub_set(struct grub *g, const char *name, struct grub_value v, struct pcrcast_error *e);
int grub_unset(struct grub *g, const char *name, struct pcrcast_error *e);
int grub_export(struct grub *g, const char *name, struct pcrcast_error *e);
int grub_context_open(struct grub *g, bool all, struct pcrcast_error *e);
void grub_context_close(struct grub *g);
static inline struct grub_value grub_text(const char *s)
{
	return (struct grub_value){ s, NULL };
}

/* GRUB's strtoul with base 0; *ret_end: behind the number, NULL: there is none. */
unsigned long grub_number(const char *s, const char **ret_end);

/* ---- running (grub_expand.c, grub_execute.c) ---- */

int grub_expand(struct grub *g, const struct grub_word *words, struct grub_args *ret,
		struct pcrcast_error *e);
int grub_add_arg(struct grub *g, struct grub_args *a, struct grub_value v, struct pcrcast_error *e);
/* All of them with a space between; why is set when one is not known. s NULL: out of memory. */
struct grub_value grub_join(struct grub *g, const struct grub_args *a);

int grub_run_list(struct grub *g, const struct grub_node *list, struct grub_result *res,
		  struct pcrcast_error *e);
/* A text line by line, as a configuration file. */
int grub_run_text(struct grub *g, struct slice text, struct grub_result *res, struct pcrcast_error *e);
/* Measure a command and run it: for those that GRUB makes up. */
int grub_run_args(struct grub *g, struct grub_args *a, struct grub_result *res, struct pcrcast_error *e);

/* Why the run cannot be followed from here on; option (may be NULL): what would tell. */
int grub_stop(struct grub *g, const char *why, const char *option, struct pcrcast_error *e);
/* "file:line: why", in the pool. */
const char *grub_where(struct grub *g, const char *why);

/* ---- measuring and files (grub_files.c) ---- */

int grub_measure_string(struct grub *g, const char *prefix, struct grub_value v, struct pcrcast_error *e);

enum grub_found { GRUB_FOUND, GRUB_ABSENT, GRUB_NOT_KNOWN };

struct grub_file {
	enum grub_found found;
	const char *why; /* GRUB_NOT_KNOWN */
	bool is_dir;
	const char *name; /* as used */
	const char *path; /* in the device's tree */
	struct grub_device *device;
	struct blob content;
};

/* Look a name up without opening it. */
int grub_find_file(struct grub *g, struct grub_value name, struct grub_file *ret, struct pcrcast_error *e);
/* Open it through the verifiers: it is measured. */
int grub_open_file(struct grub *g, struct grub_value name, struct grub_file *ret, struct pcrcast_error *e);
struct grub_device *grub_device_find(struct grub *g, const char *name);

/* ---- commands ---- */

struct grub_command {
	const char *name, *module; /* module NULL: always there */
	int (*run)(struct grub *g, const struct grub_args *a, struct grub_result *res,
		   struct pcrcast_error *e);
};

/* The one whose module is there, else any of this name; NULL: none. */
const struct grub_command *grub_command_find(const struct grub *g, const char *name);

/* Options of the form -x, --long, --long=value and --long value, as grub-core/lib/arg.c takes them. */
struct grub_option {
	const char *name;
	char letter;
	enum { TAKES_NOTHING, TAKES_VALUE, MAY_TAKE_VALUE } takes;
};

struct grub_options {
	struct grub_value values[24]; /* by place in the table; the last one given */
	bool given[24];
	struct grub_args rest;
};

/* *ret_ok false: GRUB refuses them. */
int grub_take_options(struct grub *g, const struct grub_option *table, size_t n, bool accept_dash,
		      const struct grub_args *a, struct grub_options *ret, bool *ret_ok,
		      struct pcrcast_error *e);

typedef int grub_run_fn(struct grub *g, const struct grub_args *a, struct grub_result *res,
			struct pcrcast_error *e);
grub_run_fn grub_cmd_test, grub_cmd_search, grub_cmd_search_uuid, grub_cmd_search_label, grub_cmd_search_file,
	grub_cmd_load_env, grub_cmd_save_env, grub_cmd_insmod, grub_cmd_menuentry, grub_cmd_submenu,
	grub_cmd_normal, grub_cmd_source, grub_cmd_configfile, grub_cmd_linux, grub_cmd_initrd, grub_cmd_boot,
	grub_cmd_chainloader, grub_cmd_loadfont, grub_cmd_blscfg, grub_cmd_uki;

/* ---- modules (grub_modules.c) ---- */

bool grub_module_there(const struct grub *g, const char *name);
/* insmod: from the prefix, with what it needs. */
int grub_module_load(struct grub *g, const char *name, struct pcrcast_error *e);
/* The prefix was set: GRUB reads lists from there. */
int grub_read_lists(struct grub *g, struct pcrcast_error *e);
/* One of the variables lang and locale_dir was set. */
int grub_language_changed(struct grub *g, struct pcrcast_error *e);
/* The module that command.lst names for a command; NULL: none. */
const char *grub_listed_module(struct grub *g, const char *command);

/* ---- menu (grub_choice.c, grub_menu.c) ---- */

/* The entry that a number, title or id names; -1: none. *ret_why: why that is not known; else untouched. */
long grub_menu_find(struct grub *g, const char *spec, const char **ret_why);
/* What the menu offers, for an error: titles in quotation marks, with their ids. NULL: out of memory. */
const char *grub_menu_titles(struct grub *g);
/* Behind the first single ">", which is for the submenu; NULL: there is none. */
const char *grub_menu_rest(const char *spec);

int grub_show_menu(struct grub *g, bool nested, struct pcrcast_error *e);
int grub_menu_add(struct grub *g, const struct grub_entry *entry, struct pcrcast_error *e);
int grub_run_config(struct grub *g, struct grub_value name, struct pcrcast_error *e);

/* ---- names of entries (grub_version.c): negative, 0 or positive, when a is older, the same or newer ---- */

/* Red Hat's: names of packages with version and release. */
int grub_compare_packages(const char *a, const char *b);
/* Upstream's: names of files, as "ls -v" has them. */
int grub_compare_files(const char *a, const char *b);
