/*
 * Protocol Buffers read strictly. protobuf-c takes the last of two singular fields, passes over a field of another wire type
 * than the definition says, and cuts numbers to size; other readers do otherwise, and two readers of one file must not see two
 * different things. So the bytes are looked through before protobuf-c reads them.
 */
#pragma once

#include "golden/evidence.h"

struct ProtobufCMessageDescriptor; /* of protobuf-c */

/*
 * The wire form of a message. Fields that the definition does not have are legal: those of the message itself are noted in ev,
 * those of messages in it are passed over.
 */
int proto_check(struct slice wire, const struct ProtobufCMessageDescriptor *message, struct evidence *ev,
		struct pcrcast_error *e);
