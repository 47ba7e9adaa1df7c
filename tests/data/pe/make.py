#!/usr/bin/env python3
"""
Make the images of this directory that no tool makes, and print the digests expected for them.

usage: make.py DIRECTORY

The digest follows EDK2's SecurityPkg/Tcg/Tcg2Dxe/MeasureBootPeCoff.c; it shares no code with pcrcast.
"""
import hashlib
import struct
import sys


def image(sections, plus=True, n_dirs=16, machine=0x8664, file_len=None, headers=0x200, subsystem=10):
    """sections: (name, virtual size, raw offset, raw bytes or length) in table order."""
    fixed = 112 if plus else 96
    opt = bytearray(fixed + 8 * n_dirs)
    struct.pack_into("<H", opt, 0, 0x20B if plus else 0x10B)
    struct.pack_into("<I", opt, 16, 0x1000)
    struct.pack_into("<II", opt, 32, 0x1000, 8)
    struct.pack_into("<III", opt, 56, 0x1000 * (1 + len(sections)), headers, 0x12345678)
    struct.pack_into("<H", opt, 68, subsystem)
    struct.pack_into("<I", opt, fixed - 4, n_dirs)
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, len(sections), 0, 0, 0, len(opt), 0x206)
    table = b"".join(
        struct.pack("<8sIIII12sI", name.encode(), virt, 0x1000 * (i + 1), len(raw), off, b"", 0x40000040)
        for i, (name, virt, off, raw) in enumerate(sections))
    end = max([headers] + [off + len(raw) for _, _, off, raw in sections])
    out = bytearray((i * 7 + 3) & 0xFF for i in range(file_len or end))   # gaps and tail: no zeros
    head = dos + coff + bytes(opt) + table
    assert len(head) <= headers
    out[:headers] = head.ljust(headers, b"\0")
    for _, _, off, raw in sections:
        out[off:off + len(raw)] = raw
    return bytes(out)


def authenticode(b, alg, pad=False):
    h = hashlib.new(alg)
    pe = struct.unpack_from("<I", b, 0x3C)[0] if b[:2] == b"MZ" else 0
    opt = pe + 24
    fixed = 96 if struct.unpack_from("<H", b, opt)[0] == 0x10B else 112
    n_dirs, = struct.unpack_from("<I", b, opt + fixed - 4)
    headers, = struct.unpack_from("<I", b, opt + 60)
    h.update(b[:opt + 64])
    cert = 0
    if n_dirs <= 4:
        h.update(b[opt + 68:headers])
    else:
        entry = opt + fixed + 32
        cert, = struct.unpack_from("<I", b, entry + 4)
        h.update(b[opt + 68:entry])
        h.update(b[entry + 8:headers])
    n, = struct.unpack_from("<H", b, pe + 6)
    at = opt + struct.unpack_from("<H", b, pe + 20)[0]
    table = [struct.unpack_from("<II", b, at + 40 * i + 16)[::-1] for i in range(n)]
    total = headers
    for off, size in sorted(table, key=lambda s: s[0]):
        h.update(b[off:off + size])
        total += size
    if len(b) > total:
        assert len(b) >= total + cert
        h.update(b[total:len(b) - cert])
    if pad and not cert:
        h.update(b"\0" * (-len(b) % 8))
    return h.hexdigest()


def text(n, seed):
    return bytes((seed + 5 * i * i + i) & 0xFF for i in range(n))


IMAGES = {
    # name: image
    "pe32plus": image([(".text", 0x38, 0x200, text(0x40, 1)), (".data", 0x18, 0x240, text(0x20, 2))]),
    "pe32": image([(".text", 0x38, 0x200, text(0x40, 1)), (".data", 0x18, 0x240, text(0x20, 2))],
                  plus=False, machine=0x14C),
    "trailing": image([(".text", 0x38, 0x200, text(0x40, 3))], file_len=0x240 + 24),
    "odd": image([(".text", 0x33, 0x200, text(0x33, 4))], file_len=0x233 + 10),
    "dirs4": image([(".text", 0x38, 0x200, text(0x40, 5))], n_dirs=4, file_len=0x248),
    "dirs5": image([(".text", 0x38, 0x200, text(0x40, 5))], n_dirs=5, file_len=0x248),
    "hole": image([(".text", 0x38, 0x200, text(0x40, 6)), (".data", 0x18, 0x260, text(0x20, 7))], file_len=0x290),
    "hole-notail": image([(".text", 0x38, 0x200, text(0x40, 6)), (".data", 0x18, 0x260, text(0x20, 7))]),
    "overlap": image([(".text", 0x38, 0x200, text(0x40, 8)), (".data", 0x18, 0x220, text(0x40, 9))], file_len=0x290),
    "unsorted": image([(".c", 0x18, 0x280, text(0x20, 10)), (".a", 0x38, 0x200, text(0x40, 11)),
                       (".b", 0x38, 0x240, text(0x40, 12)), (".bss", 0x100, 0, b"")], file_len=0x2A8),
    # Equal offsets keep the order of the table, so the long one comes first; sorted by length, too, it would not.
    "equal": image([(".long", 0x38, 0x200, text(0x40, 13)), (".short", 0x10, 0x200, text(0x10, 13)),
                    (".first", 8, 0x1F0, bytes(0x10))], file_len=0x270),
}

if __name__ == "__main__":
    for name, b in IMAGES.items():
        open(f"{sys.argv[1]}/{name}.efi", "wb").write(b)
        algs = ["sha1", "sha256", "sha384", "sha512"] if name == "pe32plus" else ["sha256"]
        for alg in algs:
            print(name, alg, authenticode(b, alg))
        if len(b) % 8:
            print(name, "sha256, padded to a multiple of 8", authenticode(b, "sha256", True))
