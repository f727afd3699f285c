"""One suite for every store: what the port promises, whoever keeps it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sync.store import (
    AlreadyThereError,
    Assurance,
    CentreProtocolError,
    Dialler,
    NotThereError,
    RemoteStat,
    Store,
)
from tests.sync import places

PLACES = [places.memory, places.directory, pytest.param(places.openssh, marks=pytest.mark.slow)]


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def dialler(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dialler]:
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture
async def store(dialler: Dialler) -> AsyncIterator[Store]:
    opened = await dialler.connect()
    yield opened
    await opened.close()


async def put(store: Store, path: str, data: bytes) -> None:
    file = await store.create(path)
    await file.write_at(0, data)
    await file.sync()
    await file.close()


async def test_what_was_written_and_synced_can_be_read(store: Store) -> None:
    data = bytes(range(256)) * 1024
    await put(store, "a.part", data)
    assert await store.read("a.part", len(data)) == data
    assert await store.read_at("a.part", 5, 10) == data[5:15]
    assert await store.read_at("a.part", len(data) - 3, 10) == data[-3:]
    assert await store.stat("a.part") == RemoteStat(len(data), is_dir=False)
    assert store.assurance is Assurance.SYNCED


async def test_blocks_may_come_in_any_order_and_twice(store: Store) -> None:
    file = await store.create("a.part")
    for offset, data in ((4, b"5678"), (0, b"1234"), (4, b"5678")):
        await file.write_at(offset, data)
    await file.sync()
    await file.close()
    assert await store.read("a.part", 100) == b"12345678"


async def test_an_existing_file_can_be_gone_on_with(store: Store) -> None:
    await put(store, "a.part", b"1234")
    file = await store.reopen("a.part")
    await file.write_at(4, b"5678")
    await file.close()
    assert await store.read("a.part", 100) == b"12345678"


async def test_a_file_is_never_made_twice(store: Store) -> None:
    await put(store, "a.part", b"first")
    with pytest.raises(AlreadyThereError):
        await store.create("a.part")
    assert await store.read("a.part", 100) == b"first"


async def test_renaming_never_replaces(store: Store) -> None:
    await put(store, "a.part", b"new")
    await put(store, "a", b"old")
    with pytest.raises(AlreadyThereError):
        await store.rename("a.part", "a")
    assert await store.read("a", 100) == b"old"
    assert await store.read("a.part", 100) == b"new"


async def test_a_renamed_file_has_its_new_name_only(store: Store) -> None:
    await put(store, "a.part", b"x")
    await store.rename("a.part", "a")
    assert await store.stat("a.part") is None
    assert await store.stat("a") == RemoteStat(1, is_dir=False)


async def test_folders_are_made_with_their_parents_and_again_without_complaint(store: Store) -> None:
    for _ in range(2):
        await store.make_dirs("recordings/2026/11/22")
    await put(store, "recordings/2026/11/22/b", b"")
    await put(store, "recordings/2026/11/22/a", b"")
    assert await store.list_dir("recordings/2026/11/22") == ["a", "b"]
    found = await store.stat("recordings/2026")
    assert found is not None
    assert found.is_dir


async def test_what_is_not_there_is_said_so(store: Store) -> None:
    assert await store.stat("nothing") is None
    for ask in (store.list_dir("nothing"), store.read("nothing", 1), store.reopen("nothing")):
        with pytest.raises(NotThereError):
            await ask
    with pytest.raises(NotThereError):
        await store.create("no/folder")


async def test_a_file_longer_than_allowed_is_not_read(store: Store) -> None:
    await put(store, "a", b"12345")
    with pytest.raises(CentreProtocolError):
        await store.read("a", 4)


async def test_the_space_left_is_known(store: Store) -> None:
    space = await store.space()
    assert space is not None
    assert space.free > 0
    assert space.free_inodes > 0


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../up", "a/../b", "a//b", ".hidden", "a\n", "é", "x" * 600]
)
async def test_no_path_leads_out_of_the_home(path: str, tmp_path: Path) -> None:
    with places.memory(tmp_path) as dialler:
        store = await dialler.connect()
        for ask in (store.stat(path), store.create(path), store.list_dir(path), store.rename("a", path)):
            with pytest.raises(ValueError, match="not a path of ours"):
                await ask
