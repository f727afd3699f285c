"""What an officer waits for: badge to open latch, camera to light; idle and beside eight offloads. And memory.

Three loads: none; eight offloads at the speed of one USB 2.0 hub; eight as fast as the virtual bus goes, which
keeps all cores busy (the bus itself is a process on the same machine).
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import memory
from benchmarks.memory import Memory
from benchmarks.post import HUB_RATE, Post, Samples
from benchmarks.rows import Row, latency
from benchmarks.scale import Scale


@dataclass(frozen=True, slots=True)
class _Under:
    name: str
    samples: Samples
    load: str = ""


async def measure(scale: Scale, folder: Path) -> list[Row]:
    """One post, one daemon, all loads in turn."""
    async with Post.open(folder, scale) as post:
        found = [_Under("idle", await post.rounds(scale.rounds))]
        await post.load(HUB_RATE)
        found.append(await _under("8 offloads behind one USB 2.0 hub", post, scale.rounds))
        await post.unthrottle()
        found.append(await _under("8 offloads at full speed", post, scale.rounds_at_full_speed))
        used = memory.look_at_all({"edged": post.site.procs["edged"].process.pid})
        used |= await _couriers(post, scale.deliver_s)
    return [
        *(latency(f"tap to unlock, {each.name}", each.samples.taps, each.load) for each in found),
        *(latency(f"insertion to light, {each.name}", each.samples.lights, each.load) for each in found),
        *memory.measure(used),
    ]


async def _under(name: str, post: Post, rounds: int) -> _Under:
    began, before = time.perf_counter(), await post.received()
    samples = await post.rounds(rounds)
    rate = (await post.received() - before) / (time.perf_counter() - began) / 1e6
    copying = await post.still_copying()
    return _Under(name, samples, f"{rate:.0f} MB/s come in; {copying} of 8 still copy at the end")


async def _couriers(post: Post, seconds: float) -> dict[str, list[Memory]]:
    """Let courier and intake work for a while, then look."""
    site = post.site
    await site.start_intake()
    await site.start_sync()
    await asyncio.sleep(seconds)
    found: dict[str, list[Memory]] = {}
    for name in ("edged-sync", "intake"):
        proc = site.procs[name]
        try:
            found |= memory.look_at_all({name: proc.process.pid})
        except RuntimeError as exc:
            raise RuntimeError(f"{name} has ended: {proc.log.read_text()[-2000:]}") from exc
    return found
