"""The earliest moment that it can be now, whatever the host's wall clock says. Pure.

Rule 1: the floor rises only by what can be trusted: a synchronised clock, or a time that somebody else
        signed. A clock that nobody vouches for never raises it: one step into 2106 would end every list.
Rule 2: within one boot it goes on with CLOCK_BOOTTIME, which nobody can set.
Rule 3: validity is decided by the later of floor and wall clock; while the clock is UNKNOWN by the floor
        alone. Setting the clock back revives nothing, and a boot in 1970 or 2106 ends nothing.
"""

from dataclasses import dataclass

from edged.ports import ClockClass, HostTime


@dataclass(frozen=True, slots=True)
class TimeFloor:
    """It was ``wall_ns`` at ``boottime_ns`` of boot ``boot_id``; "" for a boot that is over."""

    wall_ns: int = 0
    boottime_ns: int = 0
    boot_id: str = ""

    def at(self, now: HostTime) -> int:
        """Return the floor, in nanoseconds since 1970, at the moment of ``now``."""
        if self.boot_id and self.boot_id == now.boot_id:
            return self.wall_ns + max(0, now.boottime_ns - self.boottime_ns)
        return self.wall_ns

    def seen(self, now: HostTime) -> "TimeFloor":
        """Return the floor after a look at the host's clocks."""
        wall = self.at(now)
        if now.clock is ClockClass.SYNCHRONISED:
            wall = max(wall, now.wall_ns - (now.max_error_ns or 0))
        return TimeFloor(wall, now.boottime_ns, now.boot_id)

    def signed(self, wall_ns: int, now: HostTime) -> "TimeFloor":
        """Return the floor after a genuine document of ``wall_ns`` was read: a roster, a receipt."""
        return TimeFloor(max(self.at(now), wall_ns), now.boottime_ns, now.boot_id)

    def judged(self, now: HostTime) -> int:
        """Return the time by which validity is decided, in nanoseconds since 1970."""
        floor = self.at(now)
        return floor if now.clock is ClockClass.UNKNOWN else max(floor, now.wall_ns)
