"""Hold a prediction against what a machine recorded."""

import json
import os
import re
import subprocess

import quote
import tcglog

PCRS = quote.PCRS
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

    def relevant(self):
        return [event for event in self.events
                if event.pcr in PCRS and event.kind != tcglog.EV_NO_ACTION]

    def faults(self):
        """Does the machine agree with itself? Nothing else is worth comparing if not."""
        faults = []
        for bank, values in tcglog.replay(self.events).items():
            wrong = [pcr for pcr in values if values[pcr] != self.pcrs[bank][pcr]]
            untold = [pcr for pcr in PCRS if pcr not in values and int(self.pcrs[bank][pcr], 16)]
            if wrong or untold:
                faults.append(f"the log does not lead to {bank} PCR {sorted(wrong + untold)}")
        wrong = quote.check(self.read("createprimary"), self.read("quote"), self.pcrs)
        if wrong:
            faults.append(f"quote: {wrong}")
        return faults


class Verdict:
    def __init__(self):
        self.pcrs = {}        # PCR: "ok", "differs" or "unknown"
        self.events = ""      # "12 ok" or "differs"
        self.messages = []

    def fail(self, message):
        self.messages.append(message)

    @property
    def passed(self):
        return not self.messages


def predict(program, *arguments):
    """The program's JSON; RuntimeError with its own words when there is none."""
    done = subprocess.run([program, "predict", *arguments, "--bank", "all", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()[-400:]
        raise RuntimeError(f"exit {done.returncode}: {reason}")
    return json.loads(done.stdout)


def _values(forecast):
    """{bank: {pcr: hex}} of a prediction, with numbers for PCRs."""
    return {bank: {int(pcr): value for pcr, value in values.items()}
            for bank, values in forecast["pcrs"].items()}


def _compare_pcrs(verdict, what, forecast, recorded, may_lack):
    values = _values(forecast)
    for pcr in PCRS:
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
            bad.append(f"{what}: PCR {pcr} is not said to be complete")
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


def _compare_events(verdict, forecast, recorded):
    """The predicted sequence of (PCR, type, digests), against the log's."""
    want = [(event.pcr, event.type, event.digests, event.text()) for event in recorded.relevant()]
    got = [(event["pcr"], event["type"], event["digests"], event.get("description", ""))
           for event in forecast["events"]
           if event["pcr"] in PCRS and event["type"] != "EV_NO_ACTION"]
    for index in range(max(len(want), len(got))):
        w = want[index] if index < len(want) else None
        g = got[index] if index < len(got) else None
        if w and g and w[:3] == g[:3]:
            continue
        bank = "sha256"
        if w and g and w[2].get(bank) == g[2].get(bank):
            bank = next((other for other in BANKS if w[2].get(other) != g[2].get(other)), bank)
        verdict.events = "differs"
        verdict.fail(f"event {index + 1} differs ({len(want)} logged, {len(got)} predicted)\n"
                     f"  machine:   {_describe(w, bank)}\n  predicted: {_describe(g, bank)}")
        return
    verdict.events = f"{len(want)} ok"


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


def _arguments(scenario, recorded, stub_version):
    arguments = list(scenario.predict)
    for key, value in scenario.smbios.items():
        arguments += ["--smbios", f"{key}={value}"]
    if stub_version >= 261:  # whose initrd may carry a secret of the machine's own
        secret = recorded.read("boot-secret").hex() if recorded.has("boot-secret") else "none"
        arguments += ["--boot-secret", secret]
    return arguments


def compare(program, scenario, recorded, disk, tree, stub_version):
    verdict = Verdict()
    for fault in recorded.faults():
        verdict.fail(f"recorded boot: {fault}")
    arguments = _arguments(scenario, recorded, stub_version)
    written = os.path.join(recorded.folder, "predicted.bin")
    try:
        forecast = predict(program, disk, "--events", "--write-log", written, *arguments)
        _compare_pcrs(verdict, "disk", forecast, recorded, ())
        _compare_events(verdict, forecast, recorded)
        _compare_written(verdict, written, forecast)
        _compare_pcrs(verdict, "directory", predict(program, tree, *arguments), recorded, ())
        if "--boot-secret" in arguments and "none" not in arguments:
            # Without the secret the program has to say that it cannot know PCR 9.
            at = arguments.index("--boot-secret")
            forecast = predict(program, disk, *arguments[:at], *arguments[at + 2:])
            _compare_pcrs(verdict, "disk, secret not given", forecast, recorded, (9,))
            if 9 in _values(forecast).get("sha256", {}):
                verdict.fail("disk, secret not given: PCR 9 is predicted all the same")
    except (RuntimeError, OSError, ValueError, KeyError, TypeError, tcglog.Malformed) as error:
        verdict.fail(f"predict: {type(error).__name__}: {error}")
    return verdict
