"""`make test` says what of the virtual machine it could not try; `make vm` fails instead."""

import subprocess

import pytest

from tests.vm import spare


@pytest.mark.parametrize(
    "error",
    [AssertionError("it does not come up"), OSError("none"), subprocess.TimeoutExpired("mmdebstrap", 9)],
)
def test_what_the_host_cannot_do_is_told_and_skipped(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARE", "1")
    with (
        pytest.raises(pytest.skip.Exception, match="not proven here: this host cannot boot"),
        spare.host_can("boot"),
    ):
        raise error
    monkeypatch.delenv("SPARE")
    with pytest.raises(type(error)), spare.host_can("boot"):
        raise error


def test_a_slow_host_leaves_the_machines_out_only_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARE", "1")
    spare.require_quick_host(spare.QUICK_S)
    with pytest.raises(pytest.skip.Exception, match="make vm SAMPLE=1"):
        spare.require_quick_host(2 * spare.QUICK_S)
    monkeypatch.delenv("SPARE")
    spare.require_quick_host(2 * spare.QUICK_S)


def test_a_host_tells_how_quick_it_is() -> None:
    assert 0.01 < spare.seconds() < 30
