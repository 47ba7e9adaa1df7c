/*
 * systemd-stub's command line: from load options or .cmdline, with what addons, SMBIOS and the console put behind
 * it, and its events in PCR 12.
 *
 * Source: systemd src/boot/efi/stub.c (252.39, 254.26, 255.13, 256.0) and src/boot/stub.c (257.13, 262).
 */
#include "predict/stub.h"

#include <limits.h>

#include "base/bytes.h"

/* ---- load options ---- */

int stub_options_text(struct stub_run *run, struct utf16 *ret, bool *ret_given, struct pcrcast_error *e)
{
	struct slice bytes = run->start->options;
	size_t n = bytes.n / 2;
	uint16_t *units = pool_array(run->w->pool, n + 1, sizeof *units);
	bool control_inside = false;

	if (!units)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		units[i] = get_u16le(bytes.p + 2 * i);
	*ret = utf16_copy(run->w->pool, units, n);
	if (!ret->s)
		return err_nomem(e);
	*ret_given = n > 0 && units[0] > 0x1f;
	for (size_t i = 1; i < ret->n; i++)
		control_inside |= ret->s[i] <= 0x1f;
	if (!*ret_given || !control_inside || run->rules->any_control_char == NO)
		return 0;
	*ret_given = false;
	if (run->rules->any_control_char == UNSURE)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"load options with a control character: whether systemd-stub %s uses them depends on its point release",
			run->uki.stub.text);
	return 0;
}

unsigned stub_take_profile(struct utf16 *text)
{
	uint64_t number;
	size_t digits;

	if (text->n < 2 || text->s[0] != '@' || !cmdline_number(text->s + 1, text->n - 1, &number, &digits) ||
	    number > UINT_MAX)
		return 0;
	size_t at = 1 + digits;
	if (at < text->n && text->s[at] != ' ')
		return 0;
	at += at < text->n;
	*text = (struct utf16){ text->s + at, text->n - at };
	return (unsigned)number;
}

/* ---- the line ---- */

/* Are load options (when given) put aside? PCRCAST_EUNSUPPORTED when that cannot be told. */
static int options_ignored(const struct stub_run *run, bool *ret, struct pcrcast_error *e)
{
	const struct predict_options *o = run->w->opt;

	*ret = false;
	if (!o->secure_boot)
		return 0;
	if (run->uki.sections[UKI_CMDLINE].set)
		*ret = true;
	else if (o->confidential_vm && run->rules->cvm_ignores_options == UNSURE)
		return err_set(
			e, PCRCAST_EUNSUPPORTED, PCRCAST_NO_OFFSET,
			"whether systemd-stub %s takes load options in a confidential VM depends on its point release",
			run->uki.stub.text);
	else if (o->confidential_vm)
		*ret = run->rules->cvm_ignores_options == YES;
	return 0;
}

/* UTF16_EMPTY lives as long as the block that it stands in. */
static const uint16_t no_text[1];

int stub_settle_line(struct stub_run *run, struct utf16 options, bool given, struct pcrcast_error *e)
{
	static const char undefined_text[] =
		"the command line is blank, which this version of systemd-stub handles in an undefined way";
	struct doubt blank = { true, undefined_text, NULL };
	bool ignored, undefined;
	struct slice text;

	int r = options_ignored(run, &ignored, e);
	if (r < 0)
		return r;
	if (given && run->w->opt->secure_boot && !run->uki.sections[UKI_CMDLINE].set &&
	    run->rules->cvm_ignores_options != NO)
		r = walk_no_confidential_vm(run->w, e);
	if (r < 0)
		return r;
	if (given && !ignored) {
		if (run->start->options_of_user)
			run->w->used |= OPTION_LOAD_OPTIONS;
		r = cmdline_mangle(run->w->pool, run->rules->mangle, options, &run->line, &undefined, e);
		if (r < 0)
			return r;
		if (undefined) {
			run->line_doubt = blank;
			run->has_line = true;
			return walk_unknown(run->w, 12, undefined_text, NULL, e);
		}
		if (run->line.n || run->rules->blank_options_count) {
			run->has_line = true;
			return walk_command_line(
				run->w, run->line, EVENT_COMPUTED,
				(struct event_text){ "command line from the load options", "load options" },
				e);
		}
	}

	run->has_line = run->uki.sections[UKI_CMDLINE].set;
	run->line_source = run->has_line ? stub_section_source(run, UKI_CMDLINE) : NULL;
	run->line = (struct utf16){ no_text, 0 };
	if (!run->has_line)
		return 0;
	r = uki_text(run->w->pool, &run->uki, UKI_CMDLINE, &text, e);
	if (r == 0)
		r = cmdline_of_utf8(run->w->pool, text, &run->line, e);
	if (r == 0)
		r = cmdline_mangle(run->w->pool, run->rules->mangle, run->line, &run->line, &undefined, e);
	if (r == 0 && undefined)
		run->line_doubt = blank;
	return r;
}

void stub_line_source(struct stub_run *run, const char *source)
{
	const char *before = run->line_source ? run->line_source : run->has_line ? "load options" : NULL;

	if (source)
		run->line_source = before ? pool_printf(run->w->pool, "%s + %s", before, source) : source;
}

static int append(struct stub_run *run, struct utf16 more, bool always_space, const char *source,
		  struct pcrcast_error *e)
{
	stub_line_source(run, source);
	run->line = utf16_join(run->w->pool, run->line, run->line.n || always_space ? ' ' : 0, more);
	run->has_line = true;
	return run->line.s ? 0 : err_nomem(e);
}

int stub_append_smbios(struct stub_run *run, struct pcrcast_error *e)
{
	static const char key[] = "io.systemd.stub.kernel-cmdline-extra";
	struct event_text text = { "command line from SMBIOS type 11", walk_smbios_option(run->w) };
	enum event_origin origin = walk_smbios_origin(run->w);
	const char *value = NULL;
	struct utf16 more;
	bool undefined;

	int r = run->rules->smbios == SMBIOS_IGNORED ? 0 : walk_smbios(run->w, key, &value, e);
	if (r < 0 || !value)
		return r;
	r = cmdline_of_utf8(run->w->pool, slice_of_string(value), &more, e);
	if (r < 0)
		return r;
	if (run->rules->smbios == SMBIOS_MANGLED) {
		r = cmdline_mangle(run->w->pool, run->rules->mangle, more, &more, &undefined, e);
		if (r < 0 || more.n == 0)
			return r;
		r = walk_command_line(run->w, more, origin, text, e);
		return r < 0 ? r : append(run, more, false, text.source, e);
	}

	if (!*value)
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "the SMBIOS string %s is empty: systemd-stub %s halts the machine then", key,
			       run->uki.stub.text);
	/* 254 to 256 print "%ls %ls" whether or not there is a line yet. */
	if (!run->has_line)
		r = utf16_of_utf8(run->w->pool, "(null)", &run->line, e);
	if (r == 0)
		r = append(run, more, true, text.source, e);
	return r < 0 ? r : walk_command_line(run->w, more, origin, text, e);
}

int stub_append_console(struct stub_run *run, struct pcrcast_error *e)
{
	const struct predict_options *o = run->w->opt;

	if (run->rules->console == CONSOLE_NEVER || cmdline_has_word(run->line, "console=", false))
		return 0;
	run->w->used |= OPTION_CONSOLE;
	if (!o->console_known) {
		if (!run->line_doubt.set)
			run->line_doubt = (struct doubt){
				true, "systemd-stub appends console= words that depend on the hardware",
				"--console"
			};
		return 0;
	}
	for (size_t i = 0; i < o->n_consoles; i++) {
		struct utf16 word;
		int r = utf16_of_utf8(run->w->pool, pool_printf(run->w->pool, "console=%s", o->consoles[i]),
				      &word, e);

		if (r == 0)
			r = append(run, word, false, i ? NULL : "--console", e);
		if (r < 0)
			return r;
	}
	return 0;
}

int stub_append_addon_lines(struct stub_run *run, struct pcrcast_error *e)
{
	struct utf16 *lines = run->addon_lines, all = lines[ADDONS_GLOBAL];

	if (lines[ADDONS_OWN].n)
		all = utf16_join(run->w->pool, all, all.n ? ' ' : 0, lines[ADDONS_OWN]);
	return all.s || !all.n ? stub_append_addon_line(run, all, e) : err_nomem(e);
}
