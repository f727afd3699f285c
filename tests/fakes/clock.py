"""A clock that stands still until a test moves it."""

from edged.ports import ClockClass, HostTime

START_NS = 1_795_330_800_000_000_000  # 2026-11-22T07:00:00Z


class StillClock:
    """Implements `edged.ports.Clock`."""

    def __init__(self, wall_ns: int = START_NS) -> None:
        self.wall_ns = wall_ns
        self.boottime_ns = 1_000_000_000
        self.boot_id = "b" * 32
        self.clock = ClockClass.SYNCHRONISED
        self.max_error_ns: int | None = 1_000_000

    def now(self) -> HostTime:
        return HostTime(self.wall_ns, self.boottime_ns, self.boot_id, self.clock, self.max_error_ns)

    def confirm(self) -> HostTime:
        self.clock = ClockClass.HOLDOVER
        return self.now()

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.wall_ns += int(seconds * 1e9)
        self.boottime_ns += int(seconds * 1e9)
