"""`edgectl paper draft` asks for what is owed, or for a letter on works to come."""

from typing import Any

import pytest

from edged.cli import online
from edged.cli.main import main
from edged.cli.output import EXIT_OK
from tests.edged.cli.daemon import Daemon

PLANNED = ("--items", "101", "301", "--grounds", "план", "--begin", "2026-11-30T10:00:00+02:00")


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (("report-memo", "i7"), {"paper": "report-memo", "about": "i7"}),
        (("works-letter", "cleaning"), {"paper": "works-letter", "about": "cleaning"}),
        (
            ("works-letter", "cleaning", *PLANNED),
            {
                "paper": "works-letter",
                "about": "cleaning",
                "grounds": "план",
                "items": ["101", "301"],
                "begin": "2026-11-30T08:00:00.000Z",
            },
        ),
    ],
)
def test_a_draft_is_asked_for_with_what_was_typed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: tuple[str, ...],
    asked: dict[str, Any],
) -> None:
    class Drafting(Daemon):
        async def call(self, verb: str, **params: Any) -> Any:
            assert (verb, params) == ("paper-draft", asked)
            return {"text": "Кому: …"}

    monkeypatch.setattr(online, "Client", Drafting)
    assert main(["paper", "draft", *typed]) == EXIT_OK
    assert capsys.readouterr().out == "Кому: …\n"
