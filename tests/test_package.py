"""What the Debian package does around its files."""

import re
import subprocess
from pathlib import Path

import pytest

from edged.station.station import VERSION
from package.deb import LEDGER_FINGERPRINT, LEDGER_SINCE, SCRIPTS, ledger_fingerprint
from package.tree import place_pages
from tests.clauses import CLAUSES, OUTSIDE

pytestmark = pytest.mark.slow

CLAUSE = re.compile(r"\b(?:459|gov|scan)-[A-Za-z0-9.]+(?:-[a-z0-9]+)*")


def test_who_changes_what_a_line_may_hold_decides_which_version_still_reads_it() -> None:
    """If this fails: set LEDGER_SINCE to the version that will be released with the change, and this fingerprint."""
    assert ledger_fingerprint() == LEDGER_FINGERPRINT


@pytest.mark.clause(
    "459-II.7-documents",
    "the manuals come with the package, each with its version, and cite no clause that is none",
)
def test_the_manuals_come_with_the_package(tmp_path: Path) -> None:
    place_pages(tmp_path / "edged")
    names = {path.name for path in (tmp_path / "edged").glob("*.md")}
    assert {"commissioning.md", "operation.md", "shift.md", "README.md"} <= names
    for name in names:
        text = (tmp_path / "edged" / name).read_text("utf-8")
        assert set(CLAUSE.findall(text)) <= CLAUSES.keys() | OUTSIDE.keys(), name
    assert VERSION in (tmp_path / "edged" / "VERSION").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("upgrade", "0.0.9+deb12"), 1),
        (("upgrade", f"{LEDGER_SINCE}+deb13"), 0),
        (("upgrade", "99.0"), 0),
        (("failed-upgrade", "99.0"), 1),
        (("remove",), 0),
    ],
)
def test_no_version_replaces_this_one_that_cannot_read_its_ledger(
    words: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    script = tmp_path / "prerm"
    script.write_text((SCRIPTS / "prerm").read_text().replace("@LEDGER_SINCE@", LEDGER_SINCE))
    done = subprocess.run(["sh", str(script), *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == status
    assert ("cannot read" in done.stderr) == (words[0] == "upgrade" and status == 1)
