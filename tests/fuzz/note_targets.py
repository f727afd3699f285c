"""Strict JSON, times, keys as text, and signed notes as such."""

import msgspec

from edged.errors import EdgeError, FormatError, SignatureError
from edged.formats import document, times
from edged.formats.badge import parse_key
from edged.formats.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from edged.formats.note import Signer, Verifier, open_note, sign
from edged.formats.signed import sign_document
from tests.edged.formats import samples
from tests.edged.formats.samples import CENTRE, STATION, STRANGER
from tests.fuzz.contract import KIB, Target, must, require
from tests.fuzz.samples import hostile_json

ROOT = bytes(32)
CHECKPOINT = Checkpoint(STATION.name, 8123, ROOT)
_NOTE = "Any bytes are refused, or a note whose text one of the known keys really signed."


def _json(data: bytes) -> None:
    value = document.parse(data)
    require(document.encode(value) == data, "one value has two forms")


def _json_seeds() -> list[bytes]:
    whole = [msgspec.json.encode(value) for value in (samples.MANIFEST, samples.roster())]
    return [*whole, b'{"a":[1,-2.5,1e+300,true,null,"\\n\xd1\x97"]}', b'""', b"0"]


def _time(data: bytes) -> None:
    text = data.decode("latin-1")
    moment = times.parse_ns(text)
    with must("a time that was read cannot be written"):
        require(times.format_ns(moment) == text, f"{text} has two forms")
    until = times.retain_until(text)
    require(times.parse_ns(until) > moment, "retention ends before it begins")


def _verifier(data: bytes) -> None:
    text = data.decode()
    require(str(Verifier.parse(text)) == text, "one key has two forms")


def _pem(data: bytes) -> None:
    signer = Signer.from_pem("station", data)
    with must("a key that was read cannot be written"):
        require(
            Signer.from_pem("station", signer.pem()).verifier == signer.verifier, "another key comes back"
        )


def _badge_key(data: bytes) -> None:
    require(parse_key(parse_key(data)) == parse_key(data), "one badge key has two values")


def _note(data: bytes) -> None:
    known = (STATION.verifier, CENTRE.verifier)
    note = open_note(data, known)
    require(data.startswith(note.text + b"\n"), "a text that does not stand in the note")
    require(note.signed_by, "a note that nobody signed")
    for key in note.signed_by:
        line = (STATION if key == STATION.verifier else CENTRE).signature_line(note.text)
        require(line in data[len(note.text) :], "a signature that was never made")


def _notes() -> list[bytes]:
    checkpoint = sign_checkpoint(CHECKPOINT, STATION)
    return [
        sign(b"text\n", STATION, CENTRE),
        sign("рядок\n\n— не підпис\n".encode(), CENTRE),
        checkpoint,
        checkpoint + STRANGER.signature_line(CHECKPOINT.text()),
        sign_document(samples.MANIFEST, STATION),
    ]


def _checkpoint_text(data: bytes) -> None:
    require(Checkpoint.parse(data).text() == data, "one checkpoint has two forms")


def _checkpoint(data: bytes) -> None:
    found = open_checkpoint(data, STATION.verifier)
    require(found == CHECKPOINT, "a checkpoint that was never signed")


TARGETS = (
    Target(
        name="json",
        contract="Any bytes are values that have no other form, or FormatError.",
        body=_json,
        refusals=(FormatError,),
        seeds=_json_seeds,
        limit=document.DOCUMENT_LIMIT + 1,
        covers=(document.parse,),
        hostile=hostile_json,
    ),
    Target(
        name="time",
        contract="Any text is a moment that is written in no other way, or FormatError.",
        body=_time,
        refusals=(FormatError,),
        seeds=lambda: [b"2026-11-22T07:00:00.123Z", b"0001-01-01T00:00:00.000Z", b"9999-12-31T23:59:59.999Z"],
        limit=64,
        covers=(times.parse_ns, times.retain_until),
    ),
    Target(
        name="verifier-key",
        contract="Any text is a key that is written in no other way, or FormatError.",
        body=_verifier,
        refusals=(FormatError, UnicodeDecodeError),  # the second is the harness's: keys come as text
        seeds=lambda: [str(signer.verifier).encode() for signer in (STATION, CENTRE)],
        limit=512,
        covers=(Verifier.parse,),
    ),
    Target(
        name="signing-key",
        contract="Any bytes of a key file are an Ed25519 key, or EdgeError.",
        body=_pem,
        refusals=(EdgeError,),
        seeds=lambda: [STATION.pem(), STATION.pem().replace(b"MC4", b"MC5")],
        limit=4 * KIB,
        covers=(Signer.from_pem,),
    ),
    Target(
        name="badge-key",
        contract="Any bytes of a key file are the badge key, or EdgeError.",
        body=_badge_key,
        refusals=(EdgeError,),
        seeds=lambda: [bytes(range(32)), b"0f" * 32 + b"\n"],
        limit=4 * KIB,
        covers=(parse_key,),
    ),
    Target(
        name="note",
        contract=_NOTE,
        body=_note,
        refusals=(FormatError, SignatureError),
        seeds=_notes,
        limit=32 * KIB,
        share=2,
        covers=(open_note,),
        hostile=lambda: [b"\n" * 30_000, b"x\n\n" * 10_000, b"x\n\n" + "— a AAAA\n".encode() * 3000],
    ),
    Target(
        name="checkpoint-text",
        contract="Any bytes are a checkpoint that is written in no other way, or FormatError.",
        body=_checkpoint_text,
        refusals=(FormatError,),
        seeds=lambda: [CHECKPOINT.text(), b"edged/x\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"],
        limit=4 * KIB,
        covers=(Checkpoint.parse,),
    ),
    Target(
        name="checkpoint",
        contract="No bytes are a checkpoint but the one that the station signed.",
        body=_checkpoint,
        refusals=(FormatError, SignatureError),
        seeds=lambda: [sign_checkpoint(CHECKPOINT, STATION)],
        limit=20 * KIB,
        covers=(open_checkpoint,),
    ),
)
