"""Keys that were not drawn at random are no keys: a station does not start on them."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from edged.app import real_secrets
from edged.config import load
from edged.errors import EdgeError, ErrorCode, Fact
from edged.formats.checkpoint import origin_of
from edged.formats.note import Signer
from edged.key_files import require_random
from edged.station.station import Secrets
from tests.edged.samples import CONFIG

LINES = ("a.key", "ra.key", "b.key")
WEAK = {
    "zeros": bytes(32),
    "a byte again and again": b"\xff" * 32,
    "a manual's pattern, as SCBK-D has it": bytes(range(0x30, 0x40)) * 2,
    "a row of numbers": bytes(range(32)),
    "a row of numbers, backwards over its end": bytes((7 - 3 * n) % 256 for n in range(32)),
    "a word": b"customs-post-7-customs-post-7-cus",
}


def good(number: int) -> bytes:
    return random.Random(number).randbytes(32)


def read(folder: Path, changed: Mapping[str, bytes]) -> Secrets:
    """What the daemon reads at its start, from files in ``folder``."""
    files = {name: good(number) for number, name in enumerate((*LINES, "keys/badge.key"))}
    files["keys/station.key"] = Signer.from_seed(origin_of("post-1"), good(9)).pem()
    (folder / "keys").mkdir()
    for name, data in (files | dict(changed)).items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    text = CONFIG.replace("/etc/edged/", f"{folder}/").replace("[station]", f'[station]\nstate = "{folder}"')
    return real_secrets(load(text.encode(), "edged.toml"), _mute)


def _mute(event: str, /, **fields: Fact) -> None:
    """What is logged is not looked at here."""


def test_keys_drawn_at_random_are_taken(tmp_path: Path) -> None:
    found = read(tmp_path, {})
    assert list(found.lines.values()) == [good(0), good(1), good(2)]
    assert found.badge == good(3)


@pytest.mark.fault(
    "B06", "a weak or default key of a reader, a controller or of the badges stops the start, by name"
)
@pytest.mark.parametrize("file", ["a.key", "ra.key", "keys/badge.key"])
@pytest.mark.parametrize("weak", WEAK)
def test_a_weak_key_is_refused_by_name(tmp_path: Path, file: str, weak: str) -> None:
    with pytest.raises(EdgeError) as caught:
        read(tmp_path, {file: WEAK[weak][:32]})
    assert caught.value.code is ErrorCode.KEY_UNUSABLE
    assert caught.value.detail["path"] == str(tmp_path / file)
    assert "random" in str(caught.value.detail["reason"])


def test_of_many_keys_drawn_at_random_none_is_refused() -> None:
    for seed in range(20_000):
        require_random("/k", good(seed))
