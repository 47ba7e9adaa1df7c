"""A reader of crypto-agile TCG event logs, kept apart from pcrcast's own on purpose.

Written after the TCG PC Client Platform Firmware Profile (TCG_PCR_EVENT2); it shares no code
with the program that these tests judge.
"""

import hashlib
import re
import struct

BANKS = ("sha1", "sha256", "sha384", "sha512")
ALGORITHMS = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}

SIGNATURE = b"Spec ID Event03\0"
LONGEST = 1 << 20  # bytes of a log, many times what Debian's OVMF reserves

EV_NO_ACTION = 3
TYPES = {
    0x00000000: "EV_PREBOOT_CERT",
    0x00000001: "EV_POST_CODE",
    0x00000003: "EV_NO_ACTION",
    0x00000004: "EV_SEPARATOR",
    0x00000005: "EV_ACTION",
    0x00000006: "EV_EVENT_TAG",
    0x00000007: "EV_S_CRTM_CONTENTS",
    0x00000008: "EV_S_CRTM_VERSION",
    0x00000009: "EV_CPU_MICROCODE",
    0x0000000A: "EV_PLATFORM_CONFIG_FLAGS",
    0x0000000B: "EV_TABLE_OF_DEVICES",
    0x0000000C: "EV_COMPACT_HASH",
    0x0000000D: "EV_IPL",
    0x0000000E: "EV_IPL_PARTITION_DATA",
    0x0000000F: "EV_NONHOST_CODE",
    0x00000010: "EV_NONHOST_CONFIG",
    0x00000011: "EV_NONHOST_INFO",
    0x00000012: "EV_OMIT_BOOT_DEVICE_EVENTS",
    0x80000001: "EV_EFI_VARIABLE_DRIVER_CONFIG",
    0x80000002: "EV_EFI_VARIABLE_BOOT",
    0x80000003: "EV_EFI_BOOT_SERVICES_APPLICATION",
    0x80000004: "EV_EFI_BOOT_SERVICES_DRIVER",
    0x80000005: "EV_EFI_RUNTIME_SERVICES_DRIVER",
    0x80000006: "EV_EFI_GPT_EVENT",
    0x80000007: "EV_EFI_ACTION",
    0x80000008: "EV_EFI_PLATFORM_FIRMWARE_BLOB",
    0x80000009: "EV_EFI_HANDOFF_TABLES",
    0x8000000A: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
    0x8000000B: "EV_EFI_HANDOFF_TABLES2",
    0x8000000C: "EV_EFI_VARIABLE_BOOT2",
    0x80000010: "EV_EFI_HCRTM_EVENT",
    0x800000E0: "EV_EFI_VARIABLE_AUTHORITY",
}


class Malformed(Exception):
    pass


class Event:
    def __init__(self, pcr, kind, digests, data):
        self.pcr = pcr
        self.kind = kind
        self.digests = digests
        self.data = data

    @property
    def type(self):
        return TYPES.get(self.kind, f"0x{self.kind:08x}")

    def text(self):
        """The payload as a person would like to see it: a path, UTF-16 or ASCII, cut short."""
        data = self.data[8:] if self.kind == 0x00000006 else self.data
        if self.kind == 0x80000003:  # UEFI_IMAGE_LOAD_EVENT: the path in it says most
            found = re.search(rb"\\\0(?:[ -~]\0)+", data)
            data = found.group(0) if found else b""
        wide = data[1::2].count(0) > len(data) // 3
        text = data.decode("utf-16-le" if wide else "latin-1", "replace").rstrip("\0")
        return "".join(c if c.isprintable() else "." for c in text)[:100]


class _Cursor:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed(f"{count} bytes wanted at offset {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def u16(self):
        return struct.unpack("<H", self.take(2))[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]


def _sizes(header):
    """Digest size of each algorithm id, from the Spec ID event."""
    cursor = _Cursor(header)
    if cursor.take(16) != SIGNATURE:
        raise Malformed("no crypto-agile header")
    cursor.take(8)
    return {cursor.u16(): cursor.u16() for _ in range(cursor.u32())}


def _event(cursor, sizes):
    pcr, kind, count = cursor.u32(), cursor.u32(), cursor.u32()
    digests = {}
    for _ in range(count):
        algorithm = cursor.u16()
        if algorithm not in sizes:
            raise Malformed(f"algorithm 0x{algorithm:04x} is not announced")
        digest = cursor.take(sizes[algorithm])
        digests[ALGORITHMS.get(algorithm, hex(algorithm))] = digest.hex()
    return Event(pcr, kind, digests, cursor.take(cursor.u32()))


def _begin(data):
    """A cursor behind the Spec ID event, and the digest sizes that it announces."""
    cursor = _Cursor(data)
    cursor.take(28)  # TCG_PCR_EVENT: PCR, type, SHA-1 digest
    return cursor, _sizes(cursor.take(cursor.u32()))


def parse(data):
    """The events of a log, the Spec ID event left out."""
    cursor, sizes = _begin(data)
    events = []
    while cursor.at < len(data):
        events.append(_event(cursor, sizes))
    return events


def find(memory, pcrs):
    """The log that leads to these registers, among everything that a machine's memory holds.

    For boots whose kernel is handed no log, as by GRUB's own way into Linux.
    """
    at = -1
    while (at := memory.find(SIGNATURE, at + 1)) >= 0:
        data = memory[max(at - 32, 0):at + LONGEST]
        events = []
        try:
            cursor, sizes = _begin(data)
            end = cursor.at
            while (event := _event(cursor, sizes)).digests.keys() == set(BANKS):
                events.append(event)
                end = cursor.at
        except Malformed:
            pass
        state = replay(events)
        if events and all(pcrs[bank].get(str(pcr)) == value
                          for bank in BANKS for pcr, value in state[bank].items()):
            return data[:end]
    return None


def replay(events):
    """What the events lead to: {bank: {pcr: hex}}; only PCRs that were extended are there."""
    state = {bank: {} for bank in BANKS}
    for event in events:
        if event.kind == EV_NO_ACTION:
            continue
        for bank, values in state.items():
            if bank not in event.digests:
                continue
            hasher = hashlib.new(bank)
            hasher.update(bytes.fromhex(values.get(event.pcr, "00" * hasher.digest_size)))
            hasher.update(bytes.fromhex(event.digests[bank]))
            values[event.pcr] = hasher.hexdigest()
    return state
