"""Appending to the ledger: alone, and while eight offloads write to the same disk as fast as it goes."""

import asyncio
import time
from pathlib import Path

from benchmarks import machine, samples
from benchmarks.copies import busy
from benchmarks.rows import Row, latency
from benchmarks.scale import Scale
from edged.ledger.book import Book

PAUSE_S = 0.005  # between two appends: a stall of the disk is then met by one of them, as on a station


async def measure(scale: Scale, folder: Path, *, copies: int = 8) -> list[Row]:
    """One fact after another, each waited for until it is durable; then beside ``copies`` offloads."""
    book = await samples.new_book(str(folder / "ledger"))
    try:
        idle = await _append(book, scale.append_s / 2)
        with machine.film(scale.load_clip) as film:
            async with busy(folder, film, scale.load_clip, copies) as meter:
                await asyncio.sleep(min(2.0, scale.append_s))  # all eight are in the middle of it
                began, before = time.perf_counter(), meter.received
                loaded = await _append(book, scale.append_s)
                rate = (meter.received - before) / (time.perf_counter() - began) / 1e6
    finally:
        await book.close()
    return [
        latency("ledger append, durable, idle", idle),
        latency(
            f"ledger append under {copies} offloads",
            loaded,
            f"the offloads bring in {rate:.0f} MB/s meanwhile",
        ),
    ]


async def _append(book: Book, seconds: float) -> list[float]:
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        fact = samples.sealed()
        began = time.perf_counter()
        await book.append(fact)
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_S)
    return taken
