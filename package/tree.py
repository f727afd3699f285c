"""What lies in the package: an environment of its own below /usr/lib/edged, units, users, pages."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from edged.station.station import VERSION
from package.suites import Suite

ROOT = Path(__file__).resolve().parent.parent
HOME = "usr/lib/edged"
OURS = ("edged", "drivers", "firmware_protocol", "sync")
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
    "manylinux_2_34_x86_64",
)
SCRIPT = "#!/{home}/bin/python -I\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"


def lay_out(tree: Path, suite: Suite) -> None:
    """Fill the empty folder ``tree``. Raises CalledProcessError: pip found no fitting wheel."""
    packages = tree / HOME / "lib" / f"python{suite.python}" / "site-packages"
    packages.mkdir(parents=True)
    _environment(tree / HOME, suite)
    _wheels(packages, suite)
    for name in OURS:
        shutil.copytree(ROOT / name, packages / name, ignore=shutil.ignore_patterns("__pycache__"))
    _scripts(tree / HOME / "bin")
    _compile(tree, suite)
    _host_files(tree, suite)
    place_pages(tree / "usr/share/doc/edged")


def _environment(home: Path, suite: Suite) -> None:
    """A virtual environment without what pip would need: the package manager does that work."""
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(f"/usr/bin/python{suite.python}")
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {suite.python}\n"
    )


def _wheels(packages: Path, suite: Suite) -> None:
    """The pinned packages as wheels of the suite's Python, whatever Python runs here."""
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    words += ["--target", str(packages), "--no-deps", "--only-binary=:all:", "--require-hashes"]
    words += ["--implementation", "cp", "--python-version", suite.python]
    words += [word for platform in PLATFORMS for word in ("--platform", platform)]
    subprocess.run([*words, "-r", str(ROOT / "requirements-run.txt")], check=True)
    shutil.rmtree(packages / "bin", ignore_errors=True)


def _compile(tree: Path, suite: Suite) -> None:
    """Where this Python is the suite's: what the host would else compile at the installation, for minutes if slow.

    What cannot be compiled (a file for another version of the language) the host cannot import either.
    """
    if suite.python == f"{sys.version_info.major}.{sys.version_info.minor}":
        words = [
            sys.executable,
            "-I",
            "-m",
            "compileall",
            "-q",
            "-s",
            str(tree),
            "-p",
            "/",
            str(tree / HOME / "lib"),
        ]
        subprocess.run(words, check=False, stdout=subprocess.DEVNULL)


def _scripts(folder: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        if module.partition(".")[0] in OURS:
            path = folder / name
            path.write_text(SCRIPT.format(home=HOME, module=module, function=function))
            path.chmod(0o755)


def _host_files(tree: Path, suite: Suite) -> None:
    units = tree / suite.units
    units.mkdir(parents=True)
    for path in (ROOT / "systemd").iterdir():
        if path.suffix in {".service", ".socket", ".path"}:
            shutil.copyfile(path, units / path.name)
    for folder in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(ROOT / "systemd" / folder, tree / "usr/lib" / folder)
    catalog = tree / "usr/lib/systemd/catalog"
    catalog.mkdir(parents=True)
    shutil.copyfile(ROOT / "systemd" / "edged.catalog", catalog / "edged.catalog")
    (tree / "usr/bin").mkdir()
    (tree / "usr/bin/edgectl").symlink_to("../lib/edged/bin/edgectl")


def place_pages(folder: Path) -> None:
    """The manuals that bind the users (459-II.7-documents), and which version of edged they are of."""
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns("examples"))
    shutil.copyfile(ROOT / "LICENSE", folder / "copyright")
    shutil.copyfile(ROOT / "README.md", folder / "README.md")
    (folder / "VERSION").write_text(f"edged {VERSION}\n")
