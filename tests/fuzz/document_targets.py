"""What is signed: manifests, receipts, refusals, rosters, schedules."""

from collections.abc import Callable, Mapping
from typing import Any

from edged.errors import EdgeError, FormatError, SignatureError
from edged.formats import document, receipt
from edged.formats.manifest import open_manifest
from edged.formats.note import Signer, sign
from edged.formats.receipt import open_receipt, open_refusal, require_receipt
from edged.formats.reference import open_reference
from edged.formats.roster import ROSTER_LIMIT, open_roster, sign_roster
from edged.formats.schedule import open_schedule, sign_schedule
from edged.formats.signed import open_document, sign_document
from sync.answers import _reason
from sync.outbox import unverified_manifest
from tests.edged.formats import samples
from tests.edged.formats.samples import AUTHORITY, CENTRE, STATION
from tests.fuzz.contract import KIB, Target, must, require
from tests.fuzz.samples import hostile_json

_SIGN: Mapping[str, Callable[[Any, Signer], bytes]] = {"roster": sign_roster, "schedule": sign_schedule}
_TEXT = "Whatever text stands under a true signature is refused, or a document that signs to the same bytes."


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
        return _SIGN.get(name, sign_document)(found, signer)

    return Target(
        name=name,
        contract=_TEXT,
        body=_signed_text(open_, signer, sign_again),
        refusals=(FormatError, SignatureError),
        seeds=lambda: [_text_of(value)],
        limit=limit,
        share=2,
        covers=(*covers, open_document, document.decode, document.convert),
        hostile=lambda: [seed + b"\n" for seed in hostile_json()],
    )


def _required_receipt(data: bytes) -> None:
    require_receipt(sign(data, CENTRE), CENTRE.verifier, samples.MANIFEST)


def _unverified(data: bytes) -> None:
    require(unverified_manifest(data) == unverified_manifest(data), "one manifest has two readings")


def _refusal_reason(data: bytes) -> None:
    text = _reason(data)
    require(len(text) <= 200 and text.isprintable(), "a reason that cannot be shown")


TARGETS = (
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
        "reference",
        lambda data: open_reference(data, CENTRE.verifier),
        CENTRE,
        samples.REFERENCE,
        open_reference,
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
    _signed(
        "schedule",
        lambda data: open_schedule(data, AUTHORITY.verifier),
        AUTHORITY,
        samples.schedule(
            samples.shift("d", "2026-11-27T06:00:00.000Z", "2026-11-27T18:00:00.000Z", officers=("olena",)),
            days_off=("2026-11-30",),
        ),
        open_schedule,
        limit=64 * KIB,
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
        hostile=hostile_json,
    ),
)
