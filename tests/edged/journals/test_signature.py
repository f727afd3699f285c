"""A detached signature over a sheet: verified, of whom, or left to the certified tool."""

import functools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from drivers.openssl_cms import OpensslCms
from edged.errors import ErrorCode, FormatError
from edged.journals import cms
from edged.journals.signature import SIGNATURE_LIMIT, Checked, Verdict, check, is_of

CONTENT = '{"type":"edged/journal-handover/v1","head":"Додаток 1"}\n'.encode()
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NAME = "ПЕТРЕНКО Іван Миколайович"
ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
SHA256, GOST_34311 = bytes.fromhex("0609608648016503040201"), bytes.fromhex("060a2a862402010101010201")
DSTU_4145_LE = bytes.fromhex("060b2a86240201010101030101")  # 1.2.804.2.1.1.1.1.3.1.1


def certified(key: Key, name: str = NAME, serial: int = 7) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=700))
        .sign(key, hashes.SHA256())
    )


@functools.cache
def key_of(algorithm: str) -> Key:
    if algorithm == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def attached(*certificates: x509.Certificate) -> bytes:
    """A file of certificates that nobody has signed."""
    return pkcs7.serialize_certificates(list(certificates), serialization.Encoding.DER)


def dstu(der: bytes) -> bytes:
    return rewritten(der, ECDSA_WITH_SHA256, DSTU_4145_LE)


def signed(
    content: bytes,
    algorithm: str = "RSA",
    name: str = NAME,
    *others: str,
    detached: bool = True,
    bare: bool = False,
    besides: x509.Certificate | None = None,
) -> bytes:
    """``others``: algorithms of further signers; ``bare``: without signed attributes."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    for one in (algorithm, *others):
        key = key_of(one)
        builder = builder.add_signer(certified(key, name), key, hashes.SHA256())
    if besides is not None:
        builder = builder.add_certificate(besides)
    options = [pkcs7.PKCS7Options.Binary]
    options += [pkcs7.PKCS7Options.DetachedSignature] if detached else []
    options += [pkcs7.PKCS7Options.NoAttributes] if bare else []
    return builder.sign(serialization.Encoding.DER, options)


def rewritten(der: bytes, old: bytes, new: bytes) -> bytes:
    """Return DER with one element in the place of another wherever it stands, all lengths as they are then."""
    out = b""
    while der:
        head = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)
        size = der[1] if head == 2 else int.from_bytes(der[2:head], "big")
        whole, body, der = der[: head + size], der[head : head + size], der[head + size :]
        if whole == old:
            out += new
        elif whole[0] & 0x20:  # it has parts
            inner = rewritten(body, old, new)
            length = len(inner).to_bytes((len(inner).bit_length() + 7) // 8 or 1, "big")
            out += whole[:1] + (length if len(inner) < 0x80 else bytes([0x80 | len(length)]) + length) + inner
        else:
            out += whole
    return out


class Never:
    def signer(self, content: bytes, signature: bytes) -> bytes:
        raise AssertionError("not asked of this one")


@pytest.mark.parametrize("algorithm", ["RSA", "ECDSA"])
def test_a_signature_over_these_bytes_is_verified(algorithm: str) -> None:
    checked = check(CONTENT, signed(CONTENT, algorithm), OpensslCms())
    assert checked == Checked(Verdict.VERIFIED, algorithm, NAME)


@pytest.mark.parametrize("algorithm", ["RSA", "ECDSA"])
def test_a_signature_over_other_bytes_is_refused(algorithm: str) -> None:
    with pytest.raises(FormatError) as refused:
        check(CONTENT + b" ", signed(CONTENT, algorithm), OpensslCms())
    assert refused.value.code is ErrorCode.SHEET_UNSIGNED
    assert refused.value.detail["reason"] == "the signature is over other bytes"


def test_a_signature_that_was_altered_is_refused() -> None:
    whole = signed(CONTENT)
    with pytest.raises(FormatError) as refused:
        check(CONTENT, whole[:-9] + bytes(9), OpensslCms())
    assert refused.value.detail["reason"] == "no valid signature over this sheet"


NATIONAL = [
    dstu(signed(CONTENT, "ECDSA")),
    rewritten(dstu(signed(CONTENT, "ECDSA")), SHA256, GOST_34311),  # a digest that cannot be computed here
]


@pytest.mark.parametrize("signature", NATIONAL)
def test_a_signature_by_the_national_standard_is_left_to_the_certified_tool(signature: bytes) -> None:
    assert check(CONTENT, signature, Never()) == Checked(Verdict.CERTIFIED_TOOL, "DSTU 4145", NAME)


@pytest.mark.parametrize("algorithm", ["RSA", "ECDSA"])
def test_certificates_that_nobody_has_signed_with_are_no_signature(algorithm: str) -> None:
    only = attached(certified(key_of(algorithm)))
    for file in (only, dstu(only)):
        with pytest.raises(FormatError) as refused:
            check(CONTENT, file, Never())
        assert refused.value.code is ErrorCode.SHEET_UNSIGNED
        assert refused.value.detail == {"reason": "not one signer in the file", "signers": 0}


def test_what_two_have_signed_in_one_file_is_refused() -> None:
    with pytest.raises(FormatError) as refused:
        check(CONTENT, signed(CONTENT, "RSA", NAME, "ECDSA"), Never())
    assert refused.value.detail["signers"] == 2


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (dstu(signed(CONTENT + b" ", "ECDSA")), "the signature is over other bytes"),
        (dstu(signed(b"other", "ECDSA", detached=False)), "the signature is over other bytes"),
        (dstu(signed(CONTENT, "ECDSA", bare=True)), "the signer does not say what was signed"),
    ],
)
def test_what_the_station_cannot_verify_is_over_these_bytes_as_far_as_can_be_read(
    signature: bytes, reason: str
) -> None:
    with pytest.raises(FormatError) as refused:
        check(CONTENT, signature, Never())
    assert (refused.value.code, refused.value.detail["reason"]) == (ErrorCode.SHEET_UNSIGNED, reason)


def test_a_signature_without_attributes_is_verified_all_the_same() -> None:
    assert check(CONTENT, signed(CONTENT, bare=True), OpensslCms()).verdict is Verdict.VERIFIED
    with pytest.raises(FormatError) as refused:
        check(CONTENT + b" ", signed(CONTENT, bare=True), OpensslCms())
    assert refused.value.code is ErrorCode.SHEET_UNSIGNED


def test_a_signature_with_its_content_beside_it_is_over_that_content() -> None:
    whole = rewritten(dstu(signed(CONTENT, "ECDSA", detached=False)), SHA256, GOST_34311)
    assert check(CONTENT, whole, Never()).verdict is Verdict.CERTIFIED_TOOL
    with pytest.raises(FormatError):
        check(CONTENT + b" ", whole, Never())


def test_the_signer_is_whose_certificate_he_names() -> None:
    other = certified(ec.generate_private_key(ec.SECP256R1()), "ІНША Особа", serial=8)
    mixed = dstu(signed(CONTENT, "ECDSA", besides=other))
    assert check(CONTENT, mixed, Never()).signer == NAME


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_any_bytes_in_a_signature_give_signers_or_a_refusal(noise: bytes, at: int) -> None:
    whole = signed(CONTENT, "ECDSA")
    for damaged in (noise, whole[:at] + noise + whole[at + len(noise) :]):
        try:
            cms.read(damaged)
        except FormatError:
            continue


@pytest.mark.parametrize("junk", [b"", b"\0", b"0\x80", CONTENT, bytes(1000)])
def test_what_is_no_signature_is_refused(junk: bytes) -> None:
    with pytest.raises(FormatError):
        check(CONTENT, junk, Never())


def test_a_signature_cut_off_anywhere_is_refused() -> None:
    whole = signed(CONTENT)
    for end in range(0, len(whole), 37):
        with pytest.raises(FormatError):
            check(CONTENT, whole[:end], Never())


def test_a_signature_that_is_too_long_is_not_even_read() -> None:
    with pytest.raises(FormatError) as refused:
        check(CONTENT, bytes(SIGNATURE_LIMIT + 1), Never())
    assert refused.value.detail["reason"] == "signature too long"


def test_without_openssl_nothing_is_verified() -> None:
    with pytest.raises(FormatError) as refused:
        check(CONTENT, signed(CONTENT), OpensslCms("/nonexistent/openssl"))
    assert refused.value.detail["reason"] == "openssl did not answer"


@pytest.mark.parametrize(
    ("signer", "name", "same"),
    [
        (NAME, "Іван Петренко", True),
        (NAME, "Іван ПЕТРЕНКО", True),
        (NAME, "Петро Петренко", False),
        (NAME, "Іван", True),
        (NAME, "", False),
        ("", "Іван Петренко", False),
        ("СОЛОВ'ЯНЕНКО Дар’я", "Дарʼя Солов’яненко", True),
    ],
)
def test_a_certificate_is_of_whom_it_names(signer: str, name: str, same: bool) -> None:
    assert is_of(signer, name) is same
