"""One camera from its slot to an officer and back: the station's ordinary day."""

import pytest

from edged.station_state import Life
from tests.world.loop import story
from tests.world.world import World

FILM = b"".join(n.to_bytes(8, "big") for n in range(200_000))  # 1.6 MB, no two sectors alike
NOTE = b"a short one"


@pytest.mark.clause(
    "459-III.13-return-charge", "a camera that is put into a slot is offloaded at once and by itself"
)
@story
async def test_a_docked_camera_is_emptied_and_ready_within_two_minutes() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM, "CLIP0002.MP4": NOTE})
        await world.passes(60)  # 07:01 a camera is put into slot 1
        world.insert("K000001", 1)
        await world.until_cleared("K000001", within_s=120)
        first, second = world.recordings("K000001")
        assert (first.life, second.life) == (Life.CLEARED, Life.CLEARED)
        assert {first.size, second.size} == {len(FILM), len(NOTE)}
        await world.passes(5)
        world.check_live()
        order = [line.type for line in world.station.book.lines()]
        for earlier, later in (
            ("camera.docked", "camera.listed"),
            ("camera.listed", "offload.started"),
            ("offload.started", "recording.sealed"),
            ("recording.sealed", "recording.confirmed"),
            ("recording.confirmed", "clear.started"),
            ("clear.started", "camera.cleared"),
        ):
            assert order.index(earlier) < order.index(later)
