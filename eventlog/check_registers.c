/*
 * Does the replay of a log lead to the values of a machine?
 */
#include "eventlog/check.h"

#include <string.h>

#include "base/bytes.h"

const char *register_state_name(enum register_state state)
{
	static const char *const names[] = {
		[REGISTER_AGREES] = "agrees",         [REGISTER_CONTINUES] = "continues",
		[REGISTER_DIFFERS] = "differs",       [REGISTER_NO_EVENTS] = "no-events",
		[REGISTER_NOT_STATED] = "not-stated", [REGISTER_INCOMPLETE] = "incomplete",
	};

	return names[state];
}

uint32_t eventlog_incomplete(const struct eventlog *log, enum alg alg)
{
	uint32_t set = 0;

	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];

		if (ev->content == CONTENT_OTHER && ev->n_digests == 0)
			continue; /* it only speaks about the log: eventlog_replay passes it over too */
		if (ev->type != EV_NO_ACTION && ev->content != CONTENT_IMA && ev->pcr < PCR_COUNT &&
		    event_digest(ev, log, alg).n == 0)
			set |= UINT32_C(1) << ev->pcr; /* IMA's events extend every bank: event_extended */
	}
	return set;
}

/*
 * Words that systemd's userspace extends after the log of the firmware has ended, each sequence from its start: the
 * phases of the boot with an initrd of systemd and without one (systemd-pcrphase, systemd 252), and the separator
 * between boot loader and system (systemd-pcrosseparator, systemd 261).
 */
static const struct words {
	uint32_t registers; /* bit i: register i */
	const char *words;
} known_words[] = {
	{ UINT32_C(1) << 11, "enter-initrd:leave-initrd:sysinit:ready:shutdown:final" },
	{ UINT32_C(1) << 11, "sysinit:ready:shutdown:final" },
	{ 0x000000ff | UINT32_C(1) << 9 | UINT32_C(7) << 12, "os-separator" },
};

/* How much of the words leads from one value to the other; 0: none of it does. */
static int walk_words(enum alg alg, const char *words, const uint8_t *from, const uint8_t *to, size_t *ret,
		      struct pcrcast_error *e)
{
	struct pcr_bank bank = { .alg = alg };
	size_t at = 0;

	*ret = 0;
	memcpy(bank.pcr[0], from, algs[alg].len);
	while (words[at]) {
		const char *word = words + at + (words[at] == ':');
		size_t n = 0;
		struct digest d;

		while (word[n] && word[n] != ':')
			n++;
		int r = digest_of(alg, (struct slice){ (const uint8_t *)word, n }, &d, e);
		if (r == 0)
			r = pcr_extend(&bank, 0, d.bytes, e);
		if (r < 0)
			return r;
		at = (size_t)(word + n - words);
		if (memcmp(bank.pcr[0], to, algs[alg].len) == 0) {
			*ret = at;
			return 0;
		}
	}
	return 0;
}

/*
 * PCR 10 when Linux measures with IMA, but has no policy: its first entry only, the boot_aggregate. That is the hash of
 * PCR 0 to 9 in the bank that IMA uses (0 to 7 for SHA-1), as an ima-ng or ima-sig entry; a bank is extended with its own
 * hash of the entry or with the entry's SHA-1 filled up with zeros (Linux 6.1, ima_crypto.c and ima_template.c).
 */
static int is_boot_aggregate(enum alg alg, enum alg used, const struct pcr_values *values, bool sig,
			     bool padded, const uint8_t *from, const uint8_t *to, bool *ret,
			     struct pcrcast_error *e)
{
	static const char file[] = "boot_aggregate";
	enum { ENTRY_MAX = 4 + 8 + DIGEST_MAX + 4 + sizeof file + 4 };
	unsigned n = used == ALG_SHA1 ? 8 : 10;
	uint8_t concatenated[10 * DIGEST_MAX], entry[ENTRY_MAX];
	size_t len = algs[used].len, name_len = strlen(algs[used].name), at = 0;
	struct digest aggregate, hash = { .alg = alg };
	struct pcr_bank bank = { .alg = alg };

	*ret = false;
	if ((values->known[used] & ((UINT32_C(1) << n) - 1)) != (UINT32_C(1) << n) - 1)
		return 0;
	for (unsigned i = 0; i < n; i++)
		memcpy(concatenated + i * len, values->value[used][i], len);
	int r = digest_of(used, (struct slice){ concatenated, n * len }, &aggregate, e);
	if (r < 0)
		return r;
	/* d-ng: length, "sha256:", NUL, digest; n-ng: length, name, NUL; sig: a length of 0 */
	put_u32le(entry, (uint32_t)(name_len + 2 + len));
	at = 4;
	memcpy(entry + at, algs[used].name, name_len);
	memcpy(entry + at + name_len, ":", 2);
	at += name_len + 2;
	memcpy(entry + at, aggregate.bytes, len);
	at += len;
	put_u32le(entry + at, sizeof file);
	memcpy(entry + at + 4, file, sizeof file);
	at += 4 + sizeof file;
	if (sig) {
		put_u32le(entry + at, 0);
		at += 4;
	}
	struct digest got;
	r = digest_of(padded ? ALG_SHA1 : alg, (struct slice){ entry, at }, &got, e);
	if (r < 0)
		return r;
	memcpy(hash.bytes, got.bytes, algs[got.alg].len);
	memcpy(bank.pcr[0], from, algs[alg].len);
	r = pcr_extend(&bank, 0, hash.bytes, e);
	*ret = r == 0 && memcmp(bank.pcr[0], to, algs[alg].len) == 0;
	return r;
}

static int explain_ima(enum alg alg, const struct pcr_values *values, const uint8_t *from,
		       struct register_check *ret, struct pcrcast_error *e)
{
	enum { IMA_PCR = 10, WAYS = 4 };
	static const char word[] = "boot_aggregate";

	for (enum alg used = 0; used < ALG_COUNT; used++) {
		for (unsigned way = 0; way < WAYS; way++) {
			bool found;
			int r = is_boot_aggregate(alg, used, values, way & 1, way & 2, from,
						  values->value[alg][IMA_PCR], &found, e);

			if (r < 0)
				return r;
			if (found) {
				ret->state = REGISTER_CONTINUES;
				ret->words = word;
				ret->words_len = strlen(word);
				return 0;
			}
		}
	}
	return 0;
}

int eventlog_words_between(enum alg alg, uint32_t pcr, const uint8_t *from, const uint8_t *to,
			   bool from_start, const char **ret_words, size_t *ret_len, struct pcrcast_error *e)
{
	size_t len = 0;

	for (size_t i = 0; i < sizeof known_words / sizeof known_words[0]; i++) {
		const char *words = known_words[i].words;

		if (pcr >= PCR_COUNT || !(known_words[i].registers & UINT32_C(1) << pcr))
			continue;
		while (words) {
			int r = walk_words(alg, words, from, to, &len, e);

			if (r < 0)
				return r;
			if (len) {
				*ret_words = words;
				*ret_len = len;
				return 0;
			}
			words = from_start ? NULL : strchr(words, ':');
			words = words ? words + 1 : NULL;
		}
	}
	*ret_words = NULL;
	*ret_len = 0;
	return 0;
}

static int explain(enum alg alg, unsigned index, const uint8_t *logged, const uint8_t *stated,
		   struct register_check *ret, struct pcrcast_error *e)
{
	const char *words;
	size_t len;

	int r = eventlog_words_between(alg, index, logged, stated, true, &words, &len, e);
	if (r == 0 && words) {
		ret->state = REGISTER_CONTINUES;
		ret->words = words;
		ret->words_len = len;
	}
	return r;
}

static bool all_bytes(const uint8_t *p, size_t n, uint8_t byte)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte)
			return false;
	return true;
}

/*
 * Registers 17 to 22 are all ones after a reset and zeros once a dynamic root of trust was started (TCG PC Client
 * Platform TPM Profile, section 4.6.2): neither tells of an event.
 */
static bool is_reset_value(unsigned index, const uint8_t *value, const uint8_t *start, size_t len)
{
	if (index >= 17 && index <= 22 && (all_bytes(value, len, 0x00) || all_bytes(value, len, 0xff)))
		return true;
	return memcmp(value, start, len) == 0;
}

/* One pass: extend, and note after which event a register last had the stated value. */
static int trace(const struct eventlog *log, const struct pcr_values *values, struct pcr_bank *bank,
		 struct register_check checks[static PCR_COUNT], struct pcrcast_error *e)
{
	enum alg alg = bank->alg;
	size_t len = algs[alg].len;

	for (size_t i = 0; i < log->n_events; i++) {
		const struct event *ev = &log->events[i];
		struct digest digest;

		if (ev->type == EV_NO_ACTION || ev->pcr >= PCR_COUNT)
			continue;
		int r = event_extended(log, ev, alg, &digest, e);
		if (r == 0)
			continue; /* eventlog_incomplete knows */
		if (r > 0)
			r = pcr_extend(bank, ev->pcr, digest.bytes, e);
		if (r < 0)
			return r;
		if (values->known[alg] & UINT32_C(1) << ev->pcr &&
		    memcmp(bank->pcr[ev->pcr], values->value[alg][ev->pcr], len) == 0) {
			checks[ev->pcr].consistent_events = bank->count[ev->pcr];
			checks[ev->pcr].last_consistent = i;
		}
	}
	return 0;
}

int eventlog_check_registers(const struct eventlog *log, enum alg alg, const struct pcr_values *values,
			     struct register_check ret[static PCR_COUNT], struct pcrcast_error *e)
{
	struct register_check checks[PCR_COUNT];
	struct pcr_bank start, bank;
	size_t len = algs[alg].len;

	int r = eventlog_start(log, alg, &start, e);
	if (r < 0)
		return r;
	uint32_t incomplete = eventlog_incomplete(log, alg);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		bool at_start = memcmp(start.pcr[i], values->value[alg][i], len) == 0;

		checks[i] = (struct register_check){ .state = REGISTER_NOT_STATED,
						     .consistent_events = at_start ? 0 : -1,
						     .last_consistent = SIZE_MAX };
	}
	bank = start;
	r = trace(log, values, &bank, checks, e);
	for (unsigned i = 0; r == 0 && i < PCR_COUNT; i++) {
		const uint8_t *stated = values->value[alg][i];

		if (!(values->known[alg] & UINT32_C(1) << i))
			continue;
		if (incomplete & UINT32_C(1) << i) {
			checks[i].state = REGISTER_INCOMPLETE;
			continue;
		}
		if (memcmp(bank.pcr[i], stated, len) == 0 ||
		    (bank.count[i] == 0 && is_reset_value(i, stated, start.pcr[i], len))) {
			checks[i].state = REGISTER_AGREES;
			continue;
		}
		checks[i].state = bank.count[i] ? REGISTER_DIFFERS : REGISTER_NO_EVENTS;
		r = explain(alg, i, bank.pcr[i], stated, &checks[i], e);
		if (r == 0 && i == 10 && bank.count[i] == 0)
			r = explain_ima(alg, values, start.pcr[i], &checks[i], e);
	}
	if (r < 0)
		return r;
	memcpy(ret, checks, sizeof checks);
	return 0;
}
