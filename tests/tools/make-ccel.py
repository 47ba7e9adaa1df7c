#!/usr/bin/python3 -B
"""Write a log of CC registers (CCEL) of a boot that never was: a machine's events, and those of an old chain.

usage: make-ccel.py FILE [WORD...]

separator-in-rtmr0   the firmware extends RTMR0 with the separator of RTMR1, as EDK2 did in stable202405
kernel               the old kernel has measured its command line to RTMR2
direct               QEMU handed the old file over (-kernel): it is loaded before the firmware tries to boot
secure-boot          Secure Boot is on, with an empty db
late                 ends with an event of RTMR1 that may be anybody's

Written by hand from: PFP 1.06, section 10.2.2 (events) and 10.4.5 (Spec ID event); UEFI 2.10, section 38.4.1; EDK2 TdTcg2Dxe.c.
"""

import hashlib
import struct
import sys
import uuid

RTMR0, RTMR1, RTMR2, RTMR3 = 1, 2, 3, 4
NO_ACTION, SEPARATOR, TAGGED, CONFIG_FLAGS, IPL = 3, 4, 6, 10, 13
CONFIG, BOOT, APP, DRIVER, GPT, ACTION, BLOB2, HANDOFF2, AUTHORITY = (
    0x80000000 + n for n in (1, 2, 3, 4, 6, 7, 0xA, 0xB, 0xE0))
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
QEMU_KERNEL = uuid.UUID("1428f772-b64a-441e-b8c3-9ebdd7f893c7")


def header():
    """TCG_EfiSpecIDEvent in the old form of an event, register 1, one algorithm: SHA-384 of 48 bytes."""
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI2HB", 0, 0, 2, 0, 2, 1, 0xC, 48, 0)
    return struct.pack("<II20sI", RTMR0, NO_ACTION, bytes(20), len(spec)) + spec


def event(register, kind, data, hashed=None):
    digest = hashlib.sha384(data if hashed is None else hashed).digest()
    return struct.pack("<IIIH48sI", register, kind, 1, 0xC, digest, len(data)) + data


def variable(name, data, owner=GLOBAL):
    return owner.bytes_le + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data


def image(node=b""):
    path = node + b"\x7f\xff\x04\0"
    return struct.pack("<4Q", 0, 4096, 0, len(path)) + path


def machine(words):
    boot = struct.pack("<IH", 1, 4) + "x\0".encode("utf-16-le") + b"\x7f\xff\x04\0"
    on = "secure-boot" in words
    yield event(RTMR0, HANDOFF2, b"\x09TdxTable\0" + bytes(32), b"hand-off blocks")
    yield event(RTMR0, CONFIG, variable("SecureBoot", bytes([on])))
    if on:
        yield event(RTMR0, CONFIG, variable("db", b"", SECURITY))
    yield event(RTMR0, SEPARATOR, bytes(4))
    yield event(RTMR0, CONFIG_FLAGS, b"ACPI DATA", b"tables")
    if "direct" in words:
        yield event(RTMR1, APP, image(struct.pack("<BBH", 4, 3, 20) + QEMU_KERNEL.bytes_le), b"old image")
    yield event(RTMR0, BOOT, variable("BootOrder", b"\x03\0"), b"\x03\0")
    yield event(RTMR0, BOOT, variable("Boot0003", boot), boot)
    yield event(RTMR1, ACTION, b"Calling EFI Application from Boot Option")
    yield event(RTMR0 if "separator-in-rtmr0" in words else RTMR1, SEPARATOR, bytes(4))


def chain(words):
    if "direct" not in words:
        yield event(RTMR1, GPT, b"table")
        yield event(RTMR1, APP, image(), b"old image")
        yield event(RTMR0, AUTHORITY, variable("SbatLevel", b"sbat,1,2\n", SECURITY))
        yield event(RTMR0, IPL, "smbios:type1\0".encode("utf-16-le"), b"system")
        yield event(RTMR1, DRIVER, image(), b"old driver")
    yield event(RTMR2, IPL, b"MokList\0", b"list")
    if "kernel" in words:
        yield event(RTMR2, TAGGED, struct.pack("<II", 0x8F3B22ED, 26) + b"LOADED_IMAGE::LoadOptions\0", b"line")
    yield event(RTMR1, ACTION, b"Exit Boot Services Invocation")
    yield event(RTMR1, ACTION, b"Exit Boot Services Returned with Success")
    if "late" in words:
        yield event(RTMR1, BLOB2, b"late")
    yield event(RTMR3, TAGGED, b"of the running system")


def main():
    words = sys.argv[2:]
    with open(sys.argv[1], "wb") as f:
        f.write(header() + b"".join(machine(words)) + b"".join(chain(words)))


main()
