"""The reckoning at the end: every recording that the simulator ever made, byte by byte, and both verdicts."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.shift import CAMERAS
from demo.site import SERVER, Site
from simulators.world import Made


@dataclass(slots=True)
class Account:
    """``good`` decides the exit status."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.problems

    def text(self) -> str:
        width = max(len(name) for name, _ in self.rows)
        lines = [f"{name:<{width}}  {value}" for name, value in self.rows]
        lines += [f"PROBLEM  {problem}" for problem in self.problems]
        verdict = "every recording is accounted for, both verdicts are good"
        return "\n".join([*lines, "", f"RESULT   {verdict if self.good else 'NOT GOOD'}"])


async def reckon(site: Site, refusals: int) -> Account:
    """Compare the simulator's own list with ledger, vault and the centre's store, and verify both copies.

    ``refusals``: how many the shift provoked; one more or less is a problem too.
    """
    account = Account()
    facts = await site.facts()
    status = await site.call("status")
    _totals(account, status, facts, len(site.world.truth()))
    if sum(status["custody"]["refusals"].values()) != refusals:
        account.problems.append(f"{refusals} refusals are due")
    _cleared(account, site, status["recordings"]["cleared"])
    _each_recording(account, site, facts)
    _resumed(account, facts)
    for name, words in _verifications(site).items():
        code, out, err = await site.edgectl("--json", "verify", *words)
        report = json.loads(out) if out else {}
        lines = f"{report.get('lines')} lines, {report.get('recordings')} recordings compared"
        account.rows.append((f"edgectl verify, {name}", f"{report.get('verdict', err)} ({lines})"))
        if code:
            account.problems.append(f"verify of {name}: {report.get('list', err)}")
    return account


def _totals(account: Account, status: dict[str, Any], facts: list[dict[str, Any]], made: int) -> None:
    r, c = status["recordings"], status["custody"]
    account.rows += [
        ("recordings made", f"{made} by the cameras, {r['made']} seen by the station"),
        ("sealed", f"{r['sealed']}"),
        ("confirmed", f"{r['confirmed']}"),
        ("cleared", f"{r['cleared']}; the camera that was torn out keeps the rest"),
        (
            "issues",
            f"{c['issues']}, {c['returns']} returned, {c['returns_not_confirmed']} returns not confirmed",
        ),
        ("refusals", ", ".join(f"{k} {v}" for k, v in c["refusals"].items()) or "none"),
        ("incidents", "; ".join(_incident(x) for x in facts if x["type"] == "incident.drafted") or "none"),
    ]
    if not made == r["made"] == r["sealed"] == r["confirmed"]:
        account.problems.append(
            f"{made} made, {r['made']} seen, {r['sealed']} sealed, {r['confirmed']} confirmed"
        )


def _cleared(account: Account, site: Site, cleared: int) -> None:
    """What is not cleared must lie on the card of the camera that was torn out, and nowhere else."""
    outside = [name for name in site.world.cameras if site.world.slot_of(name) is None]
    left = sum(len(site.world.card(name).files()) for name in outside)
    if cleared + left != len(site.world.truth()):
        account.problems.append(f"{cleared} cleared, {left} on cameras outside the dock")


def _incident(fact: dict[str, Any]) -> str:
    data = fact["data"]
    return f"{data['kind']} of {data.get('camera', '?')}, slot {data.get('slot', '?')}"


def _each_recording(account: Account, site: Site, facts: list[dict[str, Any]]) -> None:
    """One sealed recording for each that was made, and the same bytes in the vault and at the centre."""
    sealed: dict[tuple[str, str, str], dict[str, Any]] = {
        (x["data"]["camera"], x["data"]["path"], x["data"]["sha256"]): x["data"]
        for x in facts
        if x["type"] == "recording.sealed"
    }
    delivered = good = 0
    for made in site.world.truth():
        found = sealed.pop((_key(made), made.path, made.sha256), None)
        if found is None:
            account.problems.append(f"no seal for {made.camera} {made.path} {made.sha256[:16]}")
            continue
        place = Path("recordings") / found["folder"] / found["recording"] / found["file"]
        copies = {
            "vault": site.vault / place,
            "centre": stored_at_centre(site, found["recording"], found["file"]),
        }
        wrong = [name for name, path in copies.items() if _sha256(path) != made.sha256]
        delivered += "centre" not in wrong
        good += not wrong
        account.problems += [
            f"{found['recording']}: the copy in the {name} differs or is missing" for name in wrong
        ]
    account.problems += [f"sealed but never made: {data['recording']}" for data in sealed.values()]
    account.rows.append(("delivered", f"{delivered}"))
    account.rows.append(("byte for byte", f"{good} of {len(site.world.truth())} in vault and centre"))


def stored_at_centre(site: Site, recording: str, file: str) -> Path:
    """Where the centre keeps the recording; a path that does not exist if it has none."""
    return next(site.store.glob(f"**/{recording}/{file}"), site.store / recording)


def _key(made: Made) -> str:
    """The serial under which the station knows the camera; a plain disk has none but its plug's."""
    return next(serial for name, _, serial, *_ in CAMERAS if name == made.camera)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _resumed(account: Account, facts: list[dict[str, Any]]) -> None:
    """What was cut off, how far it was then, and from where it went on."""
    sealed = {x["data"]["recording"]: x["data"] for x in facts if x["type"] == "recording.sealed"}
    names = {
        c["recording"]: c["path"]
        for x in facts
        if x["type"] == "camera.listed"
        for c in x["data"].get("clips", ())
    }
    cut = [x["data"] for x in facts if x["type"] == "offload.interrupted"]
    killed = [data for data in cut if data["reason"] == "restart" and data["held"] > 0]
    if not any(sealed.get(data["recording"], {}).get("resumed_from") for data in killed):
        account.problems.append("no copy that the kill cut off was resumed")
    for data in cut:
        end = sealed.get(data["recording"], {})
        account.rows.append(
            (
                "cut off, resumed",
                f"{names.get(data['recording'], '?')} ({data['recording'][:8]}): {data['reason'][:60]}; "
                f"{data['held']} bytes then, resumed from byte {end.get('resumed_from', '?')}, "
                f"sealed with {end.get('size', '?')} bytes",
            )
        )


def _verifications(site: Site) -> dict[str, tuple[str, ...]]:
    keys = ("--station-key", str(site.folder / "keys" / "station.pub"))
    centre = ("--centre-key", str(site.folder / "keys" / "centre.pub"))
    copy = next(iter(sorted(site.store.glob("**/ledger"))), site.store / SERVER)
    return {
        "station": (
            str(site.state / "ledger"),
            *keys,
            *centre,
            *("--countersigned", str(site.state / "countersigned"), "--vault", str(site.vault)),
        ),
        "centre's copy": (str(copy), *keys, *centre, "--vault", str(copy.parent)),
    }
