"""The event catalogue is an interface: ids, levels, fields and message ids are pinned, and every call fits."""

import ast
import asyncio
import gc
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.events import EVENTS, Level, LogEvent
from edged.logs import Bridge, StationLog, bridged, journal_log, stream_log
from edged.ports import ClockClass, HostTime
from edged.printable import printable

ROOT = Path(__file__).parent.parent.parent
PINNED = Path(__file__).parent / "pinned_events.json"
RESERVED = {"time", "level", "event", "message", "fields", "edg"}


class StoppedClock:
    def now(self) -> HostTime:
        return HostTime(1_795_305_600_123_000_000, 1, "b" * 32, ClockClass.SYNCHRONISED, 0)

    def confirm(self) -> HostTime:
        return self.now()


class Entries:
    """A journal that can refuse."""

    def __init__(self) -> None:
        self.lost = 0
        self.sent: list[Mapping[str, str]] = []

    def send(self, fields: Mapping[str, str]) -> bool:
        self.sent.append(fields)
        return True


# --- the table --------------------------------------------------------------------------------------


def test_ids_levels_fields_and_message_ids_are_what_others_rely_on() -> None:
    """A new event is added to the file; a line of it never changes."""
    pinned = json.loads(PINNED.read_text())
    assert {
        e.id: [e.level.name, e.message_id.hex, *sorted(e.fields)] for e in EVENTS.values()
    } == pinned  # fmt: skip


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda e: e.id)
def test_an_event_has_an_id_of_its_class_and_fields_fit_for_a_journal(event: LogEvent) -> None:
    assert re.fullmatch(r"EDG-[1-79]\d{3}", event.id)
    assert event.text[0].isupper() or event.text.startswith("{")
    for name in event.fields:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name)
        assert name not in RESERVED


def test_no_message_id_is_used_twice() -> None:
    assert len({event.message_id for event in EVENTS.values()}) == len(EVENTS)


def sources() -> Iterator[tuple[str, ast.AST]]:
    """Every node of the files that name an event, with its place."""
    for folder in ("edged", "drivers", "sync", "simulators"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "EDG-" in (text := path.read_text("utf-8")) and path.name != "events.py":
                for node in ast.walk(ast.parse(text)):
                    yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def test_every_event_named_in_the_sources_is_in_the_catalogue() -> None:
    for place, node in sources():
        if isinstance(node, ast.Constant) and re.fullmatch(r"EDG-\d{4}", str(node.value)):
            assert node.value in EVENTS, f"{place}: {node.value!r}"


def test_every_catalogued_event_is_named_where_something_writes_it() -> None:
    """A row that nothing writes promises a line that never comes."""
    named = {node.value for _, node in sources() if isinstance(node, ast.Constant)}
    assert sorted(EVENTS.keys() - named) == []


def test_every_log_call_in_the_sources_gives_its_event_all_fields() -> None:
    wrong = []
    for place, node in sources():
        match node:
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if name in EVENTS:
                given_names = {keyword.arg for keyword in node.keywords}
                missing = EVENTS[name].fields - given_names
                if missing and None not in given_names:
                    wrong.append(f"{place}: {name} without {', '.join(sorted(missing))}")
    assert not wrong, "\n".join(wrong)


# --- the adapter ------------------------------------------------------------------------------------


def test_a_journal_entry_carries_the_facts_apart_from_the_sentence() -> None:
    entries = Entries()
    journal_log(entries, "edged")("EDG-2101", slot=3, before="offloading", after="lost", cause="usb_left")
    assert entries.sent == [
        {
            "MESSAGE": "EDG-2101 Slot 3: offloading -> lost because of usb_left",
            "MESSAGE_ID": EVENTS["EDG-2101"].message_id.hex,
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": "edged",
            "EDG_EVENT": "EDG-2101",
            "EDG_SLOT": "3",
            "EDG_BEFORE": "offloading",
            "EDG_AFTER": "lost",
            "EDG_CAUSE": "usb_left",
        }
    ]


def line_of(form: str, log_it: str, **fields: str | int) -> str:
    stream = io.StringIO()
    stream_log(stream, StoppedClock(), form)(log_it, **fields)
    return stream.getvalue()


def test_a_terminal_line_has_time_level_id_and_sentence() -> None:
    line = line_of("console", "EDG-5102", alert="reader-silent:A")
    assert line == "2026-11-22T00:00:00.123Z info    EDG-5102 Alert reader-silent:A withdrawn\n"


def test_a_json_line_has_each_fact_as_a_member() -> None:
    assert json.loads(line_of("json", "EDG-5102", alert="reader-silent:A")) == {
        "time": "2026-11-22T00:00:00.123Z",
        "level": "info",
        "event": "EDG-5102",
        "message": "Alert reader-silent:A withdrawn",
        "alert": "reader-silent:A",
    }


def test_below_its_level_a_log_is_silent() -> None:
    stream = io.StringIO()
    log = stream_log(stream, StoppedClock(), "console", "warning")
    log("EDG-5102", alert="x")
    assert stream.getvalue() == ""
    log("EDG-5101", alert="x", text="t", code="E1", remedy="r")
    assert "EDG-5101" in stream.getvalue()


@pytest.mark.parametrize("event", ["EDG-0000", "EDG-2101"])
def test_a_misused_event_is_told_and_never_raises(event: str) -> None:
    entries = Entries()
    journal_log(entries, "edged")(event, slot=3)
    assert entries.sent[0]["EDG_EVENT"] == "EDG-9002"
    assert "slot=3" in entries.sent[0]["EDG_GIVEN"]


def test_lost_lines_are_counted_in_the_next_one() -> None:
    entries = Entries()
    log = journal_log(entries, "edged")
    entries.lost = 2
    log("EDG-5102", alert="x")
    log("EDG-5102", alert="y")
    assert [e["EDG_EVENT"] for e in entries.sent] == ["EDG-9004", "EDG-5102", "EDG-5102"]
    assert entries.sent[0]["EDG_COUNT"] == "2"


def test_a_terminal_that_went_away_does_not_end_the_station() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    stream_log(Gone(), StoppedClock())("EDG-5102", alert="x")


def test_what_libraries_say_arrives_as_an_event_even_when_their_template_is_wrong() -> None:
    entries = Entries()
    bridge = Bridge(journal_log(entries, "edged"))
    bridge.handle(logging.LogRecord("paramiko", logging.WARNING, "f", 1, "bad %s", ("key\x1b",), None))
    bridge.handle(logging.LogRecord("paramiko", logging.WARNING, "f", 1, "bad %d", ("x",), None))
    assert [e["EDG_TEXT"] for e in entries.sent] == ["bad key\\x1b", "bad %d"]


async def test_what_nobody_caught_and_what_libraries_warn_of_reaches_the_log() -> None:
    entries = Entries()
    log = journal_log(entries, "edged")
    library, ended = logging.getLogger("aiohttp.server"), asyncio.Event()
    with bridged(log):
        library.warning("slow %s", "client")
        try:
            int("odd")
        except ValueError:
            library.exception("Error handling request")
        asyncio.get_running_loop().call_exception_handler({"message": "socket.send() raised"})
        task = asyncio.create_task(_fails(), name="slot-3")
        task.add_done_callback(lambda _: ended.set())
        await ended.wait()
        del task
        gc.collect()
    told = [(e["EDG_EVENT"], e.get("EDG_LIBRARY", ""), e.get("EDG_TEXT", "")) for e in entries.sent[:3]]
    assert told[0] == ("EDG-9003", "aiohttp.server", "slow client")
    assert told[1][2].startswith("Error handling request: ValueError: invalid literal")
    assert told[2] == ("EDG-9003", "asyncio", "socket.send() raised")
    assert entries.sent[3]["EDG_EVENT"] == "EDG-9001"
    assert entries.sent[3]["EDG_PART"] == "Task exception was never retrieved (slot-3)"
    assert entries.sent[3]["EDG_ERROR"].startswith("RuntimeError: lost at test_events.py:")
    assert len(entries.sent) == 4


async def test_after_the_process_its_ends_are_given_back() -> None:
    before = list(logging.getLogger().handlers)
    with bridged(journal_log(Entries(), "edged")):
        assert len(logging.getLogger().handlers) == len(before) + 1
    assert logging.getLogger().handlers == before
    assert asyncio.get_running_loop().get_exception_handler() is None


async def _fails() -> None:
    raise RuntimeError("lost")


# --- foreign text -----------------------------------------------------------------------------------

HOSTILE = {
    "a terminal escape": ("\x1b]0;owned\x07\x1b[2J", "\\x1b]0;owned\\x07\\x1b[2J"),
    "a forged line": ("CAM\nEDG-7102 issued", "CAM\\x0aEDG-7102 issued"),
    "a reversed direction": ("gpj.\u202e4pm", "gpj.\\u202e4pm"),
    "an 8-bit escape": ("\x9b2J", "\\x9b2J"),
    "a broken surrogate": ("\udcff", "\\udcff"),
    "a hidden letter": ("a\u200bb", "a\\u200bb"),
    "a tag character": ("\U000e0041", "\\U000e0041"),
    "a backslash": ("\\x1b", "\\\\x1b"),
    "a line separator": ("a\u2028b", "a\\u2028b"),
}


@pytest.mark.fault(
    "O12", "Escapes, forged lines and hidden letters in a name reach no terminal, journal or JSON line."
)
@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("form", ["console", "json", "journal"])
def test_a_hostile_name_is_shown_and_does_nothing(case: str, form: str) -> None:
    name, shown = HOSTILE[case]
    if form == "journal":
        entries = Entries()
        journal_log(entries, "edged")("EDG-5102", alert=name)
        assert entries.sent[0]["EDG_ALERT"] == shown
        return
    line = line_of(form, "EDG-5102", alert=name)
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    assert (json.loads(line)["alert"] if form == "json" else line).count(shown) == 1


@given(st.text(st.characters(), max_size=400))
def test_any_text_becomes_one_bounded_printable_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 2 * 300 + 1
    assert "\n" not in shown


def test_ukrainian_names_stay_as_they_are() -> None:
    assert printable("Їжакевич Ґалина, м'яч — №7") == "Їжакевич Ґалина, м'яч — №7"


@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (printable(one) == printable(other)) == (one == other)


def test_levels_are_the_standard_librarys() -> None:
    assert {level.name: level.value for level in Level} == {
        name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR")
    }


def test_the_log_is_the_ports_log() -> None:
    log: StationLog = stream_log(io.StringIO(), StoppedClock())
    assert callable(log)
