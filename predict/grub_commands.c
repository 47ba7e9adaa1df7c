/*
 * The commands of GRUB: which module has them, and what they do as far as it matters for the way of the run and for
 * what is measured. Source: GRUB 2.06 and 2.12, grub-core/commands, kern/corecmd.c and script/main.c.
 */
#include "predict/grub.h"

static int run_set(struct grub *g, const struct grub_args *a, struct grub_result *res,
		   struct pcrcast_error *e)
{
	*res = (struct grub_result){ GRUB_OK, NULL };
	if (a->n == 0)
		return 0;
	if (a->v[0].why)
		return grub_stop(g, a->v[0].why, NULL, e);
	const char *eq = strchr(a->v[0].s, '=');
	if (!eq) {
		res->code = GRUB_FAILED;
		return 0;
	}
	return grub_set(g, pool_text(g->pool, a->v[0].s, (size_t)(eq - a->v[0].s)), grub_text(eq + 1), e);
}

static int run_unset(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	*res = (struct grub_result){ a->n ? GRUB_OK : GRUB_FAILED, NULL };
	if (a->n && a->v[0].why)
		return grub_stop(g, a->v[0].why, NULL, e);
	return a->n ? grub_unset(g, a->v[0].s, e) : 0;
}

/* increment and decrement of Red Hat's 2.06 and 2.12 (commands/increment.c): a variable that is a number. */
static int add_to(struct grub *g, const struct grub_args *a, long n, struct grub_result *res,
		  struct pcrcast_error *e)
{
	const char *end;

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (a->n != 1)
		return 0;
	if (a->v[0].why)
		return grub_stop(g, a->v[0].why, NULL, e);
	struct grub_value v = grub_get(g, a->v[0].s);
	if (v.why) {
		res->why = v.why;
		return grub_set(g, a->v[0].s, v, e);
	}
	if (!v.s)
		return 0;
	bool negative = *v.s == '-';
	unsigned long size = grub_number(v.s + negative, &end);
	if (!end || size > INT32_MAX)
		return 0;
	long value = negative ? -(long)size : (long)size;
	const char *text = pool_printf(g->pool, "%ld", value + n);
	if (!text)
		return err_nomem(e);
	res->code = GRUB_OK;
	return grub_set(g, a->v[0].s, grub_text(text), e);
}

static int run_increment(struct grub *g, const struct grub_args *a, struct grub_result *res,
			 struct pcrcast_error *e)
{
	return add_to(g, a, 1, res, e);
}

static int run_decrement(struct grub *g, const struct grub_args *a, struct grub_result *res,
			 struct pcrcast_error *e)
{
	return add_to(g, a, -1, res, e);
}

/* What is exported matters where a context is opened; a name that is not known is not exported. */
static int run_export(struct grub *g, const struct grub_args *a, struct grub_result *res,
		      struct pcrcast_error *e)
{
	int r = 0;

	*res = (struct grub_result){ a->n ? GRUB_OK : GRUB_FAILED, NULL };
	for (size_t i = 0; r == 0 && i < a->n; i++)
		r = a->v[i].why ? grub_stop(g, a->v[i].why, NULL, e) : grub_export(g, a->v[i].s, e);
	return r;
}

static int run_success(struct grub *g, const struct grub_args *a, struct grub_result *res,
		       struct pcrcast_error *e)
{
	(void)g;
	(void)a;
	(void)e;
	*res = (struct grub_result){ GRUB_OK, NULL };
	return 0;
}

static int run_false(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	(void)g;
	(void)a;
	(void)e;
	*res = (struct grub_result){ GRUB_TEST_FAILURE, NULL };
	return 0;
}

/* Nothing that is measured, but how it ends depends on the machine. */
static int run_hardware(struct grub *g, const struct grub_args *a, struct grub_result *res,
			struct pcrcast_error *e)
{
	(void)g;
	(void)a;
	(void)e;
	*res = (struct grub_result){ GRUB_OK, "how the command before it ends depends on the machine" };
	return 0;
}

/* The same, and with --set or -s it puts what it finds into a variable. */
static int run_probe(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	static const char why[] = "what a command finds out about the machine is not known";
	const char *var = NULL;
	int r = 0;

	*res = (struct grub_result){ GRUB_OK, why };
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		const char *s = a->v[i].why ? "" : a->v[i].s;

		if (strncmp(s, "--set=", 6) == 0)
			var = s + 6;
		else if ((strcmp(s, "--set") == 0 || strcmp(s, "-s") == 0) && i + 1 < a->n &&
			 !a->v[i + 1].why)
			var = a->v[++i].s;
		else
			continue;
		const char *colon = strchr(var, ':'); /* regexp --set=2:name */
		r = grub_set(g, colon ? colon + 1 : var, (struct grub_value){ "", why }, e);
	}
	return r;
}

/* A file is opened if the screen can show it. */
static int run_picture(struct grub *g, const struct grub_args *a, struct grub_result *res,
		       struct pcrcast_error *e)
{
	static const char why[] = "whether GRUB's graphical terminal runs and opens a file is not known";
	struct grub_file f;

	*res = (struct grub_result){ GRUB_OK, why };
	if (a->n == 0)
		return 0;
	int r = grub_find_file(g, a->v[a->n - 1], &f, e);
	if (r < 0 || f.found == GRUB_ABSENT || !g->measures)
		return r;
	return walk_event_unknown(g->w, 9, EV_IPL, (struct event_text){ "picture opened by GRUB", g->file },
				  grub_where(g, why), NULL, e);
}

static int run_leave(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	(void)a;
	(void)res;
	return grub_stop(g, "the configuration leaves GRUB without a boot", NULL, e);
}

static int run_ask(struct grub *g, const struct grub_args *a, struct grub_result *res,
		   struct pcrcast_error *e)
{
	(void)a;
	(void)res;
	return grub_stop(g, "the configuration asks the user", NULL, e);
}

/* --is-supported came with 2.12; 2.06 takes no notice of it and resets into the setup (tried with Debian's). */
static int run_fwsetup(struct grub *g, const struct grub_args *a, struct grub_result *res,
		       struct pcrcast_error *e)
{
	if (a->n != 1 || a->v[0].why || strcmp(a->v[0].s, "--is-supported") != 0 || !g->image.rules ||
	    g->image.rules->from < 212)
		return run_leave(g, a, res, e);
	*res = (struct grub_result){ GRUB_OK, NULL };
	return walk_assume(g->w, "firmware-setup", "can be asked for by GRUB, as EDK2's can", NULL, e);
}

/* ---- control ---- */

/* The number that a command's only argument is, or one without any. False: it is none. */
static bool count(const struct grub_args *a, unsigned long *ret)
{
	const char *end;

	*ret = 1;
	if (a->n == 0)
		return true;
	if (a->n > 1 || a->v[0].why)
		return false;
	*ret = grub_number(a->v[0].s, &end);
	return end && !*end;
}

static int leave_loops(struct grub *g, const struct grub_args *a, struct grub_result *res, bool continues)
{
	unsigned long n;

	*res = (struct grub_result){ GRUB_OK, NULL };
	if (!count(a, &n) || n == 0) {
		res->code = GRUB_FAILED;
		return 0;
	}
	g->continues = continues;
	g->breaks = n > g->loops ? g->loops : n;
	return 0;
}

static int run_break(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	(void)e;
	return leave_loops(g, a, res, false);
}

static int run_continue(struct grub *g, const struct grub_args *a, struct grub_result *res,
			struct pcrcast_error *e)
{
	(void)e;
	return leave_loops(g, a, res, true);
}

static int run_shift(struct grub *g, const struct grub_args *a, struct grub_result *res,
		     struct pcrcast_error *e)
{
	unsigned long n;

	(void)e;
	*res = (struct grub_result){ GRUB_OK, NULL };
	if (!g->scope)
		return 0;
	if (!count(a, &n) || n > g->scope->args.n - g->scope->shifts)
		res->code = GRUB_FAILED;
	else
		g->scope->shifts += n;
	return 0;
}

static int run_setparams(struct grub *g, const struct grub_args *a, struct grub_result *res,
			 struct pcrcast_error *e)
{
	(void)e;
	*res = (struct grub_result){ g->scope ? GRUB_OK : GRUB_FAILED, NULL };
	if (g->scope)
		*g->scope = (struct grub_scope){ .args = *a };
	return 0;
}

static int run_return(struct grub *g, const struct grub_args *a, struct grub_result *res,
		      struct pcrcast_error *e)
{
	unsigned long n = 0;

	*res = (struct grub_result){ GRUB_FAILED, NULL };
	if (!g->scope || a->n > 1)
		return 0;
	if (a->n == 0) {
		struct grub_value v = grub_get(g, "?");

		*res = (struct grub_result){ v.s && strcmp(v.s, "0") != 0 ? GRUB_TEST_FAILURE : GRUB_OK,
					     v.why };
		g->returning = true;
		return 0;
	}
	if (a->v[0].why)
		return grub_stop(g, a->v[0].why, NULL, e);
	if (!count(a, &n))
		return 0;
	g->returning = true;
	res->code = n == 0 ? GRUB_OK : n == 1 ? GRUB_TEST_FAILURE : GRUB_FAILED;
	return 0;
}

/* ---- the table ---- */

static const struct grub_command commands[] = {
	{ "set", NULL, run_set },
	{ "unset", NULL, run_unset },
	{ "insmod", NULL, grub_cmd_insmod },
	{ "ls", NULL, run_hardware },
	{ "increment", "increment", run_increment },
	{ "decrement", "increment", run_decrement },
	{ "export", "normal", run_export },
	{ "clear", "normal", run_success },
	{ "break", "normal", run_break },
	{ "continue", "normal", run_continue },
	{ "shift", "normal", run_shift },
	{ "setparams", "normal", run_setparams },
	{ "return", "normal", run_return },
	{ "menuentry", "normal", grub_cmd_menuentry },
	{ "submenu", "normal", grub_cmd_submenu },
	{ "normal", "normal", grub_cmd_normal },
	{ "normal_exit", "normal", run_leave },
	{ "authenticate", "normal", run_ask },
	{ "[", "test", grub_cmd_test },
	{ "test", "test", grub_cmd_test },
	{ "true", "true", run_success },
	{ "false", "true", run_false },
	{ "echo", "echo", run_success },
	{ "source", "configfile", grub_cmd_source },
	{ ".", "configfile", grub_cmd_source },
	{ "configfile", "configfile", grub_cmd_configfile },
	{ "search", "search", grub_cmd_search },
	{ "search.fs_uuid", "search_fs_uuid", grub_cmd_search_uuid },
	{ "search.fs_label", "search_label", grub_cmd_search_label },
	{ "search.file", "search_fs_file", grub_cmd_search_file },
	{ "load_env", "loadenv", grub_cmd_load_env },
	{ "save_env", "loadenv", grub_cmd_save_env },
	{ "linux", "linux", grub_cmd_linux },
	{ "initrd", "linux", grub_cmd_initrd },
	{ "linuxefi", "linux", grub_cmd_linux }, /* Debian 2.06: of the module linuxefi, which linux needs */
	{ "initrdefi", "linux", grub_cmd_initrd },
	{ "chainloader", "chain", grub_cmd_chainloader },
	{ "boot", "boot", grub_cmd_boot },
	{ "loadfont", "font", grub_cmd_loadfont },
	{ "blscfg", "blscfg", grub_cmd_blscfg },
	{ "bls_import", "blscfg", grub_cmd_blscfg },
	{ "blscfg", "blsuki", grub_cmd_blscfg },
	{ "uki", "blsuki", grub_cmd_uki },
	{ "fwsetup", "efifwsetup", run_fwsetup },
	{ "exit", "minicmd", run_leave },
	{ "halt", "halt", run_leave },
	{ "reboot", "reboot", run_leave },
	{ "read", "read", run_ask },
	{ "sleep", "sleep", run_hardware },
	{ "keystatus", "keystatus", run_hardware },
	{ "terminal_input", "terminal", run_hardware },
	{ "terminal_output", "terminal", run_hardware },
	{ "serial", "serial", run_hardware },
	{ "terminfo", "terminfo", run_hardware },
	{ "videoinfo", "videoinfo", run_hardware },
	{ "cpuid", "cpuid", run_hardware },
	{ "background_image", "gfxterm_background", run_picture },
	{ "background_color", "gfxterm_background", run_hardware },
	{ "play", "play", run_picture },
	{ "smbios", "smbios", run_probe },
	{ "probe", "probe", run_probe },
	{ "regexp", "regexp", run_probe },
	{ "password", "password", run_success },
	{ "password_pbkdf2", "password_pbkdf2", run_success },
};

const struct grub_command *grub_command_find(const struct grub *g, const char *name)
{
	const struct grub_command *any = NULL;

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct grub_command *c = &commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		if (!c->module || grub_module_there(g, c->module))
			return c;
		any = c;
	}
	return any;
}
