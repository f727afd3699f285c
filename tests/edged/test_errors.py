"""Error codes are printed in manuals: unique, grouped, and saying what to do."""

import pytest

from edged import errors
from edged.errors import RETIRED, CameraLostError, EdgeError, ErrorCode

GROUPS = {
    1: "dock",
    2: "camera",
    3: "centre",
    4: "configuration",
    5: "host",
    6: "ledger",
    7: "access",
    9: "defect",
}


def test_numbers_are_never_shared_or_reused() -> None:
    numbers = [code.number for code in ErrorCode]
    assert len(numbers) == len(set(numbers))
    assert not RETIRED & set(numbers)


@pytest.mark.parametrize("code", list(ErrorCode), ids=lambda c: c.name)
def test_every_code_says_who_acts_what_happened_and_what_to_do(code: ErrorCode) -> None:
    assert code.number // 1000 in GROUPS
    assert 1000 <= code.number <= 9999
    assert code.text[0].isupper()
    assert not code.text.endswith(".")
    assert code.remedy.endswith(".")
    assert code.label == f"E{code.number}"


def test_an_error_shows_code_sentence_and_facts() -> None:
    error = EdgeError(ErrorCode.DOCK_SILENT, dock="A", answer_s=0.2)
    assert str(error) == "E1001 The dock controller does not answer (dock='A' answer_s=0.2)"
    assert error.detail == {"dock": "A", "answer_s": 0.2}


def test_a_subclass_has_its_code_and_may_be_given_another() -> None:
    assert CameraLostError().code is ErrorCode.CAMERA_LOST
    assert CameraLostError(ErrorCode.CAMERA_SILENT).code is ErrorCode.CAMERA_SILENT


def test_an_error_without_a_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        EdgeError()


@pytest.mark.parametrize("name", [n for n in vars(errors) if n.endswith("Error") and n != "EdgeError"])
def test_every_expected_failure_is_one_root_with_a_default(name: str) -> None:
    kind = vars(errors)[name]
    assert issubclass(kind, EdgeError)
    assert isinstance(kind.default, ErrorCode)
