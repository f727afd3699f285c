"""Binds the catalogue of log events to structlog: journald fields, a terminal, or JSON lines.

An adapter of `edged.ports.Log`. It never raises and never waits: a misused event becomes EDG-9002 (a test reads
every call in the sources, so this stays theory), a lost line becomes EDG-9004. All text is made printable.
"""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Protocol, TextIO

import structlog

from edged.errors import Fact
from edged.events import EVENTS, Level, LogEvent
from edged.formats import times
from edged.ports import Clock, Log
from edged.printable import printable

_PRIORITY = {Level.DEBUG: 7, Level.INFO: 6, Level.WARNING: 4, Level.ERROR: 3}  # syslog(3)
_COLOURS = {"debug": "\x1b[2m", "info": "", "warning": "\x1b[33m", "error": "\x1b[1;31m"}


class Entries(Protocol):
    """What `drivers.journal.Journal` offers."""

    lost: int

    def send(self, fields: Mapping[str, str]) -> bool: ...


class StationLog:
    """Implements `edged.ports.Log`."""

    def __init__(self, logger: Any, lost: Callable[[], int] = lambda: 0) -> None:
        self._logger = logger
        self._lost = lost
        self._told_lost = 0

    def __call__(self, event: str, /, **fields: Fact) -> None:
        if (lost := self._lost()) > self._told_lost:
            count, self._told_lost = lost - self._told_lost, lost
            self._write(EVENTS["EDG-9004"], {"count": count})
        clean = {name: printable(v) if isinstance(v, str) else v for name, v in fields.items()}
        try:
            self._write(EVENTS[event], clean)
        except (KeyError, ValueError, TypeError):
            given = printable(", ".join(f"{name}={value}" for name, value in clean.items()))
            self._write(EVENTS["EDG-9002"], {"misused": printable(event), "given": given})

    def _write(self, event: LogEvent, fields: Mapping[str, Fact]) -> None:
        sentence = event.sentence(fields)
        with contextlib.suppress(OSError):  # a terminal or pipe that went away
            self._logger.log(event.level, sentence, edg=event, fields=fields)


Record = MutableMapping[str, Any]


def to_journal(identifier: str) -> Callable[[Any, str, Record], tuple[tuple[dict[str, str]], dict[str, Any]]]:
    """Last structlog processor: one journald entry, MESSAGE_ID for the catalogue, a field a fact."""

    def render(_: Any, __: str, record: Record) -> tuple[tuple[dict[str, str]], dict[str, Any]]:
        event: LogEvent = record["edg"]
        entry = {
            "MESSAGE": f"{event.id} {record['event']}",
            "MESSAGE_ID": event.message_id.hex,
            "PRIORITY": str(_PRIORITY[event.level]),
            "SYSLOG_IDENTIFIER": identifier,
            "EDG_EVENT": event.id,
        }
        entry |= {f"EDG_{name.upper()}": _plain(value) for name, value in record["fields"].items()}
        return (entry,), {}

    return render


def _plain(value: Fact) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_line(clock: Clock, *, colour: bool) -> Callable[[Any, str, Record], str]:
    """Last processor for a terminal: time (UTC), level, id, sentence."""

    def render(_: Any, __: str, record: Record) -> str:
        event: LogEvent = record["edg"]
        level = event.level.name.lower()
        start, end = (_COLOURS[level], "\x1b[0m") if colour and _COLOURS[level] else ("", "")
        return f"{times.format_ns(clock.now().wall_ns)} {start}{level:7} {event.id} {record['event']}{end}"

    return render


def to_json(clock: Clock) -> Callable[[Any, str, Record], str]:
    """Last processor for JSON lines."""
    dump = structlog.processors.JSONRenderer(ensure_ascii=False)

    def render(logger: Any, method: str, record: Record) -> str:
        event: LogEvent = record["edg"]
        line = {
            "time": times.format_ns(clock.now().wall_ns),
            "level": event.level.name.lower(),
            "event": event.id,
            "message": record["event"],
            **record["fields"],
        }
        return str(dump(logger, method, line))

    return render


class _JournalSink:
    """What structlog calls at the end of the chain."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def msg(self, entry: dict[str, str]) -> None:
        self._entries.send(entry)

    debug = info = warning = error = critical = msg


def journal_log(entries: Entries, identifier: str, level: str = "info") -> StationLog:
    """Return a Log into journald."""
    logger = _wrap(_JournalSink(entries), to_journal(identifier), level)
    return StationLog(logger, lambda: entries.lost)


def stream_log(stream: TextIO, clock: Clock, form: str = "console", level: str = "info") -> StationLog:
    """Return a Log of lines: ``form`` is "console" or "json". Lines are flushed one by one."""
    last = to_json(clock) if form == "json" else to_line(clock, colour=stream.isatty())
    return StationLog(_wrap(structlog.WriteLogger(stream), last, level))


def _wrap(sink: Any, last: Callable[..., Any], level: str) -> Any:
    wrapper = structlog.make_filtering_bound_logger(Level[level.upper()])
    return structlog.wrap_logger(sink, processors=[last], wrapper_class=wrapper)


class Bridge(logging.Handler):
    """Carries what libraries say through the standard library's logging (WARNING and up) into the log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a library's mismatched template must not end the caller
            text = str(record.msg)
        if record.exc_info is not None and (error := record.exc_info[1]) is not None:
            text = f"{text}: {_told(error)}"
        self._log("EDG-9003", library=record.name, text=text)


@contextlib.contextmanager
def bridged(log: Log) -> Iterator[None]:
    """Inside, what libraries say, and what nobody caught in the running event loop, goes to ``log``."""
    root, loop = logging.getLogger(), asyncio.get_running_loop()
    bridge, before = Bridge(log), loop.get_exception_handler()
    root.addHandler(bridge)
    loop.set_exception_handler(lambda _, context: _uncaught(log, context))
    try:
        yield
    finally:
        loop.set_exception_handler(before)
        root.removeHandler(bridge)


def _uncaught(log: Log, context: Mapping[str, Any]) -> None:
    """An exception that nobody awaited is a defect; the loop's other complaints are a library's word."""
    source = context.get("task") or context.get("future")
    name = source.get_name() if isinstance(source, asyncio.Task) else ""
    message = str(context.get("message", "event loop")) + (f" ({name})" if name else "")
    if (error := context.get("exception")) is None:
        log("EDG-9003", library="asyncio", text=message)
    else:
        log("EDG-9001", part=message, error=_told(error))


def _told(error: BaseException) -> str:
    """What it is and where it came from: the last place of its traceback."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return f"{type(error).__name__}: {error}{place}"
