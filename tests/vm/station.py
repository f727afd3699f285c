"""A commissioned station on a host with the package, by the package's own commands; its centre: OpenSSH, our intake."""

import copy
import json
import os
from collections.abc import Mapping
from typing import Any, Protocol

from demo.site import AUTHORITY, BODY, POST, SERVER, STATION, Someone, draft_roster
from edged.formats.note import Signer
from edged.formats.roster import sign_roster

OFFICER = Someone("UA0001", "Олена Іваненко", "04a1b2c3d4e501")
TECHNICIAN = Someone("UA0100", "Петро Бондар", "04a1b2c3d4e5a1", ("technician", "responsible"), "root")
ACCOUNTS = Someone("UA0200", "Дарина Кравець", "04a1b2c3d4e5a2", ("account_admin",), "daria")
CONFIG = """\
[station]
id = "{station}"
state = "{state}"

[keys]
authority = "{authority}"
centre = "{centre}"
signing_key = "credential:station.key"
badge_key = "credential:badge.key"

[vault]
path = "{vault}"
reserve_bytes = 10_000_000

[ledger]
checkpoint_s = 1.0

[access]
roster = "/etc/edged/roster.note"
grant_open_s = 30.0

[readiness]
memory_min_h = 0.0

[sync]
host = "127.0.0.1"
user = "post"
key_file = "credential:login.key"
host_key = "{host_key}"
start_jitter_s = 0
scan_s = 1
poll_s = 1

"""
WITHIN_S = 600.0  # the guest is slow, and slower beside other work


class Host(Protocol):
    """A Debian with the package: `Machine`, `Container`."""

    def run(self, command: str, *, timeout_s: float = 0, check: bool = True) -> str: ...
    def until(self, command: str, *, within_s: float = 0) -> str: ...
    def put(self, path: str, data: bytes, mode: int = 0o644) -> None: ...
    def get(self, path: str) -> bytes: ...


class Station:
    """Everything that a technician does on such a host, and what can be asked afterwards.

    Args:
        keys: of the dock's lines, by the names that ``dock`` calls them.
        dock: ``[usb]``, ``[[dock]]`` and ``[[camera]]`` of the configuration.
        state: where ledger and keys lie.
        vault: where recordings lie.
    """

    def __init__(
        self,
        host: Host,
        keys: Mapping[str, bytes],
        dock: str,
        *,
        state: str = "/var/lib/edged",
        vault: str = "/srv/edged",
    ) -> None:
        self.host, self._keys, self._dock = host, keys, dock
        self.state, self.vault = state, vault
        self._authority = Signer.from_seed(AUTHORITY, os.urandom(32))
        self._centre = Signer.from_seed(SERVER, os.urandom(32))
        self.key = ""

    def on(self, host: Host) -> "Station":
        """The same station on a host that goes on from a saved state."""
        other = copy.copy(self)
        other.host = host
        return other

    def commission(self) -> None:
        """From the bare package to a station that answers."""
        host = self.host
        self._make_centre()
        for name, key in self._keys.items():
            host.put(f"/etc/edged/keys/core/{name}", key, 0o600)
        host.put("/etc/edged/edged.toml", self._config().encode(), 0o640)
        host.run("chgrp edged-read /etc/edged/edged.toml")
        words = f"--customs-body '{BODY}' --post '{POST}'"
        self.key = str(
            json.loads(host.run(f"edgectl --json station init {words}", timeout_s=WITHIN_S))["station_key"]
        )
        badge = host.get("/etc/edged/keys/core/badge.key")
        note = sign_roster(draft_roster(1, (OFFICER, TECHNICIAN, ACCOUNTS), badge), self._authority)
        host.put("/etc/edged/roster.note", note, 0o640)
        host.run("chgrp edged-read /etc/edged/roster.note")
        self._start_intake()
        self.until("edgectl status", "the station answers")

    def ask(self, *words: str) -> Any:
        return json.loads(self.host.run(f"edgectl --json {' '.join(words)}", timeout_s=WITHIN_S))

    def logged(self, kind: str) -> str:
        """A line of shell that succeeds when the ledger has such a fact."""
        return f"edgectl --json log --type {kind} --since 1h | grep -q {kind}"

    def cleared(self, count: int) -> str:
        """A line of shell that succeeds when so many recordings were cleared from their cameras."""
        return f"edgectl --json status | grep -Eq '\"cleared\": *{count}'"

    def until(self, command: str, what: str) -> str:
        """Wait until a line of shell succeeds. Raises AssertionError with what the units said."""
        try:
            return self.host.until(command, within_s=WITHIN_S)
        except AssertionError as exc:
            raise AssertionError(f"not seen: {what}: {exc}\n{self.story()}") from exc

    def story(self) -> str:
        """What the units said last."""
        said = "journalctl -b -u 'edged*' -u intake -o cat --no-pager | tail -60"
        return self.host.run(said, check=False)

    def stored(self) -> list[str]:
        """SHA-256 of every recording at the centre, sorted."""
        listing = self.host.run("find /srv/store -name 'content.*' -exec sha256sum {} +", timeout_s=WITHIN_S)
        return sorted(line.split()[0] for line in listing.splitlines())

    def _make_centre(self) -> None:
        run = self.host.run
        run("useradd -m -d /srv/centre post && mkdir /srv/centre/.ssh /srv/store")
        run("ssh-keygen -q -t ed25519 -N '' -f /etc/edged/keys/courier/login.key", timeout_s=120)
        run("cp /etc/edged/keys/courier/login.key.pub /srv/centre/.ssh/authorized_keys")
        run("chown -R post: /srv/centre && chmod 700 /srv/centre/.ssh")
        run("ssh-keygen -A && systemctl restart ssh", timeout_s=120)

    def _config(self) -> str:
        host_key = self.host.get("/etc/ssh/ssh_host_ed25519_key.pub").decode().strip()
        names = {
            "station": STATION,
            "state": self.state,
            "vault": self.vault,
            "authority": self._authority.verifier,
            "centre": self._centre.verifier,
        }
        return CONFIG.format(host_key=host_key, **names) + self._dock

    def _start_intake(self) -> None:
        self.host.put("/srv/centre.key", self._centre.pem(), 0o600)
        self.host.put("/srv/station.pub", self.key.encode() + b"\n")
        self.host.run("chown post: /srv/centre.key /srv/store")
        words = f"--home /srv/centre --store /srv/store --key /srv/centre.key --key-name {SERVER}"
        more = f"--server {SERVER} --station-key /srv/station.pub --interval 1"
        unit = f"[Service]\nUser=post\nExecStart=/usr/bin/edgectl intake {words} {more}\n"
        unit += "Restart=always\n[Install]\nWantedBy=multi-user.target\n"
        self.host.put("/etc/systemd/system/intake.service", unit.encode())
        self.host.run("systemctl daemon-reload && systemctl enable -q --now intake")
