/*
 * Wire form: protobuf.dev, "Encoding" (2024). A field is a tag, number << 3 | wire type, and a value whose length the wire
 * type tells.
 */
#include "golden/proto_check.h"

#include <inttypes.h>

#include <protobuf-c/protobuf-c.h>

#include "base/reader.h"
#include "golden/evidence_container.h"

enum {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_FIXED32 = 5,   /* 3 and 4 are groups, which proto3 does not have */
	NUMBER_MAX = 10,    /* bytes of a number of 64 bits */
	TAG_MAX = 5,        /* bytes of a tag or length, which have 32 */
	MAX_DEFINED = 32,   /* fields of a message definition */
	MAX_FIELDS = 65536, /* of a file: protobuf-c takes up to 100 bytes for one of two */
};

/* Base 128, least significant group first; the highest bit says that more follows. At most max bytes. */
static int take_varint(struct reader *r, unsigned max, uint64_t *ret, struct pcrcast_error *e)
{
	uint64_t at = r->pos, value = 0;

	for (unsigned i = 0; i < max; i++) {
		uint8_t byte = reader_u8(r);

		if (r->failed)
			return err_set(e, PCRCAST_ETRUNC, at, "protobuf: a number cut short");
		if (i == NUMBER_MAX - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return err_set(e, PCRCAST_EFORMAT, at, "protobuf: a number of more than %u bits",
		       max == TAG_MAX ? 32 : 64);
}

/* A value of any field. *ret is the number, or the length of *ret_bytes. */
static int take_value(struct reader *r, unsigned wire_type, uint64_t *ret, struct slice *ret_bytes,
		      struct pcrcast_error *e)
{
	uint64_t at = r->pos;

	*ret = 0;
	*ret_bytes = SLICE_EMPTY;
	if (wire_type == WIRE_VARINT)
		return take_varint(r, NUMBER_MAX, ret, e);
	if (wire_type == WIRE_FIXED64 || wire_type == WIRE_FIXED32) {
		*ret = wire_type == WIRE_FIXED64 ? 8 : 4;
	} else if (wire_type == WIRE_BYTES) {
		int rc = take_varint(r, TAG_MAX, ret, e);
		if (rc < 0)
			return rc;
	} else {
		return err_set(e, PCRCAST_EFORMAT, at, "protobuf: wire type %u, expected 0, 1, 2 or 5",
			       wire_type);
	}
	size_t left = reader_left(r);
	*ret_bytes = reader_take(r, *ret);
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, at, "protobuf: a value of %" PRIu64 " bytes, %zu are left",
			       *ret, left);
	return 0;
}

static unsigned wire_type_of(const ProtobufCFieldDescriptor *f)
{
	return f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_UINT64 ||
			       f->type == PROTOBUF_C_TYPE_ENUM ?
		       WIRE_VARINT :
		       WIRE_BYTES;
}

static int check_message(struct reader *r, const ProtobufCMessageDescriptor *m, struct evidence *ev,
			 size_t *n_fields, struct pcrcast_error *e);

static int check_field(struct reader *r, const ProtobufCFieldDescriptor *f, unsigned wire_type,
		       size_t *n_fields, struct pcrcast_error *e)
{
	uint64_t at = r->pos, value;
	struct slice bytes;

	if (wire_type != wire_type_of(f))
		return err_set(e, PCRCAST_EFORMAT, at, "protobuf: %s: wire type %u, expected %u", f->name,
			       wire_type, wire_type_of(f));
	int rc = take_value(r, wire_type, &value, &bytes, e);
	if (rc < 0)
		return err_wrap(e, "%s", f->name);
	if (value > UINT32_MAX && (f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_ENUM))
		return err_set(e, PCRCAST_EFORMAT, at, "protobuf: %s: a number of more than 32 bits",
			       f->name);
	if (f->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	struct reader inner = { .base = r->base, .pos = r->pos - bytes.n, .end = r->pos };
	rc = check_message(&inner, f->descriptor, NULL, n_fields, e);
	return rc < 0 ? err_wrap(e, "%s", f->name) : 0;
}

/* Definitions do not contain themselves, so neither does this function without end. ev NULL: unknown fields are not noted. */
static int check_message(struct reader *r, const ProtobufCMessageDescriptor *m, struct evidence *ev,
			 size_t *n_fields, struct pcrcast_error *e)
{
	uint32_t seen = 0;

	while (reader_left(r)) {
		uint64_t at = r->pos, tag, value;
		struct slice bytes;

		if (++*n_fields > MAX_FIELDS)
			return err_set(e, PCRCAST_ELIMIT, at, "protobuf: more than %d fields", MAX_FIELDS);
		int rc = take_varint(r, TAG_MAX, &tag, e);
		if (rc < 0)
			return rc;
		if (tag > UINT32_MAX || tag >> 3 == 0)
			return err_set(e, PCRCAST_EFORMAT, at,
				       "protobuf: %" PRIu64 " is no number of a field", tag >> 3);
		const ProtobufCFieldDescriptor *f =
			protobuf_c_message_descriptor_get_field(m, (unsigned)(tag >> 3));
		if (!f) {
			rc = take_value(r, tag & 7, &value, &bytes, e);
			if (rc == 0 && ev)
				rc = evidence_note(ev, e, "field %u is not looked at", (unsigned)(tag >> 3));
		} else {
			uint32_t bit = UINT32_C(1) << (size_t)(f - m->fields) % MAX_DEFINED;

			if (f->label != PROTOBUF_C_LABEL_REPEATED && seen & bit)
				return err_set(e, PCRCAST_EFORMAT, at, "protobuf: %s is there twice",
					       f->name);
			seen |= bit;
			rc = check_field(r, f, tag & 7, n_fields, e);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int proto_check(struct slice wire, const struct ProtobufCMessageDescriptor *message, struct evidence *ev,
		struct pcrcast_error *e)
{
	struct reader r = reader_over(wire);
	size_t n_fields = 0;

	if (wire.n == 0)
		return err_set(e, PCRCAST_ETRUNC, 0, "protobuf: an empty message");
	return check_message(&r, message, ev, &n_fields, e);
}
