#!/usr/bin/env python3
"""Make small EFI images for the tests: UKIs, addons, boot loaders and kernels that only look like some.

usage: make-uki.py OUTPUT [WHAT...]

  stub=VERSION        a .sdmagic section that names systemd-stub of this version; boot= and addon= likewise
  .NAME=TEXT          a section with this text (Python's backslash escapes are understood)
  .NAME=@FILE         a section with the content of a file
  .NAME=%KERNEL       a section with a kernel; KERNEL as for kernel=
  virtual=.NAME:N     the VirtualSize of the last section of that name
  kernel=WORDS        no sections: a kernel image that measures what the words say: "line", "initrd", both or "none",
                      and "cc" when it knows EFI_CC_MEASUREMENT_PROTOCOL
  machine=x64|aa64|ia32, subsystem=N, truncate=N (bytes of the file that are written)

Sections stand in the file in the order given. Nothing but Python's standard library is needed.
"""

import struct
import sys

MACHINES = {"x64": 0x8664, "aa64": 0xAA64, "ia32": 0x014C}
FILE_ALIGN, SECTION_ALIGN = 512, 4096
DOS, COFF, FIXED, SECTION = 64, 24, 112, 40  # lengths of headers; COFF with its signature, FIXED of PE32+


def up(n, to):
    return (n + to - 1) // to * to


def pe(sections, machine=0x8664, subsystem=10, dirs=16, major=0):
    """sections: list of [name, content, VirtualSize]."""
    headers = up(DOS + COFF + FIXED + 8 * dirs + SECTION * len(sections), FILE_ALIGN)
    table, body, virt = b"", b"", up(headers, SECTION_ALIGN)
    for name, content, size in sections:
        raw = up(len(content), FILE_ALIGN)
        table += name.encode().ljust(8, b"\0") + struct.pack(
            "<IIIIIIHHI", size, virt, raw, headers + len(body) if raw else 0, 0, 0, 0, 0, 0x40000040)
        body += content.ljust(raw, b"\0")
        virt += up(max(size, 1), SECTION_ALIGN) if size < 1 << 30 else SECTION_ALIGN
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 0, 0, 0, 0, 0, SECTION_ALIGN, 0, 0, SECTION_ALIGN,
                           FILE_ALIGN, 0, 0, major, 0, 0, 0, 0, virt, headers, 0, subsystem, 0, 0, 0, 0, 0, 0, dirs)
    head = b"MZ".ljust(DOS - 4, b"\0") + struct.pack("<I", DOS) + b"PE\0\0"
    head += struct.pack("<HHIIIHH", machine, len(sections), 0, 0, 0, FIXED + 8 * dirs, 0x0206)
    return (head + optional + bytes(8 * dirs) + table).ljust(headers, b"\0") + body


def kernel(words, machine=0x8664):
    """As x86 kernels are: setup header at 0x1f1, version text, the EFI stub's event tags."""
    text = bytearray(512)
    if "initrd" in words:
        tag = b"Linux initrd\0"
        text[64:64 + 8 + len(tag)] = struct.pack("<II", 0x8F3B22EC, len(tag)) + tag
    if "cc" in words:  # the halves of a GUID, as two instructions have them
        text[256:264], text[270:278] = bytes.fromhex("3d1a7596f472a641"), bytes.fromhex("a794ed5d0e67ae6b")
    if "line" in words:
        tag = b"LOADED_IMAGE::LoadOptions\0"
        text[128:128 + 8 + len(tag)] = struct.pack("<II", 0x8F3B22ED, len(tag)) + tag
    setup = bytearray(512)
    setup[2:6] = b"HdrS"
    struct.pack_into("<H", setup, 6, 0x020F)
    struct.pack_into("<H", setup, 14, 0x100)
    version = b"6.12.0-test (builder@host) #1 SMP PREEMPT_DYNAMIC\0"
    setup[0x100:0x100 + len(version)] = version
    image = bytearray(pe([[".setup", bytes(setup), 512], [".text", bytes(text), 512]], machine, dirs=6, major=1))
    image[0x1F1] = 1
    struct.pack_into("<H", image, 0x1FE, 0xAA55)
    return bytes(image)


def content_of(value, machine):
    if value.startswith("%"):
        return kernel(value[1:].split(","), machine)
    if value.startswith("@"):
        with open(value[1:], "rb") as f:
            return f.read()
    return value.encode().decode("unicode_escape").encode("latin-1")


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    machine, subsystem, sections, image, truncate = 0x8664, 10, [], None, None
    for word in sys.argv[2:]:
        key, _, value = word.partition("=")
        if key == "machine":
            machine = MACHINES[value]
        elif key == "subsystem":
            subsystem = int(value)
        elif key == "truncate":
            truncate = int(value)
        elif key == "kernel":
            image = kernel(value.split(","), machine)
        elif key in ("stub", "boot", "addon"):
            magic = f"#### LoaderInfo: systemd-{key} {value} ####".encode()
            sections.append([".sdmagic", magic, len(magic)])
        elif key == "virtual":
            name, _, size = value.partition(":")
            [s for s in sections if s[0] == name][-1][2] = int(size)
        elif key.startswith("."):
            content = content_of(value, machine)
            sections.append([key, content, len(content)])
        else:
            sys.exit(f"make-uki.py: {word}: not understood, see --help")
    if image is None:
        image = pe(sections, machine, subsystem)
    with open(sys.argv[1], "wb") as f:
        f.write(image if truncate is None else image[:truncate])


main()
