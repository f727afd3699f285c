"""edgectl as a person uses it, against a live station: every verb, tables and JSON, exit codes, refusals."""

import argparse
import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from edged.cli.main import build_parser
from edged.cli.output import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE
from edged.control.client import Client
from edged.control.verbs import HANDLERS
from edged.errors import EdgeError, ErrorCode
from edged.verbs import VERBS, authorise
from tests.e2e import places
from tests.e2e.places import CHIEF, GAT, OFFICER, QuickSite, clip
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]  # of a busy machine; alone each needs a tenth
live = pytest.mark.asyncio(loop_scope="module")

UNTIL = (datetime.now(UTC) + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
PAPER = ("--number", "1", "--date", "2026-01-01")
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\n\u202egnp.exe"
"""Clears a terminal, sets its title, begins a line, turns the rest around."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[QuickSite]:
    """A station with one docked camera, two sealed recordings, and nobody at work."""
    async with places.commissioned() as made:
        await made.start()
        await places.vouch(made)
        await places.add_gat(made)
        await made.world.record("cam-1", clip(1))
        await made.world.record("cam-1", clip(2))
        await made.world.insert("cam-1", 1)
        await places.counted(made, "cleared", 2)
        yield made


# --- the table of verbs and the parser ---------------------------------------------------------------


def commands(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    """Every command line without its arguments: "status", "camera list" …"""
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if before and parser.get_default("run") is not None:
        yield before
    for action in nested:
        for name, child in action.choices.items():
            yield from commands(child, f"{before} {name}".strip())


OFF_STATION = {"key new", "key show", "roster sign", "schedule sign", "reference sign", "badge digest"}
"""Of whoever holds another key: they ask no station, and no account decides about them."""
ON_LINE_ONLY = {"events"}  # a stream, not a question
OFF_LINE = {"verify", "station init", "station rekey", "slots learn", "intake"}


def test_every_verb_has_a_command_and_every_command_a_verb() -> None:
    found = {*commands(build_parser()), "intake"}
    assert found - OFF_STATION == set(VERBS)


def test_every_verb_has_a_handler_unless_it_asks_no_daemon() -> None:
    assert set(HANDLERS) | ON_LINE_ONLY | OFF_LINE == set(VERBS)
    assert not set(HANDLERS) & (ON_LINE_ONLY | OFF_LINE)


# --- every verb, both ways ----------------------------------------------------------------------------

Check = Callable[[Any], bool]

LOOKING: list[tuple[tuple[str, ...], str, Check]] = [
    # command line, what the table shows, what the JSON holds
    (("status",), "checkpoint-7", lambda x: x["recordings"]["cleared"] == 2 and x["courier"]["connected"]),
    (("slots",), GAT.serial, lambda x: [row["slot"] for row in x] == [1, 2]),
    (("alerts",), "", lambda x: isinstance(x, list)),
    (("log",), "station.commissioned", lambda x: len(x) > 10),
    (("log", "--since", "1h", "--until", "2100-01-01"), "camera.docked", lambda x: len(x) > 10),
    (("log", "--until", "2020-01-01"), "nothing found", lambda x: x == []),
    (("log", "--camera", GAT.serial), "recording.sealed", lambda x: all(GAT.serial in line for line in x)),
    (("log", "--person", "UA0100"), "clock.confirmed", lambda x: len(x) >= 1),
    (("log", "--type", "recording.sealed"), "recording.sealed", lambda x: len(x) == 2),
    (("log", "--slot", "2"), "nothing found", lambda x: x == []),
    (("log", "--limit", "3"), ":", lambda x: len(x) == 3),
    (("camera", "list"), "1048002", lambda x: {row["camera"] for row in x} >= {GAT.serial}),
    (("officer", "list"), "Олена Іваненко", lambda x: any(row["revoked"] for row in x)),
    (("rebuild",), "lines", lambda x: x["lines"] > 10),
    (("reload",), "roster_version", lambda x: x["roster_version"] == 1),
    (("clock", "confirm"), "before", lambda x: x["class"] != "unknown"),
    *(((kind, "list"), "(none)", lambda x: x == []) for kind in ("works", "memo", "repair", "export")),
    *(
        ((kind, "list"), "", lambda x: isinstance(x, list)) for kind in ("incident", "paper", "journal")
    ),  # of another test
    (("rights", "list"), "role-given", lambda x: any(row["change"] == "badge-given" for row in x)),
]


@pytest.mark.parametrize(
    ("words", "shown", "holds"), LOOKING, ids=lambda x: "-".join(x) if isinstance(x, tuple) else ""
)
@live
async def test_a_question_has_a_table_and_json(
    site: QuickSite, words: tuple[str, ...], shown: str, holds: Check
) -> None:
    status, out, err = await site.ask(*words)
    assert (status, err) == (EXIT_OK, "")
    assert shown in out
    assert not out.lstrip().startswith(("{", "["))
    status, out, err = await site.ask("--json", *words)
    assert (status, err) == (EXIT_OK, "")
    assert holds(json.loads(out))


@live
async def test_works_and_quarantine_begin_and_end_with_grounds(site: QuickSite) -> None:
    for words in (
        ("camera", "works", GAT.serial, "--reason", "лист 12"),
        ("camera", "works", GAT.serial, "--end", "--reason", "готово"),
        ("camera", "quarantine", GAT.serial, "--reason", "на огляд"),
        ("camera", "release", GAT.serial, "--reason", "оглянуто"),
    ):
        assert (await site.edgectl_json(*words))["camera"] == GAT.serial
    status, _, err = await site.ask("camera", "works", GAT.serial, "--end")
    assert (status, "E7004" in err) == (EXIT_REFUSED, True)
    await site.until_slot(1, "ready")


@live
async def test_an_officer_is_entered_taken_for_one_and_revoked(site: QuickSite) -> None:
    new = ("officer", "add", "UA0777", "--name", "Нова Людина", "--badge", "04:77:77:77", "--until", UNTIL)
    assert await site.edgectl_json(*new, "--appointment", "наказ 5") == {"person": "UA0777"}
    assert "04777777" not in (site.state / "ledger" / "current.jsonl").read_text()
    _, out, _ = await site.ask("officer", "list")
    assert "UA0777" in out
    status, _, err = await site.ask(*new, "--appointment", "наказ 5")
    assert (status, "E7004" in err) == (EXIT_REFUSED, True)
    await site.edgectl_json("officer", "revoke", "UA0777", "--reason", "помилка")
    site.world.tap("04777777")
    await site.until("the badge is refused", lambda: _refused(site, "revoked"))


@live
async def test_an_incident_is_entered_its_papers_drafted_and_what_is_refused_is_recorded(
    site: QuickSite,
) -> None:
    about = ("--camera", GAT.serial, "--description", "Розбито скло", "--happened", "1m")
    made = await site.edgectl_json("incident", "open", "--cause", "damage", *about)
    assert made["type"] == "incident.opened"
    _, out, _ = await site.ask("incident", "list")
    assert made["incident"] in out
    _, out, _ = await site.ask("paper", "draft", "report-memo", made["incident"])
    assert "Доповідна записка" in out
    given = ("--about", made["incident"], "--number", "7", "--date", "2026-01-01")
    await site.edgectl_json("paper", "give", "--paper", "report-memo", *given)
    status, _, err = await site.ask("paper", "give", "--paper", "report-memo", *given)
    assert (status, "E7004" in err) == (EXIT_REFUSED, True)
    await site.edgectl_json("incident", "note", "--incident", made["incident"], "--measures", "Замінено")
    done = ("--incident", made["incident"], "--result", "Справна", "--closed")
    assert (await site.edgectl_json("incident", "note", *done))["closed"]
    before = len(await site.facts("access.refused"))
    status, _, err = await site.ask("handover", "--taking", OFFICER.id)  # who is no responsible person
    assert (status, "E7001" in err) == (EXIT_REFUSED, True)
    refused = (await site.facts("access.refused"))[before:]
    assert [line["data"]["verb"] for line in refused] == ["handover"]


@pytest.mark.clause(
    "459-II.5-protect",
    "what somebody may not do, or nobody may, stands in the ledger, whichever code refuses it",
)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("clear", "agree", "--camera", GAT.serial), "E7001"),  # who asked does not agree
        (("handover", "--taking", CHIEF.id), "E7001"),  # to oneself
        (("officer", "revoke", CHIEF.id, "--reason", "x"), "E7001"),
        (("export", "request", "--recording", "1", *PAPER, "--law", "x", "--receiver", "x"), "E7050"),
        (("export", "make", "1"), "E7050"),
        (
            (
                *("import", "recovered", "--file", "a.mp4", "--camera", GAT.serial, "--incident", "1"),
                *("--centre", "x", "--contract-number", "1", "--contract-date", "2026-01-01"),
            ),
            "E7050",
        ),
    ],
    ids=lambda x: "-".join(x[:2]) if isinstance(x, tuple) else x,
)
@live
async def test_a_refusal_of_what_is_not_allowed_is_recorded(
    site: QuickSite, words: tuple[str, ...], code: str
) -> None:
    if words[0] == "clear":
        await site.edgectl_json("clear", "ask", "--camera", GAT.serial, "--reason", "кабель замінено")
    before = len(await site.facts("access.refused"))
    status, _, err = await site.ask(*words)
    assert (status, code in err) == (EXIT_REFUSED, True), err
    refused = (await site.facts("access.refused"))[before:]
    assert [line["data"]["verb"] for line in refused] == [
        " ".join(words[:2]) if words[0] != "handover" else "handover"
    ]


@live
async def test_reports_and_extracts_are_files_that_need_nothing_beside_them(site: QuickSite) -> None:
    html, pdf = site.folder / "report.html", site.folder / "report.pdf"
    made = await site.edgectl_json("report", "day", "--lang", "en", "--out", str(site.folder / "report"))
    assert made["files"] == [str(html), str(pdf)]
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "Dock station report" in html.read_text("utf-8")
    folder = site.folder / "extract"
    words = ("extract", "--type", "recording.sealed", "--out", str(folder))
    made = await site.edgectl_json(*words)
    assert made["lines"] == 2
    check = [sys.executable, "verify_proof.py", "--extract", "extract.jsonl", "keys.txt"]
    done = await asyncio.create_subprocess_exec(*check, cwd=folder, stdout=asyncio.subprocess.PIPE)
    assert (await done.communicate())[0].count(b"recording.sealed") == 2
    assert done.returncode in (0, 3)
    status, _, err = await site.ask(*words)
    assert (status, "E7004" in err) == (EXIT_REFUSED, True)


async def _refused(site: QuickSite, reason: str) -> bool:
    return any(line["data"]["reason"] == reason for line in await site.facts("badge.refused"))


@live
async def test_a_proof_is_written_where_one_says(site: QuickSite) -> None:
    recording = (await site.facts("recording.sealed"))[0]["data"]["recording"]
    file = site.folder / "asked.proof"
    made = await site.edgectl_json("prove", recording, "--out", str(file))
    assert made == {"recording": recording, "file": str(file), "bytes": file.stat().st_size}
    status, _, err = await site.ask("prove", recording, "--out", str(site.folder / "no" / "folder"))
    assert (status, "E7002" in err) == (EXIT_REFUSED, True)


@live
async def test_the_stream_prints_lines_as_they_are_written(site: QuickSite) -> None:
    asking = asyncio.create_task(_first_line(site))
    await site.until("somebody is heard", lambda: _tapped_and(site, asking))
    assert (await asking)["type"]


async def _first_line(site: QuickSite) -> dict[str, Any]:
    async with Client(site.socket) as client:
        async for line in client.events():
            return line
    raise AssertionError("the stream ended")


async def _tapped_and(site: QuickSite, asking: asyncio.Task[dict[str, Any]]) -> bool:
    """Taps until the other end listens: what was written before is not in the stream."""
    site.world.tap("04deadbeef")
    await asyncio.wait({asking}, timeout=0.3)
    return asking.done()


# --- names and values that are wrong ------------------------------------------------------------------

UNKNOWN: list[tuple[tuple[str, ...], str]] = [
    (("camera", "works", "NOBODY", "--reason", "x"), "E7003"),
    (("camera", "quarantine", "NOBODY", "--reason", "x"), "E7003"),
    (("camera", "release", HOSTILE, "--reason", "x"), "E7003"),
    (("officer", "revoke", "NOBODY", "--reason", "x"), "E7003"),
    (("prove", "0000000000"), "E7003"),
    (("repair", "print", "1048002"), "E7003"),  # it is not damaged
    (("slots", "open", "77"), "E7003"),
    (("slots", "clear-fault", "1"), "E7004"),
    (("slots", "acknowledge", "2"), "E7004"),
    (("prove", "../../etc/passwd"), "E7002"),
    (("prove", ""), "E7002"),
    (("log", "--since", "yesterday"), "E7002"),
    (("log", "--since", "99999999999d"), "E7002"),
    (("log", "--limit", "0"), "E7002"),
    (("log", "--limit", "100000000"), "E7002"),
    (("log", "--camera", "x" * 1000), "E7002"),
    (("camera", "works", GAT.serial), "E7002"),
    (("camera", "quarantine", GAT.serial, "--reason", "x" * 301), "E7002"),
    (("officer", "revoke", "UA0001", "--reason", ""), "E7002"),
    (
        (
            *("officer", "add", "X1", "--name", "n", "--badge", "04112233", "--kind", "em4100"),
            *("--until", "30d", "--appointment", "a"),
        ),
        "E7002",
    ),
    (
        (
            "officer",
            "add",
            "../x",
            "--name",
            "n",
            "--badge",
            "04112233",
            "--until",
            UNTIL,
            "--appointment",
            "a",
        ),
        "E7002",
    ),
    (
        ("officer", "add", "X1", "--name", "n", "--badge", "zz", "--until", UNTIL, "--appointment", "a"),
        "E7002",
    ),
    (
        (
            "officer",
            "add",
            "X1",
            "--name",
            "n",
            "--badge",
            "04112233",
            "--until",
            "2020-01-01",
            "--appointment",
            "a",
        ),
        "E7002",
    ),
    (
        (
            "officer",
            "add",
            "X1",
            "--name",
            "n",
            "--badge",
            OFFICER.badge,
            "--until",
            UNTIL,
            "--appointment",
            "a",
        ),
        "E7001",
    ),
    (
        (
            "officer",
            "add",
            "UA0100",
            "--name",
            "n",
            "--badge",
            "04112299",
            "--until",
            UNTIL,
            "--appointment",
            "a",
        ),
        "E7001",
    ),
]


@pytest.mark.parametrize(
    ("words", "code"), UNKNOWN, ids=lambda x: "-".join(x)[:40] if isinstance(x, tuple) else x
)
@live
async def test_a_wrong_name_or_value_is_refused_by_its_code(
    site: QuickSite, words: tuple[str, ...], code: str
) -> None:
    kinds = {line["type"] for line in await site.facts()}
    for form in ((), ("--json",)):
        status, out, err = await site.ask(*form, *words)
        assert (status, out) == (EXIT_REFUSED, "")
        assert code in err
        assert "\x1b" not in err
        assert "\u202e" not in err
        if form:
            told = json.loads(err)
            assert told["code"] == code
            assert told["remedy"]
    refusals = {"access.refused"} if code == ErrorCode.NOT_ALLOWED.label else set()
    assert {line["type"] for line in await site.facts()} == kinds | refusals


@pytest.mark.parametrize(
    "words", [(), ("nonsense",), ("slots", "open"), ("slots", "open", "one"), ("officer",)]
)
def test_wrong_use_is_exit_status_2(words: tuple[str, ...]) -> None:
    status, out, err = places.command_line(*words)
    assert (status, out) == (EXIT_USAGE, "")
    assert "usage: edgectl" in err


@pytest.mark.fault(
    "O12", "what an officer or a device calls itself moves no cursor and hides no text in a terminal"
)
@live
async def test_no_escape_sequence_reaches_the_terminal(site: QuickSite) -> None:
    words = ("officer", "add", "UA0666", "--badge", "04666666", "--until", UNTIL, "--appointment", HOSTILE)
    assert (await site.ask(*words, "--name", HOSTILE))[0] == EXIT_OK
    assert (await site.ask("camera", "quarantine", GAT.serial, "--reason", HOSTILE))[0] == EXIT_OK
    assert (await site.ask("camera", "release", GAT.serial, "--reason", HOSTILE))[0] == EXIT_OK
    for line in ("log", "officer list", "camera list", "slots", "status", "alerts"):
        for form in ((), ("--json",)):
            _, out, _ = await site.ask(*form, *line.split())
            assert all(c.isprintable() or c == "\n" for c in out), line
    assert "\\x1b[2J" in (await site.ask("log"))[1]
    logged = site.procs["edged"].log.read_text()
    assert all(c.isprintable() or c == "\n" for c in logged)


# --- the socket ---------------------------------------------------------------------------------------

REQUESTS = [
    b"",
    b"\x00" * 100_000,
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/log HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\xff\xfe",
    b"POST /v1/log HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n" + b"[" * 40_000,
    b"POST /v1/" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"POST /v1/officer-add HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"{" * 300_000,
    b"POST /v1/%2e%2e%2fstatus HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.fault(
    "Z01", "garbage and huge requests on the control socket end their connection and nothing else"
)
@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
@live
async def test_garbage_on_the_socket_ends_its_connection_only(site: QuickSite, request_: bytes) -> None:
    lines = len(await site.facts())
    reader, writer = await asyncio.open_unix_connection(site.socket)
    writer.write(request_)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read(100_000)
    writer.close()
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert (await site.call("status"))["station"] == "checkpoint-7"
    assert len(await site.facts()) == lines
    assert "Traceback" not in site.procs["edged"].log.read_text()


@live
async def test_an_unknown_parameter_and_an_unknown_verb_are_refused(site: QuickSite) -> None:
    with pytest.raises(EdgeError) as refused:
        await site.call("status", force=True)
    assert refused.value.code is ErrorCode.BAD_REQUEST
    with pytest.raises(EdgeError) as refused:
        await site.call("open-everything")
    assert refused.value.code is ErrorCode.NOT_FOUND


# --- who asks -----------------------------------------------------------------------------------------


@live
async def test_a_real_process_says_what_it_says_in_this_one(site: QuickSite) -> None:
    assert (await site.edgectl("officer", "list")) == (await site.ask("officer", "list"))


def test_a_dead_daemon_is_exit_status_4_with_the_remedy(tmp_path: Path) -> None:
    for form in ((), ("--json",)):
        status, out, err = places.command_line(*form, "--socket", str(tmp_path / "no.sock"), "status")
        assert (status, out) == (EXIT_UNREACHABLE, "")
        assert "E5202" in err
        assert "systemctl status edged" in err


NOBODY = 65534
ACCOUNTS = [NOBODY] if os.geteuid() == 0 else []  # only root can knock as somebody else


@live
@pytest.mark.parametrize("uid", [*ACCOUNTS, os.geteuid()])
async def test_the_kernel_names_who_asks_and_a_stranger_decides_nothing(site: QuickSite, uid: int) -> None:
    """A person of the roster is answered; an account without a role is refused by name, and that is a fact."""
    answer = await asyncio.to_thread(asked_as, uid, site, "officer-revoke", {"person": "X", "reason": "x"})
    if uid == os.geteuid():
        assert answer["code"] == ErrorCode.NOT_FOUND.number  # allowed; there is no such person
        return
    assert answer["code"] == ErrorCode.NOT_ALLOWED.number
    assert answer["detail"]["roles"] == "account_admin"
    last = (await site.facts("access.refused"))[-1]["data"]
    assert (last["uid"], last["verb"]) == (uid, "officer revoke")
    assert (await asyncio.to_thread(asked_as, uid, site, "status", {}))["station"] == "checkpoint-7"


def asked_as(uid: int, site: QuickSite, verb: str, params: dict[str, str]) -> dict[str, Any]:
    """One request from a socket that was connected under another user id."""
    body = json.dumps(params).encode()
    request = b"POST /v1/%s HTTP/1.1\r\nHost: edged\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        site.folder.chmod(0o711)
        Path(site.socket).chmod(0o666)
        before = os.geteuid()
        os.seteuid(uid)
        try:
            sock.connect(site.socket)
        finally:
            os.seteuid(before)
        sock.sendall(request % (verb.encode(), len(body), body))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


@pytest.mark.parametrize("verb", [v for v, needed in VERBS.items() if not needed.unnamed])
def test_an_account_of_nobody_may_do_nothing_that_anybody_decides(verb: str) -> None:
    with pytest.raises(EdgeError) as refused:
        authorise(None, verb, "nobody", 0)
    assert refused.value.code is ErrorCode.NOT_ALLOWED
    assert refused.value.detail["account"] == "nobody"


# --- the log ------------------------------------------------------------------------------------------


@live
async def test_the_log_tells_the_whole_way_of_a_recording_and_of_the_start(site: QuickSite) -> None:
    log = (site.folder / "edged.log").read_text()
    events = re.findall(r"EDG-\d{4}", log)
    for event in ("EDG-4001", "EDG-6001", "EDG-5001", "EDG-5003", "EDG-2201", "EDG-2202", "EDG-3107"):
        assert event in events, event
    assert events.index("EDG-4001") < events.index("EDG-6001") < events.index("EDG-5003")
    assert events.index("EDG-2201") < events.index("EDG-2202")
    assert "EDG-9002" not in events
    assert "EDG-9001" not in events


@live
async def test_the_recording_that_a_clearing_names_is_found_by_its_id(site: QuickSite) -> None:
    found = await site.edgectl_json("log", "--type", "recording.sealed")
    recording = json.loads(found[0])["data"]["recording"]
    kinds = [json.loads(line)["type"] for line in await site.edgectl_json("log", "--recording", recording)]
    way = ["camera.listed", "offload.started", "recording.sealed", "recording.confirmed", "clear.started"]
    assert kinds == [*way, "camera.cleared"]
