"""Offload: one clip, and eight at once, beside `cp`, `sync` and `sha256sum` of the same bytes."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.copies import Copies
from benchmarks.rows import Row, mb_s, rate
from benchmarks.scale import Scale

EIGHT = 8


async def measure(scale: Scale, folder: Path) -> list[Row]:
    """Each way in turn, `Scale.repeats` times."""
    with machine.film(scale.clip) as film:
        return [await one(scale, folder, film), await eight(scale, folder, film)]


async def one(scale: Scale, folder: Path, film: Path) -> Row:
    """The path of a clip through worker, pipe and sealer; the copy must be the film."""
    expected = await asyncio.to_thread(_digest, film)
    ours, cached, read_back = list[float](), list[float](), list[float]()
    media = set[str]()
    async with Copies.open(folder / "one") as copies, copies.worker(film) as worker:
        await copies.seal(worker, min(scale.clip, 1 << 20))  # both processes have started
        for _ in range(scale.repeats):
            seconds, sealed = await copies.seal(worker, scale.clip)
            if sealed.sha256 != expected:
                raise RuntimeError("the copy is another one")
            ours.append(seconds)
            media.add(sealed.medium.value)
            cached.append(await asyncio.to_thread(_by_hand, film, folder / "by-hand", forget=False))
            read_back.append(await asyncio.to_thread(_by_hand, film, folder / "by-hand", forget=True))
    return rate(
        f"offload of one clip of {_size(scale.clip)}: hash, write, fsync, read-back ({', '.join(media)})",
        scale.clip,
        ours,
        (
            f"cp + sync + sha256sum {mb_s(scale.clip, cached)}",
            f"the same, sha256sum from the disk {mb_s(scale.clip, read_back)}",
        ),
    )


async def eight(scale: Scale, folder: Path, film: Path) -> Row:
    """Eight slots, each with a worker and a sealer, sharing the disk's write turns."""
    size, ours, by_hand = min(scale.clip_of_eight, scale.clip), list[float](), list[float]()
    async with AsyncExitStack() as stack:
        copies = await stack.enter_async_context(Copies.open(folder / "eight"))
        workers = [await stack.enter_async_context(copies.worker(film)) for _ in range(EIGHT)]
        short = film.with_name("short")
        await asyncio.to_thread(_head, film, short, size)
        for _ in range(scale.repeats):
            ours.append(await _together(copies.seal(worker, size) for worker in workers))
            targets = [folder / f"by-hand-{number}" for number in range(EIGHT)]
            works = (asyncio.to_thread(_by_hand, short, target, forget=True) for target in targets)
            by_hand.append(await _together(works))
    return rate(
        f"eight clips of {_size(size)} at once, together",
        size * EIGHT,
        ours,
        (f"eight of cp + sync + sha256sum from the disk {mb_s(size * EIGHT, by_hand)}",),
    )


async def _together(works: Iterable[Awaitable[object]]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*works)
    return time.perf_counter() - began


def _head(source: Path, target: Path, size: int) -> None:
    shutil.copyfile(source, target)
    os.truncate(target, size)


def _by_hand(film: Path, target: Path, *, forget: bool) -> float:
    """What a person would type; with ``forget`` the sum is of what the disk gives back."""
    began = time.perf_counter()
    subprocess.run(["cp", str(film), str(target)], check=True)
    subprocess.run(["sync", str(target)], check=True)
    if forget:
        machine.forget(target)
    subprocess.run(["sha256sum", str(target)], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(size: int) -> str:
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"
