#!/usr/bin/env python3
"""Builds the containers of this directory from the files of tpm2-tools beside them, from the descriptions of the formats and
without a library for any: usage: make-containers.py (in this directory)."""
import base64
import json
import struct
from pathlib import Path


def read(name):
    return Path(name).read_bytes()


def b64(data):
    return base64.b64encode(data).decode()


def url(data):
    return base64.urlsafe_b64encode(data).decode()


VALUES = read("all.values")
PCRS = [VALUES[32 * i:32 * i + 32] for i in range(24)]
AK = read("ak.tss")[2:]  # TPM2B_PUBLIC without its size
LOG = b"\0\1\2 not a log \xff\xfe"
CEL = b"not a canonical log"
EK_PEM = b"-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"

# ---- Keylime ----

keylime = "r" + ":".join(b64(read("three-banks." + part)) for part in ("msg", "sig", "pcrs"))
Path("keylime.txt").write_text(keylime + "\n")
Path("keylime-answer.json").write_text(json.dumps({"code": 200, "status": "Success", "results": {
    "quote": keylime, "hash_alg": "sha256", "enc_alg": "rsa", "sign_alg": "rsassa", "pubkey": "-----BEGIN PUBLIC KEY-----\n",
    "boottime": 123456, "mb_measurement_list": b64(LOG), "ima_measurement_list": "10 00 ima-ng\n",
    "ima_measurement_list_entry": 0}}, indent=4) + "\n")

Path("keylime-push.json").write_text(json.dumps({"data": {"type": "attestation", "attributes": {"evidence_collected": [
    {"evidence_class": "certification", "evidence_type": "tpm_quote", "data": {
        "subject_data": b64(read("three-banks.pcrs")), "message": b64(read("three-banks.msg")),
        "signature": b64(read("three-banks.sig"))}},
    {"evidence_class": "log", "evidence_type": "uefi_log", "data": {"entries": b64(LOG)}},
    {"evidence_class": "log", "evidence_type": "ima_log", "data": {"entry_count": 1, "entries": "10 00 ima-ng\n"}}]}}}))

# ---- go-attestation ----

go_pcrs = [{"Index": i, "Digest": b64(PCRS[i]), "DigestAlg": 5} for i in (7, 0, *range(8, 24), *range(1, 7))]
Path("go-attestation-dump.json").write_text(json.dumps({
    "Static": {"EKPem": b64(EK_PEM)},
    "AK": {"Public": b64(AK), "UseTCSDActivationFormat": False, "CreateData": None, "CreateAttestation": None,
           "CreateSignature": None},
    "Quote": {"Nonce": b64(bytes.fromhex("c0ffee")), "Alg": 11, "Quote": b64(read("all.msg")),
              "Signature": b64(read("all.sig"))},
    "Log": {"PCRs": go_pcrs, "PCRAlg": 0, "Raw": b64(LOG)}}, separators=(",", ":")) + "\n")
Path("go-attestation-platform.json").write_text(json.dumps({
    "Public": b64(AK),
    "Quotes": [{"Quote": b64(read(n + ".msg")), "Signature": b64(read(n + ".sig"))} for n in ("all", "bank-twice")],
    "PCRs": go_pcrs + [{"Index": 3, "Digest": b64(bytes(range(20))), "DigestAlg": 3}],
    "EventLog": b64(LOG)}, separators=(",", ":")) + "\n")

# ---- go-tpm-tools: protobuf ----


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def quote(name, pcrs):
    entries = b"".join(field(2, (field(1, i) if i else b"") + field(2, PCRS[i])) for i in pcrs)
    return field(1, read(name + ".msg")) + field(2, read(name + ".sig")) + field(3, field(1, 0xB) + entries)


instance = field(1, b"zone") + field(2, b"project") + field(3, 1 << 40) + field(4, b"name") + field(5, 7)
Path("go-tpm-tools.binpb").write_bytes(
    field(1, AK) + field(2, quote("all", range(24))) + field(2, quote("bank-twice", (3, 1))) + field(3, LOG)
    + field(4, instance) + field(5, CEL) + field(6, b"an AK certificate") + field(7, b"one") + field(7, b"two")
    + field(8, b"\x0a\x00"))


def text(data, style):
    """Bytes as a string of the text format: escapes of three kinds."""
    out = ""
    for i, c in enumerate(data):
        if 0x20 <= c < 0x7F and c not in b"\"'\\" and style != "hex":
            out += chr(c)
        elif style == "octal":
            out += "\\%03o" % c
        else:
            out += "\\x%02x" % c
        if style == "hex" and i % 40 == 39:
            out += '"\n  "'
    return '"' + out + '"'


def text_quote(name, pcrs, style):
    entries = "".join("    pcrs: { key: %d value: %s }\n" % (i, text(PCRS[i], style)) for i in pcrs)
    return "  quote: %s\n  raw_sig: %s\n  pcrs {\n    hash: SHA256\n%s  }\n" % (
        text(read(name + ".msg"), style), text(read(name + ".sig"), style), entries)


Path("go-tpm-tools.txtpb").write_text(
    "# a comment\nak_pub: %s\n" % text(AK, "octal")
    + "quotes: {\n%s}\nquotes <\n%s>\n" % (text_quote("all", range(24), "hex"),
                                           text_quote("bank-twice", (3, 1), "octal").replace("SHA256", "0xb"))
    + "event_log: %s;\n" % text(LOG, "hex")
    + 'instance_info: { zone: "zone", project_id: \'project\', project_number: 1099511627776\n'
    + '  instance_name: "na" "me" instance_id: 07 }\n'
    + "canonical_event_log: %s, ak_cert: 'an AK certificate'\n" % text(CEL, "octal")
    + 'intermediate_certs: ["one", "two"]\n'
    + 'sev_snp_attestation: { report { version: 2 data: "}" values: [1, -2.5e3, { }] } }\n')

# ---- Constellation ----


def json_quote(name, pcrs):
    return {"quote": b64(read(name + ".msg")), "raw_sig": b64(read(name + ".sig")),
            "pcrs": {"hash": 11, "pcrs": {str(i): b64(PCRS[i]) for i in sorted(pcrs, key=str)}}}


Path("constellation.json").write_text(json.dumps({
    "Attestation": {"ak_pub": b64(AK), "quotes": [json_quote("all", range(24))], "event_log": b64(LOG),
                    "instance_info": {"zone": "zone"}, "ak_cert": b64(b"an AK certificate"),
                    "intermediate_certs": [b64(b"one"), b64(b"two")], "TeeAttestation": None},
    "InstanceInfo": b64(b"{}"), "UserData": b64(b"user data")}, separators=(",", ":")))

# ---- trustee ----

Path("trustee-tpm.json").write_text(json.dumps({
    "tpm_quote": {"signature": b64(read("all.sig")), "message": b64(read("all.msg")), "pcrs": [p.hex() for p in PCRS]},
    "ak_public": b64(read("ak.der"))}))

modulus = AK[-256:]  # the last field of TPMT_PUBLIC
data = json.dumps({"keys": [
    {"kid": "HCLEkPub", "key_ops": ["encrypt"], "kty": "RSA", "e": "AQAB", "n": "AQAB"},
    {"kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB", "n": url(modulus).rstrip("=")}],
    "user-data": "00"}).encode()
report = struct.pack("<4sIIII12x", b"HCLA", 2, 2346, 2, 0) + bytes(1184)
report += struct.pack("<IIIII", len(data) + 20, 1, 2, 1, len(data)) + data + bytes(100)
hexes = {"signature": read("all.sig")[6:].hex(), "message": read("all.msg").hex(), "pcrs": [p.hex() for p in PCRS]}
lists = {"signature": list(read("all.sig")[6:]), "message": list(read("all.msg")), "pcrs": [list(p) for p in PCRS]}
Path("trustee-azure.json").write_text(json.dumps({
    "version": 2, "tpm_quote": hexes, "hcl_report": url(report), "vcek": url(b"not a certificate")}))
Path("trustee-azure-0-snp.json").write_text(json.dumps(
    {"quote": lists, "report": list(report), "vcek": "PEM"}, separators=(",", ":")))
Path("trustee-azure-0-tdx.json").write_text(json.dumps(
    {"tpm_quote": lists, "hcl_report": list(report), "td_quote": [4, 0]}, separators=(",", ":")))
