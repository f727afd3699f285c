"""Names of ports that outlive a reboot: udev's ID_PATH, as ``pci-0000:00:10.0-usb-0:1.3``.

It names the host controller and the chain of hub ports, and not the bus: the USB 2 and the USB 3 half of one port
have one ID_PATH and two names in the kernel (``1-1.3``, ``2-1.3``). Pure.
"""

import re
from dataclasses import dataclass

from edged.errors import ConfigError

_ID_PATH = re.compile(
    r"(?P<bus>pci|platform)-(?P<name>[A-Za-z0-9:._-]{1,64})-usb-0:(?P<chain>[0-9]{1,3}(\.[0-9]{1,3}){0,5})"
)


@dataclass(frozen=True, slots=True)
class IdPath:
    bus: str  # "pci" or "platform", on which the host controller is
    controller: str  # its name there: "0000:00:10.0"
    chain: str  # "1.3": port 3 of the hub at port 1 of the root hub

    @property
    def id_path(self) -> str:
        return f"{self.bus}-{self.controller}-usb-0:{self.chain}"


def parse_id_path(text: str) -> IdPath:
    """Raises ConfigError."""
    found = _ID_PATH.fullmatch(text)
    if found is None:
        raise ConfigError(value=text[:100], expected="an ID_PATH such as pci-0000:00:10.0-usb-0:1.3")
    return IdPath(found["bus"], found["name"], found["chain"])
