"""Rows of the table of figures, and the few statistics behind them.

Rule 1: a figure is shown with its spread; a single number out of a noisy machine says nothing.
Rule 2: what is compared was measured in the same run, turn about.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MIB = 1024 * 1024
_HEADS = ("figure", "value", "spread", "runs", "beside it, in the same run")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, ready to be read."""

    figure: str
    value: str
    spread: str = ""
    runs: int = 1
    beside: str = ""


def rate(figure: str, size: int, seconds: Sequence[float], beside: Iterable[str] = ()) -> Row:
    """Median throughput of ``size`` bytes over some runs."""
    return Row(figure, mb_s(size, seconds), _span(seconds, size), len(seconds), "; ".join(beside))


def mb_s(size: int, seconds: Sequence[float]) -> str:
    """MB/s (10^6 bytes) of the median run."""
    return f"{size / statistics.median(seconds) / 1e6:.0f} MB/s"


def _span(seconds: Sequence[float], size: int) -> str:
    return f"{size / max(seconds) / 1e6:.0f} to {size / min(seconds) / 1e6:.0f}"


def latency(figure: str, seconds: Sequence[float], beside: str = "") -> Row:
    """p50 and p99 of many samples; the spread is least and most."""
    value = f"p50 {ms(percentile(seconds, 50))}, p99 {ms(percentile(seconds, 99))}"
    return Row(figure, value, f"{ms(min(seconds))} to {ms(max(seconds))}", len(seconds), beside)


def duration(figure: str, seconds: Sequence[float], beside: str = "") -> Row:
    """Median time of something that takes long."""
    spread = f"{min(seconds):.2f} to {max(seconds):.2f} s"
    return Row(figure, f"{statistics.median(seconds):.2f} s", spread, len(seconds), beside)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was really measured. ValueError without values."""
    if not values:
        raise ValueError("no samples")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table whose columns also stand in line in a terminal."""
    cells = [_HEADS, *((r.figure, r.value, r.spread, str(r.runs), r.beside) for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(_HEADS))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)
