"""Real H.264 MP4 clips for the cameras, made by ffmpeg once and kept in the checkout's cache."""

import asyncio
import os
import struct
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache" / "clips"
# name → (seconds, size, encoder's rate factor: less is larger). Noise makes the last one > 64 MiB.
KINDS = {
    "short": (4, "640x360", 30),
    "walk": (10, "1280x720", 27),
    "talk": (8, "960x540", 25),
    "long": (5, "1280x720", 12),
}
LONG_AT_LEAST = 80 * 1024 * 1024
FFMPEG_S = 180


async def make() -> dict[str, Path]:
    """Return a file for each kind, making what is not in the cache yet. RuntimeError if ffmpeg fails."""
    await asyncio.to_thread(CACHE.mkdir, parents=True, exist_ok=True)
    made = {name: CACHE / f"{name}.mp4" for name in KINDS}
    for name, path in made.items():
        if not await asyncio.to_thread(path.exists):
            await _encode(name, path)
    size = (await asyncio.to_thread(made["long"].stat)).st_size
    if size < LONG_AT_LEAST:
        raise RuntimeError(f"the long clip has {size} bytes, {LONG_AT_LEAST} are wanted")
    return made


async def _encode(name: str, path: Path) -> None:
    seconds, size, factor = KINDS[name]
    noise = ",noise=alls=40:allf=t" if name == "long" else ""
    temporary = path.with_suffix(".part.mp4")
    command = (
        *("ffmpeg", "-nostdin", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}{noise}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", str(factor), "-c:a", "aac"),
        *("-metadata", "creation_time=2026-11-22T07:00:00Z", str(temporary)),
    )
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(FFMPEG_S):
        _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"ffmpeg: {said.decode(errors='replace')[-500:]}")
    temporary.replace(path)  # one rename


def unlike_any_other(clip: Path, folder: Path, number: int) -> Path:
    """The clip as a recording of its own: the same film with a ``free`` box of random bytes at its end."""
    path = folder / f"{clip.stem}-{number}.mp4"
    payload = os.urandom(24)
    path.write_bytes(clip.read_bytes() + struct.pack(">I4s", 8 + len(payload), b"free") + payload)
    return path
