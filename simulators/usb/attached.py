"""The URBs of one device on the bus, whatever carries them: what waits, what is due, what the device answers.

It never blocks on a device: what a device does not answer yet waits here, so that a cancellation or a pulled plug
ends it. A `Link` brings URBs and takes answers: USB/IP (urbs.py), usbredir (redir.py).
"""

import errno
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from firmware_protocol.usb import descriptors
from firmware_protocol.usb.usbip import Submit, Unlink
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.device import Buffer, Gone, Reply, Stall

Received: TypeAlias = tuple[Submit | Unlink, Buffer]
"""A URB, with the bytes of one that goes out."""


class Link(Protocol):
    """One connection of a host to one device."""

    def fileno(self) -> int: ...

    def receive(self) -> Sequence[Received] | None:
        """Read one packet; return the URBs that it holds. None: the host has hung up. Raises OSError, WireError."""
        ...

    def answer(self, urb: Submit, status: int, data: Buffer, actual: int) -> None:
        """``status``: 0 or a negative errno; ``actual``: bytes, of ``data`` where they came in."""
        ...

    def unlinked(self, urb: Unlink, status: int) -> None:
        """-ECONNRESET: the URB that was named is given up; 0: it had ended before."""
        ...


@dataclass(frozen=True, slots=True)
class _Due:
    """An answer that the device has given, to be handed over at a time."""

    at: float
    urb: Submit
    reply: Reply
    actual: int


class Attached:
    """The URBs of one attached device, in the thread that calls ``run``."""

    def __init__(self, bus: UsbBus, link: Link, what: Enumerated) -> None:
        self._bus, self._link, self._what = bus, link, what
        self._waiting: dict[int, Submit] = {}  # in order; the device has not answered
        self._due: list[_Due] = []
        self._wake, self._awake = os.eventfd(0, os.EFD_NONBLOCK), threading.Lock()
        self._poll = select.poll()
        self._poll.register(link.fileno(), select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def run(self) -> None:
        """Until the host hangs up or the device leaves. Raises OSError, WireError."""
        self._what.device.has_more = self._kick
        try:
            self._serve()
        finally:
            with self._awake:
                os.close(self._wake)
                self._wake = -1
        if not self._what.alive:
            for urb in [*self._waiting.values(), *(due.urb for due in self._due)]:
                self._link.answer(urb, -errno.ENODEV, b"", 0)

    def _kick(self) -> None:
        """The device has something to say of itself; from any thread."""
        with self._awake:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def _serve(self) -> None:
        while True:
            ready = {fd for fd, _ in self._poll.poll(self._wait_ms())}
            if not ready:
                self._hand_over()
            if self._wake in ready:
                os.eventfd_read(self._wake)
                self._serve_waiting()
            if ready - {self._wake}:  # data, its end, or another thread has closed it: the reading tells
                received = self._link.receive()
                if received is None:
                    return
                for urb, data in received:
                    self._take(urb, data)

    def _wait_ms(self) -> float | None:
        return max(0.0, self._due[0].at - time.monotonic()) * 1000 if self._due else None

    # --- one URB ---

    def _take(self, urb: Submit | Unlink, data: Buffer) -> None:
        if isinstance(urb, Unlink):
            self._unlink(urb)
        elif urb.endpoint and urb.inbound:
            self._waiting[urb.seqnum] = urb
            self._serve_waiting()
        elif self._guarded(urb, lambda: self._out(urb, data)):
            self._serve_waiting()

    def _out(self, urb: Submit, data: Buffer) -> bool:
        """Control transfers and what goes out; True: the device has taken it or answered."""
        device = self._what.device
        if urb.endpoint == 0:
            answer = device.control(descriptors.decode_setup(urb.setup), data)
            if answer is None:
                self._waiting[urb.seqnum] = urb
                return False
            self._link.answer(urb, 0, *((answer, len(answer)) if urb.inbound else (b"", len(data))))
            return True
        seconds = device.bulk_out(urb.endpoint, data)
        if seconds is None:
            self._waiting[urb.seqnum] = urb
            return False
        self._deliver(urb, Reply(b"", seconds), len(data))
        return True

    def _serve_waiting(self) -> None:
        """Ask the device for what the host waits for, in the order of each endpoint, as long as it has something."""
        dry: set[int] = set()
        for urb in list(self._waiting.values()):
            if self._due or not urb.inbound or urb.endpoint == 0 or urb.endpoint in dry:
                continue
            if not self._guarded(urb, lambda urb=urb: self._in(urb)):  # type: ignore[misc]  # bound early
                dry.add(urb.endpoint)

    def _in(self, urb: Submit) -> bool:
        reply = self._what.device.bulk_in(urb.endpoint | 0x80, urb.length)
        if reply is None:
            return False
        self._waiting.pop(urb.seqnum, None)
        self._deliver(urb, reply, len(reply.data))
        return True

    def _guarded(self, urb: Submit, act: Callable[[], bool]) -> bool:
        """Let the device act; a stall or its end is the answer to this URB."""
        try:
            with self._what.lock:
                return self._alive(act)
        except Stall:
            self._waiting.pop(urb.seqnum, None)
            self._link.answer(urb, -errno.EPIPE, b"", 0)
            return True
        except Gone:
            self._waiting.pop(urb.seqnum, None)
            self._link.answer(urb, -errno.ENODEV, b"", 0)
            self._bus.gone(self._what)
            return False

    def _alive(self, act: Callable[[], bool]) -> bool:
        if not self._what.alive:
            raise Gone
        return act()

    def _unlink(self, urb: Unlink) -> None:
        kept = [due for due in self._due if due.urb.seqnum != urb.target]
        found = self._waiting.pop(urb.target, None) is not None or len(kept) < len(self._due)
        self._due = kept
        self._link.unlinked(urb, -errno.ECONNRESET if found else 0)

    # --- answers ---

    def _deliver(self, urb: Submit, reply: Reply, actual: int) -> None:
        if reply.after_s > 0:
            self._due.append(_Due(time.monotonic() + reply.after_s, urb, reply, actual))
            return
        self._finish(urb, reply, actual)

    def _hand_over(self) -> None:
        due = self._due.pop(0)
        self._finish(due.urb, due.reply, due.actual)
        self._serve_waiting()

    def _finish(self, urb: Submit, reply: Reply, actual: int) -> None:
        self._link.answer(urb, -errno.ENODEV if reply.gone else 0, reply.data, actual)
        if reply.then is not None:
            reply.then()
        elif reply.gone:
            self._bus.gone(self._what)
