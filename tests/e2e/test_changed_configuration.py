"""The configuration file is edited while the station works."""

import hashlib
from typing import Any

import pytest

from simulators.faults import UsbFaults
from tests.e2e import places
from tests.e2e.places import clip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]  # of a busy machine; alone each needs a tenth


def in_force(lines: list[dict[str, Any]], number: int) -> str:
    """Hash of the configuration under which a line was written: that of the last start before it."""
    starts = [x for x in lines if x["type"] == "station.started" and x["seq"] <= number]
    return str(starts[-1]["data"]["config_sha256"])


@pytest.mark.fault(
    "F04",
    "a configuration changed in mid-transfer is in force from the next start, and every line says which",
)
async def test_a_configuration_that_is_changed_in_mid_transfer() -> None:
    async with places.commissioned() as site:
        await places.in_service(site)
        await places.add_gat(site)
        await site.world.record("cam-1", clip(1, 12_000_000))
        await site.world.change("cam-1", faults=UsbFaults(bytes_per_s=4_000_000))
        await site.world.insert("cam-1", 1)
        await site.until_slot(1, "offloading")
        before = site.config.read_bytes()
        after = before.replace(b"grant_open_s = 8.0", b"grant_open_s = 9.0")
        assert after != before
        site.config.write_bytes(after)
        assert "restart edged" in (await site.edgectl_json("reload"))["configuration"]
        await places.counted(site, "sealed", 1)
        assert not await site.facts("config.changed")
        await site.procs["edged"].end()
        await site.start_edged()
        lines = await site.facts()
        (changed,) = (x for x in lines if x["type"] == "config.changed")
        (sealed,) = (x for x in lines if x["type"] == "recording.sealed")
        old, new = (hashlib.sha256(text).hexdigest() for text in (before, after))
        assert changed["data"]["sha256"] == new
        assert (in_force(lines, sealed["seq"]), in_force(lines, lines[-1]["seq"])) == (old, new)
        assert not await site.facts("offload.interrupted")
