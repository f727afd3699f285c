"""The delete gate as a table: with everything in order it is open, and each rule alone closes it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.worker.messages import Clip
from edged.gate import (
    REQUIRED,
    Cause,
    ClearFacts,
    ClearRate,
    Content,
    GateRule,
    Grounds,
    Policy,
    decide,
)
from edged.ports import Medium

CLIP = Clip(path="/DCIM/A.MP4", size=10, mtime="2026-11-22T07:00:02", first_cluster=5)
SEALED = Content("0" * 32, 10, "a" * 64)
OPEN = ClearFacts(
    cause=Cause.RECEIPT,
    ledger_sound=True,
    listed=CLIP,
    camera_identified=True,
    sealed=SEALED,
    medium=Medium.DIRECT,
    corrupt=False,
    reread_due=False,
    second_read_due=True,
    second_read=SEALED.sha256,
    damaged=False,
    seal_line=41,
    countersigned=42,
    receipt=SEALED,
    held=False,
    seen=CLIP,
    fingerprint_sealed="f",
    fingerprint_seen="f",
    asked=2,
    listed_count=2,
    stopped=False,
)
DECISION = Grounds(decision="17/4", decision_date="2026-11-01")
PERSONS = Grounds(persons=("person-1", "person-2"), reason="camera to repair")

# What is wrong, and the one rule that says so.
CLOSING: list[tuple[GateRule, dict[str, Any]]] = [
    (GateRule.G1, {"ledger_sound": False}),
    (GateRule.G1, {"camera_identified": False}),
    (GateRule.G2, {"sealed": replace(SEALED, size=9), "receipt": replace(SEALED, size=9)}),
    (GateRule.G3, {"medium": Medium.UNPROVEN}),
    (GateRule.G3, {"corrupt": True}),
    (GateRule.G3, {"reread_due": True}),
    (GateRule.G4, {"second_read": ""}),
    (GateRule.G4, {"second_read": "b" * 64}),
    (GateRule.G4, {"second_read": "b" * 64, "second_read_due": False}),
    (GateRule.G4, {"damaged": True}),
    (GateRule.G5, {"countersigned": 41}),
    (GateRule.G5, {"countersigned": 0}),
    (GateRule.G6, {"receipt": None}),
    (GateRule.G6, {"receipt": replace(SEALED, recording="1" * 32)}),
    (GateRule.G6, {"receipt": replace(SEALED, sha256="b" * 64)}),
    (GateRule.G6, {"receipt": replace(SEALED, size=11)}),
    (GateRule.G6, {"held": True}),
    (GateRule.G7, {"seen": None}),
    (GateRule.G7, {"seen": Clip(path=CLIP.path, size=11, mtime=CLIP.mtime, first_cluster=5)}),
    (GateRule.G7, {"seen": Clip(path=CLIP.path, size=10, mtime="2026-11-22T07:00:04", first_cluster=5)}),
    (GateRule.G7, {"seen": Clip(path=CLIP.path, size=10, mtime=CLIP.mtime, first_cluster=6)}),
    (GateRule.G7, {"seen": Clip(path=CLIP.path, size=10, mtime=CLIP.mtime, first_cluster=5, recording=True)}),
    (GateRule.G7, {"fingerprint_seen": "other"}),
    (GateRule.G7, {"fingerprint_seen": "", "fingerprint_sealed": ""}),
    (GateRule.G8, {"cause": Cause.AGE}),
    (GateRule.G9, {"asked": 3}),
    (GateRule.G9, {"asked": 0}),
    (GateRule.G9, {"stopped": True}),
]


def test_with_everything_in_order_the_gate_is_open() -> None:
    assert decide(OPEN).open


@pytest.mark.clause("gov-no-tamper", "a receipt counts only for the recording whose size and hash it names")
@pytest.mark.fault("V02", "without a receipt over id, size and hash nothing is cleared")
@pytest.mark.fault("U14", "a recording with unreadable stretches is never cleared")
@pytest.mark.fault("U17", "a second read that differs keeps the clip on the camera")
@pytest.mark.fault("U18", "a clip that changed or still grows is not cleared")
@pytest.mark.parametrize(("rule", "wrong"), CLOSING, ids=lambda v: v if isinstance(v, str) else "")
def test_each_rule_alone_closes_the_gate(rule: GateRule, wrong: dict[str, Any]) -> None:
    assert decide(replace(OPEN, **wrong)).failing == (rule,)


def test_every_rule_has_a_row() -> None:
    assert {rule for rule, _ in CLOSING} == set(GateRule)


def test_what_nobody_knows_closes_every_rule() -> None:
    assert set(decide(ClearFacts()).failing) == set(GateRule)


def test_a_second_read_that_is_not_due_may_be_missing() -> None:
    assert decide(replace(OPEN, second_read="", second_read_due=False)).open


def test_an_unproven_medium_counts_where_the_configuration_takes_it() -> None:
    assert decide(replace(OPEN, medium=Medium.UNPROVEN, unproven_allowed=True)).open


# --- policies ---

NEEDED = replace(OPEN, cause=Cause.MEMORY_NEEDED, receipt=None, countersigned=0)
BY_PERSON = replace(OPEN, cause=Cause.PERSON)


def test_a_written_decision_lets_sealed_recordings_go_when_memory_is_needed() -> None:
    gate = decide(NEEDED, Policy.ON_SEAL_WHEN_NEEDED, DECISION)
    assert gate.open
    assert gate.policy is Policy.ON_SEAL_WHEN_NEEDED


@pytest.mark.fault(
    "F02", "clearing without a receipt needs number and date of a decision, else receipts count"
)
@pytest.mark.parametrize(
    "grounds",
    [None, Grounds(), Grounds(decision="17/4"), Grounds(decision_date="2026-11-01"), Grounds(" ", " ")],
)
def test_without_number_and_date_the_receipt_is_needed(grounds: Grounds | None) -> None:
    gate = decide(NEEDED, Policy.ON_SEAL_WHEN_NEEDED, grounds)
    assert gate.failing == (GateRule.G5, GateRule.G6)
    assert gate.policy is Policy.ON_RECEIPT


def test_on_seal_holds_only_while_memory_is_needed() -> None:
    facts = replace(NEEDED, cause=Cause.RECEIPT)
    assert not decide(facts, Policy.ON_SEAL_WHEN_NEEDED, DECISION).open


def test_what_the_centre_refuses_stays_under_every_policy() -> None:
    assert decide(replace(NEEDED, held=True), Policy.ON_SEAL_WHEN_NEEDED, DECISION).failing == (GateRule.G6,)


@pytest.mark.clause("gov-no-tamper", "nothing is cleared without a receipt of the server, not even by force")
@pytest.mark.fault("O11", "a forced clear needs a reason and two persons, and keeps G1 to G7")
def test_a_forced_clear_keeps_the_first_seven_rules() -> None:
    for rule, wrong in CLOSING:
        facts = replace(BY_PERSON, **wrong)
        if facts.cause is Cause.PERSON:
            gate = decide(facts, Policy.FORCED, PERSONS)
            assert (rule in gate.failing) is (rule is not GateRule.G9)


@pytest.mark.parametrize(
    "grounds",
    [
        None,
        Grounds(persons=("a", "b")),
        Grounds(persons=("a", "a"), reason="r"),
        Grounds(persons=("a", ""), reason="r"),
    ],
)
def test_a_forced_clear_of_one_person_or_without_reason_is_none(grounds: Grounds | None) -> None:
    facts = replace(BY_PERSON, stopped=True)
    assert decide(facts, Policy.FORCED, PERSONS).open
    assert decide(facts, Policy.FORCED, grounds).failing == (GateRule.G9,)


def test_no_policy_lets_go_of_what_is_not_sealed_and_unchanged() -> None:
    always = {GateRule.G1, GateRule.G2, GateRule.G3, GateRule.G4, GateRule.G7}
    assert all(always <= rules for rules in REQUIRED.values())
    assert set(REQUIRED) == set(Policy)


# --- the brake ---


def rate(*outcomes: bool, at: float = 0) -> ClearRate:
    made = ClearRate()
    for ok in outcomes:
        made.note(at, ok=ok)
    return made


def test_failures_above_the_rate_stop_all_clearing() -> None:
    assert not rate().stopped(0)
    assert not rate(False, False).stopped(0)
    assert rate(False, False, False).stopped(0)
    assert not rate(*[True] * 2997, *[False] * 3).stopped(0)
    assert rate(*[True] * 2996, *[False] * 3).stopped(0)


def test_the_brake_is_released_when_the_failures_are_a_day_old() -> None:
    made = rate(False, False, False, at=100)
    assert made.stopped(100 + ClearRate.WINDOW_S)
    assert not made.stopped(101 + ClearRate.WINDOW_S)


@given(st.lists(st.sampled_from(CLOSING), min_size=1, max_size=6))
def test_more_faults_never_open_the_gate(rows: list[tuple[GateRule, dict[str, Any]]]) -> None:
    rule, last = rows[-1]
    facts = OPEN
    for other, wrong in rows:
        if other is not rule:  # two ways to break one rule may undo each other
            facts = replace(facts, **wrong)
    assert rule in decide(replace(facts, **last)).failing
