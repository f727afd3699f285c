"""The network protocol of NUT (Network UPS Tools), as far as it tells the state of a UPS (RFC 9271).

Asked on a connection of its own each time, without a login: one request, an answer of some dozen lines.
"""

import asyncio
import contextlib
import re

import msgspec

from edged.errors import EdgeError, ErrorCode, FormatError
from sync.ups_address import UpsAddress

ANSWER_S = 5.0  # for connecting and the whole answer
ANSWER_LIMIT = 64 * 1024  # bytes; a large UPS has 8 kB

_LINE = re.compile(r'VAR (?P<ups>\S+) (?P<name>\S+) "(?P<value>(?:[^"\\]|\\.)*)"')


class UpsState(msgspec.Struct, frozen=True, kw_only=True):
    status: tuple[str, ...]  # NUT's words: OL, OB, LB, RB, …
    charge_percent: float | None = None
    runtime_s: float | None = None


def parse_answer(answer: bytes, name: str) -> UpsState:
    """Return what a whole answer to ``LIST VAR`` says. Raises FormatError: a refusal, cut off, or not NUT's."""
    lines = answer.decode("utf-8", "replace").splitlines()
    if not lines or lines[0] != f"BEGIN LIST VAR {name}" or lines[-1] != f"END LIST VAR {name}":
        raise FormatError(reason=lines[0][:100] if lines else "nothing")
    found = {m["name"]: m["value"] for m in map(_LINE.fullmatch, lines[1:-1]) if m and m["ups"] == name}
    if "ups.status" not in found:
        raise FormatError(reason="no ups.status")
    return UpsState(
        status=tuple(found["ups.status"].split())[:16],
        charge_percent=_number(found.get("battery.charge", "")),
        runtime_s=_number(found.get("battery.runtime", "")),
    )


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text, re.ASCII) else None


async def ask(address: UpsAddress) -> UpsState:
    """Ask the server once. Raises EdgeError: UPS_SILENT."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return parse_answer(await _answer(address), address.name)
    except (OSError, ValueError, EdgeError) as exc:
        reason = str(exc)[:200] or type(exc).__name__
        raise EdgeError(ErrorCode.UPS_SILENT, ups=address.name, reason=reason) from exc


async def _answer(address: UpsAddress) -> bytes:
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=ANSWER_LIMIT)
    try:
        writer.write(f"LIST VAR {address.name}\n".encode())
        await writer.drain()
        answer = b""
        while line := await reader.readline():
            answer += line
            if line.startswith((b"END ", b"ERR ")) or len(answer) > ANSWER_LIMIT:
                break
        return answer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
