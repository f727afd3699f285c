"""Checkpoints as notes: what the second verifier takes and refuses is what ours takes and refuses."""

import pytest

from docs import verify_ledger as independent
from edged.errors import FormatError, SignatureError
from edged.formats.checkpoint import Checkpoint, open_checkpoint
from edged.formats.merkle import EMPTY_ROOT
from edged.formats.note import Signer, open_note
from tests.edged.ledger.station import CENTRE, STATION, STRANGER

ROOT = bytes(range(32))
TEXT = Checkpoint(STATION.name, 7, ROOT).text()


def noted(*rows: bytes, text: bytes = TEXT) -> bytes:
    return text + b"\n" + b"".join(rows)


def row(name: str, signature: str = "AAAAAAAA", dash: str = "\u2014") -> bytes:
    """A signature line of somebody whom no reader knows."""
    return f"{dash} {name} {signature}\n".encode()


def signed(text: bytes, signer: Signer = STATION) -> bytes:
    return noted(signer.signature_line(text), text=text)


OURS, CENTRES, STRANGERS = (signer.signature_line(TEXT) for signer in (STATION, CENTRE, STRANGER))

ODD_TEXTS = {
    "another origin": Checkpoint("edged/yahodyn-2", 7, ROOT).text(),
    "a root of 31 bytes": Checkpoint(STATION.name, 7, ROOT[:31]).text(),
    "spare bits in base64": TEXT.replace(b"8=\n", b"9=\n"),
    "a root over no lines": Checkpoint(STATION.name, 0, ROOT).text(),
    "a leading zero": TEXT.replace(b"\n7\n", b"\n07\n"),
    "digits of another script": TEXT.replace(b"\n7\n", "\n\u0667\n".encode()),
    "an extension line": TEXT + b"more\n",
    "two lines": Checkpoint(STATION.name, 7, b"").text()[:-1],
    "too long": TEXT + b"x" * 16_384 + b"\n",
    "a control character": TEXT.replace(b"\n7", b"\x01\n7"),
}
ODD_NOTES = {
    "no signature": noted(),
    "no empty line": TEXT + OURS,
    "no newline at the end": noted(OURS[:-1]),
    "an empty line at the end": noted(OURS, b"\n"),
    "signed twice": noted(OURS, OURS),
    "signed by another only": noted(STRANGERS),
    "a signature of another text": noted(STATION.signature_line(TEXT + b"?\n")),
    "a signature of four bytes": noted(OURS, row("x", "AAAAAA==")),
    "no base64": noted(OURS, row("x", "AAAAAAA*")),
    "another dash": noted(OURS, row("x", dash="-")),
    "a name with a plus": noted(OURS, row("x+y")),
    "a name with a bell": noted(OURS, row("x\x07")),
    "a name of 201 letters": noted(OURS, row("x" * 201)),
    "no name": noted(OURS, row("")),
    "a name that is no text": noted(OURS, b"\xe2\x80\x94 \xff AAAAAAAA\n"),
    "too long, but true": noted(OURS, row("x", "AAAA" * 5000)),
    "seventeen signatures": noted(OURS, *(row(f"x{n}") for n in range(16))),
} | {name: signed(text) for name, text in ODD_TEXTS.items()}
GOOD_NOTES = {
    "as the station signs it": noted(OURS),
    "a stranger of the same name besides": noted(STRANGERS, OURS),
    "sixteen signatures": noted(OURS, *(row(f"x{n}") for n in range(15))),
    "a name in Cyrillic": noted(OURS, row("Ягодин")),
    "no lines": signed(Checkpoint(STATION.name, 0, EMPTY_ROOT).text()),
}


def ours(note: bytes, *, countersigned: bool) -> bool:
    try:
        open_checkpoint(note, STATION.verifier, CENTRE.verifier if countersigned else None)
    except (FormatError, SignatureError):
        return False
    return True


def theirs(note: bytes, *, countersigned: bool) -> bool:
    station, centre = (independent.parse_key(str(signer.verifier)) for signer in (STATION, CENTRE))
    try:
        independent.parse_checkpoint(
            "", note, [independent.Named(0, station)], centre if countersigned else None
        )
    except independent.BadError:
        return False
    return True


@pytest.mark.parametrize("name", ODD_NOTES)
def test_both_refuse_the_same_checkpoints(name: str) -> None:
    assert not ours(ODD_NOTES[name], countersigned=False)
    assert not theirs(ODD_NOTES[name], countersigned=False)


@pytest.mark.parametrize("name", GOOD_NOTES)
def test_both_take_the_same_checkpoints(name: str) -> None:
    assert ours(GOOD_NOTES[name], countersigned=False)
    assert theirs(GOOD_NOTES[name], countersigned=False)


def test_both_want_the_centres_signature_besides_where_they_have_its_key() -> None:
    for note, good in ((noted(OURS, CENTRES), True), (noted(OURS), False), (noted(CENTRES), False)):
        assert ours(note, countersigned=True) is good
        assert theirs(note, countersigned=True) is good


@pytest.mark.parametrize("text", [b"a\x01b\n", b"a\tb\n", b"a\xff\n", b"a"])
def test_no_signature_makes_a_note_of_what_is_no_text(text: bytes) -> None:
    note = noted(STATION.signature_line(text), text=text)
    with pytest.raises(FormatError):
        open_note(note, [STATION.verifier])
    with pytest.raises(independent.BadError):
        independent.note_text(note, [independent.parse_key(str(STATION.verifier))])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "edged/x",
        str(STATION.verifier).replace("edged/", "edged "),
        str(STATION.verifier).replace("+2", "+3"),
        str(STATION.verifier)[:-1],
        str(STATION.verifier) + "=",
    ],
    ids=["nothing", "a name", "a space", "another hash", "a byte less", "more padding"],
)
def test_both_refuse_the_same_keys(key: str) -> None:
    with pytest.raises(FormatError):
        STATION.verifier.parse(key)
    with pytest.raises(independent.BadError):
        independent.parse_key(key)
