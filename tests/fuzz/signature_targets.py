"""Detached signatures that a person attaches to a sheet of a journal."""

from functools import cache

from cryptography.hazmat.primitives.serialization import Encoding

from edged.errors import FormatError
from edged.journals.signature import SIGNATURE_LIMIT, Checked, check
from tests.edged.journals.test_signature import CONTENT, certified, key_of, signed
from tests.fuzz.contract import KIB, Target, require


class _Willing:
    """Whatever is shown to it is signed: what is read beside the signature has to hold by itself."""

    def signer(self, content: bytes, signature: bytes) -> bytes:
        return certified(key_of("ECDSA")).public_bytes(Encoding.PEM)


def _signature(data: bytes) -> Checked:
    found = check(CONTENT, data, _Willing())
    require(len(found.signer) < SIGNATURE_LIMIT, "a name longer than the signature")
    return found


@cache
def _sound() -> tuple[bytes, ...]:
    """Made once: a signature by ECDSA is another one each time."""
    return (signed(CONTENT, "ECDSA"),)


TARGETS = (
    Target(
        name="journal-signature",
        contract="who signed and what that is worth here, or a refusal.",
        body=_signature,
        refusals=(FormatError,),
        seeds=_sound,
        limit=8 * KIB,
        covers=(check,),
    ),
)
