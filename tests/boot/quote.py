#!/usr/bin/env python3
"""A TPM quote without TPM software in the guest: two commands out, two responses back.

usage: quote.py DIR     write the commands to DIR/createprimary and DIR/quote

The guest sends the bytes to /dev/tpm0 as they are and hands back what the TPM answered; check()
takes that apart and verifies it. Structures: TPM 2.0 Library, parts 2 and 3.
"""

import hashlib
import os
import struct
import subprocess
import sys
import tempfile

PCRS = tuple(range(16))
NONCE = b"pcrcast boot test"

ALG_IDS = {"sha1": 0x0004, "sha256": 0x000B, "sha384": 0x000C, "sha512": 0x000D}
ALG_NULL, ALG_ECDSA, ALG_ECC, CURVE_P256 = 0x0010, 0x0018, 0x0023, 0x0003
ST_SESSIONS, ST_ATTEST_QUOTE = 0x8002, 0x8018
CC_CREATE_PRIMARY, CC_QUOTE = 0x0131, 0x0158
RH_ENDORSEMENT, RS_PW = 0x4000000B, 0x40000009
FIRST_TRANSIENT = 0x80000000
# fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign
ATTRIBUTES = 0x00050072
MAGIC = b"\xffTCG"


def _2b(data):
    return struct.pack(">H", len(data)) + data


def _command(code, handle, parameters):
    password = struct.pack(">IHBH", RS_PW, 0, 0, 0)
    body = struct.pack(">I", handle) + struct.pack(">I", len(password)) + password + parameters
    return struct.pack(">HII", ST_SESSIONS, 10 + len(body), code) + body


def create_primary():
    """A restricted P-256 signing key in the endorsement hierarchy."""
    scheme = struct.pack(">HHHHH", ALG_NULL, ALG_ECDSA, ALG_IDS["sha256"], CURVE_P256, ALG_NULL)
    public = struct.pack(">HHI", ALG_ECC, ALG_IDS["sha256"], ATTRIBUTES) + _2b(b"") + scheme
    public += _2b(b"") + _2b(b"")
    sensitive = _2b(b"") + _2b(b"")
    return _command(CC_CREATE_PRIMARY, RH_ENDORSEMENT,
                    _2b(sensitive) + _2b(public) + _2b(b"") + struct.pack(">I", 0))


def selection():
    mask = sum(1 << pcr for pcr in PCRS).to_bytes(3, "little")
    banks = b"".join(struct.pack(">HB", alg, 3) + mask for alg in ALG_IDS.values())
    return struct.pack(">I", len(ALG_IDS)) + banks


def quote():
    return _command(CC_QUOTE, FIRST_TRANSIENT,
                    _2b(NONCE) + struct.pack(">H", ALG_NULL) + selection())


class _Cursor:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if count > len(self.data):
            raise ValueError("response cut short")
        out, self.data = self.data[:count], self.data[count:]
        return out

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def sized(self):
        return self.take(self.number(2))


def _response(data, has_handle):
    cursor = _Cursor(data)
    cursor.take(6)
    code = cursor.number(4)
    if code != 0:
        raise ValueError(f"the TPM answered 0x{code:x}")
    if has_handle:
        handle = cursor.number(4)
        if handle != FIRST_TRANSIENT:
            raise ValueError(f"the key got handle 0x{handle:x}")
    return _Cursor(cursor.take(cursor.number(4)))


def _public_key(response):
    """The key of a CreatePrimary response as a DER SubjectPublicKeyInfo."""
    public = _Cursor(_response(response, True).sized())
    public.take(8)
    public.sized()
    public.take(10)
    x, y = public.sized(), public.sized()
    prefix = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
    return prefix + b"\x04" + x.rjust(32, b"\0") + y.rjust(32, b"\0")


def _der_signature(cursor):
    if cursor.number(2) != ALG_ECDSA or cursor.number(2) != ALG_IDS["sha256"]:
        raise ValueError("not an ECDSA signature over SHA-256")
    out = b""
    for _ in range(2):
        number = cursor.sized().lstrip(b"\0")
        if number[:1] >= b"\x80":
            number = b"\0" + number
        out += b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([len(out)]) + out


def _verify(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("key", key), ("message", message), ("signature", signature)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", "key",
             "-signature", "signature", "message"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0


def check(key_response, quote_response, pcrs):
    """None when the quote covers pcrs ({bank: {pcr: hex}}), otherwise what is wrong with it."""
    try:
        key = _public_key(key_response)
        answer = _response(quote_response, False)
        message = answer.sized()
        signature = _der_signature(answer)
        attest = _Cursor(message)
        if attest.take(4) != MAGIC or attest.number(2) != ST_ATTEST_QUOTE:
            return "not a quote"
        attest.sized()  # qualified signer
        if attest.sized() != NONCE:
            return "another nonce"
        attest.take(17 + 8)  # clock, firmware version
        if attest.take(len(selection())) != selection():
            return "other PCRs"
        digest = attest.sized()
    except ValueError as error:
        return str(error)
    values = (bytes.fromhex(pcrs[bank][pcr]) for bank in ALG_IDS for pcr in PCRS)
    if digest != hashlib.sha256(b"".join(values)).digest():
        return "the quoted digest is not that of the PCRs"
    if not _verify(key, message, signature):
        return "the signature is wrong"
    return None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name, data in (("createprimary", create_primary()), ("quote", quote())):
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(data)
