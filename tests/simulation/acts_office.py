"""What persons enter at `edgectl` about a shift: of every act one entry about whatever there is at that moment.

An entry may fit or not: what does not fit is refused and changes nothing.
"""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from edged.control.office_verbs import OFFICE
from edged.errors import EdgeError
from edged.shift.inventory import Sort
from edged.station_state import StationState
from tests.simulation.site import Site
from tests.world import persons as people

MOUNT = "20100001"
Entry = Callable[[StationState, random.Random], tuple[str, dict[str, Any]]]
"""Account, and what is entered."""


async def office(site: Site, verb: str, luck: float) -> None:
    """Somebody enters this; ``luck`` chooses what it is about."""
    if site.running is None:
        return
    account, params = ENTRIES[verb](site.station.recorder.state, random.Random(luck))
    with suppress(EdgeError):
        await site.ask(account, verb, **params)


def _one(known: Mapping[str, Any], rng: random.Random) -> str:
    return rng.choice([*known, "0" * 32])


def _item(rng: random.Random) -> str:
    return rng.choice((MOUNT, *(f"10145K{number:06}" for number in range(1, 4))))


def _camera(rng: random.Random) -> str:
    return f"K{rng.randint(1, 4):06}"


def _paper(rng: random.Random) -> dict[str, Any]:
    return {"number": str(rng.randint(1, 99)), "date": "2026-11-22"}


def _open(s: StationState, rng: random.Random) -> tuple[str, dict[str, Any]]:
    about = {"camera": _camera(rng), "issue": _one(s.issues, rng) if rng.random() < 0.5 else ""}
    cause = rng.choice(("malfunction", "loss", "damage"))
    return "iryna", {"cause": cause, "happened": people.at(0), "description": "Подія"} | about


def _give(s: StationState, rng: random.Random) -> tuple[str, dict[str, Any]]:
    paper = rng.choice(("incident-information", "report-memo", "works-letter", "warning"))
    raisings = {one.id: one for raisings in s.shift.forecasts.values() for one in raisings}
    known: Mapping[str, Any] = {**s.shift.incidents, **s.shift.works, **s.alerts, **raisings}
    return rng.choice(("iryna", "taras")), {"paper": paper, "about": _one(known, rng)} | _paper(rng)


def _memo(s: StationState, rng: random.Random) -> tuple[str, dict[str, Any]]:
    incident = _one(s.shift.incidents, rng) if rng.random() < 0.5 else ""
    return "iryna", {"camera": _camera(rng), "head": "Голова", "incident": incident} | _paper(rng)


def _works(s: StationState, rng: random.Random) -> tuple[str, dict[str, Any]]:
    entry = rng.choice(("cleaning", "locks", "update-station"))
    items = [_item(rng)]
    return rng.choice(("taras", "daria")), {
        "entry": entry,
        "grounds": "план",
        "items": items,
        "persons": ["Тарас"],
        "version": "1",
    }


def _handover(s: StationState, rng: random.Random) -> tuple[str, dict[str, Any]]:
    counts = {str(Sort.MOUNT): rng.randint(0, 2)}
    return "iryna", {"taking": rng.choice(("iryna", "maksym")), "counts": counts, "safe": 0}


def _draft(s: StationState, rng: random.Random) -> tuple[str, dict[str, Any]]:
    return "iryna", {"paper": "report-memo", "about": _one(s.shift.incidents, rng)}


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "incident open": _open,
        "incident confirm": lambda s, r: (
            "iryna",
            {"incident": _one(s.shift.incidents, r), "description": "Так"},
        ),
        "incident reject": lambda s, r: ("iryna", {"incident": _one(s.shift.incidents, r), "reason": "Ні"}),
        "incident note": lambda s, r: (
            "iryna",
            {
                "incident": _one(s.shift.incidents, r),
                "measures": "Огляд",
                "result": "Справна",
                "closed": r.random() < 0.5,
            },
        ),
        "paper give": _give,
        "return confirm": lambda s, r: ("iryna", {"issue": _one(s.issues, r)}),
        "memo enter": _memo,
        "memo end": lambda s, r: ("iryna", {"camera": _camera(r)}),
        "officer brief": lambda s, r: ("iryna", {"person": r.choice(("olena", "petro", "nobody"))}),
        "repair damaged": lambda s, r: ("taras", {"item": _item(r), "description": "Скло"}),
        "repair tag": lambda s, r: ("taras", {"item": _item(r), "tag": "Б-1", "place": "Шафа"}),
        "repair statement": lambda s, r: ("iryna", {"item": _item(r), "statement": "Не читається"}),
        "repair release": lambda s, r: (
            "taras",
            {
                "item": _item(r),
                "receiver": "Сервіс",
                "third_party": r.random() < 0.5,
                "contract_number": "1",
                "contract_date": "2026-11-01",
            },
        ),
        "repair back": lambda s, r: ("taras", {"item": _item(r), "result": "Ціла"}),
        "recording refer": lambda s, r: (
            "iryna",
            {"recording": _one(s.recordings, r), "code": "UA123456", "number": 7, "year": 2026},
        ),
        "works start": _works,
        "works end": lambda s, r: (
            r.choice(("taras", "daria")),
            {"works": _one(s.shift.works, r), "measures": "Так", "result": "Так", "version": "2"},
        ),
        "outage start": lambda s, r: ("taras", {"cause": "Живлення", "since": people.at(-1)}),
        "outage end": lambda s, r: (
            "taras",
            {"outage": _one(s.shift.outages, r), "acts": "Увімкнено", "at": people.at(0)},
        ),
        "handover": _handover,
        "journal sheet": lambda s, r: (
            r.choice(("iryna", "taras")),
            {"journal": r.choice(("incident", "maintenance"))},
        ),
        "journal register": lambda s, r: ("iryna", {"sheet": _one(s.shift.sheets, r)} | _paper(r)),
        "journal volume": lambda s, r: (
            "iryna",
            {
                "journal": r.choice(("handover", "incident", "maintenance")),
                "ground": "lost",
                "since": people.at(-1),
            },
        ),
        "round": lambda s, r: ("iryna", {"when": "start", "item": _item(r), "in_order": True}),
        "incident list": lambda s, r: ("iryna", {}),
        "paper list": lambda s, r: ("iryna", {}),
        "paper draft": _draft,
        "works list": lambda s, r: ("taras", {}),
        "repair list": lambda s, r: ("taras", {}),
        "memo list": lambda s, r: ("iryna", {}),
        "journal list": lambda s, r: ("iryna", {}),
        "report": lambda s, r: ("iryna", {"span": r.choice(("shift", "day", "month"))}),
        "station retire": lambda s, r: ("iryna", {"reason": "Ні"} | _paper(r)),  # not hers
        "import recovered": lambda s, r: (
            "taras",
            {
                "file": r.choice(("found.mp4", "none.mp4")),
                "camera": _camera(r),
                "incident": _one(s.shift.incidents, r),
                "centre": "Сервіс",
                "contract_number": "1",
                "contract_date": "2026-11-01",
            },
        ),
        "export request": lambda s, r: (
            r.choice(("iryna", "daria")),
            {"recording": _one(s.recordings, r), "law": "ст. 93 КПК", "receiver": "Слідчий"} | _paper(r),
        ),
        "export drop": lambda s, r: ("iryna", {"export": _one(s.shift.exports, r), "reason": "Ні"}),
        "export make": lambda s, r: ("maksym", {"export": _one(s.shift.exports, r)}),
        "export list": lambda s, r: ("iryna", {}),
        "rights list": lambda s, r: ("daria", {}),
        "issue show": lambda s, r: ("iryna", {"issue": _one(s.issues, r)}),
        "journal print": lambda s, r: ("iryna", {"sheet": _one(s.shift.sheets, r)}),
    }
)
BESIDE = {"journal sign", "clear ask", "clear agree", "key rotate", "repair print"}
"""Signed by nobody here; an act of its own; its second half is a command on the host; a look that changes nothing, and
would change every history that was kept."""
assert set(ENTRIES) == set(OFFICE) - BESIDE, "of every act one entry"


def drawn(rng: random.Random) -> tuple[str, float]:
    return rng.choice(list(ENTRIES)), rng.random()
