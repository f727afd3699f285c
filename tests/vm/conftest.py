"""One lab for all tests; a machine of its own for each."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.vm import lab as labs
from tests.vm import spare
from tests.vm.evidence import SLOT
from tests.vm.hardware import Hardware
from tests.vm.machine import Machine
from tests.vm.post import Post

pytestmark = pytest.mark.vm


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Two at once: what is tried in machines, one after the other, and beside it the container; where everything is
    tried, the power cuts as well, which take the longest.

    Marks of groups do not reach a scheduler: xdist 3.8 writes them into a node's id, which pytest 9.2 does not read.
    """
    made = LoadScopeScheduling(config, log)
    made._split_scope = _group
    return made


def _group(nodeid: str) -> str:
    if "test_services.py" in nodeid:
        return "container"
    return "cuts" if os.environ.get("FULL") and "test_power_loss.py" in nodeid else "machines"


def suite() -> str:
    return os.environ.get("SUITE", "bookworm")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> labs.Lab:
    spare.require_quick_host(spare.seconds())
    labs.require_programs()
    return labs.Lab(suite(), tmp_path_factory.mktemp("vm"))


@pytest.fixture
def machine(lab: labs.Lab) -> Iterator[Machine]:
    made = lab.machine()
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture
def hardware(tmp_path: Path) -> Iterator[Hardware]:
    """Dock and reader of a station of one slot."""
    made = Hardware(tmp_path / "hardware", SLOT)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def post(lab: labs.Lab, tmp_path: Path) -> Iterator[Post]:
    machine, station, keys = lab.post()
    try:
        made = Post(machine, station, keys, tmp_path)
        try:
            made.begin()
            yield made
        finally:
            made.close()
    finally:
        machine.kill()


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty FAT32 card."""
    path = tmp_path_factory.mktemp("card") / "card.img"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.vfat", "-F", "32", str(path)], check=True, capture_output=True, timeout=60)
    return path
