/*
 * Bytes that were measured in place of the event field.
 *
 * A form makes the bytes; false when it does not apply to this event. Bytes that are made come from pool.
 */
#include <string.h>

#include "base/bytes.h"
#include "eventlog/check_impl.h"

static bool starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static bool variable_data(struct pool *pool, const struct event *ev, struct slice *ret)
{
	enum {
		HEADER = 32,
		AT_NAME_LEN = 16,
		AT_DATA_LEN = 24
	}; /* UEFI_VARIABLE_DATA, PFP 1.06 section 10.2.6 */

	(void)pool;
	if (ev->data.n < HEADER)
		return false;
	uint64_t name_len = get_u64le(ev->data.p + AT_NAME_LEN),
		 data_len = get_u64le(ev->data.p + AT_DATA_LEN);
	/* what lies behind the data would be covered by nothing */
	if (name_len > (ev->data.n - HEADER) / 2 || data_len != ev->data.n - HEADER - 2 * name_len)
		return false;
	return slice_at(ev->data, HEADER + 2 * name_len, data_len, ret);
}

static bool without_last_byte(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return ev->data.n > 0 && slice_at(ev->data, 0, ev->data.n - 1, ret);
}

static bool with_zero_byte(struct pool *pool, const struct event *ev, struct slice *ret)
{
	uint8_t *copy = pool_array(pool, ev->data.n + 1, 1);

	if (!copy)
		return false;
	memcpy(copy, ev->data.p, ev->data.n);
	*ret = (struct slice){ copy, ev->data.n + 1 };
	return true;
}

static bool without_nul(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return ev->data.n > 0 && ev->data.p[ev->data.n - 1] == 0 &&
	       slice_at(ev->data, 0, ev->data.n - 1, ret);
}

/* Upstream (commands/tpm.c), and the patched 2.02 of RHEL 8 and its kin. */
static const char *const grub_prefixes[] = { "grub_cmd: ", "kernel_cmdline: ",     "module_cmdline: ",
					     "grub_cmd ",  "grub_kernel_cmdline ", "grub_module_cmdline " };

/* What follows GRUB's prefix up to the NUL (behind which Alibaba's build logs one byte of something else), or with it. */
static bool after_prefix(const struct event *ev, bool nul, struct slice *ret)
{
	struct slice s = ev->data;

	for (size_t i = 0; i < sizeof grub_prefixes / sizeof grub_prefixes[0]; i++) {
		size_t skip = strlen(grub_prefixes[i]);

		if (!starts_with(s, grub_prefixes[i]))
			continue;
		const uint8_t *end = memchr(s.p, 0, s.n);
		size_t n = end ? (size_t)(end - s.p) : s.n;
		if ((nul && n == s.n) || s.n - n > 2)
			return false;
		return slice_at(s, skip, n - skip + nul, ret);
	}
	return false;
}

static bool grub_text(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return after_prefix(ev, false, ret);
}

static bool grub_text_nul(struct pool *pool, const struct event *ev, struct slice *ret)
{
	(void)pool;
	return after_prefix(ev, true, ret);
}

/* The ASCII form, with a NUL, of an event field that is UTF-16: the name of a section. */
static bool section_name(struct pool *pool, const struct event *ev, struct slice *ret)
{
	enum { NAME_MAX_LEN = 16 }; /* PE section names have 8 bytes; room for the dot and the NUL */
	size_t n = ev->data.n / 2;

	if (ev->data.n % 2 || n < 2 || n > NAME_MAX_LEN || get_u16le(ev->data.p) != '.')
		return false;
	uint8_t *text = pool_array(pool, n, 1);
	if (!text)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint16_t c = get_u16le(ev->data.p + 2 * i);

		if (c > 0x7f || (c == 0) != (i == n - 1))
			return false;
		text[i] = (uint8_t)c;
	}
	*ret = (struct slice){ text, n };
	return true;
}

static bool tagged_data(struct pool *pool, const struct event *ev, struct slice *ret)
{
	enum { HEADER = 8, AT_LEN = 4 }; /* TCG_PCClientTaggedEvent: id, length, data */

	(void)pool;
	return ev->data.n >= HEADER && get_u32le(ev->data.p + AT_LEN) == ev->data.n - HEADER &&
	       slice_at(ev->data, HEADER, ev->data.n - HEADER, ret);
}

static bool separator_error(struct pool *pool, const struct event *ev, struct slice *ret)
{
	static const uint8_t one[4] = { 1, 0, 0, 0 };

	(void)pool;
	/* an ordinary separator is what it says: an error must not hide behind it */
	if (ev->data.n == 4 && (get_u32le(ev->data.p) == 0 || get_u32le(ev->data.p) == UINT32_MAX))
		return false;
	*ret = (struct slice){ one, sizeof one };
	return true;
}

static const struct form {
	uint32_t type;
	bool (*bytes)(struct pool *pool, const struct event *ev, struct slice *ret);
	const char *reason;
	bool tpm12_only;
} forms[] = {
	{ EV_EFI_VARIABLE_BOOT, variable_data, "the variable's data alone (EDK2 and PFP before 1.06)",
	  false },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, variable_data, "the variable's data alone (firmware for TPM 1.2)",
	  true },
	/* shim computed the structure's size with its padding: the event is 6 bytes too long, and one of them is not hashed */
	{ EV_EFI_VARIABLE_AUTHORITY, without_last_byte, "the event data but its last byte (shim before 15.2)",
	  false },
	{ EV_SEPARATOR, separator_error,
	  "the error value 1 (PFP 1.06 section 10.4.1: EV_SEPARATOR after an error)", false },
	{ EV_IPL, grub_text, "the text without its prefix (GRUB)", false },
	{ EV_IPL, grub_text_nul, "the text without its prefix, with its NUL (GRUB 2.02 of RHEL 8)", false },
	{ EV_IPL, section_name, "the section's name in ASCII, with its NUL (systemd-stub)", false },
	{ EV_IPL, with_zero_byte, "the event data and one zero byte more (systemd-boot before 251)", false },
	{ EV_IPL, without_nul, "the event data without its NUL", false },
	{ EV_EVENT_TAG, tagged_data, "the tagged data without its header", false },
};

bool event_has_checkable_text(const struct event *ev)
{
	for (size_t i = 0; i < sizeof grub_prefixes / sizeof grub_prefixes[0]; i++)
		if (ev->type == EV_IPL && starts_with(ev->data, grub_prefixes[i]))
			return true;
	return false;
}

int event_check_forms(const struct eventlog *log, const struct event *ev, struct event_check *ret,
		      bool *ret_some, struct pcrcast_error *e)
{
	struct pool scratch = POOL_INIT;
	int r = 0;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0] && r == 0; i++) {
		struct slice bytes;
		enum fit f;

		if (forms[i].tpm12_only && log->spec_id.version_major >= 2)
			continue;
		if (forms[i].type != ev->type || !forms[i].bytes(&scratch, ev, &bytes))
			continue;
		r = event_fit(log, ev, bytes, &f, e);
		if (r < 0)
			break;
		if (f == FIT_SOME)
			*ret_some = true;
		if (f == FIT_ALL) {
			*ret = (struct event_check){ MATCH_YES, false, forms[i].reason };
			break;
		}
	}
	pool_done(&scratch);
	return r;
}
