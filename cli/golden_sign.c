/* golden sign: detached signatures over files, and signed policies as systemd has them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/cmd_golden.h"
#include "cli/input.h"
#include "golden/policy.h"
#include "golden/sign.h"

/* ---- the passphrase ---- */

static volatile sig_atomic_t interrupted; /* the signal that ended the question at the terminal; 0: none */

static void interrupt(int signal)
{
	interrupted = signal;
}

/* One line, without its end (a carriage return is part of that), from a descriptor. */
static int read_line(int fd, char *buf, size_t size, struct pcrcast_error *e)
{
	size_t n = 0;

	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR && !interrupted)
			continue;
		if (got < 0)
			return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "cannot read the passphrase: %s",
				       strerror(errno));
		if (got == 0 || c == '\n')
			return (int)(n && buf[n - 1] == '\r' ? n - 1 : n);
		if (n == size)
			return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
				       "the passphrase has more than %zu bytes", size);
		buf[n++] = c;
	}
}

/* Ask on the terminal, without echo; a signal does not leave it so. */
static int ask_terminal(const char *file, char *buf, size_t size, struct pcrcast_error *e)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	enum { N = sizeof signals / sizeof signals[0] };
	struct sigaction act = { .sa_handler = interrupt }, before[N];
	struct termios old, quiet;

	if (fd < 0 || tcgetattr(fd, &old) < 0) {
		if (fd >= 0)
			(void)close(fd);
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"the key is encrypted, and there is no terminal to ask at (--passphrase-file)");
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	for (size_t i = 0; i < N; i++)
		(void)sigaction(signals[i], &act, &before[i]);
	dprintf(fd, "passphrase of %s: ", file);
	(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	int n = read_line(fd, buf, size, e);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	for (size_t i = 0; i < N; i++)
		(void)sigaction(signals[i], &before[i], NULL);
	if (interrupted)
		(void)raise(interrupted);
	dprintf(fd, "\n");
	(void)close(fd);
	return n;
}

static int ask(void *ctx, char *buf, size_t size, struct pcrcast_error *e)
{
	const struct golden_arguments *a = ctx;

	if (!a->sign.passphrase_file)
		return ask_terminal(a->verify.key, buf, size, e);
	int fd = open(a->sign.passphrase_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set(e, PCRCAST_EIO, PCRCAST_NO_OFFSET, "%s: cannot open: %s",
			       a->sign.passphrase_file, strerror(errno));
	int n = read_line(fd, buf, size, e);
	(void)close(fd);
	return n;
}

static int read_private(struct golden_arguments *a, struct sign_key **ret, struct pcrcast_error *e)
{
	struct file_bytes pem;
	int r = input_read_bytes(a->verify.key, GOLDEN_FILE_MAX, &pem, e);

	if (r == 0)
		r = sign_key_private((struct slice){ pem.n ? pem.bytes : (const uint8_t *)"", pem.n }, ask, a,
				     ret, e);
	input_forget(&pem);
	return r;
}

/* ---- files ---- */

static int put_line(const struct golden_arguments *a, const char *text)
{
	static const struct golden_format plain = { .name = "the signature" };
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	char *line = pool_printf((struct pool *)&a->pool, "%s\n", text);

	if (!line) {
		(void)err_nomem(&e);
		return fail(&e);
	}
	return golden_put(a, &plain, slice_of_string(line));
}

/* What an external signer is to sign: SHA-256 of the file. */
static int print_digest(struct golden_arguments *a, struct slice bytes, struct pcrcast_error *e)
{
	struct digest d;
	char hex[2 * DIGEST_MAX + 1];
	int r = digest_of(ALG_SHA256, bytes, &d, e);

	if (r < 0)
		return r;
	hex_encode(d.bytes, algs[ALG_SHA256].len, hex);
	return put_line(a, hex);
}

static int sign_file(struct golden_arguments *a, struct slice bytes, struct pcrcast_error *e)
{
	_cleanup_(sign_key_freep) struct sign_key *key = NULL;
	struct slice signature;

	int r = read_private(a, &key, e);
	if (r < 0)
		return err_wrap(e, "%s", a->verify.key);
	r = sign_bytes(key, bytes, &a->pool, &signature, e);
	if (r < 0)
		return r;
	const char *text = base64_text(&a->pool, signature);
	return text ? put_line(a, text) : err_nomem(e);
}

/* ---- policies ---- */

/* The policies that a source states; else those of its values, one for each value of each register. */
static int policies_of_values(const char *wanted, uint32_t pcrs, struct golden *g, struct golden_set *s,
			      struct pcrcast_error *e)
{
	int r = 0;

	for (size_t i = 0; i < s->n_registers && r == 0; i++) {
		const struct golden_register *reg = &s->registers[i];

		for (size_t k = 0; pcrs >> reg->index & 1 && k < reg->n && r == 0; k++) {
			const char *label = reg->values[k].label;

			if (wanted && label && strcmp(label, wanted) != 0)
				continue;
			struct golden_policy *p = golden_add_policy(g, s, e);
			if (!p)
				return -PCRCAST_ENOMEM;
			p->alg = reg->alg;
			p->pcrs = UINT32_C(1) << reg->index;
			p->label = label;
			r = policy_of_value(reg->alg, reg->index, reg->values[k].bytes, p->digest, e);
		}
	}
	return r;
}

/* pcrs: the registers whose values become policies; of policies that there are --pcr alone chooses. */
static int sign_policies(struct golden_arguments *a, struct golden *g, uint32_t pcrs, struct pcrcast_error *e)
{
	_cleanup_(sign_key_freep) struct sign_key *key = NULL;
	struct golden_selection sel = a->selection;
	const char *const *lost;
	struct slice bytes;
	size_t n_lost;
	int r = a->sign.digest_only ? 0 : read_private(a, &key, e);

	if (r < 0)
		return err_wrap(e, "%s", a->verify.key);
	if (sel.label && *sel.label && !golden_has_label(g, sel.label))
		return err_set(e, PCRCAST_ENOTFOUND, PCRCAST_NO_OFFSET, "no value has the label \"%s\"",
			       sel.label);
	for (size_t i = 0; i < g->n && r == 0; i++) {
		struct golden_set *s = &g->sets[i];

		if (s->n_policies == 0)
			r = policies_of_values(sel.label, pcrs, g, s, e);
		for (size_t k = 0; key && k < s->n_policies && r == 0; k++)
			r = sign_policy(key, &s->policies[k], &g->pool, e);
		s->n_registers = 0; /* what is signed is the policies */
	}
	sel.label = NULL; /* chosen already */
	if (r == 0)
		r = golden_write(g, &sel, a->as, &a->pool, &bytes, &lost, &n_lost, e);
	return r < 0 ? r : golden_put(a, a->as, bytes);
}

static int run_policies(struct golden_arguments *a, struct pcrcast_error *e)
{
	struct golden_source_options opt = a->source;
	struct golden g;

	/* A key of a disk is bound to PCR 11, as systemd-measure and ukify do */
	if (!opt.has_pcrs) {
		opt.has_pcrs = true;
		opt.pcrs = 1u << 11;
	}
	int r = golden_source_read(a->files[0], &opt, &g, e);
	if (r == 0 && opt.predict.n_axes)
		r = golden_merge_sets(&g, e); /* a signature each for what every variant has in a register */
	if (r == 0) {
		golden_print_notes(a, g.notes, g.n_notes, "note");
		golden_note_phases(a, &g, a->files[0]);
		r = sign_policies(a, &g, opt.pcrs, e);
	}
	golden_done(&g);
	return r;
}

int golden_run_sign(struct golden_arguments *a)
{
	struct pcrcast_error e = { .offset = PCRCAST_NO_OFFSET };
	bool policies = a->as != NULL;
	struct slice bytes;
	int r;

	if (!policies && (a->source.has_pcrs || a->source.banks || a->source.predict.any || a->source.from))
		return usage_error(
			"golden sign: --pcr, --bank, --from and how an image boots go with --as pcrsig");
	if (policies && strcmp(a->as->name, "pcrsig") != 0)
		return usage_error(
			"golden sign --as %s: expected pcrsig, or no --as for a signature over the file",
			a->as->name);
	if (!a->verify.key == !a->sign.digest_only)
		return usage_error("golden sign: expected one of --key and --digest-only");
	const char *const inputs[] = { a->files[0], a->verify.key, a->sign.passphrase_file };
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0] && a->output; i++)
		if (inputs[i] && refuse_overwrite("--output", a->output, inputs[i], &e) < 0)
			return fail_at(inputs[i], &e);
	if (policies) {
		r = run_policies(a, &e);
		return r < 0 ? fail_at(a->files[0], &e) : r;
	}
	r = input_read(&a->pool, a->files[0], GOLDEN_FILE_MAX, &bytes, &e);
	if (r == 0)
		r = a->sign.digest_only ? print_digest(a, bytes, &e) : sign_file(a, bytes, &e);
	return r < 0 ? fail_at(a->files[0], &e) : r;
}
