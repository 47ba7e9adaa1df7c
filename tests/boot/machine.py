"""One machine: QEMU, OVMF, swtpm. It boots a disk and hands back what its TPM holds."""

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

# Seconds without the guest's last word after which it counts as hung.
PATIENCE = 180
PANIC = b"Kernel panic - not syncing"
NO_BOOT = b"No bootable option or device was found"


_running = set()


def stop_all():
    """Switch off every machine of this process."""
    for machine in list(_running):
        machine.kill()


class Failed(Exception):
    """The guest did not get as far as telling its registers: worth another try."""


class Qemu:
    def __init__(self, packages):
        """The QEMU of Debian 12's backports from its unpacked packages, else the installed one.

        Version 7.2 of Debian 12 now and then crashes guests with newer kernels.
        """
        self.command = ["qemu-system-x86_64"]
        tree = os.path.join(packages, "bookworm-backports")
        program = f"{tree}/qemu-system-x86/usr/bin/qemu-system-x86_64"
        data = f"{tree}/qemu-system-data/usr/share/qemu"
        if self._version([program]):
            self.command = [program, "-L", data,
                            "-L", "/usr/share/qemu", "-L", "/usr/share/seabios"]
        self.version = self._version(self.command)

    @staticmethod
    def _version(command):
        try:
            done = subprocess.run([*command, "--version"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        except OSError:
            return None
        found = re.search(rb"version (\S+)", done.stdout)
        return found.group(1).decode() if done.returncode == 0 and found else None


class Firmware:
    def __init__(self, version, code, variables, snakeoil, smm):
        self.version = version
        self.code = code
        self.variables = variables
        self.snakeoil = snakeoil  # key and certificate (.key, .pem) of the Secure Boot variables
        self.smm = smm


def _arguments(qemu, firmware, disk, sector, serial, work, smbios):
    command = [
        *qemu.command, "-accel", "tcg", "-machine", f"q35,smm={'on' if firmware.smm else 'off'}",
        "-cpu", "max,la57=off", "-smp", "1", "-m", "1024",
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-net", "none",
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.code}",
        "-drive", f"if=pflash,format=raw,unit=1,file={work}/variables.fd",
        "-drive", f"if=none,id=disk,format=raw,snapshot=on,file={disk}",
        "-device", "virtio-blk-pci,drive=disk,bootindex=1,"
        f"logical_block_size={sector},physical_block_size={sector}",
        "-chardev", f"socket,id=tpm,path={work}/tpm.sock",
        "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0",
        "-serial", f"file:{serial}",
    ]
    if firmware.smm:
        command += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    for key, value in smbios.items():
        command += ["-smbios", f"type=11,value={key}={value.replace(',', ',,')}"]
    return command


def _start_tpm(work):
    tpm = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={work}", "--terminate",
         "--ctrl", f"type=unixio,path={work}/tpm.sock", "--flags", "startup-clear"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        if os.path.exists(f"{work}/tpm.sock"):
            return tpm
        time.sleep(0.05)
    tpm.kill()
    tpm.wait()
    raise Failed("swtpm does not start")


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _watch(machine, serial):
    """Wait for the machine to go off; the reason when it will not."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            machine.wait(0.5)
            return None
        except subprocess.TimeoutExpired:
            pass
        text = _read(serial)
        if PANIC in text:
            return "the guest panicked"
        if NO_BOOT in text:
            raise RuntimeError("the firmware does not boot this disk")
        if time.monotonic() > end:
            return f"the guest hung for {PATIENCE} s"


def _sections(text):
    found = re.findall(rb"@@BEGIN (\S+)\n(.*?)@@END \1\n", text.replace(b"\r", b""), re.S)
    try:
        return {name.decode(): base64.b64decode(body) for name, body in found}
    except binascii.Error as error:
        raise Failed(f"the serial line is garbled: {error}") from error


def boot(qemu, firmware, disk, sector, out, smbios):
    """Boot once; the sections that the guest reported go to files in out."""
    serial = os.path.join(out, "serial.log")
    with tempfile.TemporaryDirectory(prefix="pcrcast-boot.") as work:
        shutil.copyfile(firmware.variables, f"{work}/variables.fd")
        if os.path.exists(serial):
            os.unlink(serial)
        tpm = _start_tpm(work)
        try:
            with open(os.path.join(out, "qemu.log"), "wb") as log:
                machine = subprocess.Popen(
                    _arguments(qemu, firmware, disk, sector, serial, work, smbios),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                _running.add(machine)
                try:
                    failure = _watch(machine, serial)
                finally:
                    _running.discard(machine)
                    machine.kill()
                    machine.wait()
        finally:
            tpm.terminate()
            tpm.wait()
    text = _read(serial)
    if failure is None and b"@@DONE" not in text:
        failure = "the guest stopped early"
    if failure:
        raise Failed(failure)
    sections = _sections(text)
    pcrs = {}
    for line in sections.pop("pcrs").decode().splitlines():
        bank, pcr, value = line.split()
        pcrs.setdefault(bank, {})[pcr] = value.lower()
    with open(os.path.join(out, "pcrs.json"), "w") as file:
        json.dump(pcrs, file, indent=1)
    for name, data in sections.items():
        with open(os.path.join(out, name), "wb") as file:
            file.write(data)
