#include "eventlog/eventlog.h"

#include <stdio.h>

#include "base/reader.h"

/* PFP 1.06 section 10.4.1, in the order of the numbers. */
static const struct {
	uint32_t type;
	const char *name;
} types[] = {
#define ROW(t)        \
	{             \
		t, #t \
	}
	ROW(EV_PREBOOT_CERT),
	ROW(EV_POST_CODE),
	ROW(EV_UNUSED),
	ROW(EV_NO_ACTION),
	ROW(EV_SEPARATOR),
	ROW(EV_ACTION),
	ROW(EV_EVENT_TAG),
	ROW(EV_S_CRTM_CONTENTS),
	ROW(EV_S_CRTM_VERSION),
	ROW(EV_CPU_MICROCODE),
	ROW(EV_PLATFORM_CONFIG_FLAGS),
	ROW(EV_TABLE_OF_DEVICES),
	ROW(EV_COMPACT_HASH),
	ROW(EV_IPL),
	ROW(EV_IPL_PARTITION_DATA),
	ROW(EV_NONHOST_CODE),
	ROW(EV_NONHOST_CONFIG),
	ROW(EV_NONHOST_INFO),
	ROW(EV_OMIT_BOOT_DEVICE_EVENTS),
	ROW(EV_POST_CODE2),
	ROW(EV_EFI_EVENT_BASE),
	ROW(EV_EFI_VARIABLE_DRIVER_CONFIG),
	ROW(EV_EFI_VARIABLE_BOOT),
	ROW(EV_EFI_BOOT_SERVICES_APPLICATION),
	ROW(EV_EFI_BOOT_SERVICES_DRIVER),
	ROW(EV_EFI_RUNTIME_SERVICES_DRIVER),
	ROW(EV_EFI_GPT_EVENT),
	ROW(EV_EFI_ACTION),
	ROW(EV_EFI_PLATFORM_FIRMWARE_BLOB),
	ROW(EV_EFI_HANDOFF_TABLES),
	ROW(EV_EFI_PLATFORM_FIRMWARE_BLOB2),
	ROW(EV_EFI_HANDOFF_TABLES2),
	ROW(EV_EFI_VARIABLE_BOOT2),
	ROW(EV_EFI_GPT_EVENT2),
	ROW(EV_EFI_HCRTM_EVENT),
	ROW(EV_EFI_VARIABLE_AUTHORITY),
	ROW(EV_EFI_SPDM_DEVICE_BLOB),
	ROW(EV_EFI_SPDM_DEVICE_CONFIG),
	ROW(EV_EFI_SPDM_DEVICE_POLICY),
	ROW(EV_EFI_SPDM_DEVICE_AUTHORITY),
#undef ROW
};

const char *event_type_name(uint32_t type, char buf[static 11])
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == type)
			return types[i].name;
	(void)snprintf(buf, 11, "0x%08x", type);
	return buf;
}

const char *event_origin_name(enum event_origin origin)
{
	static const char *const names[] = {
		[EVENT_RECORDED] = "recorded", [EVENT_COMPUTED] = "computed", [EVENT_CONSTANT] = "constant",
		[EVENT_OBSERVED] = "observed", [EVENT_ASSUMED] = "assumed",   [EVENT_UNKNOWN] = "unknown",
	};

	return names[origin];
}

void eventlog_done(struct eventlog *log)
{
	pool_done(&log->pool);
	*log = EVENTLOG_INIT;
}

bool event_digest_next(const struct eventlog *log, struct slice *digests, struct eventlog_alg *ret_alg,
		       struct slice *ret)
{
	struct reader r = reader_over(*digests);
	uint16_t id = reader_u16le(&r);

	if (r.failed)
		return false;
	for (size_t i = 0; i < log->n_algs; i++) {
		if (log->algs[i].id != id)
			continue;
		struct slice digest = reader_take(&r, log->algs[i].len);
		if (r.failed)
			return false;
		*ret_alg = log->algs[i];
		*ret = digest;
		*digests = (struct slice){ r.base + r.pos, reader_left(&r) };
		return true;
	}
	return false;
}

struct slice event_digest(const struct event *ev, const struct eventlog *log, enum alg alg)
{
	struct slice rest = ev->digests, digest;
	struct eventlog_alg found;

	while (event_digest_next(log, &rest, &found, &digest))
		if (found.id == algs[alg].tpm_id && digest.n == algs[alg].len)
			return digest;
	return SLICE_EMPTY;
}
