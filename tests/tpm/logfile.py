"""A small event log in the crypto-agile form of the TCG PC Client Platform Firmware Profile, section 10.2.

Written here, so that what pcrcast reads is not what pcrcast wrote.
"""

import copy
import hashlib
import struct

from swtpm import BANKS

ALG_IDS = {"sha1": 0x0004, "sha256": 0x000B, "sha384": 0x000C, "sha512": 0x000D}
NO_ACTION, SEPARATOR, ACTION, IPL = 0x3, 0x4, 0x80000007, 0xD
SPEC_ID = b"Spec ID Event03\0"


class Event:
    """TCG_PCR_EVENT2."""

    def __init__(self, pcr, kind, data):
        self.pcr, self.kind, self.data = pcr, kind, data
        self.digests = {b: hashlib.new(b, data).digest() for b in BANKS}

    def is_measured(self):
        return self.kind != NO_ACTION

    def is_hash_of_data(self):
        """The profile says what was measured: the data (section 10.4.1 on EV_SEPARATOR and EV_EFI_ACTION)."""
        return self.kind in (SEPARATOR, ACTION)

    def altered(self):
        """The same with other digests."""
        other = copy.copy(self)
        other.digests = {b: bytes([d[0] ^ 1]) + d[1:] for b, d in self.digests.items()}
        return other

    def with_data(self, data):
        other = copy.copy(self)
        other.data = data
        return other

    def bytes(self):
        digests = b"".join(struct.pack("<H", ALG_IDS[b]) + self.digests[b] for b in BANKS)
        return struct.pack("<III", self.pcr, self.kind, len(BANKS)) + digests + struct.pack("<I", len(self.data)) + self.data


def events():
    """As a firmware and a boot loader would log: each register to 7 with a separator, some with events on both sides."""
    before = [Event(0, ACTION, b"the first of PCR 0"), Event(0, ACTION, b"the second of PCR 0"),
              Event(2, ACTION, b"a driver"), Event(7, ACTION, b"Secure Boot")]
    separators = [Event(i, SEPARATOR, bytes(4)) for i in range(8)]
    after = [Event(4, ACTION, b"Calling EFI Application from Boot Option"), Event(4, ACTION, b"one"), Event(4, ACTION, b"two"),
             Event(8, IPL, b"command line"), Event(9, IPL, b"kernel"), Event(9, IPL, b"initrd"),
             Event(5, ACTION, b"Exit Boot Services Invocation"), Event(5, ACTION, b"Exit Boot Services Returned with Success")]
    return before + separators + after


def write(logged):
    algs = b"".join(struct.pack("<HH", ALG_IDS[b], hashlib.new(b).digest_size) for b in BANKS)
    spec = SPEC_ID + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(BANKS)) + algs + b"\0"
    header = struct.pack("<II", 0, NO_ACTION) + bytes(20) + struct.pack("<I", len(spec)) + spec
    return header + b"".join(e.bytes() for e in logged)


class Recorded:
    """A log as a machine wrote it: its first event, which says the banks, and the bytes of each other."""

    def __init__(self, log):
        size, = struct.unpack_from("<I", log, 28)
        at = 32 + size
        self.first, self.events = log[:at], []
        count, = struct.unpack_from("<I", log, 32 + 24)
        lengths = dict(struct.unpack_from("<HH", log, 32 + 28 + 4 * i) for i in range(count))
        while at < len(log):
            start = at
            pcr, kind, count = struct.unpack_from("<III", log, at)
            at += 12
            digests = {}
            for _ in range(count):
                alg, = struct.unpack_from("<H", log, at)
                digests[alg] = range(at + 2 - start, at + 2 + lengths[alg] - start)
                at += 2 + lengths[alg]
            size, = struct.unpack_from("<I", log, at)
            data = range(at + 4 - start, at + 4 + size - start)
            at += 4 + size
            self.events.append((pcr, kind, log[start:at], digests, data))

    def measured(self):
        return [i for i, (_, kind, *_) in enumerate(self.events) if kind != NO_ACTION]

    def write(self, changed):
        return self.first + b"".join(changed)

    def bytes(self):
        return [e[2] for e in self.events]
