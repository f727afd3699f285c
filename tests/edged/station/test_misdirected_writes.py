"""A disk that writes a block into another file than it was told, and reports success."""

import hashlib

import pytest

from edged.errors import ErrorCode
from edged.formats import facts as f
from edged.ports import File
from edged.slots.state import State
from tests.world.loop import story
from tests.world.world import VAULT, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(200_000))
OTHER_FILM = FILM[::-1]


def misdirect_one_block(world: World, victim: str) -> None:
    """The first block of a copy that begins now lands in ``victim``, on the medium as for whoever reads."""
    create = world.fs.create

    def crooked(path: str) -> File:
        file = create(path)
        if path.endswith(".part"):
            world.fs.create = create  # type: ignore[method-assign]  # once
            straight = file.write_at

            def astray(offset: int, data: bytes | memoryview) -> None:
                if offset:
                    straight(offset, data)
                else:
                    world.fs.put(victim, bytes(data) + world.fs.files()[victim][len(data) :])

            file.write_at = astray  # type: ignore[method-assign]  # the lie of this disk
        return file

    world.fs.create = crooked  # type: ignore[method-assign]  # as above


@pytest.mark.fault("K09", "a block that went into another file: its own copy is made anew")
@pytest.mark.fault("K09", "the file that it landed in is never taken for the recording, whose source stays")
@story
async def test_a_block_that_went_into_another_file_costs_no_recording() -> None:
    async with World.open() as world:
        world.defects_expected = True  # the verifier finds the overwritten file as well
        world.centre.open = False
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        victim = world.recordings()[0]
        misdirect_one_block(world, f"{VAULT}/recordings/{victim.folder}/{victim.id}/{victim.file}")
        world.add("K000002", {"CLIP0001.MP4": OTHER_FILM})
        world.insert("K000002", 2)
        await world.until_slot(2, State.READY)
        (given_up,) = world.logged("EDG-2203")
        assert given_up["code"] == ErrorCode.READ_BACK_DIFFERS.label
        copy = world.facts(f.RecordingSealed)[1]
        assert copy.sha256 == hashlib.sha256(OTHER_FILM).hexdigest()
        world.centre.open = True
        await world.until_cleared("K000002")
        await world.passes(600)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        assert not world.recordings("K000001")[0].confirmed_receipt
