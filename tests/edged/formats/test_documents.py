"""Notes, checkpoints and signed documents: what passes, what does not, and that nothing else happens."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.errors import EdgeError, ErrorCode, FormatError, SignatureError
from edged.formats import badge, document, note, times
from edged.formats.checkpoint import Checkpoint, countersign, open_checkpoint, sign_checkpoint
from edged.formats.line import decode_line
from edged.formats.manifest import manifest_of, open_manifest, sign_manifest
from edged.formats.note import Signer, Verifier, add_signature, open_note, sign
from edged.formats.proof import decode_proof, verify_proof
from edged.formats.receipt import Receipt, open_refusal, require_receipt, sign_receipt
from edged.formats.reference import require_reference, sign_reference
from edged.formats.roster import Credential, open_roster, sign_roster
from edged.formats.schedule import open_schedule, sign_schedule
from tests.edged.formats.samples import (
    AUTHORITY,
    CENTRE,
    MANIFEST,
    RECEIPT,
    REFERENCE,
    REFUSAL,
    STATION,
    STRANGER,
    line,
    person,
    roster,
    schedule,
)

S, C, A = STATION.verifier, CENTRE.verifier, AUTHORITY.verifier
CHECKPOINT = sign_checkpoint(Checkpoint("edged/yahodyn-1", 3, bytes(32)), STATION)

DECODERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "note": (lambda d: open_note(d, [S]), sign(b"text\n", STATION)),
    "checkpoint": (lambda d: open_checkpoint(d, S), CHECKPOINT),
    "manifest": (lambda d: open_manifest(d, S), sign_manifest(MANIFEST, STATION)),
    "receipt": (lambda d: require_receipt(d, C, MANIFEST), sign_receipt(RECEIPT, CENTRE)),
    "refusal": (lambda d: open_refusal(d, C), sign_receipt(REFUSAL, CENTRE)),
    "reference": (
        lambda d: require_reference(d, C, "yahodyn-1", "a" * 32),
        sign_reference(REFERENCE, CENTRE),
    ),
    "roster": (lambda d: open_roster(d, A), sign_roster(roster(), AUTHORITY)),
    "schedule": (lambda d: open_schedule(d, A), sign_schedule(schedule(), AUTHORITY)),
    "line": (decode_line, line().raw),
    "proof": (lambda d: verify_proof(decode_proof(d), S), b'{"type":"edged/proof/v1","index":0}'),
    "json": (document.parse, b'{"a":[1,2.5,null,true,"\xd1\x96"]}'),
}


def decode(kind: str, data: bytes) -> object:
    """The decoder's value; or None for the errors it may raise."""
    try:
        return DECODERS[kind][0](data)
    except (FormatError, SignatureError):
        return None
    except EdgeError as exc:
        if exc.code in {
            ErrorCode.LEDGER_NEWER,
            ErrorCode.RECEIPT_BAD,
            ErrorCode.REFERENCE_BAD,
            ErrorCode.PROOF_BAD,
        }:
            return None
        raise


@pytest.mark.fault("Z01", "any bytes give a value or one of the named errors, in every decoder")
@pytest.mark.parametrize("kind", DECODERS)
@settings(max_examples=60)
@given(data=st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_named_error(kind: str, data: bytes) -> None:
    decode(kind, data)


@pytest.mark.fault("Z06", "a signed document with any one byte changed is not opened")
@pytest.mark.parametrize("kind", ["checkpoint", "manifest", "receipt", "refusal", "roster", "schedule"])
@settings(max_examples=80)
@given(data=st.data())
def test_a_signed_document_with_one_byte_changed_is_not_opened(kind: str, data: st.DataObject) -> None:
    valid = DECODERS[kind][1]
    assert decode(kind, valid) is not None
    place, flip = data.draw(st.integers(0, len(valid) - 1)), data.draw(st.integers(1, 255))
    spoilt = bytearray(valid)
    spoilt[place] ^= flip

    assert decode(kind, bytes(spoilt)) is None


@pytest.mark.fault("B13", "a roster cut off anywhere is not opened")
def test_a_roster_cut_off_anywhere_is_not_opened() -> None:
    whole = sign_roster(roster(), AUTHORITY)

    assert open_roster(whole, A) == roster()
    assert all(decode("roster", whole[:size]) is None for size in range(len(whole)))


@pytest.mark.fault("B13", "a roster by another key, even under the authority's name, is refused")
def test_a_roster_by_another_key_is_refused() -> None:
    other = Signer.from_seed(AUTHORITY.name, bytes([9]) * 32)

    with pytest.raises(SignatureError):
        open_roster(sign_roster(roster(), other), A)


@pytest.mark.clause("459-II.8-lists", "a list that the authority did not sign gives nobody a role")
@pytest.mark.fault("V13", "what a centre in the wrong hands can sign is no roster")
@pytest.mark.parametrize("signer", [CENTRE, STATION], ids=["centre", "station"])
def test_a_roster_by_the_centre_is_refused(signer: Signer) -> None:
    with pytest.raises(SignatureError):
        open_roster(sign_roster(roster(), signer), A)


@pytest.mark.parametrize(
    ("twice", "what"),
    [
        ((person(1), person(1)), "person"),
        ((person(1), msgspec.structs.replace(person(2), account="user1")), "account"),
        (
            (person(1), msgspec.structs.replace(person(2), credentials=person(1).credentials)),
            "credential",
        ),
    ],
)
def test_a_roster_in_which_two_persons_share_one_thing_is_refused(twice: tuple[()], what: str) -> None:
    with pytest.raises(FormatError, match=what):
        sign_roster(roster(*twice), AUTHORITY)


def test_a_roster_with_a_validity_that_ends_before_it_begins_is_refused() -> None:
    backwards = Credential(
        kind="uid",
        digest="f" * 64,
        not_before="2026-02-01T00:00:00.000Z",
        not_after="2026-01-01T00:00:00.000Z",
    )
    with pytest.raises(FormatError, match="ends before"):
        sign_roster(roster(msgspec.structs.replace(person(5), credentials=(backwards,))), AUTHORITY)


@pytest.mark.fault("Z03", "unknown, repeated, reordered or deeply nested JSON is refused, whoever signed it")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"server":', '"extra":1,"server":'),
        lambda text: text.replace('"size":', '"size":1,"size":'),
        lambda text: text.replace(",", ", ", 1),
        lambda text: text.replace('"lviv-1"', '"lviv\\u002d1"'),
        lambda text: text.replace('{"type":"edged/receipt/v1",', "{")[:-1] + ',"type":"edged/receipt/v1"}',
        lambda text: text.replace('"local"', '"cloud"'),
        lambda text: text.replace("8589934592", "8589934592.0"),
        lambda text: text.replace("8589934592", "-1"),
        lambda text: text.replace("8589934592", "9" * 400),
        lambda _: "[" * 20_000,
        lambda _: '{"type":' + '{"a":' * 10_000,
    ],
)
def test_a_receipt_in_another_form_is_refused_though_signed(spoil: Callable[[str], str]) -> None:
    text = document.encode(RECEIPT).decode()

    with pytest.raises(FormatError):
        require_receipt(sign(spoil(text).encode() + b"\n", CENTRE), C, MANIFEST)


# --- receipts ---------------------------------------------------------------------------------------


@pytest.mark.clause("459-V.2-90-days", "a receipt that promises less than the law asks is refused")
@pytest.mark.fault(
    "V05", "a genuine receipt for another station, recording, size, hash or ledger line is refused"
)
@pytest.mark.parametrize(
    "other",
    [
        {"station": "krakivets-2"},
        {"recording": "b" * 32},
        {"size": 2**33 - 1},
        {"sha256": "d" * 64},
        {"ledger_seq": 6},
        {"ledger_line": "0" * 64},
        {"retain_until": "2026-04-10T20:59:59.999Z"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_receipt_for_something_else_is_refused(other: dict[str, object]) -> None:
    forged = sign_receipt(msgspec.structs.replace(RECEIPT, **other), CENTRE)

    with pytest.raises(EdgeError) as caught:
        require_receipt(forged, C, MANIFEST)

    assert caught.value.code is ErrorCode.RECEIPT_BAD
    assert caught.value.detail["differs"] == next(iter(other))


@pytest.mark.fault("V06", "a receipt signed by another key under the centre's name is refused")
@pytest.mark.fault("T19", "a receipt that the station's own key signed is refused")
@pytest.mark.parametrize("signer", [STRANGER, STATION], ids=["other key", "station's key"])
def test_a_receipt_by_another_key_is_refused(signer: Signer) -> None:
    with pytest.raises(SignatureError):
        require_receipt(sign_receipt(RECEIPT, signer), C, MANIFEST)


def test_a_refusal_is_no_receipt() -> None:
    with pytest.raises(FormatError):
        require_receipt(sign_receipt(REFUSAL, CENTRE), C, MANIFEST)
    assert open_refusal(sign_receipt(REFUSAL, CENTRE), C) == REFUSAL


def test_the_genuine_receipt_is_accepted() -> None:
    assert require_receipt(sign_receipt(RECEIPT, CENTRE), C, MANIFEST) == RECEIPT
    assert isinstance(RECEIPT, Receipt)


# --- notes and keys -----------------------------------------------------------------------------------


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    both = add_signature(sign(b"text\n", CENTRE), STRANGER)

    assert open_note(both, [C]).signed_by == (C,)


def test_one_false_signature_of_a_known_key_spoils_the_note() -> None:
    row = STATION.signature_line(b"another text\n")

    with pytest.raises(SignatureError):
        open_note(sign(b"text\n", CENTRE) + row, [C, S])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        sign(b"text\n", CENTRE)[:-1],
        sign(b"text\n", CENTRE) + b"\n",
        sign(b"text\n", CENTRE).replace(b"text", b"te\rt"),
        sign(b"text\n", CENTRE) + CENTRE.signature_line(b"text\n"),
        b"text\n\n" + CENTRE.signature_line(b"text\n") * 17,
        b"x" * note.NOTE_LIMIT + sign(b"text\n", CENTRE),
    ],
)
def test_a_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        open_note(data, [C])


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+AA==", str(C).replace("centre", "c3ntre"), str(C)[:-4]]
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Verifier.parse(text)


def test_keys_survive_their_files() -> None:
    again = Signer.from_pem(STATION.name, STATION.pem())

    assert again.verifier == S == Verifier.parse(str(S))
    with pytest.raises(EdgeError) as caught:
        Signer.from_pem("edged/x", b"not a key")
    assert caught.value.code is ErrorCode.KEY_UNUSABLE


# --- checkpoints --------------------------------------------------------------------------------------


@pytest.mark.fault("T15", "a checkpoint of another origin is refused even under a key that verifies")
def test_a_checkpoint_of_another_origin_is_refused() -> None:
    text = Checkpoint("edged/krakivets-2", 3, bytes(32)).text()

    with pytest.raises(SignatureError, match="origin"):
        open_checkpoint(sign(text, STATION), S)
    with pytest.raises(ValueError, match="own"):
        sign_checkpoint(Checkpoint("edged/krakivets-2", 3, bytes(32)), STATION)


def test_a_checkpoint_without_the_centres_line_is_not_countersigned() -> None:
    with pytest.raises(SignatureError):
        open_checkpoint(CHECKPOINT, S, C)

    assert open_checkpoint(countersign(CHECKPOINT, S, CENTRE), S, C).size == 3


@pytest.mark.parametrize(
    "text",
    [
        b"edged/yahodyn-1\n03\n" + b"A" * 43 + b"=\n",
        b"edged/yahodyn-1\n+3\n" + b"A" * 43 + b"=\n",
        b"edged/yahodyn-1\n3\n" + b"A" * 43 + b"=\nextension\n",
        b"edged/yahodyn-1\n3\nAAAA\n",
        b"edged/yahodyn-1\n3\n" + b"A" * 42 + b"B=\n",
        "edged/yahodyn-1\n３\n".encode() + b"A" * 43 + b"=\n",
        b"edged/yahodyn-1\n0\n" + b"A" * 43 + b"=\n",
        b"\n3\n" + b"A" * 43 + b"=\n",
    ],
)
def test_a_checkpoint_in_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError):
        Checkpoint.parse(text)


# --- manifests, times, badges --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", [{"file": "content.mp4/../x"}, {"folder": "../../etc"}, {"recording": "A" * 32}]
)
def test_a_manifest_never_names_a_place_outside(field: dict[str, str]) -> None:
    spoilt = msgspec.structs.replace(MANIFEST, **field)

    with pytest.raises(FormatError):
        open_manifest(sign_manifest(spoilt, STATION), S)


def test_only_a_sealing_line_has_a_manifest() -> None:
    assert manifest_of("yahodyn-1", line()) == MANIFEST
    assert MANIFEST.ledger_line == line().hash


@pytest.mark.clause(
    "459-V.2-90-days",
    "ninety whole calendar days are counted in Kyiv after the day of placement on the server",
)
@pytest.mark.parametrize(
    ("placed", "until"),
    [
        ("2026-01-10T10:00:00.000Z", "2026-04-10T21:00:00.000Z"),  # not before 11 April in Kyiv (summer time)
        ("2026-01-10T22:00:00.000Z", "2026-04-11T21:00:00.000Z"),  # already 11 January in Kyiv
        ("2026-01-10T21:59:59.999Z", "2026-04-10T21:00:00.000Z"),
        ("2026-08-01T12:00:00.000Z", "2026-10-30T22:00:00.000Z"),  # back to winter time meanwhile
    ],
)
def test_recordings_are_kept_ninety_whole_days_after_the_day_of_placement_in_kyiv(
    placed: str, until: str
) -> None:
    assert times.retain_until(placed) == until


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_times_survive_their_text(millis: int) -> None:
    assert times.parse_ns(times.format_ns(millis * 1_000_000)) == millis * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-30T00:00:00.000Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000+00:00",
        "２026-01-01T00:00:00.000Z",
    ],
)
def test_a_time_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        times.parse_ns(text)


def test_a_badge_digest_depends_on_key_kind_and_number_alone() -> None:
    # HMAC-SHA256 with openssl: printf 'edged/badge/v1\0uid\0\x04\xa1\xb2\xc3' | openssl dgst -sha256 -mac HMAC
    #   -macopt hexkey:0101…01
    key = bytes([1]) * 32
    assert badge.credential_digest(key, "uid", bytes.fromhex("04a1b2c3")) == EXPECTED_DIGEST
    assert badge.credential_digest(bytes(32), "uid", bytes.fromhex("04a1b2c3")) != EXPECTED_DIGEST
    assert badge.credential_digest(key, "pin", bytes.fromhex("04a1b2c3")) != EXPECTED_DIGEST
    assert badge.parse_key(key.hex().encode() + b"\n") == badge.parse_key(key) == key
    with pytest.raises(FormatError):
        badge.credential_digest(key, "uid\0x", b"1")
    with pytest.raises(EdgeError):
        badge.parse_key(b"short")


EXPECTED_DIGEST = "56841b5edcf1a6c7de409785240f6f878d14be89853f3676d3b9d971247291d6"
