"""How much of the shipped code the simulation runs: it is that code that is simulated, not a copy of its ideas.

python -m tests.simulation.reach 40      plays so many seeds and prints the lines that were not reached, by file
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import coverage

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("edged", "sync")

ADAPTERS: Mapping[str, str] = MappingProxyType(
    {
        "edged/main.py": "the daemon's process",
        "edged/failed_start.py": "between two of the daemon's processes",
        "edged/ledger/rekeying.py": "a command line's: the station stands still meanwhile",
        "sync/main.py": "the courier's process",
        "sync/progress.py": "what the courier's process tells the service manager",
        "sync/app.py": "wires the courier's adapters",
        "sync/centre/command.py": "the intake's process",
        "edged/control/api.py": "HTTP on a Unix socket; the verbs behind it are simulated",
        "edged/control/client.py": "HTTP on a Unix socket",
        "edged/cli/": "command lines: processes of their own",
        "edged/projections/sqlite.py": "aiosqlite has threads of its own; the store in memory stands in",
        "edged/roles/subprocess_roles.py": "processes; the same conversation and pipeline run inline",
        "edged/roles/child.py": "processes",
        "edged/roles/connected_workers.py": "workers that systemd starts; the same conversation runs inline",
        "edged/roles/port_gate.py": "the ports' process",
        "edged/roles/channel.py": "sockets between processes",
        "edged/roles/sealer_process.py": "processes",
        "edged/roles/worker_process.py": "processes",
        "edged/roles/failures.py": "what a process's end means, half of it",
        "edged/vault/sealer_main.py": "the sealer's process; its pipeline, sealing.py, is simulated",
        "edged/vault/messages.py": "what sealer and core say to each other across processes",
        "edged/vault/scheduler.py": "turns between processes",
        "edged/logs.py": "journald, terminals, structlog",
        "edged/key_files.py": "files of the host",
        "sync/ssh.py": "paramiko",
        "sync/sftp_channel.py": "paramiko",
        "sync/sftp_store.py": "paramiko; the store port's contract is held by one suite for all stores",
        "sync/sftp_wire.py": "SFTP as it travels",
        "sync/watch.py": "watchdog",
        "edged/court/verify_proof.py": "one file that shares no code, for a court's own computer",
        "edged/printed/": "drawn by edgectl, not by the station",
        "edged/reports/issue_words.py": "drawn by edgectl",
        "edged/reports/page.py": "drawn by edgectl",
        "edged/reports/texts.py": "drawn by edgectl",
        "edged/reports/timeline.py": "drawn by edgectl",
        "edged/docs.py": "makes pages from tables",
        "edged/officer_card.py": "makes a page",
        "edged/table_comments.py": "makes a page",
    }
)
"""What is no part of the simulated world, and why."""

UNWIRED: tuple[str, ...] = ()
"""No part of the station yet: nothing else of it imports them, and a test holds that."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Of one file: its statements, and the numbers of the lines that were not run."""

    file: str
    statements: int
    missing: tuple[int, ...]


def left_out(file: str, names: Iterable[str] = (*ADAPTERS, *UNWIRED)) -> bool:
    return any(file == name or (name.endswith("/") and file.startswith(name)) for name in names)


def reached(tracer: coverage.Coverage) -> list[Reach]:
    """Every file of PACKAGES that is in the simulated world, also those that nobody imported."""
    found = []
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        file = str(path.relative_to(ROOT))
        if not left_out(file):
            _, statements, _, missing, _ = tracer.analysis2(str(path))
            found.append(Reach(file, len(statements), tuple(missing)))
    return found


def share(files: Iterable[Reach]) -> float:
    """Of all statements, the part that was run."""
    files = list(files)
    return 1 - sum(len(f.missing) for f in files) / sum(f.statements for f in files)


def new_tracer() -> coverage.Coverage:
    return coverage.Coverage(
        source=[str(ROOT / name) for name in PACKAGES], config_file=False, data_file=None
    )


def main() -> int:
    tracer = new_tracer()
    tracer.start()
    from tests.simulation.__main__ import batch

    batch(1, int(sys.argv[1]))
    tracer.stop()
    files = reached(tracer)
    for f in sorted(files, key=lambda f: len(f.missing)):
        print(f"{len(f.missing):4} of {f.statements:4}  {f.file}  {' '.join(map(str, f.missing[:30]))}")
    print(f"{100 * share(files):.1f} % of {sum(f.statements for f in files)} statements")
    return 0


if __name__ == "__main__":
    sys.exit(main())
