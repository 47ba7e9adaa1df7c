/* Digests of events that are not firmware's: IMA's and systemd's. */
#include <string.h>

#include "base/json.h"
#include "base/json_read.h"
#include "eventlog/check_impl.h"

enum { FIRMWARE_PCRS = 8 }; /* PCR 0 to 7 */

/* ---- IMA ---- */

/* Is every digest of the event the same byte over and over? */
static bool digests_are_all(const struct eventlog *log, const struct event *ev, uint8_t byte)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;

	while (event_digest_next(log, &rest, &found, &digest))
		for (size_t i = 0; i < digest.n; i++)
			if (digest.p[i] != byte)
				return false;
	return ev->digests.n > 0;
}

/*
 * Is every digest the hash in its bank, or SHA-1 filled up with zeros? Linux extends the latter into a bank whose hash
 * it cannot compute when IMA starts, and did so for every bank before 5.8 (ima_crypto.c).
 */
static int ima_fit(const struct eventlog *log, const struct event *ev, enum fit *ret, struct pcrcast_error *e)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;
	struct digest sha1 = { .alg = ALG_SHA1 };
	size_t good = 0, bad = 0;

	int r = event_ima_template_digest(ev, ALG_SHA1, &sha1, e);
	while (r == 0 && event_digest_next(log, &rest, &found, &digest)) {
		enum alg alg = alg_by_tpm_id(found.id);
		uint8_t padded[DIGEST_MAX] = { 0 };
		struct digest d;

		if (alg == ALG_COUNT || digest.n != algs[alg].len)
			continue;
		memcpy(padded, sha1.bytes, algs[ALG_SHA1].len);
		r = event_ima_template_digest(ev, alg, &d, e);
		if (r == 0 &&
		    (memcmp(d.bytes, digest.p, digest.n) == 0 || memcmp(padded, digest.p, digest.n) == 0))
			good++;
		else
			bad++;
	}
	*ret = good && bad ? FIT_SOME : good ? FIT_ALL : bad ? FIT_NONE : FIT_NO_DIGEST;
	return r;
}

int event_check_ima(const struct eventlog *log, const struct event *ev, struct event_check *ret,
		    struct pcrcast_error *e)
{
	enum fit f;

	if (digests_are_all(log, ev, 0x00) || digests_are_all(log, ev, 0xff)) {
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false,
					     "a violation: the file was changed while it was measured" };
		return 0;
	}
	int r = ima_fit(log, ev, &f, e);
	if (r < 0)
		return r;
	if (f == FIT_ALL)
		*ret = (struct event_check){ MATCH_YES, false, "the template's data" };
	else if (f == FIT_NO_DIGEST)
		*ret = (struct event_check){ MATCH_CANNOT_TELL, false,
					     "no digest of a bank that can be computed here" };
	else
		*ret = (struct event_check){ MATCH_NO, true, "not of the template's data" };
	return 0;
}

/* ---- systemd's userspace ---- */

/* The byte of three octal digits; -1 when there are fewer, or it is none. */
static int octal(const char *digits)
{
	int v = 0;

	for (int i = 0; i < 3; i++) {
		if (digits[i] < '0' || digits[i] > '7')
			return -1;
		v = v * 8 + (digits[i] - '0');
	}
	return v <= UINT8_MAX ? v : -1;
}

/*
 * Undo the escapes of C strings, as systemd's cescape() makes them: \\, \", \n …, and three octal digits. Returns the
 * length, which is at most the text's; false when it is malformed.
 */
static bool unescape(const char *text, uint8_t *ret, size_t *ret_len)
{
	static const char letters[] = "abfnrtv\\\"'", bytes[] = "\a\b\f\n\r\t\v\\\"'";
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		int byte = (uint8_t)*p;

		if (*p == '\\') {
			const char *letter = p[1] ? strchr(letters, p[1]) : NULL;

			byte = letter ? (uint8_t)bytes[letter - letters] : octal(p + 1);
			if (byte < 0)
				return false;
			p += letter ? 1 : 3;
		}
		ret[n++] = (uint8_t)byte;
	}
	*ret_len = n;
	return true;
}

static const struct event_check no_word = { MATCH_CANNOT_TELL, false,
					    "the content has no word that could be measured" };

/* Do the digests fit the word, with its escapes undone? */
static int fit_word(const struct eventlog *log, const struct event *ev, const char *word, enum fit *ret,
		    struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT;
	size_t len = 0;
	uint8_t *bytes = pool_array(&scratch, strlen(word) + 1, 1);
	int r = 0;

	if (!bytes)
		r = err_nomem(e);
	else if (unescape(word, bytes, &len))
		r = event_fit(log, ev, (struct slice){ bytes, len }, ret, e);
	else
		*ret = FIT_NONE;
	pool_done(&scratch);
	return r;
}

/*
 * systemd measures the word that it logs as "string" (tpm2_pcr_extend_bytes, systemd 257), save volume keys: there the
 * word is keyed with the volume key. Words above 1024 characters are logged cut.
 */
static struct event_check judge_word(const struct event *ev, const char *kind, const char *word, enum fit f)
{
	enum { CUT = 1024 };

	if (f == FIT_ALL)
		return (struct event_check){ MATCH_YES, false, "the word that is logged (systemd)" };
	if (ev->pcr >= FIRMWARE_PCRS && (strcmp(kind, "volume-key") == 0 || strcmp(kind, "keyslot") == 0))
		return (struct event_check){ MATCH_CANNOT_TELL, false,
					     "the word, keyed with the volume key (systemd-cryptsetup)" };
	if (strlen(word) >= CUT)
		return (struct event_check){ MATCH_CANNOT_TELL, false, "a word that is logged cut off" };
	if (f == FIT_NONE || f == FIT_SOME)
		return (struct event_check){ MATCH_NO, true, "not of the word that is logged (systemd)" };
	return no_word;
}

int event_check_systemd(const struct eventlog *log, const struct event *ev, struct event_check *ret,
			struct pcrcast_error *e)
{
	struct cJSON *content = NULL;
	const char *word = NULL, *kind = "";
	enum fit f = FIT_NO_DIGEST;
	int r = 0;

	*ret = no_word;
	if (json_parse(ev->data, &content, NULL) < 0)
		return 0;
	(void)json_string(json_get(content, "eventType"), &kind);
	if (json_string(json_get(content, "string"), &word)) {
		r = fit_word(log, ev, word, &f, e);
		if (r == 0)
			*ret = judge_word(ev, kind, word, f);
	}
	json_free(content);
	return r;
}
