"""What the Debian package does around its files."""

import subprocess
from pathlib import Path

import pytest

from package.deb import LEDGER_FINGERPRINT, LEDGER_SINCE, SCRIPTS, ledger_fingerprint

pytestmark = pytest.mark.slow


def test_who_changes_what_a_line_may_hold_decides_which_version_still_reads_it() -> None:
    """If this fails: set LEDGER_SINCE to the version that will be released with the change, and this fingerprint."""
    assert ledger_fingerprint() == LEDGER_FINGERPRINT


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
