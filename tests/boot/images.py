"""ESP trees and disk images, made with ukify, mtools and fdisk."""

import glob
import os
import shutil
import subprocess
import threading

OS_RELEASE = ('ID=boottest\nNAME="Boot test"\nVERSION_ID={version}\n'
              'PRETTY_NAME="Boot test {version}"\n')
SBAT = "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"

# Debian release that carries each stub and boot loader, and each kernel.
STUBS = {"252": "bookworm", "254": "bookworm-backports", "257": "trixie", "newest": "sid"}
KERNELS = {"6.1": "bookworm", "6.12": "trixie", "newest": "sid"}
# And each GRUB, with the shim beside it; both are in two packages, unsigned and signed.
GRUBS = {"2.06": "bookworm", "2.12": "trixie", "newest": "sid"}


def call(*command, **options):
    """Run a tool; its output only shows when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} exits {done.returncode}: "
                           f"{done.stdout.decode(errors='replace').strip()[-600:]}")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


class Keys:
    """Keys with self-signed certificates, made when they are first asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.Lock()

    def path(self, name, kind):
        base = os.path.join(self.folder, name)
        with self.lock:
            if not os.path.exists(base + ".der"):
                os.makedirs(self.folder, exist_ok=True)
                call("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
                     "-subj", f"/CN=Boot test {name}", "-keyout", base + ".key",
                     "-out", base + ".pem")
                call("openssl", "x509", "-in", base + ".pem", "-outform", "DER",
                     "-out", base + ".der")
        return f"{base}.{kind}"

    def certificate(self, name):
        with open(self.path(name, "der"), "rb") as file:
            return file.read()


class Inputs:
    """The parts that images are made of, below the directory that packages.sh fills."""

    def __init__(self, packages, initrd, ukify_suite, keys):
        self.packages = packages
        self.initrd = initrd
        self.keys = keys
        self.ukify = f"{packages}/{ukify_suite}/systemd-ukify/usr/bin/ukify"

    def _systemd(self, version, name):
        return (f"{self.packages}/{STUBS[version]}/systemd-boot-efi"
                f"/usr/lib/systemd/boot/efi/{name}")

    def stub(self, version):
        return self._systemd(version, "linuxx64.efi.stub")

    def addon_stub(self, version):
        return self._systemd(version, "addonx64.efi.stub")

    def loader(self, version):
        return self._systemd(version, "systemd-bootx64.efi")

    def shim(self, version, name="shimx64.efi.signed"):
        package = "shim-unsigned"
        if name.endswith(".signed"):
            package = "shim-signed" if name.startswith("shim") else "shim-helpers-amd64-signed"
        return f"{self.packages}/{GRUBS[version]}/{package}/usr/lib/shim/{name}"

    def grub(self, version):
        return (f"{self.packages}/{GRUBS[version]}/grub-efi-amd64-signed"
                "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")

    def grub_module(self, version, name):
        """For 2.06 one of 2.12: it is there to be refused."""
        suite = "trixie" if version == "2.06" else GRUBS[version]
        return (f"{self.packages}/{suite}/grub-efi-amd64-bin"
                f"/usr/lib/grub/x86_64-efi/{name}.mod")

    def kernel(self, version):
        tree = f"{self.packages}/{KERNELS[version]}/kernel"
        found = glob.glob(f"{tree}/boot/vmlinuz-*") + glob.glob(f"{tree}/usr/lib/modules/*/vmlinuz")
        if not found:
            raise RuntimeError(f"no kernel image below {tree}")
        return found[0]

    def kernel_release(self, version):
        """What uname -r says; the image has it behind an offset in its setup header."""
        with open(self.kernel(version), "rb") as file:
            image = file.read(0x8000)
        start = int.from_bytes(image[0x20E:0x210], "little") + 0x200
        return image[start:start + 128].split(b" ")[0].decode()


class Esp:
    """One ESP tree in the making."""

    def __init__(self, root, inputs, scenario, snakeoil):
        self.root = root
        self.snakeoil = snakeoil
        self.inputs = inputs
        self.stub = scenario.stub
        self.kernel = scenario.kernel
        self.grub = scenario.grub
        self.cmdline = f"console=ttyS0 quiet panic=-1 boottest={scenario.name}"
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)

    def path(self, *parts):
        path = os.path.join(self.root, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, data):
        write(self.path(name), data)

    def copy(self, name, source):
        shutil.copyfile(source, self.path(name))
        return name

    def ukify(self, output, *arguments):
        # Debian's ukify belongs to Debian's python3, for which python3-pefile is packaged.
        call("/usr/bin/python3", self.inputs.ukify, "build", *arguments, "--output", output)

    def uki(self, name, *more, cmdline=None, version="1"):
        self.ukify(self.path(name),
                   "--stub", self.inputs.stub(self.stub),
                   "--linux", self.inputs.kernel(self.kernel),
                   "--initrd", self.inputs.initrd,
                   "--uname", self.inputs.kernel_release(self.kernel),
                   "--os-release", OS_RELEASE.format(version=version),
                   "--cmdline", self.cmdline if cmdline is None else cmdline, *more)
        return name

    def addon(self, name, cmdline, *more, stub=None):
        self.ukify(self.path(name), "--stub", self.inputs.addon_stub(stub or self.stub),
                   "--cmdline", cmdline, "--sbat", SBAT, *more)
        return name

    def systemd_boot(self, loader_conf="timeout 0\n", name="EFI/BOOT/BOOTX64.EFI"):
        self.copy(name, self.inputs.loader(self.stub))
        self.write("loader/loader.conf", loader_conf)

    def sign(self, name, key):
        path = self.path(name)
        call("sbsign", "--key", self.inputs.keys.path(key, "key"),
             "--cert", self.inputs.keys.path(key, "pem"), "--output", path, path)
        return name

    def sign_snakeoil(self, name):
        """Sign with the key that the firmware's OVMF_VARS_4M.snakeoil.fd trusts."""
        path = self.path(name)
        key = path + ".key"
        call("openssl", "rsa", "-in", self.snakeoil + ".key", "-passin", "pass:snakeoil",
             "-out", key)
        call("sbsign", "--key", key, "--cert", self.snakeoil + ".pem", "--output", path, path)
        os.unlink(key)


def make_disk(tree, image, fat, sector):
    """A GPT disk with one ESP, from its first to its last but one MiB, that holds the tree."""
    files = (os.path.join(folder, name) for folder, _, names in os.walk(tree) for name in names)
    used = sum(os.path.getsize(file) for file in files) >> 20
    size = max(40, used + 8)
    if fat == 32:
        size = max(size, 68)  # FAT32 begins at 65525 clusters
    volume = image + ".esp"
    for path, length in ((volume, size), (image, size + 2)):
        with open(path, "wb") as file:
            file.truncate(length << 20)
    cluster = {12: 32768, 16: 4096, 32: sector}[fat]
    call("mkfs.vfat", f"-F{fat}", "-S", str(sector), "-s", str(cluster // sector),
         "-n", "ESP", "-i", "20221106", volume)
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC="/dev/null")
    for name in sorted(os.listdir(tree)):
        call("mcopy", "-s", "-Q", "-i", volume, os.path.join(tree, name), "::/", env=environment)
    start = (1 << 20) // sector
    end = start + (size << 20) // sector - 1
    call("fdisk", "--sector-size", str(sector), image,
         input=f"g\nn\n1\n{start}\n{end}\nt\n1\nw\n".encode())
    with open(image, "r+b") as disk, open(volume, "rb") as source:
        disk.seek(1 << 20)
        while block := source.read(1 << 16):
            if any(block):
                disk.write(block)
            else:
                disk.seek(len(block), os.SEEK_CUR)  # stays a hole
    os.unlink(volume)
