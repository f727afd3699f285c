"""Owns one badge reader: opens its line again for ever, hands its taps to the desk."""

import asyncio
from collections.abc import Awaitable, Callable

from drivers.base import ByteLink
from drivers.reader import Reader, Tap
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from edged.formats import facts as f
from edged.ports import Random
from edged.station.alerts import Alerts
from edged.station.desk import Answer, Desk
from edged.station.lines import keep_talking, until_one_ends, watch_line
from edged.station.recorder import Recorder
from firmware_protocol.reader.messages import NoticeKind, Show


class ReaderOwner:
    """While the reader is away no grant is given and none stays open; returns and offload go on."""

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Awaitable[ByteLink]],
        key: bytes,
        desk: Desk,
        *,
        random: Random,
        recorder: Recorder,
        alerts: Alerts,
    ) -> None:
        self.name = name
        self.connected = False
        self._open_link, self._key, self._desk = open_link, key, desk
        self._random, self._recorder, self._alerts = random, recorder, alerts

    async def run(self) -> None:
        await keep_talking(self._random, self._talk, self._lost)

    async def _talk(self) -> None:
        try:
            await self._converse()
        finally:
            self.connected = False

    async def _converse(self) -> None:
        link = await self._open_link()
        async with Reader.open(link, key=self._key, random=self._random) as reader:
            self.connected = True
            await self._recorder.record(
                f.ReaderConnected(
                    reader=self.name, serial=reader.hello.serial, firmware=reader.hello.firmware
                )
            )
            await self._alerts.withdraw(f"reader-silent:{self.name}")
            strangers = f"reader-line:{self.name}"
            await until_one_ends(
                self._taps(reader),
                self._notices(reader),
                watch_line(self._alerts, strangers, ErrorCode.READER_FOREIGN, lambda: reader.rejected),
            )

    async def _taps(self, reader: Reader) -> None:
        heard = asyncio.create_task(reader.next_tap())
        try:
            while True:
                presented = await heard
                heard = asyncio.create_task(reader.next_tap())
                answer = await self._answer(presented)
                if answer.hold_s:
                    # Whoever guesses waits for each answer. The next badge is decided meanwhile, so that an
                    # officer behind him does not wait with him.
                    await asyncio.wait({heard}, timeout=answer.hold_s)
                    if heard.done():
                        continue
                await reader.signal(answer.show)
        finally:
            heard.cancel()
            await asyncio.gather(heard, return_exceptions=True)

    async def _answer(self, presented: Tap) -> Answer:
        alert = f"reader-out-of-service:{self.name}"
        try:
            answer = await self._desk.tap(self.name, presented)
            await self._alerts.withdraw(alert)
        except LinkGoneError:
            raise
        except EdgeError as exc:  # the ledger or the dock does not take it: nothing opens
            await self._alerts.raise_for(alert, exc)
            return Answer(Show.OUT_OF_SERVICE)
        return answer

    async def _notices(self, reader: Reader) -> None:
        while True:
            notice = await reader.next_notice()
            if notice is NoticeKind.TAMPER:
                await self._alerts.raise_(
                    f"reader-opened:{self.name}", ErrorCode.READER_TAMPER, reader=self.name
                )
            elif notice is NoticeKind.TAMPER_OVER:
                await self._alerts.withdraw(f"reader-opened:{self.name}")

    async def _lost(self, error: EdgeError) -> None:
        await self._desk.reader_lost(self.name)
        alert = f"reader-silent:{self.name}"
        if self._alerts.active(alert):
            return
        code = ErrorCode.READER_SILENT if isinstance(error, LinkGoneError) else error.code
        await self._alerts.raise_(alert, code, reason=str(error)[:300])
        await self._recorder.record(
            f.ReaderLost(reader=self.name, code=error.code.number, detail=dict(error.detail))
        )
