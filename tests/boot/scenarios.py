"""What is booted: a table of scenarios, and how each ESP is laid out."""

import os
from dataclasses import dataclass, field, replace
from typing import Callable, Optional

import chains
import variables

UKI = chains.UKI
REMOVABLE = chains.REMOVABLE


@dataclass(frozen=True)
class Scenario:
    name: str
    build: Callable
    stub: str = "257"
    kernel: str = "6.1"
    grub: str = "2.12"      # and the shim that came with it
    firmware: str = "ovmf"
    fat: int = 32
    sector: int = 512
    smbios: dict = field(default_factory=dict)
    hardware: tuple = ()    # what else QEMU's -smbios says of the machine
    variables: Optional[Callable] = None  # (store, disk) writes what the firmware finds
    boots: int = 1          # the last one counts
    searches: bool = False  # GRUB searches for file systems, of which a tree tells nothing
    refused: bool = False   # neither the machine boots this nor does pcrcast predict it
    predict: tuple = ()
    alone: tuple = ()       # said without a baseline, whose log tells it
    prompt: bytes = b""     # somebody presses Return when the screen says this


def bare(esp):
    esp.uki(REMOVABLE)


def spaced(esp):
    """A command line that the stub has to tidy, and an odd length of .osrel."""
    esp.uki(REMOVABLE, cmdline=f"  {esp.cmdline}\t two  spaces\n", version="1.0")


def companions(esp, folder):
    """Credentials and extensions of one UKI, global ones, and files that must be passed over."""
    esp.write(f"{folder}/beta.cred", "secret-b")
    esp.write(f"{folder}/Alpha.cred", "a longer secret, of an odd length")
    esp.write(f"{folder}/.hidden.cred", "not read")
    esp.write(f"{folder}/notes.txt", "not read")
    esp.write(f"{folder}/one.sysext.raw", b"S" * 5000)
    esp.write(f"{folder}/two.raw", b"T" * 4099)
    esp.write(f"{folder}/site.confext.raw", b"C" * 777)
    esp.write("loader/credentials/everyone.cred", "glob")
    esp.write("loader/credentials/Zone.cred", "Europe/Berlin\n")


def addons(esp, folder):
    esp.addon(f"{folder}/b-local.addon.efi", "addon.local=b")
    esp.addon(f"{folder}/a-local.addon.efi", " addon.local=a \n")
    esp.addon(f"{folder}/c-other.addon.efi", "addon.other=1", "--uname", "0.0.1-other")
    esp.addon("loader/addons/z-global.addon.efi", "addon.global=1")


def menu(esp):
    esp.systemd_boot()
    esp.uki(UKI)


def menu_extras(esp):
    menu(esp)
    companions(esp, UKI + ".extra.d")
    if esp.stub != "252":  # which knows no addons
        addons(esp, UKI + ".extra.d")


def bare_extras(esp):
    """Companions beside the removable path, in a folder whose case differs from the file's."""
    bare(esp)
    companions(esp, "EFI/BOOT/BOOTX64.efi.extra.d")
    addons(esp, "EFI/BOOT/BOOTX64.efi.extra.d")


def choice(esp):
    """Three entries and a pattern: the default is the newest that matches, with tries left."""
    esp.systemd_boot("# boot test\ntimeout 0\ndefault lab-*\neditor no\n")
    esp.uki("EFI/Linux/lab-1.9.efi", version="1.9")
    esp.uki("EFI/Linux/lab-1.10+3.efi", version="1.10")
    esp.uki("EFI/Linux/other-2.efi", version="2")


def chosen(esp):
    """Entries that variables choose among; loader.conf says otherwise."""
    choice(esp)
    esp.write("loader/loader.conf", "timeout 0\ndefault lab-*\npreferred lab-1.10*\n")


def chosen_variables(store, disk):
    """Of these LoaderEntryPreferred counts since systemd 260."""
    for name, entry in (("Preferred", "lab-1.9.efi"), ("Default", "OTHER-*")):
        store.set(f"LoaderEntry{name}", variables.LOADER, (entry + "\0").encode("utf-16-le"))


def once_variables(store, disk):
    """The entry for the next boot goes before all others."""
    chosen_variables(store, disk)
    store.set("LoaderEntryOneShot", variables.LOADER, "lab-1.10*\0".encode("utf-16-le"))


def type1(esp):
    esp.systemd_boot("timeout 0\n")
    with open(esp.inputs.kernel(esp.kernel), "rb") as kernel:
        esp.write("boottest/linux", kernel.read())
    with open(esp.inputs.initrd, "rb") as initrd:
        esp.write("boottest/initrd.gz", initrd.read())
    esp.write("loader/entries/boottest.conf",
              "title\tBoot test\nversion 1\n# a comment\nlinux /boottest/linux\n"
              f"initrd /boottest/initrd.gz\noptions {esp.cmdline}\noptions second=1\n")


def type1_two_initrds(esp):
    type1(esp)
    esp.write("boottest/empty.cpio", chains.empty_cpio())
    esp.write("loader/entries/boottest.conf",
              "title Boot test\nlinux /boottest/linux\ninitrd /boottest/empty.cpio\n"
              f"initrd /boottest/initrd.gz\noptions {esp.cmdline}\n")


def load_options(esp):
    """An entry that starts the UKI as any EFI program, with options that replace .cmdline."""
    esp.systemd_boot()
    esp.uki("boottest/uki.efi")
    esp.write("loader/entries/boottest.conf",
              f"title Boot test\nefi /boottest/uki.efi\noptions {esp.cmdline} given=1\n")


def profiles(esp, name=REMOVABLE):
    joined = esp.addon("alternative.efi", f"{esp.cmdline} profile=alternative",
                       "--profile", "ID=alternative\nTITLE=Alternative\n")
    joined = esp.path(joined)
    esp.uki(name, "--profile", "ID=main\nTITLE=Main\n", "--join-profile", joined)
    os.unlink(joined)


def profile_by_entry(esp):
    profiles(esp, UKI)


def profile_variables(store, disk):
    """A boot entry that asks the stub for the second profile."""
    store.set("Boot0000", variables.GLOBAL,
              variables.load_option("boot test", disk, UKI, "@1".encode("utf-16-le")))
    store.set("BootOrder", variables.GLOBAL, variables.boot_order(0))


def profile_choice(esp):
    esp.systemd_boot("timeout 0\ndefault lab-1.efi@alternative\n")
    profiles(esp, UKI)


def edit(path, offset_of, value, size=4):
    """Overwrite a header field of a PE file; offset_of gets the offset of the PE signature and of the section table."""
    with open(path, "r+b") as file:
        data = file.read()
        pe = int.from_bytes(data[0x3c:0x40], "little")
        table = pe + 24 + int.from_bytes(data[pe + 20:pe + 22], "little")
        file.seek(offset_of(pe, table))
        file.write(value.to_bytes(size, "little"))


def odd_addons(esp):
    """Addons that the firmware refuses, or measures but does not load, between two that count."""
    folder = REMOVABLE + ".extra.d"
    esp.uki(REMOVABLE)
    edits = {
        "b-directories": (lambda pe, table: pe + 24 + 108, 0xff00),        # NumberOfRvaAndSizes
        "c-headers": (lambda pe, table: pe + 24 + 60, 0x190),              # SizeOfHeaders cuts the section table
        "d-image": (lambda pe, table: pe + 24 + 56, 0x1000),               # SizeOfImage, sections beyond it
        "e-align": (lambda pe, table: pe + 24 + 32, 0),                    # SectionAlignment
        "f-aa64": (lambda pe, table: pe + 4, 0xaa64, 2),                   # Machine: known to the firmware
        "g-riscv": (lambda pe, table: pe + 4, 0x5064, 2),                  # and not known
        "h-subsystem": (lambda pe, table: pe + 24 + 68, 3, 2),
    }
    esp.addon(f"{folder}/a-first.addon.efi", "addon.first=1")
    for name, (where, value, *size) in edits.items():
        edit(esp.path(esp.addon(f"{folder}/{name}.addon.efi", f"addon.{name}=1")), where, value, *size)
    esp.addon(f"{folder}/z-last.addon.efi", "addon.last=1")


def overlap(esp):
    """A UKI whose .uname lies over the end of .osrel in memory: what is measured is what memory holds."""
    path = esp.path(esp.uki(REMOVABLE))
    with open(path, "rb") as file:
        data = file.read()
    pe = int.from_bytes(data[0x3c:0x40], "little")
    table = pe + 24 + int.from_bytes(data[pe + 20:pe + 22], "little")
    count = int.from_bytes(data[pe + 6:pe + 8], "little")
    headers = {data[table + 40 * i:table + 40 * i + 8].rstrip(b"\0").decode(): table + 40 * i for i in range(count)}
    osrel = int.from_bytes(data[headers[".osrel"] + 12:headers[".osrel"] + 16], "little")
    edit(path, lambda pe, table: headers[".uname"] + 12, osrel + 8)


def secure(esp):
    """Signed UKI, one addon signed with the same key, one unsigned and so refused."""
    folder = REMOVABLE + ".extra.d"
    esp.sign_snakeoil(esp.uki(REMOVABLE))
    esp.sign_snakeoil(esp.addon(f"{folder}/signed.addon.efi", "addon.signed=1"))
    esp.addon(f"{folder}/unsigned.addon.efi", "addon.unsigned=1")
    companions(esp, folder)


def secure_menu(esp):
    """Two images that the same certificate vouches for."""
    menu(esp)
    esp.sign_snakeoil(REMOVABLE)
    esp.sign_snakeoil(UKI)


SMBIOS = {
    "io.systemd.stub.kernel-cmdline-extra": "smbios.one=1  smbios.two=2",
    "io.systemd.boot.kernel-cmdline-extra": "not.for.this=1",
}
HARDWARE = (
    "type=1,manufacturer=Example,product=Box 1,version=2.0,serial=S-77,sku=K1,family=Boxes,"
    "uuid=01234567-89ab-cdef-0123-456789abcdef",
    "type=2,manufacturer=Example Boards,product=Board 1,version=1.1,serial=B-5,asset=A,location=here",
)

# Those that take longest come first.
ALL = [
    Scenario("secureboot-257", secure, firmware="ovmf-secureboot"),
    Scenario("secure-menu-257", secure_menu, firmware="ovmf-secureboot"),
    Scenario("bare-252", bare, stub="252"),
    Scenario("bare-257", bare, fat=16),
    Scenario("fallback-2.06", chains.shim_fallback, grub="2.06", boots=2,
             predict=("--boot", "EFI/debian/shimx64.efi")),
    Scenario("entry-257", chains.entry, variables=chains.entry_variables, boots=2,
             predict=("--boot", UKI, "--load-options", chains.GIVEN)),
    Scenario("second-choice-257", chains.second_choice, firmware="ovmf-own",
             variables=chains.second_choice_variables, boots=2,
             predict=("--failed-attempts", "1", "--boot", REMOVABLE)),
    Scenario("returned-257", chains.returned, variables=chains.returned_variables, boots=2,
             predict=("--attempted", "Boot0000", "--attempted", "Boot0001", "--boot", "Boot0002")),
    Scenario("returned-next-257", chains.returned, variables=chains.returned_next_variables,
             predict=("--attempted", "Boot0001", "--boot", "Boot0000")),
    Scenario("returned-secure-257", chains.returned_secure, firmware="ovmf-own",
             variables=chains.returned_variables, boots=2,
             predict=("--attempted", "none", "--attempted", chains.TOOL, "--boot", chains.REAL)),
    Scenario("shim-returned-2.12", chains.shim_returned, firmware="ovmf-own",
             variables=chains.shim_returned_variables, boots=2,
             predict=("--attempted", chains.SHIM, "--boot", chains.REAL)),
    Scenario("shim-refused-2.12", chains.shim_refused_returned, firmware="ovmf-own",
             variables=chains.shim_refused_variables, boots=2, prompt=b"Verification failed",
             predict=("--attempted", "Boot0000", "--boot", "Boot0001")),
    Scenario("menu-returned-257", chains.menu_returned, firmware="ovmf-own",
             variables=chains.menu_returned_variables, boots=2,
             predict=("--attempted", "Boot0000", "--boot", "Boot0001")),
    Scenario("own-menu-257", chains.own_menu, firmware="ovmf-own"),
    Scenario("own-grub-2.06", chains.own_grub, grub="2.06", firmware="ovmf-own"),
    Scenario("own-257", chains.own_uki, firmware="ovmf-own"),
    Scenario("stamped-257", chains.stamped, firmware="ovmf-own", variables=chains.stamped_early),
    Scenario("stamped-late-257", chains.stamped, firmware="ovmf-own", variables=chains.stamped_late,
             refused=True),
    Scenario("unsigned-257", chains.unsigned, firmware="ovmf-secureboot", refused=True),
    Scenario("strange-257", chains.strange, firmware="ovmf-own", refused=True),
    Scenario("debian-2.06", chains.shim_grub_module, grub="2.06", firmware="ovmf-microsoft",
             searches=True),
    Scenario("debian-2.12", chains.shim_grub_module, kernel="6.12", firmware="ovmf-microsoft",
             searches=True),
    Scenario("grub-2.06", chains.grub, grub="2.06"),
    Scenario("grub-2.12", chains.grub, kernel="6.12"),
    Scenario("shim-grub-2.06", chains.shim_grub_script, grub="2.06", searches=True),
    Scenario("shim-grub-2.12", chains.shim_grub_script, kernel="6.12", searches=True),
    Scenario("chain-2.06", chains.grub_chain, grub="2.06"),
    Scenario("chain-2.12", chains.grub_chain),
    Scenario("generated-2.12", chains.shim_grub_generated, kernel="6.12", searches=True),
    Scenario("next-2.06", chains.shim_grub_next, grub="2.06", searches=True),
    Scenario("shim-menu-257", chains.shim_menu),
    Scenario("shim-uki-257", chains.shim_uki),
    Scenario("spaced-254", spaced, stub="254", fat=16, sector=4096),
    Scenario("extras-252", menu_extras, stub="252"),
    Scenario("extras-254", menu_extras, stub="254"),
    Scenario("extras-257", menu_extras),
    Scenario("bare-extras-257", bare_extras),
    Scenario("odd-addons-257", odd_addons),
    Scenario("overlap-257", overlap),
    Scenario("menu-257", choice),
    Scenario("chosen-257", chosen, variables=chosen_variables),
    Scenario("once-257", chosen, variables=once_variables),
    Scenario("type1-257", type1),
    Scenario("load-options-257", load_options),
    Scenario("smbios-257", bare, smbios=SMBIOS, hardware=HARDWARE, fat=12),
    Scenario("hardware-2.12", chains.grub, kernel="6.12", smbios=SMBIOS, hardware=HARDWARE),
    Scenario("profile-257", profiles),
    Scenario("profile-entry-257", profile_by_entry, variables=profile_variables, boots=2,
             predict=("--boot", UKI, "--load-options", "@1")),
    Scenario("profile-choice-257", profile_choice),
    Scenario("kernel-6.12", bare, kernel="6.12"),
    Scenario("type1-6.12", type1_two_initrds, kernel="6.12"),
]

# What the GRUB of a release does not have yet; with Debian 12's firmware, for it is about GRUB.
NEW = [
    Scenario("bls-newest", chains.grub_bls, searches=True),
    Scenario("uki-newest", chains.grub_uki, searches=True),
]


def reference(scenario, table):
    """The boot of another image by the same firmware, whose log is the baseline of this one."""
    # What came before has to be so in the baseline too.
    if {"--failed-attempts", "--attempted"} & set(scenario.predict):
        return None
    if scenario.build is chains.stamped:  # with a dbx and dbt of its own
        return None
    return next((other for other in table
                 if other.firmware == scenario.firmware and other.name != scenario.name
                 and (other.smbios, other.hardware) == (scenario.smbios, scenario.hardware)
                 and not (other.variables or other.refused or other.boots > 1)),
                None)


def newest_firmware(scenario):
    """What has to be said of OVMF 2026.08: the first call of ExitBootServices() fails, and the build without SMM knows no
    Secure Boot, which a store shows that it has used."""
    fresh = scenario.firmware == "ovmf" and scenario.boots == 1
    return ("--exit-boot-services", "2", *(("--secure-boot", "absent") if fresh else ()))


def newest():
    """The scenarios of stub 257 and GRUB 2.12 with unstable's, its kernel and, but for one,
    its firmware."""
    chosen = []
    for scenario in ALL:
        old_kernel = scenario.kernel != "6.1" and not scenario.name.endswith("2.12")
        if scenario.stub != "257" or scenario.grub != "2.12" or old_kernel:
            continue
        name = scenario.name.replace("257", "newest").replace("2.12", "newest")
        moved = replace(scenario, name=name, stub="newest", kernel="newest", grub="newest")
        chosen.append(replace(moved, firmware=scenario.firmware.replace("ovmf", "ovmf-newest"),
                              alone=newest_firmware(scenario)))
        if name == "bare-newest":
            chosen.append(replace(moved, name="bare-newest-debian12"))
    chosen += [replace(scenario, stub="newest", kernel="newest", grub="newest")
               for scenario in NEW]
    return chosen
