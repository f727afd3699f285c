"""A detached signature (CAdES, CMS) over a sheet: whose it is, and what the station can say of it. Pure.

Rule 1: the station checks what it can (RSA, ECDSA) and says so; of a signature by DSTU 4145 it says that the certified
tool has to verify it. Rule 2: a signature over other bytes, or of another person, is refused; so is a file that nobody
has signed, and one that two have: each person attaches the own one. Rule 3: whether the certificate was in force is the
certified tool's to say: the station has no list of the providers of trust services. Rule 4: of what it cannot verify
the station checks what can be read: that there is a signer, which certificate is the signer's, and which bytes the
signer says were signed.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from edged.errors import ErrorCode, FormatError
from edged.journals import cms

SIGNATURE_LIMIT = 64 * 1024  # bytes; a CAdES-X Long with its chain takes about 20 kB
_DSTU_4145 = "1.2.804.2.1.1.1.1.3"  # its signature algorithms lie below this


_DIGESTS: Mapping[str, str] = MappingProxyType(
    {
        "1.3.14.3.2.26": "sha1",
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    }
)
"""Those that can be computed here. GOST 34.311 and DSTU 7564 are the certified tool's."""


class Verdict(StrEnum):
    """What a signature is worth here. Values stand in the ledger: never rename one."""

    VERIFIED = "verified"  # over these bytes, by the holder of the certificate it carries
    CERTIFIED_TOOL = "to-be-verified-by-the-certified-tool"


@dataclass(frozen=True, slots=True)
class Checked:
    verdict: Verdict
    algorithm: str
    signer: str  # common name of the certificate, "" where none can be read


class Verifier(Protocol):
    """What checks RSA and ECDSA signatures (`drivers.openssl_cms`)."""

    def signer(self, content: bytes, signature: bytes) -> bytes:
        """Return the signer's certificate, PEM. Raises FormatError: no signature over these bytes."""
        ...


def check(content: bytes, signature: bytes, verifier: Verifier) -> Checked:
    """Return what there is to say of a detached signature over ``content``.

    Raises:
        FormatError: FORMAT_BAD, too long, no such signature, or without its certificate; SHEET_UNSIGNED, by nobody or
            by several, or not over these bytes.
    """
    if len(signature) > SIGNATURE_LIMIT:
        raise FormatError(reason="signature too long", size=len(signature), limit=SIGNATURE_LIMIT)
    certificates = _certificates(signature)
    signer = _signer_over(content, cms.read(signature))
    if signer.algorithm.startswith(_DSTU_4145):
        return Checked(Verdict.CERTIFIED_TOOL, "DSTU 4145", _common_name(_own(certificates, signer)))
    own = x509.load_pem_x509_certificate(verifier.signer(content, signature))
    return Checked(Verdict.VERIFIED, _algorithm(own), _common_name(own))


def _signer_over(content: bytes, signed: cms.SignedData) -> cms.Signer:
    """Return the one signer, who says that these bytes were signed, as far as that can be computed."""
    if len(signed.signers) != 1:
        raise FormatError(
            ErrorCode.SHEET_UNSIGNED, reason="not one signer in the file", signers=len(signed.signers)
        )
    (signer,) = signed.signers
    if signer.said is None and signer.algorithm.startswith(_DSTU_4145):  # nothing to check it by
        raise FormatError(ErrorCode.SHEET_UNSIGNED, reason="the signer does not say what was signed")
    known = _DIGESTS.get(signer.digest)
    computed = hashlib.new(known, content).digest() if known is not None else signer.said
    if signer.said not in {None, computed} or signed.content not in {None, content}:
        raise FormatError(ErrorCode.SHEET_UNSIGNED, reason="the signature is over other bytes")
    return signer


def _own(certificates: Sequence[x509.Certificate], signer: cms.Signer) -> x509.Certificate:
    if signer.serial is None:  # named by the key, which cannot be read here
        own = [one for one in certificates if not _is_authority(one)]
    else:
        own = [one for one in certificates if one.serial_number == signer.serial]
    if not own:
        raise FormatError(reason="a signature without its certificate")
    return own[0]


def _algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return (
        "RSA"
        if isinstance(key, rsa.RSAPublicKey)
        else "ECDSA"
        if isinstance(key, ec.EllipticCurvePublicKey)
        else "other"
    )


def _certificates(signature: bytes) -> Sequence[x509.Certificate]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is BER: some tools write it so
            found = pkcs7.load_der_pkcs7_certificates(signature)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as exc:
        raise FormatError(reason="no detached signature in DER", why=str(exc)[:200]) from exc
    if not found:
        raise FormatError(reason="a signature without its certificate")
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return False


def _common_name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError as exc:
        raise FormatError(reason="a certificate that names nobody", why=str(exc)[:200]) from exc
    return str(names[0].value) if names else ""


def is_of(signer: str, name: str) -> bool:
    """Whether a certificate's name is this person's: it has every word of it, in whichever order and case.

    A certificate names the patronymic too, a journal the given name and the surname only.
    """
    return bool(name.split()) and _words(name) <= _words(signer)


def _words(name: str) -> frozenset[str]:
    return frozenset(name.replace("'", "’").replace("ʼ", "’").casefold().split())
