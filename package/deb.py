"""``make deb SUITE=bookworm``: one Debian package for one release, without a network at its installation."""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from edged.formats.line import FACTS, VERSION
from package.suites import SUITES, Suite
from package.tree import ROOT, lay_out

LEDGER_SINCE = "0.1.0"
"""The oldest version of the package that reads every line that this one writes."""
LEDGER_FINGERPRINT = "6192e8209d1f2887"
"""Of `ledger_fingerprint` when LEDGER_SINCE was last decided."""
SCRIPTS = ROOT / "package" / "debian"
CONTROL = """\
Package: edged
Version: {version}
Architecture: amd64
Maintainer: edged
Section: admin
Priority: optional
Installed-Size: {size}
Depends: python{python}, python3 (>= {python}), python3 (<< {next_python}), systemd (>= 252), udev, openssl,
 libc6 (>= 2.36)
Recommends: chrony
Conflicts: modemmanager
Description: Edge daemon of a body-worn-camera dock station
 Issues cameras to authorised officers, brings recordings in under a signed chain of hashes and delivers them to the
 central server. Starts with every port shut; see /usr/share/doc/edged/commissioning.md.
"""


def build(suite: Suite, out: Path) -> Path:
    """Make the package in the folder ``out``; return its path."""
    version = (
        f"{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']}+deb{suite.number}"
    )
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir(mode=0o755)
        lay_out(tree, suite)
        _control(tree, suite, version)
        out.mkdir(parents=True, exist_ok=True)
        package = out / f"edged_{version}_amd64.deb"
        words = ["dpkg-deb", "--build", "--root-owner-group", "-Zxz", "-z1", str(tree), str(package)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return package


def ledger_fingerprint() -> str:
    """A hash of everything that a line of the ledger may hold: its version, the facts' types and their fields."""
    shape = [f"v{VERSION}"] + [
        f"{name}:{','.join(kind.__struct_fields__)}" for name, kind in sorted(FACTS.items())
    ]
    return hashlib.sha256("\n".join(shape).encode()).hexdigest()[:16]


def _control(tree: Path, suite: Suite, version: str) -> None:
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum(path.stat().st_size for path in files) // 1024
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(
        CONTROL.format(version=version, size=size, python=suite.python, next_python=suite.next_python)
    )
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    (control / "md5sums").write_text("".join(sums))
    for script in SCRIPTS.iterdir():
        path = control / script.name
        path.write_text(script.read_text().replace("@LEDGER_SINCE@", LEDGER_SINCE))
        path.chmod(0o755)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make deb", description="Make the Debian package.")
    parser.add_argument("--suite", choices=sorted(SUITES), default="bookworm")
    parser.add_argument("--out", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    print(build(SUITES[options.suite], options.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
