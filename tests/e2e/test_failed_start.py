"""A daemon that cannot start says why on the dock, to systemd and to whoever asks, and starts once it can."""

import random
from pathlib import Path

import pytest

from drivers.host_clock import HostClock
from edged.cli.output import EXIT_REFUSED
from edged.errors import DiskError, EdgeError, ErrorCode
from edged.failed_start import FIRST_S, LONGEST_S, NAME, FailedStarts, pause_s
from edged.leds import SIGNS, Sign
from edged.main import EXIT_FAILED
from edged.vault.layout import MARKER
from tests.e2e import places

WITHIN_S = 60


async def begun(site: places.QuickSite) -> None:
    """As the unit starts it."""
    await site._spawn("edged", "-m", "edged.main", "--config", str(site.config), "--await-commissioning")


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.fault("X09", "a daemon that cannot start is tried again with pauses in which it says why")
async def test_an_evidence_disk_that_is_not_mounted_is_told_everywhere_and_waited_for() -> None:
    async with places.commissioned() as site:
        marker = site.folder / "vault" / MARKER
        away = marker.rename(site.folder / "not mounted")
        await begun(site)
        assert await places.ended(site, "edged", WITHIN_S) == EXIT_FAILED

        await begun(site)
        out = SIGNS[Sign.OUT]
        await site.until(
            "every slot shows that it is out of use",
            lambda: (
                {(x.colour, x.pattern) for x in site.world.leds().values()} == {(out.colour, out.pattern)}
            ),
            within_s=WITHIN_S,
        )
        status, _, err = await site.ask("status")
        assert status == EXIT_REFUSED
        assert ErrorCode.VAULT_UNFIT.label in err
        assert ErrorCode.VAULT_UNFIT.remedy.split(".")[0] in err
        assert await places.ended(site, "edged", WITHIN_S) == 0
        assert "EDG-4005" in site.procs["edged"].log.read_text()

        away.rename(marker)
        await begun(site)
        await site.until("it is in service", site._answers, within_s=WITHIN_S)
        assert not (site.state / NAME).exists()


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_whoever_starts_it_again_by_hand_does_not_wait() -> None:
    async with places.commissioned() as site:
        starts = FailedStarts(str(site.state), HostClock().now().boot_id)
        for _ in range(5):  # the pause is half a minute at least
            starts.failed(ERROR)
        await begun(site)
        await site.until(
            "it waits", lambda: ERROR.code.label in site.procs["edged"].log.read_text(), within_s=WITHIN_S
        )
        assert await site.procs["edged"].end() == 0
        await begun(site)
        await site.until("it is in service", site._answers, within_s=WITHIN_S)


ERROR = DiskError(ErrorCode.VAULT_UNFIT, path="/srv/edged", found="no marker")


def test_a_try_and_a_pause_take_turns(tmp_path: Path) -> None:
    starts = FailedStarts(str(tmp_path), "boot-1")
    assert starts.due() is None
    for attempt in (1, 2, 3):
        starts.failed(ERROR)
        found = FailedStarts(str(tmp_path), "boot-1").due()
        assert found is not None
        assert (found.attempts, found.error.code, dict(found.error.detail)) == (
            attempt,
            ERROR.code,
            dict(ERROR.detail),
        )
        starts.waited()
        assert starts.due() is None
    starts.forget()
    starts.failed(ERROR)
    found = starts.due()
    assert found is not None
    assert found.attempts == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"boot":"boot-1"}', b"\xff" * 9, b"[" * 100_000])
def test_what_is_not_understood_keeps_nobody_from_trying(tmp_path: Path, damage: bytes) -> None:
    starts = FailedStarts(str(tmp_path), "boot-1")
    (tmp_path / NAME).write_bytes(damage)
    assert starts.due() is None
    starts.waited()
    starts.failed(ERROR)
    assert starts.due() is not None


def test_a_boot_begins_with_a_try(tmp_path: Path) -> None:
    FailedStarts(str(tmp_path), "boot-1").failed(ERROR)
    assert FailedStarts(str(tmp_path), "boot-2").due() is None


def test_a_folder_that_takes_nothing_keeps_nobody_from_trying(tmp_path: Path) -> None:
    starts = FailedStarts(str(tmp_path / "none"), "boot-1")
    starts.failed(EdgeError(ErrorCode.LEDGER_MISSING))
    assert starts.due() is None
    starts.forget()


def test_pauses_grow_to_a_bound() -> None:
    class Most:
        def token(self, size: int) -> bytes:
            return random.Random(1).randbytes(size)

        def uniform(self, low: float, high: float) -> float:
            assert low == high / 2
            return high

    assert [pause_s(n, Most()) for n in (1, 2, 3, 4, 5, 1000)] == [
        FIRST_S,
        10.0,
        20.0,
        40.0,
        LONGEST_S,
        LONGEST_S,
    ]
