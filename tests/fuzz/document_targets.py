"""Documents: strict JSON, signed notes and what they hold, proofs, ledger lines."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from edged.court import verify_proof as court
from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats import document, receipt, times
from edged.formats.badge import parse_key
from edged.formats.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from edged.formats.line import Line, decode_envelope, decode_line, encode_data, encode_line
from edged.formats.manifest import open_manifest
from edged.formats.note import Signer, Verifier, open_note, sign
from edged.formats.proof import decode_proof, encode_proof, verify_proof
from edged.formats.receipt import open_receipt, open_refusal, require_receipt
from edged.formats.roster import ROSTER_LIMIT, open_roster, sign_roster
from edged.formats.signed import open_document, sign_document
from edged.ledger.proofs import prove
from sync.answers import _reason
from sync.outbox import unverified_manifest
from tests.edged.formats import samples
from tests.edged.formats.samples import AUTHORITY, CENTRE, STATION, STRANGER
from tests.edged.ledger.station import COUNTERSIGNED, LEDGER, Station, sealed
from tests.fuzz.contract import KIB, Target, must, require, round_trip

ROOT = bytes(32)
CHECKPOINT = Checkpoint(STATION.name, 8123, ROOT)
CONTENT = b"the recording's bytes"
RECORDING = "7" * 32
KEYS = f"# who signs\n{STATION.verifier}\n\n{CENTRE.verifier}\n"
_NOTE = "Any bytes are refused, or a note whose text one of the known keys really signed."
_TEXT = "Whatever text stands under a true signature is refused, or a document that signs to the same bytes."


# --- strict JSON and times ---------------------------------------------------------------------------


def _json(data: bytes) -> None:
    value = document.parse(data)
    require(document.encode(value) == data, "one value has two forms")


def _json_seeds() -> list[bytes]:
    whole = [msgspec.json.encode(value) for value in (samples.MANIFEST, samples.roster())]
    return [*whole, b'{"a":[1,-2.5,1e+300,true,null,"\\n\xd1\x97"]}', b'""', b"0"]


def _json_hostile() -> list[bytes]:
    deep = 30_000
    return [
        b"[" * deep,
        b"[" * deep + b"]" * deep,
        b'{"a":' * (deep // 3),
        b"1" * 60_000,
        b'"' + b"\xd1" * 100 + b'"',
        b"{" + b",".join(b'"%05d":0' % n for n in range(6000)) + b"}",
    ]


def _time(data: bytes) -> None:
    text = data.decode("latin-1")
    moment = times.parse_ns(text)
    with must("a time that was read cannot be written"):
        require(times.format_ns(moment) == text, f"{text} has two forms")
    until = times.retain_until(text)
    require(times.parse_ns(until) > moment, "retention ends before it begins")


# --- signed notes ------------------------------------------------------------------------------------


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


def _signed_text(
    open_: Callable[[bytes], object], signer: Signer, sign_again: Callable[[Any], bytes]
) -> Callable[[bytes], None]:
    """The input as the text of a note, truly signed: what a key's holder could have others read."""

    def body(data: bytes) -> None:
        note = sign(data, signer)
        value = open_(note)
        with must("a document that was read cannot be signed"):
            again = sign_again(value)
        if data.endswith(b"}\n"):  # `encode` writes no other form; a text without newline cannot be signed
            require(again == note, "one document has two forms")

    return body


def _text_of(value: object) -> bytes:
    return document.encode(value) + b"\n"


def _signed(
    name: str,
    open_: Callable[[bytes], object],
    signer: Signer,
    value: object,
    *covers: Callable[..., object],
    limit: int,
) -> Target:
    def sign_again(found: Any) -> bytes:
        return sign_roster(found, signer) if name == "roster" else sign_document(found, signer)

    return Target(
        name=name,
        contract=_TEXT,
        body=_signed_text(open_, signer, sign_again),
        refusals=(FormatError, SignatureError),
        seeds=lambda: [_text_of(value)],
        limit=limit,
        share=2,
        covers=(*covers, open_document, document.decode, document.convert),
        hostile=lambda: [seed + b"\n" for seed in _json_hostile()],
    )


def _required_receipt(data: bytes) -> None:
    require_receipt(sign(data, CENTRE), CENTRE.verifier, samples.MANIFEST)


def _unverified(data: bytes) -> None:
    require(unverified_manifest(data) == unverified_manifest(data), "one manifest has two readings")


def _refusal_reason(data: bytes) -> None:
    text = _reason(data)
    require(len(text) <= 200 and text.isprintable(), "a reason that cannot be shown")


# --- ledger lines and proofs -------------------------------------------------------------------------


def _line(data: bytes) -> None:
    head = decode_envelope(data)
    try:
        found = decode_line(data)
    except EdgeError as error:
        require(
            error.code in (ErrorCode.FORMAT_BAD, ErrorCode.LEDGER_NEWER), f"{error.code.label} for a line"
        )
        raise
    require(
        (head.seq, head.prev, head.type) == (found.seq, found.prev, found.type), "two readings of one line"
    )
    with must("a line that was read cannot be written"):
        again = encode_line(
            found.seq, found.prev, found.stamp, found.actor, found.fact, encode_data(found.fact)
        )
    require(decode_line(again.raw) == again, "a line written again is read otherwise")
    require(again.fact == found.fact, "a fact does not come back")


def _lines() -> list[bytes]:
    lines: list[Line] = [samples.line(), samples.line(0, "person:п-17")]
    newer = samples.line().raw.replace(b'"v":1', b'"v":2')
    return [*(line.raw for line in lines), newer, samples.line().raw.replace(b"sealed", b"unheard")]


@cache
def proof() -> bytes:
    """One proof: the tree of a single sealing line after line 0, countersigned."""

    async def build() -> bytes:
        station = Station()
        book = await station.create()
        await book.append(sealed(RECORDING, CONTENT))
        checkpointer = await station.checkpointer(book)
        await checkpointer.checkpoint()
        await checkpointer.accept_countersigned(station.countersigned(2))
        await book.close()
        made = prove(
            station.fs,
            LEDGER,
            RECORDING,
            station=STATION.verifier,
            centre=CENTRE.verifier,
            countersigned=COUNTERSIGNED,
        )
        return encode_proof(made)

    return asyncio.run(build())


def _proof(data: bytes) -> None:
    """Our verifier and the one for court say the same, whatever lies before them."""
    ours = _held(lambda: verify_proof(decode_proof(data), STATION.verifier, CENTRE.verifier), EdgeError)
    theirs = _held(lambda: court.check_proof(data, court.parse_keys(KEYS)).witnesses, court.ProofError)
    # The other way round need not be: the one for court is told what the ledger's strict form is by nobody.
    require(theirs or not ours, "a proof holds here and not in court")
    if ours:
        round_trip(decode_proof, encode_proof)(data)


def _held(check: Callable[[], object], refusal: type[Exception]) -> bool:
    try:
        return bool(check())
    except refusal:
        return False


def _court_keys(data: bytes) -> None:
    for key in court.parse_keys(data.decode()):
        require(len(key.public) == 32, "a key of another size")


def _proofs() -> list[bytes]:
    whole = proof()
    lone = b"\\ud800"
    return [
        whole,
        whole.replace(b"GAT-0007", b"GAT-0008"),
        whole.replace(b"GAT-0007", lone),  # half a character, in the line
        whole.replace(b"edged/yahodyn-1\\n2", b"edged/yahodyn-1" + lone + b"\\n2"),  # and in the checkpoint
    ]


def _proof_hostile() -> list[bytes]:
    return [*_json_hostile(), *_proofs(), proof().replace(b'"index":1', b'"index":' + b"1" * 5000)]


TARGETS = (
    Target(
        name="json",
        contract="Any bytes are values that have no other form, or FormatError.",
        body=_json,
        refusals=(FormatError,),
        seeds=_json_seeds,
        limit=document.DOCUMENT_LIMIT + 1,
        covers=(document.parse,),
        hostile=_json_hostile,
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
    _signed(
        "manifest",
        lambda data: open_manifest(data, STATION.verifier),
        STATION,
        samples.MANIFEST,
        open_manifest,
        limit=8 * KIB,
    ),
    _signed(
        "receipt",
        lambda data: open_receipt(data, CENTRE.verifier),
        CENTRE,
        samples.RECEIPT,
        open_receipt,
        limit=8 * KIB,
    ),
    _signed(
        "refusal",
        lambda data: open_refusal(data, CENTRE.verifier),
        CENTRE,
        samples.REFUSAL,
        open_refusal,
        limit=8 * KIB,
    ),
    _signed(
        "roster",
        lambda data: open_roster(data, AUTHORITY.verifier),
        AUTHORITY,
        samples.roster(),
        open_roster,
        limit=min(ROSTER_LIMIT, 64 * KIB),
    ),
    Target(
        name="receipt-of-recording",
        contract="A receipt that the centre truly signed counts for this recording, or is refused with a code.",
        body=_required_receipt,
        refusals=(FormatError, SignatureError, EdgeError),
        seeds=lambda: [
            _text_of(samples.RECEIPT),
            _text_of(
                receipt.receipt_for(
                    samples.MANIFEST, server="x", server_level="central", placed_at=samples.PLACED_AT
                )
            ),
        ],
        limit=8 * KIB,
        covers=(require_receipt,),
    ),
    Target(
        name="manifest-unverified",
        contract="Any bytes are a manifest as far as the courier needs one, or FormatError.",
        body=_unverified,
        refusals=(FormatError,),
        seeds=lambda: [sign_document(samples.MANIFEST, STATION)],
        limit=8 * KIB,
        covers=(unverified_manifest,),
    ),
    Target(
        name="refusal-reason",
        contract="Whatever lies in the place of a refusal gives a short sentence that can be shown.",
        body=_refusal_reason,
        refusals=(),
        seeds=lambda: [sign_document(samples.REFUSAL, CENTRE)],
        limit=8 * KIB,
        covers=(_reason,),
        hostile=_json_hostile,
    ),
    Target(
        name="ledger-line",
        contract="Any bytes are a line that is read in one way only, FORMAT_BAD or LEDGER_NEWER.",
        body=_line,
        refusals=(EdgeError,),
        seeds=_lines,
        limit=66 * KIB,
        share=3,
        covers=(decode_line, decode_envelope),
        hostile=lambda: [samples.line().raw[:-2] + b',"x":' + b"[" * 40_000 + b"}}"],
    ),
    Target(
        name="proof",
        contract="Any bytes hold or do not hold, for us and for the court's verifier; what holds for us holds there.",
        body=_proof,
        refusals=(),
        seeds=_proofs,
        limit=32 * KIB,
        share=4,
        covers=(decode_proof, verify_proof, court.check_proof, court.parse_json, court.parse_checkpoint),
        hostile=_proof_hostile,
    ),
    Target(
        name="court-keys",
        contract="Any text of a file of keys is a list of keys, or ProofError.",
        body=_court_keys,
        refusals=(court.ProofError, UnicodeDecodeError),  # the second is answered where the file is read
        seeds=lambda: [KEYS.encode()],
        limit=4 * KIB,
        covers=(court.parse_keys, court.parse_key),
    ),
)
