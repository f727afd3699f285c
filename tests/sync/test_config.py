"""The courier's settings: what it needs, what it refuses, and with which words."""

import pytest

from edged.errors import ConfigError
from sync.config import Settings, load
from tests.sync.world import HOST_KEY

GOOD = f"""
[station]
id = "post-7"
state = "/state"
[keys]
centre = "somebody else's table"
[vault]
path = "/vault"
[sync]
host = "centre.example"
user = "post-7"
key_file = "/key"
host_key = "{HOST_KEY}"
"""


def read(text: str) -> Settings:
    return load(text.encode(), "edged.toml")


def test_the_least_that_is_needed() -> None:
    found = read(GOOD)
    assert (found.station, found.ledger, found.vault) == ("post-7", "/state/ledger", "/vault")
    assert found.inbox == "/var/lib/edged-sync/inbox"
    assert (found.sync.port, found.sync.answer_s, found.log.format) == (22, 60.0, "journal")


@pytest.mark.fault("F02", "without a pinned host key there is no courier")
@pytest.mark.parametrize("line", ["host_key", "host", "user", "key_file"])
def test_what_is_needed_is_asked_for_by_name(line: str) -> None:
    text = "\n".join(row for row in GOOD.splitlines() if not row.startswith(f"{line} "))
    with pytest.raises(ConfigError, match=f"{line}.*edged.toml|edged.toml.*{line}"):
        read(text)


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ("port = 70000", "port"),
        ('remote_dir = "../up"', "remote_dir"),
        ("pot = 22", "pot"),
        ("scan_s = 0", "scan_s"),
        ('port = "22"', "port"),
        ("rate_limit = 100", "rate_limit"),
    ],
)
def test_a_bad_setting_is_named(extra: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        read(f"{GOOD}\n{extra}\n")


@pytest.mark.parametrize("text", ["", "[sync", "\udcff", GOOD.replace('id = "post-7"', "id = 7")])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        load(text.encode("utf-8", "surrogateescape"), "edged.toml")
