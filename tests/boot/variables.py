"""Firmware variables for a machine's first boot, written into a copy of OVMF's empty store.

The layout of the store is EDK2's (MdeModulePkg Include/Guid/VariableFormat.h and
MdePkg Include/Pi/PiFirmwareVolume.h), that of what is written the UEFI specification's
(32.4.1 signature lists, 3.1.3 load options, 10.3.5.1 hard drive paths).
"""

import struct
import uuid

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
IMAGE_SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
SHIM = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23")
LOADER = uuid.UUID("4a67b082-0a4c-41cf-b6c7-440b29bb8c4f")  # systemd-boot's
OWNER = uuid.UUID("b0071e57-0000-4000-8000-0123456789ab")  # any GUID will do

CERT_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
CERT_X509_SHA256 = uuid.UUID("3bd2a492-96c0-4079-b420-fcf98ef103ed")
CERT_SHA256 = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328")
AUTHENTICATED_STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")

NON_VOLATILE, BOOT_SERVICES, RUNTIME, TIME_AUTHENTICATED = 1, 2, 4, 0x20
BOOT = NON_VOLATILE | BOOT_SERVICES | RUNTIME
SECURE = BOOT | TIME_AUTHENTICATED
SHIM_ONLY = NON_VOLATILE | BOOT_SERVICES
SECTOR = 512
ADDED = 0x3F  # State of a valid variable


class Store:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        base, = struct.unpack_from("<H", self.data, 48)  # HeaderLength of the firmware volume
        kind, size = struct.unpack_from("<16sI", self.data, base)
        if kind != AUTHENTICATED_STORE.bytes_le:
            raise RuntimeError(f"{path} is no store of authenticated variables")
        self.end = base + size
        self.free = base + 28
        while self.data[self.free:self.free + 2] == b"\xaa\x55":
            name, data = struct.unpack_from("<II", self.data, self.free + 36)
            self.free += (60 + name + data + 3) & ~3

    def set(self, name, guid, data, attributes=BOOT):
        """Add a variable that is not there yet."""
        wide = (name + "\0").encode("utf-16-le")
        time = struct.pack("<HBBBBBxIhBx", 2022, 11, 6, 0, 0, 0, 0, 0, 0)
        record = struct.pack("<HBxIQ16sIII16s", 0x55AA, ADDED, attributes, 0,
                             time if attributes & TIME_AUTHENTICATED else bytes(16), 0,
                             len(wide), len(data), guid.bytes_le) + wide + data
        record += b"\xff" * (-len(record) % 4)
        if self.free + len(record) > self.end:
            raise RuntimeError(f"{self.path} is full")
        self.data[self.free:self.free + len(record)] = record
        self.free += len(record)

    def save(self):
        with open(self.path, "wb") as file:
            file.write(self.data)


def signatures(kind, *items):
    """One EFI_SIGNATURE_LIST for each item: certificates differ in size."""
    out = b""
    for item in items:
        size = 16 + len(item)
        out += kind.bytes_le + struct.pack("<III", 28 + size, 0, size) + OWNER.bytes_le + item
    return out


def partition(disk):
    """(first sector, sectors, GUID as it lies on disk) of a GPT disk's first partition."""
    with open(disk, "rb") as file:
        file.seek(2 * SECTOR)
        entry = file.read(48)
    first, last = struct.unpack_from("<QQ", entry, 32)
    return first, last - first + 1, entry[16:32]


def load_option(title, disk, path, options=b""):
    """EFI_LOAD_OPTION of a file on a disk's first partition."""

    def node(kind, subkind, data):
        return struct.pack("<BBH", kind, subkind, 4 + len(data)) + data

    def wide(text):
        return (text + "\0").encode("utf-16-le")

    first, count, guid = partition(disk)
    drive = node(4, 1, struct.pack("<IQQ16sBB", 1, first, count, guid, 2, 2))
    file = node(4, 4, wide("\\" + path.replace("/", "\\")))
    where = drive + file + node(0x7F, 0xFF, b"")
    return struct.pack("<IH", 1, len(where)) + wide(title) + where + options


def boot_order(*numbers):
    return struct.pack(f"<{len(numbers)}H", *numbers)
