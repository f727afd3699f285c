"""The courier's loop: look what is there, connect, deliver in order, fetch answers, report; for ever.

1. A hint from the file system makes it look sooner; it looks by itself anyway.
2. What fails about one path costs that item a pause and nobody else anything. What fails about the
   conversation costs a pause with full jitter: random between nothing and a bound that doubles.
3. A changed host key ends all connecting until the process is started again by a person.
4. Ledger pieces and checkpoints overtake a running recording between two of its blocks.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import NoReturn

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from sync.answers import Answers
from sync.config import Settings
from sync.delivery import Delivery, HeldError
from sync.files import replace_file
from sync.outbox import Outbox
from sync.ports import Ports
from sync.queue import Item, Queue, QueueError, Rank
from sync.report import Alerts, Gauge, status_of
from sync.store import (
    ABOUT_ONE_PATH,
    Assurance,
    CentreAuthError,
    CentreBusyError,
    CentreFullError,
    CentreKeyChangedError,
    CentreRefusedError,
    Store,
    StoreError,
)
from sync.transfer import Clocks, Transfer
from sync.ups import UpsWatch

NS = 1_000_000_000
URGENT_S = 5.0  # how often a running transfer lets the ledger overtake
THOROUGH_S = 3600.0  # how often recordings that are settled are looked at: have they left the vault?
SCAN_S = 1800.0  # that a look through a large vault on a slow disk may take
PATIENCE = 3  # failures of one item before others go first, or it is held


class Courier:
    """See the module. ``run`` is cancelled to stop it; the queue is the caller's to close."""

    def __init__(self, settings: Settings, ports: Ports, queue: Queue) -> None:
        self._settings = settings
        self._config = config = settings.sync
        self._ports = ports
        self._queue = queue
        self._hint = asyncio.Event()
        self._gauge = Gauge()
        self._alerts = Alerts(ports.clock, ports.log)
        self._outbox = Outbox(ports.fs, settings.vault, settings.ledger)
        self._answers = Answers(queue, self._outbox, ports, settings.inbox, self._gauge)
        self._ups = (
            UpsWatch(ports.ask_ups, self._gauge, self._alerts, self._report)
            if ports.ask_ups is not None
            else None
        )
        self._failures = 0  # in a row, for the back-off
        self._full_until = 0  # the centre has no space: nothing is sent before
        self._thorough_at = 0  # when settled recordings are looked at again
        self._looked_at = 0  # when the ledger was last looked at in mid-transfer
        self._left_status = 0  # when the status was last left at the centre
        self._clocks = Clocks(
            idle_s=config.idle_s,
            min_rate=config.min_rate,
            rate_window_s=config.rate_window_s,
            absolute_s=config.absolute_s,
            rate_limit=config.rate_limit,
        )

    def hint(self) -> None:
        """Something in vault or ledger may have changed. From the loop's thread."""
        self._hint.set()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            QueueError: the queue's file failed; run again with a new one.
        """
        await self._look()
        self._report()
        ups = asyncio.create_task(self._ups.run(), name="ups") if self._ups is not None else None
        try:
            self._ports.alive(self._config.start_jitter_s)
            await asyncio.sleep(self._ports.random.uniform(0, self._config.start_jitter_s))
            while True:
                pause = self._config.scan_s if self._gauge.stopped else await self._converse()
                self._report()
                await self._rest(pause)
                await self._look()
        finally:
            if ups is not None:
                ups.cancel()
            self._gauge.connected, self._gauge.current = False, None
            self._report()

    async def _converse(self) -> float:
        """Connect and work until something breaks. Return how long to wait before the next time."""
        store: Store | None = None
        try:
            store = await self._ports.dialler.connect()
            self._connected(store)
            await self._work(store)
        except QueueError:
            raise
        except OSError as exc:
            self._local_failure(exc)
            return self._backoff()
        except EdgeError as exc:
            return self._failed(exc)
        finally:
            self._gauge.connected, self._gauge.current = False, None
            if store is not None:
                await store.close()

    async def _work(self, store: Store) -> NoReturn:
        delivery, urgent = self._delivery(store), self._delivery(store)
        delivery.between = partial(self._overtake, urgent)
        while True:
            await self._look()
            while (item := self._next()) is not None:
                await self._deliver(urgent if item.rank is Rank.LEDGER else delivery, item)
                await self._look_at_ledger()
            self._gauge.current = None
            await self._fetch(store)
            await self._leave_status(urgent)
            self._failures = 0
            self._alerts.withdraw("centre-unreachable")
            self._check_overdue()
            self._report()
            await self._rest(self._until_due())

    async def _fetch(self, store: Store) -> None:
        if await self._answers.fetch(store):
            self._queue.settle_ledger(self._gauge.countersigned)
        else:
            self._went_back(await self._answers.newest_there(store))

    def _delivery(self, store: Store) -> Delivery:
        ports = self._ports
        transfer = Transfer(store, ports.fs, ports.clock, self._clocks, ports.alive)
        return Delivery(store, self._queue, transfer, ports, self._gauge)

    # --- one item ----------------------------------------------------------------------------------

    def _next(self) -> Item | None:
        now = self._now()
        return self._queue.next(now) if now >= self._full_until else None

    async def _deliver(self, delivery: Delivery, item: Item) -> None:
        """Deliver ``item`` or decide when it is tried again. What ends the conversation rises."""
        try:
            await delivery.deliver(item)
        except HeldError as exc:
            self._hold(item, _sentence(exc))
        except CentreRefusedError as exc:
            if item.attempts < PATIENCE:
                self._retry(item, exc.code, _sentence(exc), self._pause_of(item))
            else:
                self._hold(item, _sentence(exc))
        except CentreFullError as exc:
            self._full(item, exc)
        except ABOUT_ONE_PATH as exc:
            self._retry(item, exc.code, _sentence(exc), self._pause_of(item))
        except StoreError as exc:
            # The next conversation begins with it, unless it breaks every one of them.
            pause = 0 if item.attempts < PATIENCE else self._pause_of(item)
            self._give_up(item, exc, pause)
            raise
        except FileNotFoundError as exc:
            self._hold(item, f"not in the vault: {exc.filename}")
        except OSError as exc:
            self._retry(item, ErrorCode.DISK_FAULT, str(exc), self._pause_of(item))
            self._local_failure(exc)
        else:
            self._failures = 0
            self._gauge.last_contact_ns = self._ports.clock.now().wall_ns
            self._alerts.withdraw("centre-full", "centre-unreachable")

    async def _overtake(self, urgent: Delivery) -> None:
        """Called between the blocks of a transfer: now and then, send what the ledger has ready."""
        now = self._now()
        if now - self._looked_at < URGENT_S * NS:
            return
        await self._look_at_ledger()
        self._report()
        while (item := self._queue.next(now, urgent=True)) is not None:
            await self._deliver(urgent, item)

    def _retry(self, item: Item, code: ErrorCode, why: str, pause: int) -> None:
        self._queue.retry(item.key, self._now() + pause, why)
        self._ports.log("EDG-3117", name=item.key, reason=why, code=code.label)

    def _hold(self, item: Item, why: str) -> None:
        """Looked at again after a long while, in case a person has cleared the way."""
        self._queue.hold(item.key, why, again_at=self._now() + int(self._config.held_retry_s * NS))
        self._ports.log("EDG-3106", recording=item.key, reason=why)

    def _give_up(self, item: Item, exc: StoreError, pause: int) -> None:
        self._queue.retry(item.key, self._now() + pause, _sentence(exc))
        sent = self._gauge.current.sent if self._gauge.current else 0
        self._ports.log("EDG-3109", name=item.key, sent=sent, reason=_sentence(exc), code=exc.code.label)

    def _pause_of(self, item: Item) -> int:
        """Nanoseconds before an item that failed by itself is tried again."""
        bound = min(self._config.retry_max_s, self._config.retry_s * 2 ** min(item.attempts, 20))
        return int(self._ports.random.uniform(bound / 2, bound) * NS)

    def _full(self, item: Item, exc: CentreFullError) -> None:
        """No space: nothing more is sent for a while, but answers are fetched; they may free some."""
        bound = self._config.retry_max_s
        self._full_until = self._now() + int(self._ports.random.uniform(bound / 2, bound) * NS)
        self._retry(item, exc.code, _sentence(exc), 0)
        self._alerts.raise_for("centre-full", exc)

    # --- the conversation --------------------------------------------------------------------------

    def _connected(self, store: Store) -> None:
        self._gauge.connected = True
        self._gauge.assurance = store.assurance.value
        self._gauge.last_contact_ns = self._ports.clock.now().wall_ns
        self._alerts.withdraw("centre-login-refused", "courier-key-unusable")
        if store.assurance is Assurance.WRITTEN:
            self._alerts.raise_("centre-cannot-sync", ErrorCode.CENTRE_PROTOCOL)
        self._ports.log("EDG-3102", attempts=self._failures + 1)

    def _failed(self, exc: EdgeError) -> float:
        """Return the pause, in seconds, that the failure asks for."""
        uniform, most = self._ports.random.uniform, self._config.retry_max_s
        pause = most
        match exc:
            case CentreKeyChangedError():
                self._gauge.stopped = True
                self._alerts.raise_for("centre-key-changed", exc)
                self._ports.log("EDG-3112", reason=_sentence(exc), code=exc.code.label)
            case CentreAuthError():
                self._alerts.raise_for("centre-login-refused", exc)
                pause = uniform(self._config.auth_retry_s, 2 * self._config.auth_retry_s)
            case CentreBusyError():
                pause = uniform(most / 2, most)
            case StoreError():
                self._alerts.raise_for("centre-unreachable", exc)
                pause = self._backoff()
            case _:
                self._alerts.raise_for("courier-key-unusable", exc)
        self._ports.log("EDG-3101", reason=_sentence(exc), code=exc.code.label, retry_s=round(pause, 3))
        return pause

    def _backoff(self) -> float:
        """Full jitter: 500 stations that lost the centre together must not come back together."""
        bound = min(self._config.retry_max_s, self._config.retry_s * 2 ** min(self._failures, 20))
        self._failures += 1
        return self._ports.random.uniform(0, bound)

    def _went_back(self, newest: int) -> None:
        """The centre was restored from an older copy: offer everything again that we still have."""
        self._ports.log("EDG-3113", before=self._gauge.countersigned, now=newest)
        detail = {"before": self._gauge.countersigned, "now": newest}
        self._alerts.raise_("centre-went-back", ErrorCode.COUNTERSIGN_BAD, **detail)
        self._queue.offer_all_again(newest)
        self._gauge.countersigned = newest

    # --- looking and reporting ---------------------------------------------------------------------

    async def _look(self) -> None:
        """Enter what is new in vault and ledger, and drop what has left the vault."""
        self._hint.clear()
        self._ports.alive(SCAN_S)
        thorough = self._now() >= self._thorough_at
        try:
            found = await asyncio.to_thread(self._outbox.scan, self._queue.known(), thorough=thorough)
            await self._look_at_ledger()
        except OSError as exc:
            self._local_failure(exc)
            return
        if thorough:
            self._thorough_at = self._now() + int(THOROUGH_S * NS)
        for offer in found.offers:
            self._queue.offer(offer)
        for key in found.receipted:
            self._queue.receipted(key)
        for key in found.gone:
            self._queue.forget(key)
        self._alerts.withdraw("courier-disk")

    async def _look_at_ledger(self) -> None:
        self._looked_at = self._now()
        known, done = self._queue.known(), self._queue.ledger_done()
        for offer in await asyncio.to_thread(self._outbox.ledger, known, done):
            self._queue.offer(offer)
        self._gauge.newest_checkpoint = await asyncio.to_thread(self._outbox.newest_checkpoint)

    async def _rest(self, seconds: float) -> None:
        """Wait, but not longer than until something changes at the station."""
        self._ports.alive(seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hint.wait()
        self._ports.alive(0)

    def _until_due(self) -> float:
        due, now = self._queue.next_due(), self._now()
        if due is None:
            return self._config.poll_s
        wait = (max(due, self._full_until) - now) / NS
        return min(self._config.poll_s, max(wait, 0.05))

    def _check_overdue(self) -> None:
        oldest = self._queue.oldest_unanswered()
        if oldest and self._now() - oldest > self._config.overdue_s * NS:
            self._alerts.raise_("receipt-overdue", ErrorCode.CENTRE_REFUSED)
        else:
            self._alerts.withdraw("receipt-overdue")

    async def _leave_status(self, delivery: Delivery) -> None:
        if self._left_status and self._now() - self._left_status < self._config.status_s * NS:
            return
        self._left_status = self._now()
        name = times.format_ns(self._ports.clock.now().wall_ns).replace(":", "").replace(".", "") + ".json"
        with suppress(*ABOUT_ONE_PATH):
            await delivery.put("status", name, self._status())

    def _report(self) -> None:
        with suppress(OSError):  # the inbox's disk failed: the log has said so where it mattered
            replace_file(self._ports.fs, self._settings.inbox, "status.json", self._status())

    def _status(self) -> bytes:
        status = status_of(self._settings.station, self._gauge, self._queue, self._alerts, self._ports.clock)
        return msgspec.json.encode(status) + b"\n"

    def _local_failure(self, exc: OSError) -> None:
        reason = f"{exc.strerror or type(exc).__name__}: {exc.filename or ''}"
        self._alerts.raise_("courier-disk", ErrorCode.DISK_FAULT, reason=reason)
        self._ports.log("EDG-3115", reason=reason)

    def _now(self) -> int:
        return self._ports.clock.now().boottime_ns


def _sentence(exc: EdgeError) -> str:
    """Code and what the other side said, for the log and the queue."""
    said = exc.detail.get("reason") or exc.detail.get("text") or exc.code.text
    return f"{exc.code.label} {said}"[:300]
