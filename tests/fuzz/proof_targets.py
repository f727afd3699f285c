"""Ledger lines and proofs: what a court is given."""

import asyncio
from collections.abc import Callable
from functools import cache

from edged.court import verify_proof as court
from edged.errors import EdgeError, ErrorCode
from edged.formats.line import Line, decode_envelope, decode_line, encode_data, encode_line
from edged.formats.proof import decode_proof, encode_proof, verify_proof
from edged.ledger.proofs import prove
from tests.edged.formats import samples
from tests.edged.formats.samples import CENTRE, STATION
from tests.edged.ledger.station import COUNTERSIGNED, LEDGER, Station, sealed
from tests.fuzz.contract import KIB, Target, must, require, round_trip
from tests.fuzz.samples import hostile_json

CONTENT = b"the recording's bytes"
RECORDING = "7" * 32
KEYS = f"# who signs\n{STATION.verifier}\n\n{CENTRE.verifier}\n"


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
    return [*hostile_json(), *_proofs(), proof().replace(b'"index":1', b'"index":' + b"1" * 5000)]


TARGETS = (
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
