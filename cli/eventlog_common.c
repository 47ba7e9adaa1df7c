/*
 * What the verbs of eventlog share: what was selected, and parts of their output.
 */
#include "cli/cmd_eventlog.h"

#include <string.h>

#include "eventlog/cc.h"

bool eventlog_selects(const struct eventlog_arguments *a, const struct event *ev)
{
	if (a->has_pcrs && (ev->pcr >= PCR_COUNT || !(a->pcrs & UINT32_C(1) << ev->pcr)))
		return false;
	for (size_t i = 0; i < a->n_types; i++)
		if (a->types[i] == ev->type)
			return true;
	return a->n_types == 0;
}

alg_set eventlog_banks(const struct eventlog *log)
{
	alg_set set = 0;

	if (log->kind == EVENTLOG_IMA) /* the kernel's hash of the template data follows in every bank */
		return (1u << ALG_COUNT) - 1;
	for (size_t i = 0; i < log->n_algs; i++) {
		enum alg alg = alg_by_tpm_id(log->algs[i].id);

		if (alg != ALG_COUNT)
			set |= 1u << alg;
	}
	return set;
}

int eventlog_choose_banks(const struct eventlog_arguments *a, const struct eventlog *log, alg_set *ret,
			  struct pcrcast_error *e)
{
	alg_set has = eventlog_banks(log), want = a->banks;
	char names[64] = "";
	size_t used = 0;

	if (a->all_banks || (want == 0 && log->kind == EVENTLOG_CC))
		want = has;
	else if (want == 0)
		want = 1u << ALG_SHA256;
	if (want != 0 && (want & ~has) == 0) {
		*ret = want;
		return 0;
	}
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (has & 1u << alg)
			used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
						 algs[alg].name);
	if (has == 0)
		return err_set(
			e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
			"the log has no digests of a bank that can be computed here (sha1, sha256, sha384, sha512)");
	for (enum alg alg = 0; alg < ALG_COUNT; alg++)
		if (want & ~has & 1u << alg)
			return err_set(
				e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET,
				"the log has %s digests only: no %s value follows from it (try --bank %s)",
				names, algs[alg].name, strstr(names, ",") ? "all" : names);
	return 0;
}

const char *eventlog_register_name(const struct eventlog *log, uint32_t index, char buf[static 12])
{
	return register_name(log->kind == EVENTLOG_CC, index, buf);
}

void eventlog_add_damage(struct json_doc *d, struct cJSON *root, const struct pcrcast_error *damage)
{
	if (!damage)
		return;
	struct cJSON *o = json_object(d);

	if (damage->offset != PCRCAST_NO_OFFSET)
		json_add_u64(d, o, "offset", damage->offset);
	json_add_string(d, o, "message", damage->msg);
	json_add(d, root, "error", o);
}

void eventlog_add_findings(struct json_doc *d, struct cJSON *root, const struct eventlog *log)
{
	struct cJSON *list = json_array(d);

	for (size_t i = 0; i < log->n_findings; i++) {
		const struct finding *f = &log->findings[i];
		struct cJSON *o = json_object(d);

		json_add_string(d, o, "code", f->code);
		if (f->event != SIZE_MAX)
			json_add_u64(d, o, "event", f->event);
		if (f->offset != PCRCAST_NO_OFFSET)
			json_add_u64(d, o, "offset", f->offset);
		json_add_string(d, o, "text", f->text);
		json_append(d, list, o);
	}
	json_add(d, root, "findings", list);
}

int eventlog_print_json(struct json_doc *d, struct cJSON *root, struct pcrcast_error *e)
{
	(void)json_write(d, root, false, stdout); /* finish() reports a stream that failed */
	json_free(root);
	return d->failed ? err_nomem(e) : 0;
}
