/*
 * systemd's userspace log, tpm2-measure.log: RFC 7464, a record separator before each JSON text and a line feed
 * behind it. tpm2-util.c and pcrextend, systemd 255 to 262. The separators may be missing: copies made with text
 * tools lose them.
 */
#include "base/json.h"
#include "eventlog/parse.h"

enum { RECORD_SEPARATOR = 0x1e };

static bool is_between_records(uint8_t c)
{
	return c == RECORD_SEPARATOR || c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

int parse_systemd(struct slice bytes, struct eventlog *ret, struct pcrcast_error *e)
{
	struct pcrcast_error local;
	struct slice rest = bytes;

	*ret = EVENTLOG_INIT;
	ret->kind = EVENTLOG_SYSTEMD;
	ret->spec_id = (struct eventlog_spec_id){ .vendor_info = SLICE_EMPTY };
	if (!e)
		e = &local;
	for (size_t n = 0;; n++) {
		while (rest.n > 0 && is_between_records(rest.p[0]))
			rest = (struct slice){ rest.p + 1, rest.n - 1 };
		if (rest.n == 0)
			return 0;

		size_t start = bytes.n - rest.n;
		struct cJSON *record;
		int rc = json_parse_next(&rest, &record, e);
		if (rc < 0) {
			if (e->offset != PCRCAST_NO_OFFSET)
				e->offset += start;
			return err_wrap(e, "record %zu", n);
		}
		rc = cel_json_record(record, start, ret, e);
		json_free(record);
		if (rc < 0)
			return err_wrap(e, "record %zu", n);
		ret->end = bytes.n - rest.n;
	}
}
