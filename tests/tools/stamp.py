#!/usr/bin/python3 -B
"""Put an RFC 3161 time stamp of a test authority into the signature of a PE image, which has one signature with one signer.

usage: stamp.py DIR IMAGE OUT [FILE]

DIR holds the authority, which is made when it is not there: ca.der is its certificate. The stamp is over the image's signature, or
else over the content of FILE. It has the time of now.
"""

import os
import struct
import subprocess
import sys

CONFIG = """
[ca]
subjectKeyIdentifier = hash
basicConstraints = critical,CA:true
[tsa]
extendedKeyUsage = critical,timeStamping
basicConstraints = CA:false
[test]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""
SPC_RFC3161 = bytes.fromhex("060a2b060104018237030301")


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"openssl {arguments[0]}: {done.stdout.decode(errors='replace')[-400:]}")


def make_authority(folder):
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(os.path.join(folder, "ca.der")):
        return
    for name, text in (("tsa.cnf", CONFIG), ("serial", "01\n")):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "9999",
            "-subj", "/CN=Time CA", "-config", "tsa.cnf", "-extensions", "ca")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Time",
            "-config", "tsa.cnf")
    openssl(folder, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9999",
            "-extfile", "tsa.cnf", "-extensions", "tsa", "-out", "tsa.pem")
    openssl(folder, "x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")


def stamp(folder, content):
    """The token over these bytes, in DER."""
    with open(os.path.join(folder, "content"), "wb") as file:
        file.write(content)
    openssl(folder, "ts", "-query", "-data", "content", "-sha256", "-cert", "-no_nonce", "-out", "query.tsq")
    openssl(folder, "ts", "-reply", "-queryfile", "query.tsq", "-config", "tsa.cnf", "-section", "test", "-signer", "tsa.pem",
            "-inkey", "tsa.key", "-chain", "ca.pem", "-token_out", "-out", "token.der")
    with open(os.path.join(folder, "token.der"), "rb") as file:
        return file.read()


def header(der, at):
    """Where the content of the DER element at at begins, and its length."""
    more = der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0
    start = at + 2 + more
    return start, int.from_bytes(der[at + 2:start], "big") if more else der[at + 1]


def body(der):
    start, length = header(der, 0)
    return der[start:start + length]


def items(der):
    at, found = 0, []
    while at < len(der):
        start, length = header(der, at)
        found.append(der[at:start + length])
        at = start + length
    return found


def make(tag, *parts):
    data = b"".join(parts)
    if len(data) < 128:
        return bytes([tag, len(data)]) + data
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + data


def main():
    folder, image, out, *other = sys.argv[1:]
    make_authority(folder)
    with open(image, "rb") as file:
        data = file.read()
    pe, = struct.unpack_from("<I", data, 60)
    entry = pe + 24 + 112 + 32  # PE32+: the data directory of the certificate table
    offset, = struct.unpack_from("<I", data, entry)
    length, = struct.unpack_from("<I", data, offset)
    oid, content = items(body(data[offset + 8:offset + length]))
    signed = items(body(body(content)))
    signer = items(body(body(signed[-1])))
    stamped = body(signer[-1])  # encryptedDigest, the last field without unauthenticated attributes
    if other:
        with open(other[0], "rb") as file:
            stamped = file.read()
    signer.append(make(0xA1, make(0x30, SPC_RFC3161, make(0x31, stamp(folder, stamped)))))
    signed[-1] = make(0x31, make(0x30, *signer))
    whole = make(0x30, oid, make(0xA0, make(0x30, *signed)))
    table = struct.pack("<IHH", 8 + len(whole), 0x200, 2) + whole
    table += bytes(-len(table) % 8)
    with open(out, "wb") as file:
        file.write(data[:entry] + struct.pack("<II", offset, len(table)) + data[entry + 8:offset] + table)


main()
