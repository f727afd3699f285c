"""What an insider may try, T1 to T21, against two verifiers that share no code.

`ATTACKS` holds every attack that a copy of a ledger can show, alone or with what its `needs` says; `ELSEWHERE`
says where the others are met.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edged.formats.checkpoint import Checkpoint
from edged.ledger.pieces import piece_name
from edged.ledger.report import Kind
from tests.edged.ledger import attacks as by
from tests.edged.ledger.copies import CURRENT, FOLDER, PIECE, SECOND, checkpoint, first, second, usual
from tests.edged.ledger.station import LEDGER, STATION, STRANGER
from tests.fault_markers import THREATS

mark = pytest.mark

AGAINST, COSIGNED, FILES = "against", "countersigned", "recordings"


@dataclass(frozen=True)
class Attack:
    """``kinds``: what both verifiers must find, and nothing else.

    ``needs``: what must be given besides the ledger and the station's key; without it the copy looks good,
    to any verifier.
    """

    change: by.Change
    kinds: set[str]
    needs: str = ""


def attack(change: by.Change, *kinds: Kind, needs: str = "") -> Attack:
    return Attack(change, {str(kind) for kind in kinds}, needs)


BROKEN = (Kind.CHAIN_BROKEN, Kind.CHECKPOINT_DIFFERS)
LAST = (
    b'"reason":"seven"'  # in the last line: no checkpoint covers it, no line follows, only its form can show
)

ATTACKS: list[Any] = [
    pytest.param(
        attack(by.EDITED, *BROKEN),
        id="T1 a word of a line",
        marks=mark.fault("T1", "both verifiers name the line behind an edited one"),
    ),
    pytest.param(
        attack(by.edit(PIECE, b'"officer":"p-17"', b'"officer":"p-71"'), *BROKEN),
        id="T1 whose recording it is",
        marks=mark.fault("T1", "a recording cannot be given to another officer unseen"),
    ),
    pytest.param(
        attack(by.in_turn(by.EDITED, by.chain_anew), Kind.CHECKPOINT_DIFFERS),
        id="T1 the chain made whole again",
        marks=mark.fault("T1", "a chain computed anew over an edited line has another root than was signed"),
    ),
    pytest.param(
        attack(by.in_turn(by.EDITED, by.chain_anew, by.write_roots_anew), Kind.CHECKPOINT_BAD),
        id="T1 the roots written over",
        marks=mark.fault("T1", "a root written over to fit edited lines has no true signature"),
    ),
    pytest.param(
        attack(by.edit(PIECE, b'{"v":1,"seq":2,', b'{"v":2,"seq":2,'), Kind.LINE_NEWER, *BROKEN),
        id="T1 a line made to look newer",
        marks=mark.fault(
            "T1", "a line edited to look newer does not end the verification before the checkpoints"
        ),
    ),
    pytest.param(
        attack(by.rearrange(PIECE, lambda ls: ls[:2] + ls[3:]), Kind.GAP, Kind.PIECE_WRONG, *BROKEN[1:]),
        id="T2 removed",
        marks=mark.fault("T2", "both verifiers miss a line that was taken out"),
    ),
    pytest.param(
        attack(by.rearrange(PIECE, lambda ls: [*ls[:2], *ls[1:]]), Kind.GAP, Kind.PIECE_WRONG, *BROKEN[1:]),
        id="T2 inserted",
        marks=mark.fault("T2", "both verifiers name a line that stands there twice"),
    ),
    pytest.param(
        attack(by.rearrange(PIECE, lambda ls: [*ls[:2], ls[3], ls[2], ls[4]]), Kind.GAP, *BROKEN[1:]),
        id="T2 exchanged",
        marks=mark.fault("T2", "both verifiers name two lines that changed places"),
    ),
    pytest.param(
        attack(by.remove(PIECE), Kind.GAP, Kind.PIECE_WRONG, Kind.BEHIND_CHECKPOINT),
        id="T2 a whole piece",
        marks=mark.fault("T2", "a piece that is not there is named, and what was signed with it"),
    ),
    pytest.param(
        attack(
            by.in_turn(by.rearrange(PIECE, lambda ls: [*ls[:2], ls[3], ls[2], ls[4]]), by.chain_anew),
            Kind.CHECKPOINT_DIFFERS,
        ),
        id="T2 exchanged and numbered anew",
        marks=mark.fault(
            "T2", "lines that changed places differ from what was signed, whatever their numbers"
        ),
    ),
    pytest.param(
        attack(by.CUT, Kind.BEHIND_CHECKPOINT, needs=AGAINST),
        id="T3",
        marks=mark.fault(
            "T3", "a cut tail shows to both verifiers against the last countersigned checkpoint"
        ),
    ),
    pytest.param(
        attack(by.roll_back, Kind.BEHIND_CHECKPOINT, needs=AGAINST),
        id="T4",
        marks=mark.fault("T4", "a disk rolled back shows to both against the last countersigned checkpoint"),
    ),
    pytest.param(
        attack(
            by.in_turn(by.EDITED, by.chain_anew, by.sign_anew(STATION)),
            Kind.CHECKPOINT_DIFFERS,
            needs=COSIGNED,
        ),
        id="T6 the past signed anew",
        marks=mark.fault("T6", "whoever stole the key cannot change what is countersigned"),
    ),
    pytest.param(
        attack(by.countersign_by(STRANGER), Kind.CHECKPOINT_BAD, needs=COSIGNED),
        id="T6 countersigned by nobody",
        marks=mark.fault("T6", "the station's name and a stolen key do not stand in for the centre"),
    ),
    pytest.param(
        attack(by.tear_signed_line, Kind.UNENDED, Kind.LINE_BAD, Kind.CHECKPOINT_DIFFERS),
        id="T7 half a line",
        marks=mark.fault("T7", "a signed line torn as if by a crash is named, and what was signed with it"),
    ),
    pytest.param(
        attack(by.cut_signed_lines, Kind.BEHIND_CHECKPOINT),
        id="T7 whole lines",
        marks=mark.fault("T7", "signed lines cut before a crash are missed by the checkpoint left behind"),
    ),
    pytest.param(
        attack(
            by.in_turn(by.EDITED, by.name_key(STRANGER), by.chain_anew, by.sign_anew(STRANGER)),
            Kind.BEGINNING_WRONG,
            Kind.CHECKPOINT_BAD,
        ),
        id="T8 all of it",
        marks=mark.fault("T8", "a ledger sealed anew with another key is refused from its first line"),
    ),
    pytest.param(
        attack(by.in_turn(by.EDITED, by.chain_anew, by.sign_anew(STRANGER)), Kind.CHECKPOINT_BAD),
        id="T8 its checkpoints",
        marks=mark.fault("T8", "old lines sealed anew with another key under the old name are not signed"),
    ),
    pytest.param(
        attack(
            by.in_turn(by.roll_back, lambda copy: copy.go_on(by.other_lines(4))),
            Kind.CHECKPOINT_DIFFERS,
            needs=AGAINST,
        ),
        id="T9 as many lines",
        marks=mark.fault("T9", "cut and continued differs for both from the last countersigned checkpoint"),
    ),
    pytest.param(
        attack(
            by.in_turn(by.roll_back, lambda copy: copy.go_on(by.other_lines(1))),
            Kind.BEHIND_CHECKPOINT,
            needs=AGAINST,
        ),
        id="T9 fewer lines",
        marks=mark.fault("T9", "cut and continued, but shorter, is behind the last countersigned checkpoint"),
    ),
    pytest.param(
        attack(by.edit(CURRENT, b'"reason":"six"', b'"reason":"xis"'), Kind.CHAIN_BROKEN),
        id="T10",
        marks=mark.fault("T10", "a line no checkpoint covers yet is held by the line behind it"),
    ),
    pytest.param(
        attack(by.rename(PIECE, f"{LEDGER}/{piece_name(0, 3)}"), Kind.PIECE_WRONG),
        id="T11 a piece's name",
        marks=mark.fault("T11", "a piece whose name says fewer lines than it has hides none"),
    ),
    pytest.param(
        attack(by.exchange_pieces, Kind.PIECE_WRONG, Kind.GAP, Kind.CHECKPOINT_DIFFERS),
        id="T11 two pieces' names",
        marks=mark.fault("T11", "pieces under each other's name are read as they are and named"),
    ),
    pytest.param(
        attack(by.rename(SECOND, f"{SECOND}.old"), Kind.GAP, Kind.CHECKPOINT_DIFFERS),
        id="T11 out of sight",
        marks=mark.fault("T11", "a piece under a name that nobody reads is missed"),
    ),
    pytest.param(
        attack(by.rename(checkpoint(7), checkpoint(6)), Kind.CHECKPOINT_BAD),
        id="T11 a checkpoint's name",
        marks=mark.fault("T11", "a checkpoint counts for what it says and not for its name"),
    ),
    pytest.param(
        attack(by.add_empty_piece, Kind.PIECE_WRONG),
        id="T11 an empty piece",
        marks=mark.fault("T11", "a piece that says it ends before it begins is named"),
    ),
    pytest.param(
        attack(by.BACKDATED, *BROKEN),
        id="T12 the time",
        marks=mark.fault("T12", "a line dated back after it was written breaks the chain"),
    ),
    pytest.param(
        attack(by.edit(PIECE, b'"boottime_ns":2000000000', b'"boottime_ns":1000000001'), *BROKEN),
        id="T12 the time since boot",
        marks=mark.fault("T12", "the reading that a set-back clock does not change cannot be changed either"),
    ),
    pytest.param(
        attack(by.edit(CURRENT, LAST, b'"reason":"x","reason":"seven"'), Kind.LINE_BAD),
        id="T13 a repeated name",
        marks=mark.fault("T13", "a repeated name is refused by both, whichever value a reader would take"),
    ),
    pytest.param(
        attack(by.edit(CURRENT, LAST, b'"reason":"\\u0073even"'), Kind.LINE_BAD),
        id="T13 an escape",
        marks=mark.fault("T13", "a letter written as an escape is refused by both"),
    ),
    pytest.param(
        attack(by.edit(CURRENT, LAST, LAST + b" "), Kind.LINE_BAD),
        id="T13 white space",
        marks=mark.fault("T13", "white space between tokens is refused by both"),
    ),
    pytest.param(
        attack(by.edit(CURRENT, LAST, b'"reason":"\xed\xa0\x80"'), Kind.LINE_BAD),
        id="T13 no Unicode",
        marks=mark.fault("T13", "bytes that one decoder takes and another does not are refused by both"),
    ),
    pytest.param(
        attack(
            by.rearrange(CURRENT, lambda ls: [ls[0], ls[1].replace(b'ns":1000000}', b'ns":1e6}')]),
            Kind.LINE_BAD,
        ),
        id="T13 a number",
        marks=mark.fault("T13", "the same number in another form is refused by both"),
    ),
    pytest.param(
        attack(by.rearrange(CURRENT, lambda ls: [ls[0], ls[1] + b"\r"]), Kind.LINE_BAD),
        id="T13 another line end",
        marks=mark.fault("T13", "a line that ends otherwise is refused by both"),
    ),
    pytest.param(
        attack(
            by.in_turn(by.name_key(STRANGER), by.chain_anew, by.sign_anew(STRANGER)),
            Kind.BEGINNING_WRONG,
            Kind.CHECKPOINT_BAD,
        ),
        id="T15 another's ledger",
        marks=mark.fault("T15", "another station's whole ledger does not pass for this one's"),
    ),
    pytest.param(
        attack(
            by.put_note(7, Checkpoint("edged/krakivets-2", 7, bytes(32)).text()),
            Kind.CHECKPOINT_BAD,
        ),
        id="T15 another's origin",
        marks=mark.fault("T15", "a checkpoint of another origin is refused even under the right key"),
    ),
    pytest.param(
        attack(
            by.in_turn(
                by.edit(PIECE, b'"station":"yahodyn-1"', b'"station":"krakivets"'),
                by.chain_anew,
                by.sign_anew(STATION),
            ),
            Kind.BEGINNING_WRONG,
        ),
        id="T15 another's name",
        marks=mark.fault("T15", "line 0 that names another station than the key does is refused"),
    ),
    pytest.param(
        attack(by.swap_recording, Kind.RECORDING_DIFFERS, needs=FILES),
        id="T16 the file",
        marks=mark.fault("T16", "another file in a recording's place has another hash than was sealed"),
    ),
    pytest.param(
        attack(by.remove(f"{FOLDER}/content.mp4"), Kind.RECORDING_MISSING, needs=FILES),
        id="T16 no file",
        marks=mark.fault("T16", "a sealed recording that is not there is missed"),
    ),
    pytest.param(
        attack(by.edit(f"{FOLDER}/manifest.note", b'"p-17"', b'"p-71"'), Kind.MANIFEST_BAD, needs=FILES),
        id="T16 the manifest",
        marks=mark.fault("T16", "a manifest that was changed beside its recording is named"),
    ),
    pytest.param(
        attack(by.fill_the_disk, Kind.UNENDED, Kind.LINE_BAD),
        id="T18",
        marks=mark.fault("T18", "half a line that a full disk left is named and not taken for a line"),
    ),
    pytest.param(
        attack(by.commission_again, Kind.COMMISSIONED_AGAIN),
        id="T20 inside",
        marks=mark.fault("T20", "a second beginning inside the chain is named"),
    ),
    pytest.param(
        attack(by.forget_the_beginning, Kind.BEGINNING_WRONG),
        id="T20 none",
        marks=mark.fault("T20", "a chain that begins with anything but the commissioning is no ledger"),
    ),
    pytest.param(
        attack(by.begin_anew(STATION, 8), Kind.CHECKPOINT_DIFFERS, needs=AGAINST),
        id="T20 the same key",
        marks=mark.fault("T20", "a station installed anew differs from the last countersigned checkpoint"),
    ),
    pytest.param(
        attack(by.begin_anew(STRANGER, 8), Kind.BEGINNING_WRONG),
        id="T20 another key",
        marks=mark.fault("T20", "a station installed anew with a new key is not this station"),
    ),
    pytest.param(
        attack(by.node_as_line, Kind.LINE_BAD, Kind.GAP, Kind.PIECE_WRONG, Kind.CHECKPOINT_DIFFERS),
        id="T21 a node as a line",
        marks=mark.fault("T21", "an inner node in the place of its two lines gives another root"),
    ),
    pytest.param(
        attack(
            by.rearrange(CURRENT, lambda ls: [ls[0], ls[1].replace(b'{"v":1,', b'{"v":0,')]), Kind.LINE_BAD
        ),
        id="T21 an older version",
        marks=mark.fault("T21", "a line of a version that never was is refused"),
    ),
    pytest.param(
        attack(by.other_algorithm, Kind.CHECKPOINT_BAD),
        id="T21 another algorithm",
        marks=mark.fault("T21", "a signature by another kind of key under the right name does not count"),
    ),
    pytest.param(
        attack(
            by.put_note(7, Checkpoint(STATION.name, 7, bytes(32)).text() + b"more\n"), Kind.CHECKPOINT_BAD
        ),
        id="T21 an extension",
        marks=mark.fault("T21", "a signed checkpoint with a line more than three is refused"),
    ),
]

NEEDY: list[Any] = [parameter for parameter in ATTACKS if parameter.values[0].needs]

ELSEWHERE = {
    "T5": "two histories for two readers: either is whole; the centre keeps one chain of checkpoints a station",
    "T14": "what was never written is no line: the dock's own counters are held against the ledger",
    "T17": "two docks with one key: each copy is whole; the centre sees two heads of one origin",
    "T19": "receipts are no part of a copy: the station checks the centre's signature before it clears",
}


def threat(parameter: Any) -> str:
    return str(parameter.id).split()[0]


def test_every_attack_of_the_catalogue_is_here_or_said_to_be_elsewhere() -> None:
    here = {threat(parameter) for parameter in ATTACKS}

    assert here | set(ELSEWHERE) == {f"T{n}" for n in range(1, THREATS + 1)}
    assert not here & set(ELSEWHERE)
    assert all([mark.args[0] for mark in p.marks] == [threat(p)] for p in ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_both_verifiers_find_the_attack(tmp_path: Path, attack: Attack) -> None:
    copy = usual().copy.fresh()
    attack.change(copy)
    copy = copy.fresh(
        against=usual().kept if attack.needs == AGAINST else None,
        countersigned=attack.needs == COSIGNED,
        recordings=attack.needs == FILES,
    )

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.kinds == attack.kinds
    assert one == two


@pytest.mark.parametrize("attack", NEEDY)
def test_what_needs_more_than_the_copy_is_not_seen_without(tmp_path: Path, attack: Attack) -> None:
    """So that nobody takes a good verdict for more than it is."""
    copy = usual().copy.fresh()
    attack.change(copy)

    assert first(copy).good
    assert second(copy, tmp_path / "copy").good
