"""A commissioned station in the machine, with OpenSSH and our intake as its centre; by the package's own commands."""

import json
import os
from pathlib import Path
from typing import Any

from demo.site import AUTHORITY, BODY, POST, SERVER, STATION, Someone, draft_roster
from edged.formats.note import Signer
from edged.formats.roster import sign_roster
from tests.vm.hardware import BY_PATH, LINES, Hardware
from tests.vm.machine import Machine, MachineError

OFFICER = Someone("UA0001", "Олена Іваненко", "04a1b2c3d4e501")
TECHNICIAN = Someone("UA0100", "Петро Бондар", "04a1b2c3d4e5a1", ("technician", "responsible"), "root")
PORTS = {1: "1.1", 2: "1.2", 3: "1.3"}
SERIAL = "BWC-1"
CONFIG = """\
[station]
id = "{station}"

[keys]
authority = "{authority}"
centre = "{centre}"
signing_key = "credential:station.key"
badge_key = "credential:badge.key"

[vault]
path = "/srv/edged"

[ledger]
checkpoint_s = 1.0

[access]
roster = "/etc/edged/roster.note"
grant_open_s = 30.0

[readiness]
memory_min_h = 0.0

[usb]
backend = "units"

[[dock]]
name = "A"
controller = "{dock}"
controller_key = "credential:dock.key"
reader = "{reader}"
reader_key = "credential:reader.key"
slots = [
{slots}
]

[[camera]]
serial = "{serial}"
inventory_number = "101450001"
driver = "msc"

[sync]
host = "127.0.0.1"
user = "post"
key_file = "credential:login.key"
host_key = "{host_key}"
start_jitter_s = 0
scan_s = 1
poll_s = 1
"""
WITHIN_S = 300.0


class Station:
    """Everything that a technician does on a host with the package, and what can be asked afterwards."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.hardware = Hardware(folder / "hardware", len(PORTS))
        self._authority = Signer.from_seed(AUTHORITY, os.urandom(32))
        self._centre = Signer.from_seed(SERVER, os.urandom(32))

    def commission(self) -> None:
        machine = self.machine
        self.hardware.plug(machine)
        self._make_centre()
        for name, key in self.hardware.keys.items():
            machine.put(f"/etc/edged/keys/core/{name}.key", key, 0o600)
        machine.put("/etc/edged/edged.toml", self._config().encode(), 0o640)
        machine.run("chgrp edged-read /etc/edged/edged.toml")
        done = machine.run(
            f"edgectl --json station init --customs-body '{BODY}' --post '{POST}'", timeout_s=WITHIN_S
        )
        self.key = str(json.loads(done)["station_key"])
        badge = machine.get("/etc/edged/keys/core/badge.key")
        note = sign_roster(draft_roster(1, (OFFICER, TECHNICIAN), badge), self._authority)
        machine.put("/etc/edged/roster.note", note, 0o640)
        machine.run("chgrp edged-read /etc/edged/roster.note")
        self._start_intake()
        self.until("edgectl status", "the station answers")

    def ask(self, *words: str) -> Any:
        return json.loads(self.machine.run(f"edgectl --json {' '.join(words)}", timeout_s=WITHIN_S))

    def until(self, command: str, what: str) -> str:
        """Wait until a line of shell succeeds. Raises MachineError with what the units said."""
        try:
            return self.machine.until(command, within_s=WITHIN_S)
        except MachineError as exc:
            said = self.machine.run(
                "journalctl -b -u 'edged*' -u intake -o cat --no-pager | tail -60", check=False
            )
            raise MachineError(f"not seen: {what}: {exc}\n{said}") from exc

    def close(self) -> None:
        self.hardware.close()

    def _make_centre(self) -> None:
        run = self.machine.run
        run("useradd -m -d /srv/centre post && mkdir /srv/centre/.ssh /srv/store")
        run("ssh-keygen -q -t ed25519 -N '' -f /etc/edged/keys/courier/login.key", timeout_s=120)
        run("cp /etc/edged/keys/courier/login.key.pub /srv/centre/.ssh/authorized_keys")
        run("chown -R post: /srv/centre && chmod 700 /srv/centre/.ssh")
        run("ssh-keygen -A && systemctl restart ssh", timeout_s=120)

    def _config(self) -> str:
        host_key = self.machine.get("/etc/ssh/ssh_host_ed25519_key.pub").decode().strip()
        rows = (
            f'  {{ label = {n}, port = "pci-0000:00:10.0-usb-0:{port}", controller_slot = {n} }},'
            for n, port in PORTS.items()
        )
        return CONFIG.format(
            station=STATION,
            authority=self._authority.verifier,
            centre=self._centre.verifier,
            slots="\n".join(rows),
            serial=SERIAL,
            host_key=host_key,
            **{name: BY_PATH.format(port=port) for name, port in LINES.items()},
        )

    def _start_intake(self) -> None:
        self.machine.put("/root/centre.key", self._centre.pem(), 0o600)
        self.machine.put("/root/station.pub", self.key.encode() + b"\n")
        words = f"--home /srv/centre --store /srv/store --key /root/centre.key --key-name {SERVER}"
        more = f"--server {SERVER} --station-key /root/station.pub --interval 1"
        self.machine.run(f"systemd-run -q --unit=intake edgectl intake {words} {more}")
