"""Hold a prediction against what a machine recorded."""

import json
import os
import re
import subprocess

import quote
import tcglog

PCRS = quote.PCRS
FROM_IMAGE = (4, 5, 7, 8, 9, 11, 12, 13, 14, 15)      # what image and variables suffice for
FROM_TREE = tuple(p for p in FROM_IMAGE if p != 5)    # a tree has no partition table
IMA = 10                                              # whose events are in a log of its own
# Whether SHA-384 and SHA-512 are built in, or modules that IMA comes too early for, differs between kernels of Debian.
IMA_HASHES = ("sha1,sha256", "sha1,sha256,sha384,sha512")
BANKS = tcglog.BANKS


class Recorded:
    """What one boot left in its directory."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "pcrs.json")) as file:
            raw = json.load(file)
        self.pcrs = {bank: {int(pcr): value for pcr, value in values.items()}
                     for bank, values in raw.items()}
        self.events = tcglog.parse(self.read("eventlog.bin"))

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def relevant(self, pcrs=PCRS):
        return [event for event in self.events
                if event.pcr in pcrs and event.kind != tcglog.EV_NO_ACTION]

    def faults(self):
        """Does the machine agree with itself? Nothing else is worth comparing if not."""
        faults = []
        for bank, values in tcglog.replay(self.events).items():
            wrong = [pcr for pcr in values if values[pcr] != self.pcrs[bank][pcr]]
            untold = [pcr for pcr in PCRS if pcr not in values and pcr != IMA
                      and int(self.pcrs[bank][pcr], 16)]
            if wrong or untold:
                faults.append(f"the log does not lead to {bank} PCR {sorted(wrong + untold)}")
        wrong = quote.check(self.read("createprimary"), self.read("quote"), self.pcrs)
        if wrong:
            faults.append(f"quote: {wrong}")
        return faults


class Verdict:
    def __init__(self):
        self.pcrs = {}        # PCR: "ok", "differs" or "unknown"; nothing for one not looked at
        self.events = ""      # how many agree, or "NO"
        self.messages = []

    def fail(self, message):
        self.messages.append(message)

    @property
    def passed(self):
        return not self.messages


class Refuses(RuntimeError):
    """The program does not predict, and says why."""


def predict(program, *arguments, pcrs=None):
    """The program's JSON, also when registers are not known; Refuses with its own words without."""
    chosen = ["--pcr", ",".join(map(str, pcrs))] if pcrs else []
    done = subprocess.run([program, "predict", *arguments, *chosen, "--bank", "all", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 2) or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip()[-400:]
        raise Refuses(f"exit {done.returncode}: {reason}")
    return json.loads(done.stdout)


def _values(forecast):
    """{bank: {pcr: hex}} of a prediction, with numbers for PCRs."""
    return {bank: {int(pcr): value for pcr, value in values.items()}
            for bank, values in forecast["pcrs"].items()}


def _compare_pcrs(verdict, what, forecast, recorded, pcrs, may_lack=()):
    values = _values(forecast)
    for pcr in pcrs:
        bad = []
        for bank in BANKS:
            got = values.get(bank, {}).get(pcr)
            if got == recorded.pcrs[bank][pcr]:
                continue
            bad.append(f"{what}: {bank} PCR {pcr} is {got or 'not predicted'}, "
                       f"the machine has {recorded.pcrs[bank][pcr]}")
        complete = forecast["complete"].get(str(pcr))
        absent = all(pcr not in values.get(bank, {}) for bank in BANKS)
        if pcr in may_lack and absent and complete is False:
            verdict.pcrs.setdefault(pcr, "unknown")
            continue
        if complete is not True:
            reasons = [entry["reason"] for entry in forecast.get("unknown", ())
                       if entry["pcr"] == pcr]
            bad = [f"{what}: PCR {pcr} is not known: {'; '.join(reasons) or 'no reason given'}"]
        if bad:
            verdict.pcrs[pcr] = "differs"
            verdict.fail("\n".join(bad))
        else:
            verdict.pcrs.setdefault(pcr, "ok")


def _describe(event, bank):
    if event is None:
        return "no event"
    pcr, kind, digests, text = event
    return f"PCR {pcr} {kind} {bank}:{digests.get(bank, 'no digest')} {text}"


def _compare_events(verdict, what, forecast, recorded, pcrs):
    """The predicted sequence of (PCR, type, digests), against the log's."""
    pcrs = [pcr for pcr in pcrs if pcr != IMA]
    want = [(event.pcr, event.type, event.digests, event.text())
            for event in recorded.relevant(pcrs)]
    got = [(event["pcr"], event["type"], event["digests"], event.get("description", ""))
           for event in forecast["events"]
           if event["pcr"] in pcrs and event["type"] != "EV_NO_ACTION"]
    for index in range(max(len(want), len(got))):
        w = want[index] if index < len(want) else None
        g = got[index] if index < len(got) else None
        if w and g and w[:3] == g[:3]:
            continue
        bank = "sha256"
        if w and g and w[2].get(bank) == g[2].get(bank):
            bank = next((other for other in BANKS if w[2].get(other) != g[2].get(other)), bank)
        verdict.events = "NO"
        verdict.fail(f"{what}: event {index + 1} differs ({len(want)} logged, {len(got)} predicted)\n"
                     f"  machine:   {_describe(w, bank)}\n  predicted: {_describe(g, bank)}")
        return
    verdict.events = verdict.events or len(want)


def _tpm2_eventlog(path):
    """The registers that tpm2_eventlog makes of a log: {bank: {pcr: hex}}."""
    done = subprocess.run(["tpm2_eventlog", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace").strip()[-300:])
    values = {}
    bank = None
    inside = False
    for line in done.stdout.decode(errors="replace").splitlines():
        if not line.startswith(" "):
            inside = line.startswith("pcrs:")
        elif inside and (found := re.match(r"  (sha\w+):", line)):
            bank = values.setdefault(found.group(1), {})
        elif inside and (found := re.match(r"    (\d+) *: 0x([0-9a-f]+)", line)):
            bank[int(found.group(1))] = found.group(2)
    return values


def _compare_written(verdict, path, forecast):
    """A log the program wrote leads every reader to the values that it printed."""
    with open(path, "rb") as file:
        ours = tcglog.replay(tcglog.parse(file.read()))
    for reader, state in (("our reader", ours), ("tpm2_eventlog", _tpm2_eventlog(path))):
        for bank, values in _values(forecast).items():
            for pcr, value in values.items():
                got = state.get(bank, {}).get(pcr, "0" * len(value))
                if got != value:
                    verdict.fail(f"--write-log: {reader} gets {got} for {bank} PCR {pcr}, "
                                 f"predicted was {value}")
                    return


def _smbios(scenario, recorded, stub_version):
    """The machine's OEM strings, one by one or in its tables: the way that the stub needs, and the other."""
    strings = [word for key, value in scenario.smbios.items() for word in ("--smbios", f"{key}={value}")]
    tables = ["--smbios-tables", os.path.join(recorded.folder, "DMI")] if recorded.has("DMI") else []
    return (tables, strings) if tables and stub_version >= 261 else (strings, tables)


def _arguments(scenario, recorded, stub_version):
    arguments = ["--variables", os.path.join(recorded.folder, "variables.fd"), *scenario.predict]
    arguments += _smbios(scenario, recorded, stub_version)[0]
    if stub_version >= 261:  # whose initrd may carry a secret of the machine's own
        secret = recorded.read("boot-secret").hex() if recorded.has("boot-secret") else "none"
        arguments += ["--boot-secret", secret]
    return arguments


def _without_secret(verdict, program, disk, recorded, arguments):
    """Without the secret the program has to say that it cannot know PCR 9."""
    at = arguments.index("--boot-secret")
    forecast = predict(program, disk, *arguments[:at], *arguments[at + 2:], pcrs=FROM_IMAGE)
    _compare_pcrs(verdict, "disk, secret not given", forecast, recorded, FROM_IMAGE, (9,))
    if 9 in _values(forecast).get("sha256", {}):
        verdict.fail("disk, secret not given: PCR 9 is predicted all the same")


def compare(program, scenario, recorded, baseline, disk, tree, stub_version):
    """baseline: the log of another image's boot by the same firmware, or None."""
    verdict = Verdict()
    for fault in recorded.faults():
        verdict.fail(f"recorded boot: {fault}")
    arguments = _arguments(scenario, recorded, stub_version)
    alone = [*arguments, *scenario.alone]
    written = os.path.join(recorded.folder, "predicted.bin")

    def image():
        forecast = predict(program, disk, "--events", "--write-log", written, *alone,
                           pcrs=FROM_IMAGE)
        _compare_pcrs(verdict, "disk", forecast, recorded, FROM_IMAGE)
        _compare_events(verdict, "disk", forecast, recorded, FROM_IMAGE)
        _compare_written(verdict, written, forecast)

    def directory():
        forecast = predict(program, tree, *alone, pcrs=FROM_TREE)
        may_lack = FROM_TREE if scenario.searches else ()
        _compare_pcrs(verdict, "directory", forecast, recorded, FROM_TREE, may_lack)

    def whole():
        for hashes in IMA_HASHES:
            forecast = predict(program, disk, "--events", "--write-log", written, "--baseline", baseline,
                               "--boot-aggregate", "sha256", "--ima-template", "ima-sig",
                               "--ima-hashes", hashes, *arguments, pcrs=PCRS)
            if forecast["pcrs"]["sha384"].get(str(IMA)) == recorded.pcrs["sha384"][IMA]:
                break
        # Other boot options than those of the baseline's machine: then PCR 1 has no value, or is
        # right all the same, and with it goes what IMA makes of all registers.
        may_lack = (1, IMA) if scenario.variables or scenario.boots > 1 else ()
        _compare_pcrs(verdict, "baseline", forecast, recorded, PCRS, may_lack)
        known = [pcr for pcr in PCRS if pcr not in may_lack or forecast["complete"][str(pcr)]]
        _compare_events(verdict, "baseline", forecast, recorded, known)
        _compare_written(verdict, written, forecast)

    def both_ways():
        other = _smbios(scenario, recorded, stub_version)[1]
        forecast = predict(program, disk, *arguments, *scenario.alone, *other, pcrs=FROM_IMAGE)
        _compare_pcrs(verdict, "strings and tables", forecast, recorded, FROM_IMAGE)

    def own_log():
        """What came back before is in the log: with it as the baseline nobody has to tell."""
        kept = [(a, b) for a, b in zip(arguments[::2], arguments[1::2]) if a != "--attempted"]
        forecast = predict(program, disk, "--baseline", os.path.join(recorded.folder, "eventlog.bin"),
                           *(word for pair in kept for word in pair), pcrs=PCRS)
        _compare_pcrs(verdict, "own log", forecast, recorded, PCRS, (1, IMA))  # the first boot makes options of its own

    steps = [image, directory]
    if scenario.smbios and recorded.has("DMI"):
        steps.append(both_ways)
    if "--attempted" in arguments:
        steps.append(own_log)
    if baseline:
        steps.append(whole)
    if "--boot-secret" in arguments and "none" not in arguments:
        steps.append(lambda: _without_secret(verdict, program, disk, recorded, alone))
    for step in steps:
        try:
            step()
        except (RuntimeError, OSError, ValueError, KeyError, TypeError,
                tcglog.Malformed) as error:
            verdict.fail(f"predict: {type(error).__name__}: {error}")
    return verdict


def compare_refused(program, scenario, folder, disk, tree):
    """The machine did not boot this: then it has no registers, and the program has to say so."""
    verdict = Verdict()
    for what in (disk, tree):
        try:
            predict(program, what, "--variables", os.path.join(folder, "variables.fd"),
                    *scenario.predict)
            verdict.fail(f"{what}: predicted, though the firmware refuses it")
        except Refuses as words:
            if "refuse" not in str(words):
                verdict.fail(f"{what}: not said to be refused: {words}")
    return verdict
