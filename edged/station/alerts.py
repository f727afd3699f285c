"""Persistent conditions: raised once, withdrawn once, each a fact and a log line."""

from edged.errors import EdgeError, ErrorCode, Fact
from edged.formats.facts import AlertRaised, AlertWithdrawn
from edged.station.recorder import Recorder


class Alerts:
    """An alert's id is ``noun-condition``, with its subject after a colon: ``reader-silent:A``."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._pending: set[str] = set()  # raised or withdrawn at this moment, not yet durable

    def active(self, alert: str) -> bool:
        return alert in self._recorder.state.alerts

    async def raise_(self, alert: str, code: ErrorCode, **detail: Fact) -> None:
        """Raise it, or do nothing if it stands already."""
        if self.active(alert) or alert in self._pending:
            return
        self._pending.add(alert)
        try:
            await self._recorder.record(AlertRaised(alert=alert, code=code.number, detail=dict(detail)))
        finally:
            self._pending.discard(alert)

    async def raise_for(self, alert: str, error: EdgeError) -> None:
        await self.raise_(alert, error.code, **error.detail)

    async def withdraw(self, alert: str) -> None:
        """Withdraw it, or do nothing if it does not stand."""
        if not self.active(alert) or alert in self._pending:
            return
        self._pending.add(alert)
        try:
            await self._recorder.record(AlertWithdrawn(alert=alert))
        finally:
            self._pending.discard(alert)
