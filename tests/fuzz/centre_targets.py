"""What a station delivers to the centre."""

from functools import cache

import msgspec

from sync.centre.intake import Intake
from tests.fakes.clock import StillClock
from tests.fuzz.contract import KIB, Tape, Target, require
from tests.fuzz.samples import NESTED, NOT_TEXT, STATUS
from tests.sync.world import STATION, World


@cache
def _delivered() -> dict[str, bytes]:
    """What a station delivers: a recording, a closed piece with its checkpoint, a status."""
    world = World()
    world.seal(b"evidence")
    world.ledger.grow()
    files = {
        path.replace("/vault/", "/home/").replace("/state/", "/home/"): data
        for path, data in world.fs.files().items()
    }
    return files | {"/home/status/2026-11-22T07.json": msgspec.json.encode(STATUS)}


PLACES = ("manifest.note", ".jsonl", ".note", "status/", "content.mp4")
OWN = ("", "", "intake.json", "alerts/ledger-refused.json")
"""What else is damaged of the centre's own; with the second, it has taken everything once before."""


def _intake(data: bytes) -> None:
    """One delivered file is another, and so may be a file of the centre's own."""
    t = Tape(data)
    place, own = PLACES[t.number() % len(PLACES)], t.number() % len(OWN)
    rest = t.take(t.left)
    world = _centre()
    if own == 1 or place == "status/":
        world.intake(StillClock()).scan()
        _deliver(world, {"/home/status/2026-11-23T07.json": msgspec.json.encode(STATUS)})
    world.far.put(max(path for path in world.far.files("/home") if place in path), rest)
    if OWN[own]:
        world.far.put(f"/store/{STATION}/{OWN[own]}", rest)
    for _ in range(2):
        summary = world.intake(StillClock()).scan()
        require(all(len(name) == 32 for name in summary.placed), "a recording of no name was placed")
    for path, content in world.far.files("/store").items():
        require(
            content == b"evidence" or not path.endswith("content.mp4"),
            "content was stored that nobody sealed",
        )


def _centre() -> World:
    world = World()
    _deliver(world, {})
    return world


def _deliver(world: World, more: dict[str, bytes]) -> None:
    for path, content in (_delivered() | more).items():
        world.far.put(path, content)


def _deliveries() -> list[bytes]:
    files = _delivered()
    seeds = []
    for number, place in enumerate(PLACES):
        content = files[max(path for path in files if place in path)]
        seeds += [bytes([number, own]) + content for own in range(2)]
    known = b'{"size":0,"last":"' + b"0" * 64 + b'","peaks":[],"checkpoint":"","status":""}'
    alert = b'{"alert":"ledger-refused","since":"","last":"","count":1,"detail":{}}'
    return [
        *seeds,
        b"\3\2" + known,
        b"\3\3" + alert,
        b"\3\0" + NOT_TEXT,
        b"\3\2" + NOT_TEXT,
        b"\1\3" + NOT_TEXT,
    ]


TARGETS = (
    Target(
        name="centre-intake",
        contract="Whatever a station delivers, the centre's pass ends, and only what was sealed is stored.",
        body=_intake,
        refusals=(),
        seeds=_deliveries,
        limit=32 * KIB,
        share=5,
        covers=(Intake.scan,),
        hostile=lambda: [b"\3\0" + NESTED, b"\3\2" + NESTED, b"\3\3" + NESTED, b"\1\0" + b"\n" * 30_000],
        steps=300_000,
    ),
)
