"""A whole station in one process and one event loop, in virtual time, against simulated hardware.

The station is the shipped one, opened by the wiring's own function; only its ports are of this world.

    @story
    async def test_one_shift() -> None:
        async with World.open() as world:
            world.add("K000001", {"CLIP0001.MP4": FILM})
            world.insert("K000001", 1)
            await world.until_slot(1, State.READY)
"""
