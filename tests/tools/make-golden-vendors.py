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


class Raw:
    """Encoded already."""
    def __init__(self, data):
        self.data = data


class Tag:
    def __init__(self, number, item):
        self.number, self.item = number, item


def cbor(item):
    """RFC 8949, deterministic: the shortest heads, maps sorted by their encoded keys."""
    def head(major, n):
        for limit, code, size in ((24, n, 0), (1 << 8, 24, 1), (1 << 16, 25, 2), (1 << 32, 26, 4), (1 << 64, 27, 8)):
            if n < limit:
                return bytes([major << 5 | code]) + (n.to_bytes(size, "big") if size else b"")

    if isinstance(item, Raw):
        return item.data
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(cbor, item))
    if isinstance(item, dict):
        pairs = sorted((cbor(key), cbor(value)) for key, value in item.items())
        return head(5, len(pairs)) + b"".join(key + value for key, value in pairs)
    return head(6, item.number) + cbor(item.item)


def write_bytes(name, data):
    (where / name).write_bytes(data)
    (where / (name + ".origin")).write_text(
        "tests/tools/make-golden-vendors.py: CBOR by the encoder in it, after cddl/ of draft-ietf-rats-corim-11.\n"
        "Made up, under pcrcast's licence.\n")


def derived_id(purpose, content):
    uuid = bytearray(hash_of(purpose.encode() + b"\0" + content)[:16])
    uuid[6] = uuid[6] & 0x0f | 0x80
    uuid[8] = uuid[8] & 0x3f | 0x80
    return bytes(uuid)


TAG_ID = bytes.fromhex("3f06af63a93c11e4979700505690773f")
CLASS_ID = bytes.fromhex("67b28b6c34cc40a19117ab5b05911e37")
ENTITIES = [{0: "ACME Inc.", 1: Tag(32, "https://acme.example"), 2: [0]}]


def record(environment, registers):
    return [environment, [{1: {14: registers}}]]


def corim():
    image = {0: {0: Tag(37, CLASS_ID), 1: "ACME Inc.", 2: "image", 3: 1}}
    four, elevens = hash_of(b"4"), [hash_of(b"11a"), hash_of(b"11b")]
    other = {0: {0: Tag(111, bytes.fromhex("5502c000")), 2: "other"}, 1: Tag(560, b"one machine")}
    comid = {0: "en-GB", 1: {0: TAG_ID, 1: 3}, 2: ENTITIES, 4: {0: [
        record(image, {4: [[1, four]], 11: [[1, eleven]]}) for eleven in elevens] + [
        record(other, {0: [[1, hash_of(b"0")], [7, hash_of(b"0", "sha384")], [8, hash_of(b"0", "sha512")]]}),
        record({0: {1: "ACME Inc."}}, {"mrtd": [[7, hash_of(b"mrtd", "sha384")]],
                                       "rtmr0": [[7, hash_of(b"rtmr0", "sha384")]]})]}}
    second = {1: {0: "a second tag"}, 4: {0: [record(image, {4: [[1, four]]})]}}
    manifest = cbor(Tag(501, {0: "a manifest", 1: [Tag(506, cbor(comid)), Tag(506, cbor(second))],
                              4: {0: Tag(1, 1767225600), 1: Tag(1, 1830297600)}, 5: ENTITIES}))
    write_bytes("corim.cbor", manifest)
    protected = cbor({1: -7, 3: "application/rim+cbor", 8: cbor({0: {0: "ACME Inc."}})})
    write_bytes("corim-signed.cbor", cbor(Tag(18, [protected, {}, manifest, bytes(64)])))
    write_bytes("comid.cbor", cbor(Tag(506, cbor(second))))


def derived():
    """A set that comes without ids, in this program's own form, and the manifest that is made of it."""
    values = {"sha256": {"4": hash_of(b"4").hex(), "11": hash_of(b"11").hex()},
              "sha384": {"4": hash_of(b"4", "sha384").hex()}}
    write("corim-derived.json", {"version": 1, "sets": [{"identity": {"image": "disk.img"}, "pcrs": values}]}, 1)
    triples = cbor({0: [record({0: {2: "disk.img"}}, {
        4: [[1, hash_of(b"4")], [7, hash_of(b"4", "sha384")]], 11: [[1, hash_of(b"11")]]})]})
    tag = cbor(Tag(506, cbor({1: {0: derived_id("pcrcast CoMID", triples)}, 4: Raw(triples)})))
    write_bytes("corim-derived.cbor", cbor(Tag(501, {0: derived_id("pcrcast CoRIM", tag), 1: [Raw(tag)]})))


def comid_json():
    def text(data):
        return "sha-256;" + base64.b64encode(hash_of(data)).decode()

    def pair(data):
        return ["sha-256", base64.urlsafe_b64encode(hash_of(data)).decode().rstrip("=")]

    def template(form):
        return {"lang": "en-GB", "tag-identity": {"id": "43BBE37F-2E61-4B33-AED3-53CFF1428B16", "version": 2},
                "entities": [{"name": "ACME Ltd.", "regid": "https://acme.example", "roles": ["tagCreator", "creator"]}],
                "triples": {"reference-values": [
                    {"environment": {"class": {"id": {"type": "uuid", "value": "67b28b6c-34cc-40a1-9117-ab5b05911e37"},
                                               "vendor": "ACME", "model": "image", "layer": 1}},
                     "measurements": [{"value": {"integrity-registers": {
                         "4": {"key-type": "uint", "value": [form(b"4")]},
                         "11": {"key-type": "uint", "value": [form(eleven)]}}}}]} for eleven in (b"11a", b"11b")]}}

    write("comid.json", template(text), 2)
    write("comid-pairs.json", template(pair), 2)


where.mkdir(parents=True, exist_ok=True)
for make in (aws, pcrsys, tdx, rvps, compute_pcrs, corim, derived, comid_json):
    make()
