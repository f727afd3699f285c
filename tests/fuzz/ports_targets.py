"""What the ports' process hears and reads, and what a worker hears on its line of life."""

import socket
from contextlib import suppress
from typing import cast

import msgspec

from drivers.notify import Notifier
from drivers.usb_ports import main as ports
from drivers.usb_ports import messages as p
from drivers.usb_ports.slot_map import read_slot_map
from drivers.worker import messages as m
from drivers.worker.lifeline import CoreGoneError, Lifeline
from edged.errors import CameraError, ConfigError
from edged.roles.channel import Channel
from edged.roles.connected_workers import CONNECTION_LIMIT, greeted
from edged.roles.port_gate import PortGate
from tests.fuzz.contract import KIB, Target, require
from tests.fuzz.process_targets import through_socket
from tests.fuzz.samples import NESTED, run

REQUESTS: tuple[p.Request, ...] = (
    p.Open(slot=1),
    p.Close(slot=2),
    p.Rest(slot=2),
    p.Cycle(slot=3),
    p.EndWorker(pid=77),
)
ANSWERS: tuple[p.Answer, ...] = (
    p.Opened(descriptor_sha256="a" * 64),
    p.Done(),
    p.Refused(code=2010, detail={"reason": "no camera", "port": 7}),
)
NOBODY = Notifier({}, 0)  # there is no systemd
MAP = b"""[station]
id = "post-7"
[[dock]]
name = "A"
slots = [ { label = 1, port = "pci-0000:00:10.0-usb-0:1.3", controller_slot = 1 } ]
"""


def _requests(data: bytes) -> None:
    def receive(sock: socket.socket) -> None:
        held, taken = bytearray(), 0
        try:
            while True:
                request, held = ports._next(sock, held, NOBODY)
                require(isinstance(request, p.Request), "a line passes that is no request")
                taken += 1
        except ports._CoreGoneError:
            if not taken:
                raise

    through_socket(data, receive)


def _map(data: bytes) -> None:
    found = read_slot_map(data)
    require(len(set(found.values())) == len(found) > 0, "two slots at one port, or none")


def _life(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    given, kept = socket.socketpair()
    with ours, theirs, given, kept:
        with suppress(OSError):
            socket.send_fds(theirs, [data or b"\n"], [given.fileno()])
        theirs.close()
        life = Lifeline(ours.dup(), lambda: None)
        try:
            life.conversation().close()
        finally:
            life.close()


def _lines() -> list[bytes]:
    return [msgspec.json.encode(request) + b"\n" for request in REQUESTS]


def _hostile() -> list[bytes]:
    return [NESTED, NESTED + b"\n", b'{"kind":"\xff"}\n', b"[[" * 4000]


def _greeting(data: bytes) -> None:
    found = greeted(data)
    require(found.isprintable() and len(found) <= CONNECTION_LIMIT, "an unfit name passes")


class _Told:
    """A channel that gives one line."""

    def __init__(self, line: bytes) -> None:
        self._line = line

    async def send(self, line: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        return self._line

    def close(self) -> None:
        pass


def _answer(data: bytes) -> None:
    gate = PortGate("/none")
    gate._channel = cast("Channel", _Told(data))
    run(gate.open(1))


TARGETS = (
    Target(
        name="worker-greeting",
        contract="A worker's first line gives a short printable name, or ValueError.",
        body=_greeting,
        refusals=(ValueError,),
        seeds=lambda: [msgspec.json.encode(m.Greeting(connection="189:1/5"))],
        limit=KIB,
        covers=(greeted,),
        hostile=lambda: [NESTED],
    ),
    Target(
        name="ports-answer",
        contract="A line from the ports' process is an answer, or CameraError.",
        body=_answer,
        refusals=(CameraError,),
        seeds=lambda: [msgspec.json.encode(one) for one in ANSWERS],
        limit=8 * KIB,
        covers=(PortGate._answer,),
        hostile=lambda: [NESTED],
    ),
    Target(
        name="ports-requests",
        contract="Any bytes from the core are requests, or the end of the conversation; no other exception.",
        body=_requests,
        refusals=(ports._CoreGoneError,),
        seeds=_lines,
        limit=8 * KIB,
        covers=(ports._next,),
        hostile=_hostile,
    ),
    Target(
        name="ports-map",
        contract="A configuration gives each slot a port of its own, or ConfigError.",
        body=_map,
        refusals=(ConfigError,),
        seeds=lambda: [MAP],
        limit=8 * KIB,
        covers=(read_slot_map,),
        hostile=lambda: [b"a=" + b"[" * 4000, b"a." * 490 + b"b=1", b"[[dock]]\n" * 800],
        steps_a_byte=2000,
        memory_a_byte=4000,
    ),
    Target(
        name="worker-life",
        contract="What comes on the line of life with a socket is a conversation, or the core has gone.",
        body=_life,
        refusals=(CoreGoneError,),
        seeds=lambda: [msgspec.json.encode(m.Converse()) + b"\n"],
        limit=KIB,
        covers=(Lifeline.conversation,),
        hostile=_hostile,
    ),
)
