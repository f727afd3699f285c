"""Stretches of time, and what is left of them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time without a break in which something was so."""

    began: datetime
    ended: datetime

    @property
    def length(self) -> timedelta:
        return self.ended - self.began


def clip(stretch: Stretch, to: Stretch) -> Stretch:
    """The part of it within the other; of no length if there is none."""
    began = min(max(stretch.began, to.began), to.ended)
    return Stretch(began, max(began, min(stretch.ended, to.ended)))


def clipped(stretches: Iterable[Stretch], to: Stretch) -> Iterator[Stretch]:
    return (part for part in (clip(one, to) for one in stretches) if part.length > ZERO)


def merged(stretches: Iterable[Stretch], apart: timedelta = ZERO) -> list[Stretch]:
    """Sorted, those that touch, overlap or are no further apart made one."""
    whole: list[Stretch] = []
    for one in sorted(stretches, key=lambda stretch: (stretch.began, stretch.ended)):
        if whole and one.began - whole[-1].ended <= apart:
            whole[-1] = Stretch(whole[-1].began, max(whole[-1].ended, one.ended))
        else:
            whole.append(one)
    return whole


def less(stretch: Stretch, dead: Sequence[Stretch]) -> Iterator[Stretch]:
    """What is left of it without the (merged) dead ones."""
    began = stretch.began
    for gap in dead:
        if gap.ended <= began or gap.began >= stretch.ended:
            continue
        if gap.began > began:
            yield Stretch(began, gap.began)
        began = gap.ended
    if began < stretch.ended:
        yield Stretch(began, stretch.ended)
