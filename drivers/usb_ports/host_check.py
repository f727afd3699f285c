"""Whether this host's USB is as shut as the slot map wants it: rules, controllers, the kernel's own default."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from drivers.usb_ports.id_path import IdPath
from drivers.usb_ports.rules import FILE_NAME, rules

RULES_FILE = Path("/etc/udev/rules.d") / FILE_NAME
SYSFS = Path("/sys")
KERNEL_DEFAULT = "module/usbcore/parameters/authorized_default"


def problems(slots: Mapping[int, IdPath], rules_file: Path = RULES_FILE, sysfs: Path = SYSFS) -> list[str]:
    """What stands open, a sentence each; empty: all is shut."""
    return [*_of_rules(slots, rules_file), *_of_controllers(slots, sysfs)]


def kernel_gap(sysfs: Path = SYSFS) -> str:
    """What is open between power-on and udev's first rule, in a sentence; "": nothing."""
    found = _read(sysfs / KERNEL_DEFAULT)
    if found == "0":
        return ""
    return (
        f"usbcore.authorized_default is {found or 'unknown'}: what is plugged in at power-on is open until udev runs; "
        "boot with usbcore.authorized_default=0 to close that too"
    )


def _of_rules(slots: Mapping[int, IdPath], rules_file: Path) -> Iterator[str]:
    try:
        written = rules_file.read_text("ascii", "replace")
    except OSError as exc:
        yield f"{rules_file}: {exc.strerror}; systemctl start edged-rules"
        return
    if written != rules(slots):
        yield f"{rules_file} is not what the slot map asks for; systemctl start edged-rules"


def _of_controllers(slots: Mapping[int, IdPath], sysfs: Path) -> Iterator[str]:
    for bus, name in sorted({(port.bus, port.controller) for port in slots.values()}):
        controller = sysfs / "bus" / bus / "devices" / name
        hubs = sorted([*controller.glob("usb[0-9]*"), *controller.glob("*/usb[0-9]*")])
        if not hubs:
            yield f"{bus}-{name}: there is no such USB controller"
        for hub in hubs:
            for attribute in ("authorized_default", "interface_authorized_default"):
                if (found := _read(hub / attribute)) != "0":
                    yield f"{bus}-{name}, {hub.name}: {attribute} is {found or 'unknown'}, not 0"


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
