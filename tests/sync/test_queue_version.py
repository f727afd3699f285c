"""A queue of an older version gives way to a new one; power may go at every step of it."""

import sqlite3
from pathlib import Path

import pytest

from sync import queue as module
from sync.queue import SCHEMA, Queue, State
from tests.fakes.sqlite_cuts import Cuts
from tests.sync.test_queue import offer


def version(path: Path) -> int:
    db = sqlite3.connect(path)
    ((found,),) = db.execute("PRAGMA user_version")
    db.close()
    return int(found)


@pytest.mark.fault("L11", "a change of the queue's version cut at any step ends in one whole new queue")
def test_a_queue_of_an_older_version_is_replaced_whole_wherever_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue" / "queue.sqlite"
    path.parent.mkdir()
    with monkeypatch.context() as before:
        before.setattr(module, "SCHEMA", SCHEMA + 1)
        old = Queue(str(path))
        old.offer(offer("of the other version"))
        old.close()
    cuts = Cuts(path, tmp_path / "cuts")
    with cuts.taken(monkeypatch):
        Queue(str(path)).close()

    assert len(cuts.left) > 10
    for left in cuts.left:
        queue = Queue(str(left))
        queue.offer(offer("x"))
        assert queue.known() == {"x": State.QUEUED}
        assert queue.next(0) is not None
        queue.close()
        assert version(left) == SCHEMA
