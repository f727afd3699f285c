"""What tests of a chance nature tell at the end of a run: how much they tried."""

from collections import Counter

import pytest

TRIED = "tried: "


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what tests recorded with ``record_property("tried: histories", 10)``."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            if name.startswith(TRIED) and isinstance(value, int):
                counts[name.removeprefix(TRIED)] += value
    if counts:
        terminalreporter.write_line(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
