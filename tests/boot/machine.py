"""One machine: QEMU, OVMF, swtpm. It boots a disk and hands back what its TPM holds."""

import base64
import binascii
import contextlib
import json
import mmap
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

import tcglog

# Seconds without the guest's last word after which it counts as hung.
PATIENCE = 180
MEMORY = 1 << 30
RAM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where a guest's memory lies
PANIC = b"Kernel panic - not syncing"
NO_BOOT = b"No bootable option or device was found"


_running = set()
_stopped = threading.Event()


def stop_all():
    """Switch off every machine of this process for good."""
    _stopped.set()
    for machine in list(_running):
        machine.kill()


class Failed(Exception):
    """The guest did not get as far as telling its registers: worth another try."""


class Refused(Exception):
    """The firmware gave up. serial.log has its reason."""


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


@dataclass
class Setup:
    """What a machine is started with."""
    qemu: Qemu
    firmware: Firmware
    variables: str  # the store that it starts with, left as it is
    disk: str
    sector: int
    smbios: dict
    hardware: tuple = ()  # further values of QEMU's -smbios
    boots: int = 1  # times that it is switched on, the last of which is the one that counts
    prompt: bytes = b""  # somebody presses Return when the screen says this


def _arguments(setup, serial, work, ram):
    firmware, sector = setup.firmware, setup.sector
    command = [
        *setup.qemu.command, "-accel", "tcg", "-machine", f"q35,memory-backend=ram,smm={'on' if firmware.smm else 'off'}",
        "-cpu", "max,la57=off", "-smp", "1", "-m", str(MEMORY >> 20),
        "-object", f"memory-backend-file,id=ram,size={MEMORY},mem-path={ram},share=on",
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-net", "none",
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.code}",
        "-drive", f"if=pflash,format=raw,unit=1,file={work}/variables.fd",
        "-drive", f"if=none,id=disk,format=raw,snapshot=on,file={setup.disk}",
        "-device", "virtio-blk-pci,drive=disk,bootindex=1,"
        f"logical_block_size={sector},physical_block_size={sector}",
        "-chardev", f"socket,id=tpm,path={work}/tpm.sock",
        "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0",
        "-serial", f"file:{serial}",
        "-monitor", f"unix:{work}/monitor.sock,server=on,wait=off",
    ]
    if firmware.smm:
        command += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    for structure in setup.hardware:
        command += ["-smbios", structure]
    for key, value in setup.smbios.items():
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


def _press_return(monitor):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(monitor)
        connection.sendall(b"sendkey ret\n")
        time.sleep(0.2)  # for QEMU to read it before the end of the connection


def _watch(machine, serial, prompt, monitor):
    """Wait for the machine to go off; the reason when it will not."""
    end = time.monotonic() + PATIENCE
    presses = 5 if prompt else 0  # the first may come before anybody reads keys
    while True:
        try:
            machine.wait(0.5)
            return None
        except subprocess.TimeoutExpired:
            pass
        text = _read(serial)
        if PANIC in text:
            return "the guest panicked"
        if presses and prompt in text:
            presses -= 1
            _press_return(monitor)
        if NO_BOOT in text:
            raise Refused("the firmware does not boot this disk")
        if time.monotonic() > end:
            return f"the guest hung for {PATIENCE} s"


def _sections(text):
    found = re.findall(rb"@@BEGIN (\S+)\n(.*?)@@END \1\n", text.replace(b"\r", b""), re.S)
    try:
        return {name.decode(): base64.b64decode(body) for name, body in found}
    except binascii.Error as error:
        raise Failed(f"the serial line is garbled: {error}") from error


def _log_in_memory(ram, pcrs):
    with open(ram, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        return tcglog.find(memory, pcrs)


def _run(setup, work, ram, out):
    """From power on to power off or reset; the reason when it comes to neither."""
    if _stopped.is_set():
        return "the tests were stopped"
    serial = os.path.join(out, "serial.log")
    if os.path.exists(serial):
        os.unlink(serial)
    shutil.copyfile(f"{work}/variables.fd", os.path.join(out, "variables.fd"))
    tpm = _start_tpm(work)
    try:
        with open(os.path.join(out, "qemu.log"), "wb") as log:
            machine = subprocess.Popen(_arguments(setup, serial, work, ram),
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            _running.add(machine)
            try:
                return _watch(machine, serial, setup.prompt, f"{work}/monitor.sock")
            finally:
                _running.discard(machine)
                machine.kill()
                machine.wait()
    finally:
        tpm.terminate()
        tpm.wait()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{work}/tpm.sock")


def _told(text, ram):
    """What the guest reported, with a log and the registers."""
    sections = _sections(text)
    pcrs = {}
    for line in sections.pop("pcrs").decode().splitlines():
        bank, pcr, value = line.split()
        pcrs.setdefault(bank, {})[pcr] = value.lower()
    if not sections["eventlog.bin"]:
        sections["eventlog.bin"] = _log_in_memory(ram, pcrs)
        if not sections["eventlog.bin"]:
            raise Failed("no log, neither Linux's nor one in memory that leads to the PCRs")
    sections["pcrs.json"] = json.dumps(pcrs, indent=1).encode()
    return sections


def boot(setup, out):
    """Boot; the sections that the guest reported go to files in out.

    Each boot of several begins with the variables that the one before left, and all but the last
    may end in a reset, as fallback boot loaders do. variables.fd in out is what the last one found.
    """
    with tempfile.TemporaryDirectory(prefix="pcrcast-boot.") as work, \
            tempfile.NamedTemporaryFile(prefix="pcrcast-ram.", dir=RAM) as ram:
        shutil.copyfile(setup.variables, f"{work}/variables.fd")
        for _ in range(setup.boots):
            failure = _run(setup, work, ram.name, out)
            if failure:
                raise Failed(failure)
        text = _read(os.path.join(out, "serial.log"))
        if b"@@DONE" not in text:
            raise Failed("the guest stopped early")
        sections = _told(text, ram.name)
    for name, data in sections.items():
        with open(os.path.join(out, name), "wb") as file:
            file.write(data)
