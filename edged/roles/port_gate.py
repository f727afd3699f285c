"""The core's end of the ports' process (`drivers.usb_ports`): a slot's port is opened for each conversation.

When the conversation with that process breaks every port is shut; the next request connects anew, and who finds its
camera gone opens again.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

import msgspec

from drivers.usb_ports import messages as p
from edged.errors import CameraError, ErrorCode
from edged.roles.channel import Channel, ChannelClosedError
from edged.roles.failures import port_failure

ANSWER_S = 10.0  # sysfs writes wait for the device; a cycle takes OFF_S

_decode: Callable[[bytes], p.Answer] = msgspec.json.Decoder(p.Answer).decode


class PortGate:
    """One request at a time. Every method raises CameraError PORT_FAULT if the ports' process does not answer."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._channel: Channel | None = None
        self._turn = asyncio.Lock()

    async def open(self, slot: int) -> None:
        """Let the workers at what is plugged into the slot.

        Raises:
            CameraError: CAMERA_FORBIDDEN_INTERFACE, it is no camera; CAMERA_LOST, nothing is there.
        """
        await self._ask(p.Open(slot=slot))

    async def shut(self, slot: int) -> None:
        await self._ask(p.Close(slot=slot))

    async def cycle(self, slot: int) -> None:
        """Take the power from the slot's port for a moment. PORT_FAULT also where its hub cannot switch it."""
        await self._ask(p.Cycle(slot=slot))

    async def rest(self, slot: int) -> None:
        """A conversation is over: the kernel is to give the interface to nobody."""
        await self._ask(p.Rest(slot=slot))

    async def end_worker(self, pid: int) -> None:
        await self._ask(p.EndWorker(pid=pid))

    def close(self) -> None:
        """End the conversation, which shuts every port."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    async def _ask(self, request: p.Request) -> None:
        async with self._turn:
            answer = await self._answer(request)
        if isinstance(answer, p.Refused):
            raise port_failure(answer)

    async def _answer(self, request: p.Request) -> p.Answer:
        try:
            async with asyncio.timeout(ANSWER_S):
                channel = self._channel or await self._connect()
                await channel.send(msgspec.json.encode(request))
                return _decode(await channel.receive())
        # The last two are msgspec's.
        except (ChannelClosedError, OSError, TimeoutError, ValueError, RecursionError) as exc:
            self.close()
            reason = str(exc)[:200] or type(exc).__name__
            raise CameraError(ErrorCode.PORT_FAULT, socket=self._path, reason=reason) from exc
        except BaseException:
            self.close()  # its answer would be taken for the next one's
            raise

    async def _connect(self) -> Channel:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                sock.close()
            raise
        self._channel = Channel(sock, line_limit=p.LINE_LIMIT)
        return self._channel
