"""What holds for all tests: examples have no deadline of their own, and chance tests tell how much they tried."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

TRIED = "tried: "

# A machine with other work stops an example for longer than it takes; `timeout` of pytest ends what hangs.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what tests recorded with ``record_property("tried: histories", 10)``."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            if name.startswith(TRIED) and isinstance(value, int):
                counts[name.removeprefix(TRIED)] += value
    if counts:
        terminalreporter.write_line(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
