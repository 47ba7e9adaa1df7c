"""ESPs whose first link is not systemd's: shim and GRUB, as Debian ships and configures them."""

import os

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
