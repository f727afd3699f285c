"""What the opening of the station's files tells in the log."""

from tests.world.loop import story
from tests.world.world import STATE, World


@story
async def test_a_torn_line_that_the_opening_cut_is_told_once() -> None:
    async with World.open() as world:
        await world.stop()
        path = f"{STATE}/ledger/current.jsonl"
        file = world.fs.open(path, write=True)
        file.write_at(file.size(), b'{"v":1,"se')
        file.sync()
        file.close()
        world.log.clear()
        await world.boot()
        told = [fields for event, fields in world.log if event == "EDG-6002"]
        assert [fields["size"] for fields in told] == [10]
        assert [event for event, _ in world.log][:2] == ["EDG-6001", "EDG-6002"]
