"""The configuration, as the daemon and as the courier read it."""

import re
from collections.abc import Sequence

from edged import config, toml_text
from edged.errors import ConfigError
from sync import config as sync_config
from tests.edged.samples import CONFIG
from tests.fuzz.contract import KIB, Target, require

NAME = "edged.toml"
DOCK = (
    b'[[dock]]\nname = "D%d"\ncontroller = "/d%d"\ncontroller_key = "/k"\n'
    b'slots = [{ label = %d, port = "1-%d", controller_slot = 1 }]\n'
)


def _config(data: bytes) -> None:
    found = config.check(data, NAME)
    for error in found:
        require(isinstance(error, ConfigError) and error.detail["file"] == NAME, "an error without its file")
        require(len(str(error)) < 3000, "an error that nobody can read")
        line = error.detail.get("line", 1)
        require(
            isinstance(line, int) and 0 < line <= data.count(b"\n") + 2, "a line that the file does not have"
        )
    try:
        config.load(data, NAME)
    except ConfigError as error:
        require(found and str(error) == str(found[0]), "load and check differ")
        raise
    require(not found, "a configuration is loaded that check refuses")


def _toml(data: bytes) -> None:
    """A configuration as the station reads it is one that the courier can be asked about, and back."""
    tree = toml_text.parse(data, NAME)
    require(isinstance(tree, dict) and tree, "no tables")
    for key in list(tree)[:20]:
        require(
            0 <= toml_text.line_of(data, key) <= data.count(b"\n") + 1, "a line that the file does not have"
        )


def _sync(data: bytes) -> None:
    found = sync_config.load(data, NAME)
    numbers = [getattr(found.sync, name) for name in found.sync.__struct_fields__]
    require(all(value == value for value in numbers), "a setting that is no number")


def _configs() -> list[bytes]:
    bad = CONFIG.replace('id = "post-1"', 'id = "Post 1"').replace("grant_open_s = 15", "grant_open_s = nan")
    words = 'badge_kinds = ["em4100"]\nuid_only_waiver = { number = "1", date = 2026-01-01 }\n'
    dotted = re.sub(r"\[station\]\nid", "station.id", CONFIG)
    dockless = "dock = []\n" + CONFIG[: CONFIG.index("[[dock]]")]
    return [
        text.encode()
        for text in (CONFIG, bad, CONFIG.replace("grant_open_s = 15\n", words), dotted, dockless)
    ]


def _hostile_configs() -> Sequence[bytes]:
    return [
        b"a" + b".a" * 10_000 + b" = 1\n",  # one key of many parts
        b"[a" + b".a" * 10_000 + b"]\n",
        b"a = " + b"[" * 10_000,
        b"a = " + b"{a = " * 4000,
        b"".join(b"k%05d = 1\n" % n for n in range(400)),  # so many unknown sections
        b"[station]\n" + b"".join(b"k%05d = 1\n" % n for n in range(400)),
        b"[[camera]]\n" * 400,
        b"[[dock]]\nslots = [" + b"{}," * 6000 + b"]\n",
        b"x" * 20_000 + b" = 1\n",
        b"a = " + b"1" * 20_000 + b"\n",
        CONFIG.encode() + b"[access2]\n" + b"\n" * 8_000,
        CONFIG.encode() + b"".join(DOCK % (n, n, n, n + 10) for n in range(10, 90)),  # more docks than may be
    ]


TARGETS = (
    Target(
        name="config",
        contract="Any bytes are a configuration or ConfigErrors with file and line, and load and check agree.",
        body=_config,
        refusals=(ConfigError,),
        seeds=_configs,
        limit=64 * KIB,
        share=4,
        covers=(config.load, config.check),
        hostile=_hostile_configs,
        steps=200_000,
        memory_a_byte=300,
    ),
    Target(
        name="toml",
        contract="Any bytes are tables of which each can be found in the text, or ConfigError.",
        body=_toml,
        refusals=(ConfigError,),
        seeds=_configs,
        limit=64 * KIB,
        share=2,
        covers=(toml_text.parse, toml_text.line_of),
        hostile=_hostile_configs,
        steps=200_000,
        memory_a_byte=300,
    ),
    Target(
        name="sync-config",
        contract="Any bytes are the courier's settings, all of them numbers where they should be, or ConfigError.",
        body=_sync,
        refusals=(ConfigError,),
        seeds=lambda: [CONFIG.encode(), CONFIG.replace("[sync]\n", "[sync]\nscan_s = nan\n").encode()],
        limit=64 * KIB,
        share=2,
        covers=(sync_config.load,),
        hostile=_hostile_configs,
        steps=200_000,
        memory_a_byte=300,
    ),
)
