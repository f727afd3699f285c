"""What the courier says of itself, as edged reads it."""

import msgspec
import pytest

from edged.control.courier import account_of
from edged.reports.source import Account
from edged.station.courier import FILE, LIMIT, CourierReport, courier_report
from sync.report import AWAITING
from tests.fakes.memory_fs import MemoryFS
from tests.fuzz.samples import STATUS

INBOX = "/inbox"


def read(content: bytes) -> CourierReport | None:
    fs = MemoryFS()
    fs.put(f"{INBOX}/{FILE}", content)
    return courier_report(fs, INBOX)


@pytest.mark.clause("scan-VI.2-reconcile", "what is delivered is read out of the courier's own account")
@pytest.mark.parametrize(("delivered", "whole"), [(2, True), (1, True), (3, False)])
def test_what_waits_for_its_receipt_is_named(delivered: int, whole: bool) -> None:
    said = msgspec.structs.replace(STATUS, delivered=delivered)
    account = account_of(read(msgspec.json.encode(said)))
    assert account == Account(time=STATUS.time, delivered=frozenset({"a" * 32, "b" * 32}), whole=whole)


@pytest.mark.parametrize("change", [{"awaiting_items": None}, {"time": "gestern"}, {"time": ""}])
def test_a_report_without_names_or_time_is_no_account(change: dict[str, str | None]) -> None:
    said = msgspec.to_builtins(STATUS) | change
    assert account_of(read(msgspec.json.encode(said))) is None


def test_the_report_of_an_older_courier_is_read_and_is_no_account() -> None:
    said = {name: value for name, value in msgspec.to_builtins(STATUS).items() if name != "awaiting_items"}
    report = read(msgspec.json.encode(said))
    assert report is not None
    assert (report.queued, account_of(report)) == (STATUS.queued, None)


def test_no_report_is_no_account() -> None:
    assert account_of(courier_report(MemoryFS(), INBOX)) is None


def test_as_many_as_are_named_fit_what_is_read() -> None:
    said = msgspec.structs.replace(STATUS, awaiting_items=("a" * 32,) * AWAITING)
    assert len(msgspec.json.encode(said)) < LIMIT / 2
