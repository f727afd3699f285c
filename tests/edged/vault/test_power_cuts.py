"""The recipe begin-write-finish-publish with a power cut at every call that changes the disk."""

import hashlib
import random

import pytest

from edged.vault import sealing as module
from edged.vault.layout import Place
from edged.vault.sealing import BLOCK
from edged.vault.vault import Vault
from tests.edged.vault.rig import ROOT, Rig, clip, make_rig, reopen
from tests.fakes.memory_fs import MemoryFS, PowerCut

DATA = clip(3 * BLOCK + 77)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def _marks_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MARK_EVERY", BLOCK)


def seal_with_manifest(rig: Rig) -> None:
    rig.seal(DATA)
    rig.vault.store_manifest(rig.place, b"manifest")


def steps_of_a_whole_run() -> int:
    fs = MemoryFS()
    rig = make_rig(fs)
    before = fs.steps
    seal_with_manifest(rig)
    return fs.steps - before


def run_until_cut(cut: int, rng: random.Random | None) -> tuple[MemoryFS, Place]:
    fs = MemoryFS()
    rig = make_rig(fs)
    fs.cut_after = fs.steps + cut
    with pytest.raises(PowerCut):
        seal_with_manifest(rig)
    fs.power_cut(rng)
    return fs, rig.place


def check(fs: MemoryFS, vault: Vault, place: Place) -> None:
    """Under the final name: the whole clip, or nothing. A seal mark of it tells the truth."""
    files = fs.files(f"{ROOT}/recordings")
    if place.content in files:
        assert files[place.content] == DATA
    if (mark := vault.finished(place)) is not None:
        assert (mark.length, mark.sha256) == (len(DATA), SHA256)
    if place.manifest in files:
        assert files[place.manifest] == b"manifest"
        assert place.content in files


RNGS = [None, *range(5)]


@pytest.mark.fault("X01", "a power cut at any call leaves nothing, a beginning, or the whole sealed file")
@pytest.mark.fault("U02", "between the last byte and the verification there is no final name")
@pytest.mark.parametrize("cut", range(steps_of_a_whole_run()))
def test_a_cut_at_any_call_never_leaves_a_final_name_with_wrong_bytes(cut: int) -> None:
    for seed in RNGS:
        fs, place = run_until_cut(cut, None if seed is None else random.Random(seed * 1000 + cut))
        rig = reopen(fs)
        check(fs, rig.vault, place)

        if place.content not in fs.files():
            sealed = rig.seal(DATA)
            assert sealed.sha256 == SHA256
            assert sealed.resumed_from + sealed.received == len(DATA)
        check(fs, rig.vault, place)
        assert fs.files()[place.content] == DATA


@pytest.mark.fault("X04", "a machine that reboots in mid-copy again and again gets further each time")
def test_a_reboot_loop_makes_progress() -> None:
    """Each boot lasts for 20 steps: a few blocks with their marks, or all blocks without the end."""
    data = clip(16 * BLOCK + 77)
    fs = MemoryFS()
    place = make_rig(fs).place
    held: list[int] = []
    for _ in range(10):
        rig = reopen(fs)
        if place.content in fs.files():
            break
        fs.cut_after = fs.steps + 20
        try:
            rig.seal(data)
        except PowerCut:
            fs.power_cut()
            if place.content not in fs.files():
                part = reopen(fs).vault.begin(place, len(data))
                held.append(part.held)
                part.close()
    assert held
    assert held == sorted(set(held))
    assert fs.files()[place.content] == data


def test_a_cut_after_publishing_loses_nothing() -> None:
    fs = MemoryFS()
    rig = make_rig(fs)
    sealed = rig.seal(DATA)
    rig.vault.store_manifest(rig.place, b"manifest")
    fs.power_cut()

    assert fs.files()[rig.place.content] == DATA
    assert fs.files()[rig.place.manifest] == b"manifest"
    mark = reopen(fs).vault.finished(rig.place)
    assert mark is not None
    assert mark.sha256 == sealed.sha256
