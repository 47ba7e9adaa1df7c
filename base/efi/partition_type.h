/*
 * Types of GPT partitions: UEFI Specification 2.10, table 5.7; UAPI.5 (Discoverable Partitions Specification).
 */
#pragma once

#include "base/efi/guid.h"

extern const struct guid partition_type_esp, partition_type_xbootldr;

/* What a type is called; NULL when that is not known. */
const char *partition_type_name(const struct guid *type);
