#!/usr/bin/env python3
"""Write the samples of other predictors' and verifiers' formats to tests/data/golden.

Values are computed with hashlib and laid out with json, nothing of pcrcast's own: they are what the tests expect.
usage: make-golden-vendors.py [DIRECTORY]
"""
import base64
import hashlib
import json
import pathlib
import sys

where = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/golden")
ACTION = b"Calling EFI Application from Boot Option"


def hash_of(data, alg="sha256"):
    return hashlib.new(alg, data).digest()


def extend(value, digest, alg="sha256"):
    return hash_of(value + digest, alg)


def replay(datas, alg="sha256"):
    value = bytes(hashlib.new(alg).digest_size)
    for data in datas:
        value = extend(value, hash_of(data, alg), alg)
    return value


def write(name, document, indent):
    text = json.dumps(document, indent=indent) + "\n"
    (where / name).write_text(text)
    (where / (name + ".origin")).write_text(
        "tests/tools/make-golden-vendors.py: values by hashlib, layout by json.dumps; the shape is that of the tool\n"
        "which golden/format_*.c names. Made up, under pcrcast's licence.\n")


def aws():
    write("aws.json", {"Measurements": {
        "HashAlgorithm": "SHA384",
        "PCR4": replay([ACTION, bytes(4), b"image"], "sha384").hex(),
        "PCR7": replay([bytes(4)], "sha384").hex(),
        "PCR12": bytes(48).hex()}}, 2)


def pcrsys():
    phases = [hash_of(b"sections")]
    for word in ("sysinit", "preconfigured", "configured", "ready", "shutdown", "final"):
        phases.append(extend(phases[-1], hash_of(word.encode())))
    write("pcrsys.json", {"pcrs": {
        "4": {"sha256": [replay([ACTION, bytes(4), b"uki"]).hex()]},
        "5": {"sha256": [hash_of(b"a").hex(), hash_of(b"b").hex()]},
        "11": {"sha256": [value.hex() for value in phases]}}}, 2)


def tdx():
    write("tdx.json", {name: hash_of(name.encode(), "sha384").hex() for name in ("mrtd", "rtmr0", "rtmr1", "rtmr2")}, 2)


def rvps():
    sample = {"tpm_pcr4": [hash_of(b"4").hex()], "tpm_pcr11": [hash_of(b"11a").hex(), hash_of(b"11b").hex()],
              "snp_pcr11": [hash_of(b"snp").hex()]}
    write("rvps.json", sample, 4)
    payload = base64.b64encode(json.dumps(sample, separators=(",", ":")).encode()).decode()
    write("rvps-message.json", {"version": "0.1.0", "type": "sample", "payload": payload}, 4)


def compute_pcrs():
    def event(pcr, name, data, word):
        return {"name": name, "pcr": pcr, "hash": hash_of(data).hex(), "id": word}

    def register(pcr, events):
        value = bytes(32)
        for ev in events:
            value = extend(value, bytes.fromhex(ev["hash"]))
        return {"id": pcr, "value": value.hex(), "events": events}

    application = "EV_EFI_BOOT_SERVICES_APPLICATION"
    pcr4 = register(4, [event(4, "EV_EFI_ACTION", ACTION, "Pcr4EfiCall"),
                        event(4, "EV_SEPARATOR", bytes(4), "Pcr4Separator"),
                        event(4, application, b"shim", "Pcr4Shim"),
                        event(4, application, b"grub", "Pcr4Grub"),
                        event(4, application, b"vmlinuz", "Pcr4Vmlinuz")])
    sections = []
    for section in ("linux", "osrel", "cmdline", "initrd", "uname", "sbat"):
        name, word = "." + section, "Pcr11" + section.capitalize()
        sections.append(event(11, name, name.encode() + b"\0", word))
        sections.append(event(11, name + "_CONTENT", name.encode(), word + "Content"))
    pcr14 = register(14, [event(14, "EV_IPL", b"l", "Pcr14MokList"), event(14, "EV_IPL", b"x", "Pcr14MokListX"),
                          event(14, "EV_IPL", b"\1", "Pcr14MokListTrusted")])
    write("compute-pcrs.json", {"pcrs": [pcr4, register(11, sections), pcr14]}, 2)
    write("compute-pcrs-2025.json", {"id": 4, "value": pcr4["value"], "parts": [
        {"name": ev["name"], "hash": ev["hash"]} for ev in pcr4["events"]]}, 2)


where.mkdir(parents=True, exist_ok=True)
for make in (aws, pcrsys, tdx, rvps, compute_pcrs):
    make()
