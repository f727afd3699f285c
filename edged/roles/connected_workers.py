"""Workers that come by themselves: systemd starts one when something appears at a slot's port.

The other end is `drivers.worker.lifeline`.

1. One socket a slot, in a folder that no other slot's unit sees. Whoever connects must run as the workers' user.
2. The newest worker of a slot counts. As long as its line of life stands, the device is there; when it says that it
   leaves, the device is gone; when the line breaks, it has RETURN_S to come back before the device counts as gone.
3. A port is opened for each conversation and shut when its device turns out to be no camera.
4. A worker out of step is ended, its port shut, its line of life broken: another comes.
5. A port that could not be shut is tried again until it is, or until it is opened for the next conversation.
"""

import asyncio
import contextlib
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

import msgspec

from drivers.hotplug import HotplugEvent, Presence
from drivers.worker import messages as m
from edged.errors import CameraError, EdgeError, ErrorCode
from edged.ports import Log
from edged.roles.base import START_S, Stranger
from edged.roles.channel import Channel, ChannelClosedError
from edged.roles.port_gate import PortGate
from edged.roles.worker_process import WorkerProcess

GREETING_S = 5.0
RETURN_S = 15.0
SEND_S = 5.0
LAST_WORD_S = 2.0
LINE_LIMIT = 512  # bytes of what a worker says on its line of life
BACKLOG = 4  # of connections that have not greeted yet, a slot
CONNECTION_LIMIT = 100
SHUT_AGAIN_S = 10.0

_greeting = msgspec.json.Decoder(m.Greeting).decode
_last = msgspec.json.Decoder(m.Leaving).decode
_CONVERSE = msgspec.json.encode(m.Converse())


class ConnectedWorkers:
    """Both `Workers` and `Hotplug`: that a worker comes is how the core learns that something was plugged in.

    Args:
        folder: where the sockets lie, ``<slot>/core.sock``.
        ports: slot → its port, by which the rest of the core knows it.
        uid: of the workers' user.
        gate: the ports' process. Owned.
    """

    def __init__(self, folder: str, ports: Mapping[int, str], uid: int, gate: PortGate, log: Log) -> None:
        self._gate = gate
        self._slots = [_Slot(label, port, f"{folder}/{label}/core.sock") for label, port in ports.items()]
        self._uid, self._log = uid, log
        self._presence = Presence()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = self._closed = False
        self._unshut: dict[int, EdgeError] = {}
        self._opening: set[int] = set()
        self._strangers: set[Stranger] = set()  # at most one for each slot and account

    async def start(self, port: str) -> WorkerProcess:
        slot = next(slot for slot in self._slots if slot.port == port)
        try:
            async with asyncio.timeout(START_S):
                return WorkerProcess(await self._conversation(slot))
        except TimeoutError as exc:
            name = f"worker of slot {slot.label}"
            raise CameraError(ErrorCode.PROCESS_DIED, process=name, error="none has come") from exc

    async def _conversation(self, slot: "_Slot") -> "_Conversation":
        while True:
            life = await slot.somebody()
            await self._let_in(slot.label)
            try:
                return _Conversation(slot.label, life, await life.converse(), self)
            except ChannelClosedError:  # it has died, and nobody has looked at its line since: the next one
                life.drop()
                await self.rest(slot.label, START_S)
                await life.over.wait()

    async def _let_in(self, slot: int) -> None:
        self._opening.add(slot)
        try:
            await self._gate.open(slot)
            self._unshut.pop(slot, None)  # it is to be open now
        finally:
            self._opening.discard(slot)

    def unshut(self) -> Mapping[int, EdgeError]:
        return self._unshut

    def strangers(self) -> Collection[Stranger]:
        found, self._strangers = self._strangers, set()
        return found

    async def cycle(self, port: str) -> bool:
        slot = next(slot for slot in self._slots if slot.port == port)
        try:
            await self._gate.cycle(slot.label)
        except CameraError:
            return False
        return True

    async def next(self) -> HotplugEvent:
        """See `drivers.hotplug.Hotplug`."""
        self._listen()
        while (event := self._presence.take()) is None:
            self._changed.clear()
            await self._changed.wait()
        return event

    async def close(self) -> None:
        """Let every worker go. Repeatable."""
        self._closed = True
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._gate.close()

    def shut(self, slot: int, pid: int | None = None) -> None:
        """Shut the slot's port, and end the worker with this number, without keeping the caller waiting."""
        if not self._closed:  # else the end of the conversation with the ports' process shuts them all
            self._spawn(self._shut(slot, pid))

    async def rest(self, slot: int, within_s: float) -> None:
        """Before the next conversation begins: nothing but a worker gets at the interface in between."""
        if not self._closed:
            # A task of its own: cut off in mid-answer, it would cost every slot its port.
            await asyncio.wait({self._spawn(self._rest(slot))}, timeout=within_s)

    async def _rest(self, slot: int) -> None:
        await self._closed_off(slot, self._gate.rest)

    async def _shut(self, slot: int, pid: int | None) -> None:
        if await self._closed_off(slot, self._gate.shut) and pid is not None:
            try:
                await self._gate.end_worker(pid)
            except CameraError as exc:
                self._log("EDG-9105", slot=slot, code=exc.code.label, reason=str(exc)[:200])

    async def _closed_off(self, slot: int, ask: Callable[[int], Awaitable[None]]) -> bool:
        try:
            await ask(slot)
        except CameraError as exc:
            if slot not in self._unshut:
                self._log("EDG-9105", slot=slot, code=exc.code.label, reason=str(exc)[:200])
            self._unshut[slot] = exc
            return False
        self._unshut.pop(slot, None)
        return True

    async def _shut_again(self) -> None:
        while True:
            await asyncio.sleep(SHUT_AGAIN_S)
            for slot in tuple(self._unshut):
                # Requests keep their order: shut now, it cannot hit a conversation that begins afterwards.
                if slot in self._unshut and slot not in self._opening:
                    await self._shut(slot, None)

    # --- who comes -----------------------------------------------------------------------------------

    def _listen(self) -> None:
        if not self._open:
            self._open = True
            self._spawn(self._shut_again())
            for slot in self._slots:
                self._spawn(self._serve(slot, slot.listening()))

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, slot: "_Slot", listening: socket.socket) -> None:
        with listening:
            room = asyncio.Semaphore(BACKLOG)
            while True:
                await room.acquire()
                sock, _ = await asyncio.get_running_loop().sock_accept(listening)
                self._spawn(self._meet(slot, sock, room))

    async def _meet(self, slot: "_Slot", sock: socket.socket, room: asyncio.Semaphore) -> None:
        channel = Channel(sock, line_limit=LINE_LIMIT)
        try:
            try:
                life = await self._greeted(slot, sock, channel)
            finally:
                room.release()
            if life is not None:
                await self._live(slot, life)
        finally:
            channel.close()

    async def _greeted(self, slot: "_Slot", sock: socket.socket, channel: Channel) -> "_Life | None":
        pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        try:
            _require(uid == self._uid, f"user {uid} is not the workers'")
            async with asyncio.timeout(GREETING_S):
                connection = greeted(await channel.receive())
        except (ValueError, ChannelClosedError, TimeoutError) as exc:
            reason = str(exc)[:200] or type(exc).__name__
            self._log("EDG-9104", slot=slot.label, pid=pid, reason=reason)
            self._strangers.add(Stranger(slot.label, _account(uid), uid))
            return None
        return _Life(f"worker of slot {slot.label}", pid, connection, sock, channel)

    async def _live(self, slot: "_Slot", life: "_Life") -> None:
        slot.take(life)
        self._log("EDG-9103", slot=slot.label, pid=life.pid, connection=life.connection)
        self._presence.arrived(slot.port, life.connection)
        self._changed.set()
        await life.ends()
        lost = slot.lose(life)
        life.over.set()
        if lost:
            if not life.left:
                await slot.comes_back(RETURN_S)
            if slot.life is None:
                self._presence.left(slot.port, life.connection)
                self._changed.set()


def greeted(line: bytes) -> str:
    """Return the name of the connection that a worker greets with. Raises ValueError."""
    try:
        connection = _greeting(line).connection
    except RecursionError as exc:  # msgspec raises it beside ValueError
        raise ValueError("too deep") from exc
    _require(
        connection.isprintable() and len(connection) <= CONNECTION_LIMIT, "an unfit name of a connection"
    )
    return connection


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def _shut(sock: socket.socket) -> None:
    """Both ends see that it is over; the descriptor stays its owner's to close."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


class _Life:
    """One worker, from its greeting to the end of its line."""

    def __init__(self, name: str, pid: int, connection: str, sock: socket.socket, channel: Channel) -> None:
        self.name, self.pid, self.connection = name, pid, connection
        self._sock, self._channel = sock, channel
        self.left = False  # it said that its device has left
        self.dying = False  # its conversation broke off: it has something to say still, or nothing any more
        self.over = asyncio.Event()  # and no longer the one of its slot

    async def ends(self) -> None:
        """Wait for its last word, or for the break of the line."""
        with contextlib.suppress(ChannelClosedError, ValueError):  # ValueError: what msgspec raises
            _last(await self._channel.receive())
            self.left = True

    async def converse(self) -> socket.socket:
        """Begin a conversation; return our end. Raises ChannelClosedError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                async with asyncio.timeout(SEND_S):
                    await self._channel.send(_CONVERSE, [theirs.fileno()])
        except BaseException as exc:
            ours.close()
            if isinstance(exc, TimeoutError):
                raise ChannelClosedError("it takes nothing") from exc
            raise
        return ours

    def drop(self) -> None:
        """Break the line: whoever waits for its end sees it."""
        _shut(self._sock)

    async def gone(self) -> None:
        """Wait for its end, for so long that it can still say why; then break the line."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_S):
                await self.over.wait()
        self.drop()
        await self.over.wait()


class _Conversation:
    """See `edged.roles.worker_process.Partner`."""

    def __init__(self, slot: int, life: _Life, sock: socket.socket, workers: ConnectedWorkers) -> None:
        self._slot, self._life, self._workers = slot, life, workers
        self._sock, self.channel = sock, Channel(sock)
        self._ended = False

    @property
    def gone(self) -> ErrorCode:
        return ErrorCode.CAMERA_LOST if self._life.left else ErrorCode.PROCESS_DIED

    def story(self) -> dict[str, str | int]:
        return {"process": self._life.name, "pid": self._life.pid}

    def kill(self) -> None:
        self._ended = True  # the whole port is shut
        _shut(self._sock)
        self._life.drop()
        self._workers.shut(self._slot, self._life.pid)

    def distrust(self) -> None:
        self._workers.shut(self._slot)

    async def end(self, patience_s: float) -> None:
        if self.channel.broken:
            self._life.dying = True  # that may take a while, and the next conversation is not with it
        self.channel.close()
        if not self._ended:
            self._ended = True
            await self._workers.rest(self._slot, patience_s)


class _Slot:
    def __init__(self, label: int, port: str, path: str) -> None:
        self.label, self.port, self._path = label, port, path
        self.life: _Life | None = None
        self._there = asyncio.Event()

    def listening(self) -> socket.socket:
        """The slot's socket. Anybody may connect to it, who sees it: what counts is who he is."""
        path = Path(self._path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o711)  # whatever the umask is: another user's process goes through here
        path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.bind(self._path)
        path.chmod(0o666)
        sock.listen(BACKLOG)
        return sock

    def take(self, life: _Life) -> None:
        if self.life is not None:
            self.life.drop()
        self.life = life
        self._there.set()

    def lose(self, life: _Life) -> bool:
        """Its line has ended. False: another has taken its place already."""
        if self.life is not life:
            return False
        self.life = None
        self._there.clear()
        return True

    async def comes_back(self, within_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._there.wait()

    async def somebody(self) -> _Life:
        """The worker that is there, or comes; not one that is dying."""
        while True:
            await self._there.wait()
            assert self.life is not None
            if not self.life.dying:
                return self.life
            await self.life.gone()
