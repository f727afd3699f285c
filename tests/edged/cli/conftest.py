import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edged.cli.commissioning import READERS, USER, init


@pytest.fixture
def host() -> Iterator[Path]:
    """A folder that any user may enter, with a state folder as the package makes it."""
    if os.geteuid() != 0:
        pytest.skip("not shown: only root can act as the station's user")
    folder = Path(tempfile.mkdtemp(prefix="edged-init-"))
    folder.chmod(0o755)
    rehearse(folder / "rehearsal")
    state = folder / "state"
    state.mkdir()
    os.chown(state, USER, READERS)
    state.chmod(0o2710)
    (folder / "keys").mkdir(0o700)
    (folder / "vault").mkdir()
    yield folder
    shutil.rmtree(folder)


def rehearse(folder: Path) -> None:
    """Load every module: this checkout's Python may lie where the user cannot read, a package's does not."""
    for part in ("state", "vault", "keys"):
        (folder / part).mkdir(parents=True)
    assert init(folder, credentials=True) == 0
    shutil.rmtree(folder)
