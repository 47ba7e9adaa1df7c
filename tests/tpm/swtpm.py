"""A software TPM to ask, through swtpm and tpm2-tools, and a count of what agrees with it."""

import contextlib
import hashlib
import os
import subprocess
import time

BANKS = ("sha1", "sha256", "sha384", "sha512")
EXTENDED = (0, 1, 4, 7, 9, 11, 14, 16, 23)


class TpmError(Exception):
    """A command of tpm2-tools failed."""


class Tpm:
    """A software TPM in a directory of its own."""

    def __init__(self, directory):
        self.dir = directory
        self.current = {}  # the registers
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}",
             "--server", f"type=unixio,path={directory}/tpm", "--ctrl", f"type=unixio,path={directory}/tpm.ctrl",
             "--flags", "not-need-init,startup-clear"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if os.path.exists(f"{directory}/tpm.ctrl") or self.process.poll() is not None:
                break
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def run(self, tool, *arguments):
        """Run a tool in the directory; its standard output."""
        env = dict(os.environ, TPM2TOOLS_TCTI=f"swtpm:path={self.dir}/tpm")
        r = subprocess.run([f"tpm2_{tool}", *map(str, arguments)], cwd=self.dir, env=env, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if r.returncode != 0:
            raise TpmError(f"tpm2_{tool} {' '.join(map(str, arguments))}: {r.stderr.decode().strip()}")
        return r.stdout

    def put(self, name, content):
        with open(os.path.join(self.dir, name), "wb") as f:
            f.write(content)
        return name

    def get(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return f.read()

    @contextlib.contextmanager
    def session(self, hash_alg, real):
        """A policy session; flushed whatever happens."""
        self.run("startauthsession", "-S", "session", "-g", hash_alg, *(["--policy-session"] if real else []))
        try:
            yield
        finally:
            self.run("flushcontext", "session")

    def pcrs(self):
        """Every register as the TPM has it: {bank: {index: value}}."""
        values = {}
        for bank in BANKS:
            self.run("pcrread", f"{bank}:all", "-o", "values")
            raw, n = self.get("values"), hashlib.new(bank).digest_size
            assert len(raw) == 24 * n, "tpm2_pcrread -o: 24 values expected"
            values[bank] = {i: raw[i * n:(i + 1) * n] for i in range(24)}
        return values


def extend(tpm):
    for i in EXTENDED:
        digests = ",".join(f"{b}={hashlib.new(b, f'{b} {i}'.encode()).hexdigest()}" for b in BANKS)
        tpm.run("pcrextend", f"{i}:{digests}")


class Checks:
    """Counts what agrees."""

    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, what, ours, tpm):
        if ours == tpm:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}: pcrcast {ours}, TPM {tpm}")

    def true(self, what, yes):
        self.equal(what, True, yes)
