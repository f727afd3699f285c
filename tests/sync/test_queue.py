"""The queue: its order, its memory, and that losing it loses nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync.queue import Kind, Offer, Queue, QueueError, Rank, State

BASE = Offer(key="a" * 32, kind=Kind.RECORDING, folder="/v/a", rank=Rank.NORMAL, age="2026", size=10)


def offer(
    key: str, rank: Rank = Rank.NORMAL, age: str = "2026", kind: Kind = Kind.RECORDING, line: int = -1
) -> Offer:
    return replace(BASE, key=key, rank=rank, age=age, kind=kind, line=line)


def order(queue: Queue) -> list[str]:
    found = []
    while (item := queue.next(0)) is not None:
        found.append(item.key)
        queue.delivered(item.key, 1)
    return found


def test_ledger_then_requested_then_flagged_then_the_oldest() -> None:
    queue = Queue(":memory:")
    queue.offer(offer("young", age="2026-12"))
    queue.offer(offer("old", age="2026-01"))
    queue.offer(offer("wanted", age="2026-11"))
    queue.offer(offer("flagged", Rank.FLAGGED, age="2026-11"))
    queue.offer(offer("piece", Rank.LEDGER, kind=Kind.PIECE))
    queue.request("wanted")
    queue.request("piece")  # a request never makes anything later
    assert order(queue) == ["piece", "wanted", "flagged", "old", "young"]


def test_only_the_ledger_is_urgent() -> None:
    queue = Queue(":memory:")
    queue.offer(offer("wanted", Rank.REQUESTED))
    assert queue.next(0, urgent=True) is None
    queue.offer(offer("piece", Rank.LEDGER, kind=Kind.PIECE))
    found = queue.next(0, urgent=True)
    assert found is not None
    assert found.key == "piece"


def test_what_failed_waits_and_what_is_held_for_good_is_not_offered() -> None:
    queue = Queue(":memory:")
    for key in ("x", "y", "z"):
        queue.offer(offer(key))
    queue.retry("x", 100, "why")
    queue.hold("y", "refused", answer="digest")
    queue.hold("z", "no permission", again_at=50)
    assert queue.next(49) is None
    assert queue.next_due() == 50
    assert [queue.next(50).key, queue.get("x").attempts] == ["z", 1]  # type: ignore[union-attr]  # both are there
    assert {item.key for item in queue.unanswered()} == {"y"}


def test_an_offer_made_twice_changes_nothing() -> None:
    queue = Queue(":memory:")
    queue.offer(offer("x"))
    queue.delivered("x", 7)
    queue.offer(offer("x"))
    assert queue.count()[State.DELIVERED] == 1


def test_a_mark_counts_for_its_own_part_only() -> None:
    queue = Queue(":memory:")
    queue.offer(offer("x"))
    queue.begin("x", "one.part")
    queue.mark("x", "one.part", 5)
    queue.begin("x", "two.part")
    queue.mark("x", "one.part", 9)  # late word of the file before
    item = queue.get("x")
    assert item is not None
    assert (item.part, item.synced) == ("two.part", 0)


def test_countersigned_lines_are_forgotten_until_the_centre_loses_them() -> None:
    queue = Queue(":memory:")
    for name, line in (
        ("000000000000-000000000003.jsonl", 3),
        ("000000000004.note", 3),
        ("000000000009.note", 8),
    ):
        queue.offer(offer(name, Rank.LEDGER, kind=Kind.PIECE, line=line))
        queue.delivered(name, 1)
    queue.settle_ledger(4)
    assert list(queue.known()) == ["000000000009.note"]
    assert queue.ledger_done() == 4
    queue.offer_all_again(2)
    assert (queue.known(), queue.ledger_done()) == ({}, 2)


def test_a_receipt_from_before_the_loss_does_not_settle_what_is_offered_again() -> None:
    queue = Queue(":memory:")
    queue.offer(offer("x"))
    queue.receipted("x")
    queue.offer_all_again(0)
    queue.receipted("x")
    assert queue.count()[State.QUEUED] == 1
    queue.answered("x", "new")
    queue.receipted("x")
    assert queue.count()[State.RECEIPTED] == 1


def test_what_waits_for_its_receipt_is_named_the_newest_first() -> None:
    queue = Queue(":memory:")
    for key, age in (("one", "1"), ("two", "2"), ("three", "3"), ("four", "4"), ("new", "5")):
        queue.offer(offer(key, age=age))
    for key in ("one", "two", "three", "four"):
        queue.delivered(key, 1)
    queue.receipted("three")
    assert queue.awaiting(9) == ["four", "two", "one"]
    assert queue.awaiting(2) == ["four", "two"]


def test_it_survives_being_closed_and_makes_all_due_again(tmp_path: Path) -> None:
    path = str(tmp_path / "q")
    queue = Queue(path)
    queue.offer(offer("x"))
    queue.offer(offer("y"))
    queue.begin("x", "p.part")
    queue.retry("y", 10**18, "later")
    queue.hold("z", "nothing")
    queue.close()
    queue = Queue(path)
    assert queue.known() == {"x": State.QUEUED, "y": State.QUEUED}
    assert order(queue) == ["x", "y"]
    queue.close()


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_put_aside_and_a_new_queue_made(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "q"
    path.write_bytes(content)
    queue = Queue(str(path))
    queue.offer(offer("x"))
    assert order(queue) == ["x"]
    queue.close()
    if content:
        assert (tmp_path / "q.damaged").read_bytes() == content


def test_a_page_that_rots_while_it_lies_there_is_found_at_opening(tmp_path: Path) -> None:
    path = tmp_path / "q"
    queue = Queue(str(path))
    for number in range(200):
        queue.offer(offer(f"{number:032x}"))
    queue.close()
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(reversed(data[4096:8192]))
    path.write_bytes(data)
    queue = Queue(str(path))
    assert queue.known() == {}
    queue.close()


def test_a_failure_of_the_file_has_a_name_of_its_own() -> None:
    queue = Queue(":memory:")
    queue.close()
    with pytest.raises(QueueError):
        queue.known()
