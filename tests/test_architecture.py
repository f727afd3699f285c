"""Who may import whom, and who may touch the world. docs/architecture.md, made to fail."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.reach import UNWIRED, left_out

ROOT = Path(__file__).parent.parent
OURS = {"edged", "drivers", "firmware_protocol", "sync", "simulators", "demo", "tests", "benchmarks"}
LEAVES = {"edged.errors", "edged.ports"}

MAY_IMPORT = {
    "firmware_protocol": {"firmware_protocol"},
    "drivers": {"drivers", "firmware_protocol", *LEAVES},
    "edged/errors.py": set[str](),
    "edged/ports.py": {"edged.errors"},  # the type of a fact
    "edged/formats": {"edged.formats", "edged.errors"},
    "edged": {"edged", "drivers", "firmware_protocol"},
    "edged/cli": {"edged", "drivers", "firmware_protocol", "sync"},
    "edged/config.py": {"edged", "sync.config"},
    "sync": {"sync", "edged.formats", *LEAVES},
    "sync/ssh.py": {"sync", "edged.errors", "edged.key_files"},  # one rule for secrets
    "sync/config.py": {
        "edged.errors",
        "edged.key_files",
        "edged.toml_text",
        "sync.ups_address",
    },  # one file of settings, read in one way
    "simulators": {"simulators", "firmware_protocol", "drivers.base", "edged.errors"},
}
"""The longest path that fits a file decides."""

HOST = {"drivers.disk", "drivers.host_clock", "drivers.random", "drivers.notify", "drivers.journal"}
WIRING = {
    "sync/app.py": {*HOST, "edged.logs", "edged.key_files"},
    "sync/centre/command.py": {*HOST, "edged.logs"},
}
"""Wiring files of the courier: each may also import what it constructs."""

CONSTRUCTED = {
    *HOST,
    "drivers.openssl_cms",
    "drivers.serial_link",
    "drivers.hotplug_udev",
    "drivers.hotplug_usbip",
} - {"drivers.notify"}
CONSTRUCTORS = (
    "edged/app.py",
    "edged/cli",  # works on files where no daemon runs: station init, verify
    "edged/vault/sealer_main.py",  # a process of its own
    "sync/app.py",
    "sync/centre/command.py",
)

PURE = (
    "firmware_protocol",
    "edged/formats",
    "edged/slots/state.py",
    "edged/readiness.py",
    "edged/allocation.py",
    "edged/access.py",
    "edged/verbs.py",
    "edged/throttle.py",
    "edged/time_floor.py",
    "edged/centre_clock.py",
    "edged/local_time.py",
    "edged/leds.py",
    "edged/events.py",
    "edged/films.py",
    "edged/printable.py",
    "edged/toml_text.py",
    "edged/key_files.py",
    "edged/config.py",
    "edged/gate.py",
    "edged/court/bundle.py",
    "edged/court/extract.py",
    "edged/court/mhl.py",
    "edged/clock_drift.py",
    "edged/coverage.py",
    "edged/duty.py",
    "edged/identification.py",
    "edged/journals",
    "edged/reports",
    "edged/rights_changes.py",
    "edged/shift",
    "edged/snapshot.py",
    "edged/station_state.py",
    "edged/stretches.py",
)
NO_IO = {
    "asyncio", "aiohttp", "aiosqlite", "concurrent", "fcntl", "io", "logging", "multiprocessing", "os", "paramiko",
    "pathlib", "pyudev", "queue", "random", "secrets", "select", "serial", "shutil", "signal", "socket", "sqlite3",
    "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "usb", "uuid", "watchdog",
}  # fmt: skip
PURE_PARTS = {"edged/events.py": {"uuid"}}  # uuid5 is a hash

WORLD = {
    "time",
    "random",
    "secrets",
    "os",
    "threading",
    "socket",
    "subprocess",
    "multiprocessing",
    "select",
    "signal",
}
"""Forbidden outside adapters: a simulation replaces all of it through the ports."""

HARMLESS = {"threading.Lock"}  # starts nothing; guards what `asyncio.to_thread` runs

ADAPTERS = (
    # drivers and their processes
    "drivers/disk.py",
    "drivers/host_clock.py",
    "drivers/hotplug_udev.py",
    "drivers/hotplug_usbip.py",
    "drivers/journal.py",
    "drivers/notify.py",
    "drivers/openssl_cms.py",
    "drivers/random.py",
    "drivers/serial_link.py",
    "drivers/usb.py",
    "drivers/usb_place.py",
    "drivers/usb_ports/main.py",
    "drivers/usb_ports/write_rules.py",
    "drivers/usbip_backend.py",
    "drivers/usbip_client.py",
    "drivers/worker",
    # the station's processes and wiring
    "edged/app.py",
    "edged/main.py",
    "edged/cli",
    "edged/control",
    "edged/docs.py",
    "edged/roles",
    "edged/projections/sqlite.py",
    "edged/vault/scheduler.py",  # turns at the disk between processes; its port stands in the same file
    "edged/vault/sealer_main.py",
    # the courier's
    "sync/app.py",
    "sync/main.py",
    "sync/sftp_channel.py",
    "sync/sftp_store.py",
    "sync/ssh.py",
    "sync/centre/command.py",
)


def under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def sources(*folders: str) -> Iterator[str]:
    for folder in folders:
        found = [ROOT / folder] if folder.endswith(".py") else sorted((ROOT / folder).rglob("*.py"))
        yield from (str(path.relative_to(ROOT)) for path in found if path.exists())


def imports(path: str) -> set[str]:
    """Every module named in an import, wherever in the file; ``from a import b`` gives ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def allowed(path: str) -> set[str]:
    rule = max((r for r in MAY_IMPORT if under(path, r)), key=len)
    extra = [names for file, names in WIRING.items() if under(path, file)]
    return MAY_IMPORT[rule].union(*extra)


@pytest.mark.parametrize("path", list(sources("firmware_protocol", "drivers", "edged", "sync", "simulators")))
def test_packages_import_downwards_only(path: str) -> None:
    permitted = allowed(path)
    for name in imports(path):
        if name.split(".")[0] in OURS:
            assert any(name == p or name.startswith(f"{p}.") for p in permitted), f"{path} imports {name}"


@pytest.mark.parametrize("path", list(sources(*PURE)))
def test_formats_tables_and_policies_do_no_io(path: str) -> None:
    found = {name.split(".")[0] for name in imports(path)} & NO_IO
    assert not found - PURE_PARTS.get(path, set()), path


@pytest.mark.parametrize("path", list(sources("drivers", "edged", "sync")))
def test_the_world_is_touched_by_adapters_only(path: str) -> None:
    if any(under(path, adapter) for adapter in ADAPTERS):
        return
    assert not {name.split(".")[0] for name in imports(path) - HARMLESS} & WORLD, path


@pytest.mark.parametrize("path", list(sources("edged", "sync")))
def test_only_wiring_files_construct_adapters(path: str) -> None:
    if not any(under(path, constructor) for constructor in CONSTRUCTORS):
        named = {
            name for name in imports(path) if any(name == c or name.startswith(f"{c}.") for c in CONSTRUCTED)
        }
        assert not named, f"{path} imports {named}"


@pytest.mark.parametrize("path", list(sources("drivers", "edged", "sync")))
def test_usb_and_paramiko_stay_behind_their_adapters(path: str) -> None:
    borders = {
        "usb": ("drivers/usb.py", "drivers/usbip_backend.py"),
        "paramiko": ("sync/",),
        "pyudev": ("drivers/",),
    }
    for library, files in borders.items():
        if library in {name.split(".")[0] for name in imports(path)}:
            assert path.startswith(files), f"{path} imports {library}"


@pytest.mark.parametrize("path", list(sources("drivers", "edged", "sync", "firmware_protocol")))
def test_no_shipped_code_asks_whether_it_is_simulated(path: str) -> None:
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        assert "simulat" not in name.lower(), f"{path}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("path", [*ADAPTERS, *PURE, *MAY_IMPORT, *WIRING])
def test_the_lists_name_only_what_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_what_is_not_wired_yet_is_imported_by_nothing_that_is() -> None:
    """What the simulation leaves out for that reason is simulated as soon as it is part of the station."""
    for path in sources("edged", "sync", "drivers"):
        if not left_out(path, UNWIRED):
            for name in imports(path):
                file = name.replace(".", "/")
                parents = (
                    f"{file}.py",
                    f"{file.rpartition('/')[0]}.py",
                    f"{file}/",
                    f"{file.rpartition('/')[0]}/",
                )
                assert not any(left_out(parent, UNWIRED) for parent in parents), f"{path} imports {name}"


def test_the_rules_would_catch_an_offender(tmp_path: Path) -> None:
    offender = tmp_path / "x.py"
    offender.write_text("def f():\n    import time\n    from drivers import usb\n")
    assert imports(str(offender)) == {"time", "drivers.usb"}
    assert "drivers" not in allowed("edged/formats/note.py")
    assert "sync" in allowed("edged/cli/main.py")
    assert "sync" not in allowed("edged/gate.py")
