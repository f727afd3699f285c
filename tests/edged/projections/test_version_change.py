"""A view of an older version gives way to a new one; power may go at every step of it."""

import sqlite3
from pathlib import Path

import pytest

from edged.projections import sqlite as module
from edged.projections.sqlite import SqliteStore
from edged.projections.store import LogQuery
from tests.edged.projections.test_stores import HISTORY, ORIGIN, history
from tests.fakes.sqlite_cuts import Cuts


async def filled(path: Path) -> None:
    store = SqliteStore(str(path))
    try:
        assert await store.open(ORIGIN) == 0
        await store.add(history())
    finally:
        await store.close()


async def lines(path: Path) -> int:
    """How many lines the view finds after a start that does what a projector does."""
    store = SqliteStore(str(path))
    try:
        held = await store.open(ORIGIN)
        await store.add(history()[held:])
        return len(await store.search(LogQuery()))
    finally:
        await store.close()


def version(path: Path) -> str:
    db = sqlite3.connect(path)
    ((found,),) = db.execute("SELECT value FROM about WHERE key = 'schema'")
    db.close()
    return str(found)


@pytest.mark.fault("L11", "a change of the views' version cut at any step ends in one whole new view")
async def test_a_view_of_an_older_version_is_replaced_whole_wherever_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "views" / "views.sqlite"
    path.parent.mkdir()
    with monkeypatch.context() as before:
        before.setattr(module, "SCHEMA_VERSION", module.SCHEMA_VERSION - 1)
        await filled(path)
    cuts = Cuts(path, tmp_path / "cuts")
    with cuts.taken(monkeypatch):
        await filled(path)

    assert len(cuts.left) > 20
    for left in cuts.left:
        assert await lines(left) == len(HISTORY)
        assert version(left) == str(module.SCHEMA_VERSION)
