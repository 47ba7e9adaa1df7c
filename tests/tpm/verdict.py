"""What a quote says, read here and not by pcrcast, and what pcrcast golden verify says of it."""

import concurrent.futures
import hashlib
import itertools
import json
import os
import struct
import subprocess

from swtpm import Checks

ALG_IDS = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}


class Attest:
    """TPMS_ATTEST of a quote (part 2, section 10.12.8), and where its parts lie."""

    def __init__(self, message):
        self.message = message
        at = 6
        self.places = {"magic": range(0, 4), "type": range(4, 6)}
        for name in ("signer", "nonce"):
            n, = struct.unpack_from(">H", message, at)
            self.places[name] = range(at + 2, at + 2 + n)
            at += 2 + n
        self.places["safe"] = range(at + 16, at + 17)
        at += 8 + 4 + 4 + 1 + 8  # TPMS_CLOCK_INFO, firmwareVersion
        count, = struct.unpack_from(">I", message, at)
        at += 4
        self.selections = []
        for _ in range(count):
            alg, n = struct.unpack_from(">HB", message, at)
            bits = int.from_bytes(message[at + 3:at + 3 + n], "little")
            self.selections.append((ALG_IDS[alg], [i for i in range(24) if bits >> i & 1]))
            at += 3 + n
        n, = struct.unpack_from(">H", message, at)
        self.places["digest"] = range(at + 2, at + 2 + n)
        assert at + 2 + n == len(message), "a TPMS_ATTEST ends with its digest"

    def part(self, name):
        where = self.places[name]
        return self.message[where.start:where.stop]

    def values(self, pcrs):
        return b"".join(pcrs[bank][i] for bank, which in self.selections for i in which)

    def is_true(self, pcrs, hash_alg):
        """Does the quote speak of what the TPM has?"""
        return self.part("digest") == hashlib.new(hash_alg, self.values(pcrs)).digest()


class Verdict:
    """What golden verify said."""

    def __init__(self, program, directory, options):
        r = subprocess.run([program, "golden", "verify", "--json", *map(str, options)], cwd=directory, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.status, self.error = r.returncode, r.stderr.decode()
        self.json = json.loads(r.stdout) if r.stdout else {"checks": [], "notCovered": []}
        self.checks = {c["name"]: c["result"] for c in self.json["checks"]}

    def failed(self):
        return sorted(n for n, result in self.checks.items() if result == "fail")

    def passed(self):
        return sorted(n for n, result in self.checks.items() if result == "pass")

    def is_refusal(self):
        """Exit status 2 with one line that says why."""
        lines = [line for line in self.error.splitlines() if line.startswith("pcrcast: ")]
        return self.status == 2 and len(lines) == 1 and not self.checks

    def __str__(self):
        return f"exit {self.status}, failed {self.failed()}, {self.error.strip()}"


class Files:
    """The options of golden verify by name; replaced() gives them with a file's content replaced."""

    names = itertools.count()

    def __init__(self, directory, **options):
        self.directory, self.options = directory, options

    def list(self):
        return [x for name, value in self.options.items() for x in ("--" + name.replace("_", "-"), value)]

    def replaced(self, **contents):
        options = dict(self.options)
        for name, content in contents.items():
            options[name] = content
            if isinstance(content, bytes):
                options[name] = f"tampered-{next(Files.names)}"
                with open(os.path.join(self.directory, options[name]), "wb") as f:
                    f.write(content)
        return Files(self.directory, **options)

    def content(self, name):
        with open(os.path.join(self.directory, self.options[name]), "rb") as f:
            return f.read()


class QuoteChecks(Checks):
    """Verdicts, several at a time."""

    def __init__(self, program):
        super().__init__()
        self.program = program
        self.pool = concurrent.futures.ThreadPoolExecutor(4)

    def verdict(self, files):
        return Verdict(self.program, files.directory, files.list())

    def must(self, what, verdict, good):
        self.true(what, True) if good else self.true(f"{what}: {verdict}", False)

    def trusted(self, what, files, skipped=("ak-certificate", "ek-certificate", "event-log", "ima-log")):
        v = self.verdict(files)
        self.must(what, v, v.status == 0 and not v.failed() and v.json["verdict"] == "trusted" and
                  sorted(set(v.checks) - set(skipped)) == v.passed())
        return v

    def red(self, what, files, *checks, refusal=False):
        """Untrusted, these checks fail, and nothing unsigned is called proven; refusal: or the file is no longer readable."""
        v = self.verdict(files)
        self.must(f"{what}: {', '.join(checks)} to fail", v,
                  v.status == 1 and v.json["verdict"] == "untrusted" and set(checks) <= set(v.failed()) and
                  (v.checks["signature"] == "pass" or not v.json["pcrs"]) or
                  refusal and v.is_refusal())

    def all_red(self, cases):
        """Of (what, files, checks, refusal)."""
        for _ in self.pool.map(lambda c: self.red(c[0], c[1], *c[2], refusal=c[3]), cases):
            pass


def flipped(content, byte, bit=None):
    return content[:byte] + bytes([content[byte] ^ 1 << (byte % 8 if bit is None else bit)]) + content[byte + 1:]
