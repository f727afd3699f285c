"""One small story, the same each time, with no bad luck but the cuts: a camera comes with three clips, is emptied
and cleared, an officer takes it, films one clip and brings it back, and all is drained again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from edged.formats import facts as f
from edged.slots.state import State
from tests.simulation.acts_slots import STRANGER, film, take
from tests.simulation.checks import Inspector, Violation, require
from tests.simulation.cut_site import CutSite, Point
from tests.simulation.history import _History
from tests.simulation.plan import CameraPlan, Plan, config_text
from tests.world.persons import OLENA

NAME, SLOT = "K000001", 1
CLIPS = (26_000, 4096, 0)  # seven blocks with marks and syncs on the way; one block; nothing
FILMED = 5000
LIMIT_S = 1800.0  # of virtual time, for each step of the story; without a cut none takes a minute
SHIFT_S = 4.0
STEP_S = 0.5
PERSONS_EVERY = 10  # steps

_CAMERA = CameraPlan(NAME, "gat947", "fat16", CLIPS, {"reenumerate_s": 0.2})
PLAN = Plan(
    seed=1,
    config=config_text(
        (_CAMERA,),
        {
            "ledger": "checkpoint_s = 4.0\ncheckpoint_lines = 12",
            "readiness": "memory_min_h = 0",
            "timing": "retry_s = 2.0\nretry_max_s = 20.0\nsilent_retry_s = 5.0\npower_cycle_s = 1.0\ngrace_s = 1.5",
        },
    ),
    sync_settings={"start_jitter_s": 0.0, "scan_s": 5.0, "poll_s": 5.0, "retry_s": 0.5, "retry_max_s": 10.0},
    cameras=(_CAMERA,),
    acts=(),
)


class Story(_History):
    """``reached`` is told of each moment until all is drained."""

    def __init__(self, reached: Callable[[CutSite, Point], None]) -> None:
        super().__init__(PLAN)
        self._reached = reached
        self.violation: Violation | None = None

    async def play(self) -> None:
        """Up to the end, or to the first promise that is broken."""
        asyncio.get_running_loop().set_exception_handler(self._heard)
        self._site = self.site = CutSite(PLAN)
        self._inspector = self._site.witness = Inspector(self._site)
        self.site.reached = lambda point: self._reached(self.site, point)
        self.violation = await self._played()

    async def _acts(self) -> None:
        site = self._site
        await asyncio.sleep(STEP_S)
        site.insert(NAME, SLOT)
        await self._until(self._cleared, "the camera is cleared and ready")
        await self._issued()
        await asyncio.sleep(SHIFT_S)
        film(site, NAME, FILMED)
        site.insert(NAME, SLOT)
        await self._until(self._cleared, "the camera is cleared and ready again")

    async def _issued(self) -> None:
        for _ in range(int(LIMIT_S)):
            if await take(self._site, OLENA) is not None:
                return
            self._judge()
            await self._persons()
        raise Violation("liveness", "no camera for the officer")

    def _cleared(self) -> bool:
        return self._site.in_state(State.READY) == [SLOT] and not self._site.aboard(NAME)

    async def _until(self, test: Callable[[], object], what: str) -> None:
        for step in range(int(LIMIT_S / STEP_S)):
            self._judge()
            if test():
                return
            if step % PERSONS_EVERY == 0:
                await self._persons()
            await asyncio.sleep(STEP_S)
        raise Violation("liveness", f"not in {LIMIT_S} s: {what}; {self._left()}")

    async def _rest(self) -> None:
        self.site.reached = lambda _: None
        await super()._rest()
        self._once()

    async def _cycle(self) -> None:
        """The story is a whole cycle itself: enough that a stranger comes by."""
        self._site.tap(STRANGER)
        await self._drains()

    def _once(self) -> None:
        """Each clip was sealed, confirmed and cleared once, and one officer has had the camera at most."""
        facts, clips = self._site.facts, Counter(made.sha256 for made in self._site.made)
        content = {fact.recording: fact.sha256 for fact in facts(f.RecordingSealed)}
        for what, names in (
            ("sealed", [fact.recording for fact in facts(f.RecordingSealed)]),
            ("confirmed", [fact.recording for fact in facts(f.RecordingConfirmed)]),
            ("cleared", [name for fact in facts(f.CameraCleared) for name in fact.recordings]),
        ):
            found = Counter(content[name] for name in names)
            require(found == clips, "outcome", f"{what}: {found} of {clips}")
        require(len(facts(f.CameraIssued)) <= 1, "outcome", "the camera was issued once")
