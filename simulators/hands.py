"""What one can do to a running dock from outside: requests as JSON objects, answers the same way.

A method of ``Hands`` whose name begins with ``do_`` is a request; its parameters are the request's
members. What cannot be done comes back as one sentence.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from firmware_protocol.dock.messages import Fault
from firmware_protocol.reader.messages import CardKind
from simulators.faults import UsbFaults
from simulators.usb.control import MAX_LINE
from simulators.usb.remote import ANSWER_S
from simulators.world import World

Answer = dict[str, object]
LONGEST_TAKE_S = 600.0


class Hands:
    """Requests on one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, line: bytes) -> bytes:
        """Never raises for a request, whatever it is."""
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            result = await self._do(request.pop("do", ""), request)
        except TimeoutError:
            result = {"ok": False, "error": "nothing of the kind happened in time"}
        except (ValueError, TypeError, OSError, msgspec.MsgspecError) as exc:
            result = {"ok": False, "error": str(exc)}
        return msgspec.json.encode(result) + b"\n"

    async def _do(self, what: str, members: dict[str, Any]) -> Answer:
        known = {name.removeprefix("do_"): name for name in dir(self) if name.startswith("do_")}
        if what not in known:
            raise ValueError(f"there is no {what!r}; there are {', '.join(known)}")
        return {"ok": True, **await getattr(self, known[what])(**members)}

    async def do_status(self) -> Answer:
        world, bus = self._world, await self._world.status()
        on_bus = {port.port: port for port in bus.ports}
        slots = [
            {
                "slot": number,
                "camera": world.inside.get(number),
                "latch": slot.latch.name.lower(),
                "power": slot.powered,
                "on_bus": on_bus[f"1-1.{number}"].devnum is not None,
                "led": f"{slot.colour.name.lower()} {slot.pattern.name.lower()}",
                "buzzer": slot.buzzer.name.lower(),
                "fault": slot.fault.name if slot.fault else "",
            }
            for number, slot in world.dock.slots.items()
        ]
        return {
            "slots": slots,
            "cameras": bus.cameras,
            "reader": world.reader.shows.name.lower(),
            "host": {"dock": world.dock.in_session, "reader": world.reader.in_session},
            "recordings": len(world.truth()),
            "trouble": [str(one) for one in world.trouble],
        }

    async def do_tap(self, uid: str, kind: str = CardKind.DESFIRE_ID.label) -> Answer:
        kinds = {one.label: one for one in CardKind}
        if kind not in kinds:
            raise ValueError(f"there is no kind {kind!r}; there are {', '.join(kinds)}")
        return {"heard": self._world.tap(uid, kinds[kind])}

    async def do_insert(self, camera: str, slot: int) -> Answer:
        await self._world.insert(camera, slot)
        return {}

    async def do_pull(self, slot: int, force: bool = False) -> Answer:
        return {"camera": await self._world.pull(slot, force=force)}

    async def do_take(self, slot: int | None = None, within_s: float = 20.0) -> Answer:
        taken, camera = await self._world.take(slot, min(within_s, LONGEST_TAKE_S))
        return {"slot": taken, "camera": camera}

    async def do_record(self, camera: str, file: str = "", size: int = 1 << 20, seed: int = 1) -> Answer:
        source = Path(file) if file else film(seed, size)
        made = await self._world.record(camera, source)
        return {"path": made.path, "size": made.size, "sha256": made.sha256}

    async def do_set(self, camera: str, changes: dict[str, Any]) -> Answer:
        await self._world.change(camera, **changes)
        return {}

    async def do_fault(self, camera: str, faults: dict[str, Any]) -> Answer:
        given = msgspec.convert(faults, UsbFaults, strict=False)
        await self._world.change(camera, faults=given)
        return {"faults": faults}

    async def do_break(self, slot: int, what: str) -> Answer:
        """A slot's own faults: "overheat", "jam", or a name of the controller's faults."""
        dock = self._world.dock
        if slot not in dock.slots:
            raise ValueError(f"there is no slot {slot}; there are 1 to {len(dock.slots)}")
        match what:
            case "overheat":
                dock.slots[slot].temperature = 700
            case "jam":
                dock.slots[slot].jammed = True
            case "none":
                dock.slots[slot].temperature, dock.slots[slot].jammed = 220, False
            case _:
                names = {str(one.name).lower(): one for one in Fault if one}
                if what not in names:
                    raise ValueError(
                        f"there is no fault {what!r}; there are overheat, jam, none, {', '.join(names)}"
                    )
                dock.break_down(slot, names[what])
        dock.changed()
        return {}

    async def do_line(self, name: str, plugged: bool) -> Answer:
        """Pull or plug the serial line of "dock" or "reader"."""
        lines = self._world.lines
        if name not in lines:
            raise ValueError(f"there is no line {name!r}; there are {', '.join(lines)}")
        line = lines[name]
        (line.plug if plugged else line.unplug)()
        return {}

    async def do_truth(self) -> Answer:
        return {"recordings": [msgspec.to_builtins(made) for made in self._world.truth()]}


def film(seed: int, size: int) -> bytes:
    """Bytes that are the same for the same seed and do not repeat within a sector."""
    if not 0 <= size <= 1 << 30:
        raise ValueError(f"a recording of {size} bytes")
    line = b"frame %08d of clip %08d "
    return b"".join(line % (n, seed) for n in range(size // 32 + 1))[:size]


async def serve(world: World, path: Path) -> asyncio.Server:
    """Listen for requests on a Unix socket until the server is closed."""
    hands = Hands(world)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(await hands.answer(line))
                await writer.drain()
        except (OSError, ValueError):
            return  # the peer has gone, or its line is too long
        finally:
            writer.close()

    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - asyncio's rule against pathlib; what an earlier run left
    return await asyncio.start_unix_server(talk, path, limit=MAX_LINE)


async def ask(path: Path, do: str, **members: object) -> dict[str, Any]:
    """Send one request to a running dock. Raises OSError: nothing runs there; TimeoutError."""
    async with asyncio.timeout(LONGEST_TAKE_S + ANSWER_S):
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
        try:
            writer.write(msgspec.json.encode({"do": do, **members}) + b"\n")
            await writer.drain()
            line = await reader.readline()
        finally:
            writer.close()
    if not line:
        raise ConnectionResetError("the dock ended in mid-request")
    answer: dict[str, Any] = msgspec.json.decode(line)
    return answer
