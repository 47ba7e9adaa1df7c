/*
 * The text form of Protocol Buffers (protobuf.dev, "Text Format Language Specification", 2024), strictly: fields, numbers,
 * escapes and types are checked, a singular field is there once. protobuf-c reads the wire form only, so the text is turned
 * into that.
 */
#pragma once

#include "golden/evidence.h"

struct ProtobufCMessageDescriptor; /* of protobuf-c */

/*
 * The wire form of a message in text form; *ret is in ev's pool. Fields that the definition does not have are passed over and
 * noted in ev. Fields may be of type uint32, uint64, enum, bytes, string and message.
 */
int text_proto_to_wire(struct slice text, const struct ProtobufCMessageDescriptor *message,
		       struct evidence *ev, struct slice *ret, struct pcrcast_error *e);
