"""`edgectl repair print` writes what the daemon answers, and nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edged.cli import printing
from edged.cli.main import main
from edged.cli.output import EXIT_OK
from edged.printed.tag import render
from tests.edged.printed.test_tag import TAG

ODD = replace(TAG, item="10/45")  # no name of a file


class Daemon:
    """What the socket answers."""

    def __init__(self, socket: str) -> None:
        pass

    async def __aenter__(self) -> "Daemon":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def call(self, verb: str, **params: Any) -> Any:
        assert (verb, params) == ("repair-print", {"item": "10/45"})
        return msgspec.to_builtins(ODD)


@pytest.mark.clause("459-II.3-damaged", "the tag of a damaged item is printed")
@pytest.mark.parametrize(("given", "named"), [((), "tag-10-45.pdf"), (("--out", "b"), "b.pdf")])
def test_the_tag_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(printing, "Client", Daemon)
    assert main(["repair", "print", "10/45", *given]) == EXIT_OK
    (file,) = tmp_path.iterdir()
    assert file.name == named
    assert file.read_bytes() == render(ODD)
