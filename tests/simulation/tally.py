"""What many histories came to, added up."""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.checks import CHECKS
from tests.simulation.history import Outcome

DAY_S = 86_400.0


@dataclass(slots=True)
class Tally:
    histories: int = 0
    virtual_s: float = 0.0
    events: int = 0
    turns: int = 0
    boots: int = 0
    cuts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str, str]] = field(default_factory=list)  # seed, check, what

    def add(self, outcome: Outcome) -> None:
        self.histories += 1
        self.virtual_s += outcome.virtual_s
        self.events += outcome.events
        self.turns += outcome.turns
        self.boots += outcome.boots
        self.cuts += outcome.cuts
        self.faults += outcome.faults
        self.checked += outcome.checked
        if outcome.violation is not None:
            self.violations.append((outcome.seed, outcome.violation.check, outcome.violation.what))

    def text(self, wall_s: float, cpu_s: float) -> str:
        """The figures, a line each."""
        days, minutes = self.virtual_s / DAY_S, max(cpu_s, 0.001) / 60
        rows = [
            ("histories", f"{self.histories}"),
            ("simulated", f"{days:.1f} days, {days / minutes:.2f} a CPU-minute"),
            (
                "time",
                f"{wall_s:.0f} s, {cpu_s:.0f} s of CPU, {self.histories / minutes:.0f} histories a CPU-minute",
            ),
            ("ledger lines", f"{self.events}"),
            ("callbacks of processes", f"{self.turns}"),
            ("starts of the station", f"{self.boots}"),
            (
                "power cuts and kills",
                f"{sum(self.cuts.values())}, {sum(self.cuts.values()) / minutes:.0f} a CPU-minute",
            ),
        ]
        rows += [(f"  {kind}", f"{count}") for kind, count in sorted(self.cuts.items())]
        rows += [("faults injected", f"{sum(self.faults.values())}")]
        rows += [(f"  {kind}", f"{count}") for kind, count in sorted(self.faults.items())]
        rows += [("checks", f"{sum(self.checked.values())}")]
        rows += [(f"  {name}", f"{self.checked[name]}  {CHECKS[name]}") for name in CHECKS]
        rows += [("violations", f"{len(self.violations)}")]
        return "\n".join(f"{name:<34} {value}" for name, value in rows)
