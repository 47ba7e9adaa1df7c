#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct pcrcast_error *e, enum pcrcast_code code, uint64_t offset, const char *fmt, ...)
{
	if (e) {
		va_list ap;

		va_start(ap, fmt);
		e->code = code;
		e->offset = offset;
		(void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
		va_end(ap);
	}
	return -(int)code;
}

int err_wrap(struct pcrcast_error *e, const char *fmt, ...)
{
	char head[sizeof e->msg];
	va_list ap;

	if (!e)
		return -(int)PCRCAST_EFORMAT;
	va_start(ap, fmt);
	int n = vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -(int)e->code;

	/* The inner reason matters most: when both do not fit, the context is cut, not the reason. */
	size_t reason = strlen(e->msg), room = sizeof e->msg - 1 - reason;
	if (room >= 3) {
		size_t keep = (size_t)n < room - 2 ? (size_t)n : room - 2;

		memmove(e->msg + keep + 2, e->msg, reason + 1);
		memcpy(e->msg, head, keep);
		memcpy(e->msg + keep, ": ", 2);
	}
	return -(int)e->code;
}

int err_nomem(struct pcrcast_error *e)
{
	return err_set(e, PCRCAST_ENOMEM, PCRCAST_NO_OFFSET, "out of memory");
}
