/* Images that firmware loads: UEFI_IMAGE_LOAD_EVENT, PFP 1.06 section 10.2.3. */
#include "eventlog/event_body.h"

#include <inttypes.h>

enum {
	WIDE_HEADER = 32, /* u64 address, then three times UINTN */
	NARROW_HEADER = 20,
	OLD_SHIM_EXTRA = 9, /* bytes behind the structure; one less in some builds */
};

/* The lengths are UINTN in the older TCG EFI Platform Specification 1.22: 32-bit on such firmware. */
static bool narrow_fits(struct slice data)
{
	return data.n >= NARROW_HEADER && get_u32le(data.p + 16) == data.n - NARROW_HEADER;
}

void body_image(struct body *b)
{
	struct reader r = reader_over(b->ev->data);
	const char *kind = b->ev->type == EV_EFI_BOOT_SERVICES_APPLICATION ? "application" :
			   b->ev->type == EV_EFI_BOOT_SERVICES_DRIVER      ? "boot services driver" :
									     "runtime driver";
	bool narrow =
		b->ev->data.n < WIDE_HEADER || get_u64le(b->ev->data.p + 24) > b->ev->data.n - WIDE_HEADER;

	narrow = narrow && narrow_fits(b->ev->data);
	uint64_t at = reader_u64le(&r);
	uint64_t len = narrow ? reader_u32le(&r) : reader_u64le(&r),
		 link_at = narrow ? reader_u32le(&r) : reader_u64le(&r);
	uint64_t path_len = narrow ? reader_u32le(&r) : reader_u64le(&r);
	if (r.failed) {
		body_summary(b, "%s", kind);
		body_trouble(b, b->ev->data,
			     "%zu bytes are too few for an image load event, which begins with %d",
			     b->ev->data.n, WIDE_HEADER);
		return;
	}
	body_number(b, &b->out.root, "imageLocationInMemory", at);
	body_number(b, &b->out.root, "imageLengthInMemory", len);
	body_number(b, &b->out.root, "imageLinkTimeAddress", link_at);
	struct slice path = reader_take(&r, path_len);
	if (r.failed) {
		body_summary(b, "%s, %" PRIu64 " bytes", kind, len);
		body_trouble_at(b, &r, "a device path of %" PRIu64 " bytes where %zu are left", path_len,
				reader_left(&r));
		return;
	}
	const char *what = body_device_path(b, &b->out.root, "devicePath", path);
	/*
	 * shim before 15.2 (2019) fills in nothing and logs its structure with the compiler's padding. The protocols of
	 * shim and systemd-boot measure images without a path too.
	 */
	if (path_len == 0 && at == 0 && len == 0 &&
	    (reader_left(&r) == OLD_SHIM_EXTRA || reader_left(&r) == OLD_SHIM_EXTRA - 1)) {
		body_hex(b, &b->out.root, "trailingBytes", reader_take(&r, reader_left(&r)));
		body_summary(b, "%s, logged without any detail, as shim before 15.2 does", kind);
		return;
	}
	body_end(b, &r, "image load event");
	body_summary(b, "%s %s, %" PRIu64 " bytes", kind, what ? what : "without a path", len);
}
