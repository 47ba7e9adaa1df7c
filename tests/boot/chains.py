"""ESPs whose first link is not systemd's: shim and GRUB, as Debian ships and configures them."""

import hashlib
import os
import struct
import subprocess

import variables

HERE = os.path.dirname(os.path.realpath(__file__))
REMOVABLE = "EFI/BOOT/BOOTX64.EFI"
SECOND = "EFI/BOOT/grubx64.efi"  # the name that Debian's shim looks for
UKI = "EFI/Linux/lab-1.efi"
UUID = "2022-1106"  # of the file systems that images.make_disk makes, in GRUB's words


def empty_cpio():
    fields = "".join(f"{number:08x}" for number in (0,) * 4 + (1,) + (0,) * 6 + (11, 0))
    return f"070701{fields}TRAILER!!!".encode() + bytes(4)


def _config(esp, name, source):
    """One of the files in grub/, where @CMDLINE@ and @UUID@ stand for themselves.

    GRUB leaves boot services itself and hands Linux no log. It then has to be found in the
    guest's memory, and Linux be kept from writing there: the firmware has the log above 512 MiB.
    """
    with open(os.path.join(HERE, "grub", source)) as file:
        text = file.read()
    esp.write(name, text.replace("@CMDLINE@", esp.cmdline + " mem=512M").replace("@UUID@", UUID))


def _shim(esp, name=REMOVABLE, file="shimx64.efi.signed"):
    return esp.copy(name, esp.inputs.shim(esp.grub, file))


def _grub(esp, name, config="menu.cfg"):
    esp.copy(name, esp.inputs.grub(esp.grub))
    esp.copy("boot/vmlinuz", esp.inputs.kernel(esp.kernel))
    esp.copy("boot/initrd.gz", esp.inputs.initrd)
    _config(esp, "EFI/debian/grub.cfg", config)


def grub(esp):
    _grub(esp, REMOVABLE)


def shim_grub(esp):
    _shim(esp)
    _grub(esp, SECOND)


def shim_grub_generated(esp, environment=""):
    """The files of an installed system, as grub-install and grub-mkconfig leave them."""
    _shim(esp)
    _grub(esp, SECOND, "pointer.cfg")
    _config(esp, "boot/grub/grub.cfg", "generated.cfg")
    _config(esp, "boot/grub/custom.cfg", "custom.cfg")
    block = "# GRUB Environment Block\n" + environment
    esp.write("boot/grub/grubenv", block.ljust(1024, "#"))


def shim_grub_module(esp):
    """The same with a module for "insmod bli", which Secure Boot has to keep GRUB from."""
    shim_grub_generated(esp)
    esp.copy("boot/grub/x86_64-efi/bli.mod", esp.inputs.grub_module(esp.grub, "bli"))


def shim_grub_next(esp):
    """As after grub-reboot: another entry, once."""
    shim_grub_generated(esp, "next_entry=custom\n")


def grub_chain(esp):
    """A UKI that GRUB chain-loads, with a command line of GRUB's."""
    _grub(esp, REMOVABLE, "chain.cfg")
    esp.uki(UKI)


def _bls(esp, config):
    """The module that reads entries, which Debian's image does not embed."""
    _grub(esp, REMOVABLE, config)
    esp.copy("EFI/debian/x86_64-efi/blsuki.mod", esp.inputs.grub_module(esp.grub, "blsuki"))


def grub_bls(esp):
    """Entries of the Boot Loader Specification: their order, and what becomes of their values."""
    _bls(esp, "bls.cfg")
    for name in ("lab-9", "lab-10", "lab-2~rc1", "other"):
        _config(esp, f"loader/entries/{name}.conf", "entry.conf")
    esp.write("loader/entries/nothing.conf", "title no kernel\n")
    esp.write("loader/entries/notes.txt", "no entry\n")
    esp.write("boot/empty.cpio", empty_cpio())


def grub_uki(esp):
    """The newest of two UKIs, which GRUB lists and chain-loads."""
    _bls(esp, "uki.cfg")
    for name in ("lab-9", "lab-10"):
        esp.uki(f"EFI/Linux/{name}.efi", cmdline=f"{esp.cmdline} uki={name}")


def shim_grub_script(esp):
    _shim(esp)
    _grub(esp, SECOND, "script.cfg")
    _config(esp, "boot/more.cfg", "more.cfg")
    esp.write("boot/empty.cpio", empty_cpio())


def shim_fallback(esp):
    """The first boot finds no entry: fbx64.efi makes one from BOOTX64.CSV and resets."""
    _shim(esp)
    _shim(esp, "EFI/BOOT/fbx64.efi", "fbx64.efi.signed")
    _shim(esp, "EFI/debian/shimx64.efi")
    _shim(esp, "EFI/debian/mmx64.efi", "mmx64.efi.signed")
    _grub(esp, "EFI/debian/grubx64.efi")
    line = "shimx64.efi,debian,,This is the boot entry for debian\n"
    esp.write("EFI/debian/BOOTX64.CSV", b"\xff\xfe" + line.encode("utf-16-le"))


def shim_menu(esp):
    _shim(esp)
    esp.systemd_boot(name=SECOND)
    esp.uki(UKI)


def shim_uki(esp):
    _shim(esp)
    esp.uki(SECOND)


# ---- Secure Boot with keys of our own: PK, KEK and db in the firmware, MOK in shim's list ----


def enroll(store, keys):
    for name, guid in (("PK", variables.GLOBAL), ("KEK", variables.GLOBAL),
                       ("db", variables.IMAGE_SECURITY)):
        certificate = keys.certificate(name)
        store.set(name, guid, variables.signatures(variables.CERT_X509, certificate),
                  variables.SECURE)
    mok = variables.signatures(variables.CERT_X509, keys.certificate("MOK"))
    store.set("MokList", variables.SHIM, mok, variables.SHIM_ONLY)


def own_menu(esp):
    """The firmware's db has shim's signer, shim's list that of the rest."""
    esp.sign(_shim(esp, file="shimx64.efi"), "db")
    esp.systemd_boot(name=SECOND)
    esp.sign(SECOND, "MOK")
    esp.sign(esp.uki(UKI), "MOK")


def own_grub(esp):
    """shim knows Debian's GRUB by its vendor certificate, the kernel by its list."""
    esp.sign(_shim(esp, file="shimx64.efi"), "db")
    _grub(esp, SECOND)
    esp.sign("boot/vmlinuz", "MOK")


def own_uki(esp):
    """Three signatures, of which the firmware takes the second."""
    for key in ("MOK", "db", "other"):
        esp.sign(esp.uki(REMOVABLE) if key == "MOK" else REMOVABLE, key)


def unsigned(esp):
    esp.uki(REMOVABLE)


def strange(esp):
    """Signed by a key that nobody has enrolled."""
    esp.sign(esp.uki(REMOVABLE), "other")


def refused_by_shim(esp):
    """The firmware starts shim, and shim nothing."""
    esp.sign(_shim(esp, file="shimx64.efi"), "db")
    esp.uki(SECOND)


# ---- boot entries ----


def entry(esp):
    esp.uki(UKI)


GIVEN = "console=ttyS0 quiet panic=-1 given=1"


def entry_variables(store, disk):
    store.set("Boot0000", variables.GLOBAL,
              variables.load_option("boot test", disk, UKI, GIVEN.encode("utf-16-le")))
    store.set("BootOrder", variables.GLOBAL, variables.boot_order(0))


def second_choice(esp):
    """An entry whose file the firmware refuses, before the removable path."""
    esp.uki("EFI/unsigned.efi")
    esp.sign(esp.uki(REMOVABLE), "db")


def second_choice_variables(store, disk):
    store.set("Boot0000", variables.GLOBAL,
              variables.load_option("unsigned", disk, "EFI/unsigned.efi"))
    store.set("BootOrder", variables.GLOBAL, variables.boot_order(0))


# ---- time stamps ----


def stamped(esp):
    """The certificate that signed it is revoked from a date on; a time stamp says that it was signed before."""
    work = os.path.dirname(esp.root)  # where the variables are made
    tool = os.path.join(HERE, "..", "tools", "stamp.py")
    image = esp.path(esp.sign(esp.uki(REMOVABLE), "db"))
    subprocess.run([tool, os.path.join(work, "tsa"), image, image], check=True)
    with open(os.path.join(work, "db.der"), "wb") as file:
        file.write(esp.inputs.keys.certificate("db"))


def _tbs(der):
    """What is signed of a certificate: the first element inside it."""

    def length(at):
        more = der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0
        return 2 + more, int.from_bytes(der[at + 2:at + 2 + more], "big") if more else der[at + 1]

    outer, _ = length(0)
    head, size = length(outer)
    return der[outer:outer + head + size]


def _revoked_from(year):
    def write(store, disk):
        work = os.path.dirname(disk)
        with open(os.path.join(work, "db.der"), "rb") as file:
            digest = hashlib.sha256(_tbs(file.read())).digest()
        with open(os.path.join(work, "tsa", "ca.der"), "rb") as file:
            authority = file.read()
        time = struct.pack("<HBBBBBxIhBx", year, 1, 1, 0, 0, 0, 0, 0, 0)
        store.set("dbx", variables.IMAGE_SECURITY,
                  variables.signatures(variables.CERT_X509_SHA256, digest + time), variables.SECURE)
        store.set("dbt", variables.IMAGE_SECURITY,
                  variables.signatures(variables.CERT_X509, authority), variables.SECURE)

    return write


stamped_early = _revoked_from(2099)
stamped_late = _revoked_from(2001)


# ---- attempts that come back ----

FOREIGN = "EFI/foreign.efi"
TOOL = "EFI/tool.efi"
REAL = "EFI/real.efi"


def returning_application(machine=0x8664):
    """A PE32+ application that does nothing but return EFI_ABORTED, on x86-64."""
    code = b"\x48\xb8" + struct.pack("<Q", 1 << 63 | 21) + b"\xc3"  # mov rax, status; ret
    relocations = struct.pack("<IIHH", 0x1000, 12, 0, 0)  # none, so that it may be loaded anywhere
    directories = [(0, 0)] * 16
    directories[5] = (0x2000, len(relocations))
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 512, 512, 0, 0x1000, 0x1000)
    optional += struct.pack("<QIIHHHHHHIIIIHH", 0, 0x1000, 512, 0, 0, 0, 0, 0, 0, 0, 0x3000, 512, 0, 10, 0)
    optional += struct.pack("<QQQQII", 0, 0, 0, 0, 0, 16)
    optional += b"".join(struct.pack("<II", *entry) for entry in directories)
    header = struct.pack("<HHIIIHH", machine, 2, 0, 0, 0, len(optional), 0x206)

    def section(name, size, address, offset, flags):
        return struct.pack("<8sIIIIIIHHI", name, size, address, 512, offset, 0, 0, 0, 0, flags)

    table = section(b".text", len(code), 0x1000, 512, 0x60000020)
    table += section(b".reloc", len(relocations), 0x2000, 1024, 0x42000040)
    image = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + header + optional + table
    return b"".join(part.ljust(512, b"\0") for part in (image, code, relocations))


def _entries(*files):
    """Boot options for these files, tried in this order."""

    def write(store, disk):
        for number, file in enumerate(files):
            store.set(f"Boot{number:04X}", variables.GLOBAL,
                      variables.load_option(f"attempt {number}", disk, file))
        store.set("BootOrder", variables.GLOBAL, variables.boot_order(*range(len(files))))

    return write


def returned(esp):
    """An option whose file the firmware cannot load, one that returns, and the one that boots."""
    esp.write(FOREIGN, returning_application(machine=0xAA64))
    esp.write(TOOL, returning_application())
    esp.uki(REAL)


returned_variables = _entries(FOREIGN, TOOL, REAL)


def returned_secure(esp):
    """The same certificate vouches for what returns and for what boots."""
    returned(esp)
    esp.sign(TOOL, "db")
    esp.sign(REAL, "db")


def returned_next_variables(store, disk):
    """The one that returns is BootNext alone."""
    store.set("Boot0000", variables.GLOBAL, variables.load_option("real", disk, REAL))
    store.set("Boot0001", variables.GLOBAL, variables.load_option("tool", disk, TOOL))
    store.set("BootOrder", variables.GLOBAL, variables.boot_order(0))
    store.set("BootNext", variables.GLOBAL, variables.boot_order(1))


SHIM = "EFI/debian/shimx64.efi"


def shim_returned(esp):
    """shim finds no second stage, and returns."""
    esp.sign(_shim(esp, SHIM, "shimx64.efi"), "db")
    esp.sign(esp.uki(REAL), "db")


def shim_refused_returned(esp):
    """shim refuses its second stage, finds no MokManager either, and returns; then another copy of it boots."""
    shim_returned(esp)
    esp.uki("EFI/debian/grubx64.efi")
    esp.sign(_shim(esp, "EFI/own/shimx64.efi", "shimx64.efi"), "db")
    esp.sign(esp.uki("EFI/own/grubx64.efi"), "MOK")


shim_returned_variables = _entries(SHIM, REAL)
shim_refused_variables = _entries(SHIM, "EFI/own/shimx64.efi")


def menu_returned(esp):
    """systemd-boot's one entry is refused."""
    esp.systemd_boot(name="EFI/systemd/systemd-bootx64.efi")
    esp.sign("EFI/systemd/systemd-bootx64.efi", "db")
    esp.uki(UKI)
    esp.sign(esp.uki(REAL), "db")


menu_returned_variables = _entries("EFI/systemd/systemd-bootx64.efi", REAL)
