"""Two verifiers that share no code say the same of good ledgers, and of what is odd and no attack."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from edged.errors import DiskError
from edged.formats.checkpoint import Checkpoint
from edged.formats.facts import AlertRaised, Facts, GapFact, RecordingConfirmed, RecordingSealed
from edged.formats.line import LINE_LIMIT, decode_line
from edged.formats.manifest import manifest_of, sign_manifest
from edged.formats.merkle import EMPTY_ROOT
from edged.formats.note import sign
from edged.ledger.book import Book
from edged.ledger.pieces import note_name
from tests.edged.ledger import attacks as by
from tests.edged.ledger.copies import (
    CONTENT,
    CURRENT,
    FOLDER,
    PIECE,
    RECORDING,
    VAULT,
    Copy,
    checkpoint,
    covered,
    first,
    second,
    usual,
)
from tests.edged.ledger.station import CENTRE, COUNTERSIGNED, LEDGER, STATION, STRANGER, Station, note, sealed

# --- good ledgers ---------------------------------------------------------------------------------------


async def only_the_first_line(station: Station) -> None:
    await (await station.create()).close()


async def a_checkpoint_after_every_line(station: Station) -> None:
    book = await station.create()
    checkpointer = await station.checkpointer(book)
    for n in range(17):
        await book.append(note(str(n)))
        await checkpointer.checkpoint()
    await book.close()


async def a_torn_tail_that_was_cut(station: Station) -> None:
    await (await station.with_lines("one", "two")).close()
    station.fs.put(CURRENT, station.fs.read(CURRENT)[:-50])
    await (await station.open()).close()


async def a_clock_that_was_set_back(station: Station) -> None:
    book = await station.with_lines("one")
    station.clock.wall_ns -= 86_400 * 10**9
    await book.append(note("yesterday"))
    await book.close()
    station.clock.boot_id, station.clock.boottime_ns = "c" * 32, 1
    book = await station.open()
    await book.append(note("after a restart"))
    await book.close()


async def a_disk_that_was_full(station: Station) -> None:
    """No room for a new piece: the open one grows over two checkpoints, and a line that did not fit is gone."""
    book = await station.with_lines("one", "two")
    checkpointer = await station.checkpointer(book)
    station.fs.capacity = station.fs.used()
    for text in ("three", "four"):
        await book.append(note(text))
    with pytest.raises(DiskError):
        await checkpointer.checkpoint()
    station.fs.capacity = 1 << 40
    await book.append(note("five"))
    await checkpointer.checkpoint()
    await book.close()


async def every_kind_of_text_and_number(station: Station) -> None:
    book = await station.create()
    await book.append(note("".join(map(chr, range(128))) + "Ягодин — 🎥 \u2028 \\u0041"))
    numbers: Facts = {"a": 1e16, "b": 0.00001, "c": 1.5e-7, "d": -0.0, "e": 1.0, "f": 2**70, "g": 5e-324}
    await book.append(AlertRaised(alert="x", code=1, detail=numbers), actor="reader:Київ/1")
    await book.close()


async def recordings_of_every_kind(station: Station) -> None:
    """One sealed twice, one with gaps."""
    book = await station.create()
    for recording, contents in {"1" * 32: [b"old", b"new"], "2" * 32: [b"full of holes"]}.items():
        for content in contents:
            fact = sealed(recording, content)
            values = {name: getattr(fact, name) for name in fact.__struct_fields__}
            gaps = (GapFact(offset=0, size=512),) * (len(contents) == 1)
            line = await book.append(RecordingSealed(**values | {"gaps": gaps, "second_read": True}))
            folder = f"{VAULT}/recordings/2026/11/22/{recording}"
            station.fs.put(f"{folder}/content.mp4", content)
            station.fs.put(f"{folder}/manifest.note", sign_manifest(manifest_of("yahodyn-1", line), STATION))
    await book.close()


def strange_files(copy: Copy) -> None:
    """What is no part of the ledger may lie beside it."""
    copy.files |= {f"{LEDGER}/{name}": b"?" for name in ("README", "next.jsonl", "torn/1.bin", "1-2.jsonl")}
    copy.files[f"{LEDGER}/checkpoints/000000000007.note.part"] = b"?"


WRITTEN = (
    only_the_first_line,
    a_checkpoint_after_every_line,
    a_torn_tail_that_was_cut,
    a_clock_that_was_set_back,
    a_disk_that_was_full,
    every_kind_of_text_and_number,
    recordings_of_every_kind,
)


@pytest.mark.parametrize("write", WRITTEN, ids=lambda write: write.__name__)
def test_both_call_a_good_ledger_good(tmp_path: Path, write: Callable[[Station], Awaitable[None]]) -> None:
    station = Station()

    async def run() -> None:
        await write(station)

    asyncio.run(run())
    copy = Copy.of(station).fresh(recordings=True)

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.good
    assert one == two
    assert one.counts["lines"] > 0


@pytest.mark.parametrize(
    "change",
    [
        lambda copy: None,
        by.remove(CURRENT),  # as the centre has it
        by.remove(checkpoint(5)),  # others cover more
        strange_files,
    ],
    ids=["as it is", "closed pieces only", "the newest checkpoint only", "strange files beside it"],
)
def test_both_count_alike_what_is_signed(tmp_path: Path, change: by.Change) -> None:
    copy = usual().copy.fresh(against=usual().kept, countersigned=True, recordings=True)
    change(copy)

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one == two
    assert one.good
    assert (one.counts["signed"], one.counts["countersigned"], one.counts["recordings"]) == (7, 5, 1)


# --- lines of an odd form ---------------------------------------------------------------------------------

LINE = usual().copy.lines(CURRENT)[1]  # no checkpoint covers it and none follows: only its form can show
LONG = LINE.replace(b'"seven"', b'"' + b"x" * (LINE_LIMIT - len(LINE) + len("seven")) + b'"')
ODD_LINES = {
    "the end of a day": LINE.replace(b"T07:00:0", b"T24:00:0"),
    "a leap second": LINE.replace(b"T07:00:02", b"T07:00:60").replace(b"T07:00:01", b"T07:00:60"),
    "the thirtieth of February": LINE.replace(b"2026-11-22", b"2026-02-30"),
    "the year 0": LINE.replace(b"2026-", b"0000-"),
    "microseconds": LINE.replace(b'00Z"', b'00000Z"'),
    "an actor without a name": LINE.replace(b'"actor":"station"', b'"actor":"person:"'),
    "an actor with a blank": LINE.replace(b'"actor":"station"', b'"actor":"person:a b"'),
    "an actor of another kind": LINE.replace(b'"actor":"station"', b'"actor":"dock:1"'),
    "a member more": LINE.replace(b',"data":', b',"more":1,"data":'),
    "members in another order": LINE.replace(b'"v":1,"seq":8', b'"seq":8,"v":1'),
    "a leading zero": LINE.replace(b'"seq":8', b'"seq":08'),
    "capital letters": LINE.replace(b"b" * 32, b"B" * 32),
    "data that is no object": LINE.replace(b'{"reason":"seven"}', b'["seven"]'),
    "text behind it": LINE + b"}",
    "a byte too long": LONG.replace(b"xx", b"xxx", 1),
}
GOOD_LINES = {
    "as long as may be": LONG,
    "an actor in Cyrillic": LINE.replace(b'"actor":"station"', '"actor":"person:Є-1/2"'.encode()),
    "before the boot": LINE.replace(b'"boottime_ns":', b'"boottime_ns":-'),
    "an error that nobody knows": LINE.replace(b":1000000}", b":null}"),
    "the last day of all": LINE.replace(b"2026-11-22", b"9999-12-31"),
}


@pytest.mark.parametrize("name", [*ODD_LINES, *GOOD_LINES])
def test_both_take_and_refuse_the_same_lines(tmp_path: Path, name: str) -> None:
    copy = usual().copy.fresh()
    line = (ODD_LINES | GOOD_LINES)[name]
    assert line != LINE
    copy.put_lines(CURRENT, [copy.lines(CURRENT)[0], line])

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.found == (frozenset() if name in GOOD_LINES else {("line-bad", 8)})
    assert one == two


# --- recordings of an odd kind ---


def test_a_manifest_of_another_recording_is_no_manifest_though_the_station_signed_it(tmp_path: Path) -> None:
    copy = usual().copy.fresh(recordings=True)
    signed: list[bytes] = []

    async def write(book: Book) -> None:
        line = await book.append(sealed("8" * 32, CONTENT))
        signed.append(sign_manifest(manifest_of("yahodyn-1", line), STATION))

    copy.go_on(write)
    copy.files[f"{FOLDER}/manifest.note"] = signed[0]

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.found == {("manifest-bad", 4), ("recording-missing", 9)}
    assert one.counts["manifests_due"] == 1
    assert one == two


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_manifest_that_is_not_there_is_due_until_a_receipt_shows_that_it_was(
    tmp_path: Path, confirmed: bool
) -> None:
    copy = usual().copy.fresh(recordings=True)

    async def write(book: Book) -> None:
        await book.append(receipted(RECORDING))

    if confirmed:
        copy.go_on(write)
    by.remove(f"{FOLDER}/manifest.note")(copy)

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.found == ({("manifest-bad", 4)} if confirmed else frozenset())
    assert one.counts["manifests_due"] == (not confirmed)
    assert one == two


def test_a_recording_that_was_sealed_again_has_its_manifest_due_again(tmp_path: Path) -> None:
    copy = usual().copy.fresh(recordings=True)

    async def write(book: Book) -> None:
        await book.append(receipted(RECORDING))
        await book.append(sealed(RECORDING, CONTENT))

    copy.go_on(write)
    by.remove(f"{FOLDER}/manifest.note")(copy)

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.good
    assert one.counts["manifests_due"] == 1
    assert one == two


def receipted(recording: str) -> RecordingConfirmed:
    return RecordingConfirmed(
        recording=recording,
        receipt_sha256="0" * 64,
        server="centre-1",
        server_level="local",
        placed_at="2026-11-22T08:00:00.000Z",
        retain_until="2026-12-22T22:00:00.000Z",
    )


MANIFEST = usual().copy.files[f"{FOLDER}/manifest.note"].partition(b"\n\n")[0]
TAG = b'"type":"edged/manifest/v1",'
ODD_MANIFESTS = {
    "its type last": sign(b"{" + MANIFEST[len(TAG) + 1 : -1] + b"," + TAG[:-1] + b"}\n", STATION),
    "two lines": sign(MANIFEST + b"\n\n", STATION),
    "a number for a word": sign(MANIFEST.replace(b'd":false', b'd":0') + b"\n", STATION),
    "a fraction": sign(MANIFEST.replace(b'"size":2100', b'"size":2100.0') + b"\n", STATION),
    "a member more": sign(MANIFEST[:-1] + b',"more":1}\n', STATION),
    "white space": sign(MANIFEST.replace(b":", b": ", 1) + b"\n", STATION),
    "another's signature": sign(MANIFEST + b"\n", STRANGER),
    "too long": sign(MANIFEST + b"\n", STATION) + "\u2014 x ".encode() + b"A" * 70_000 + b"\n",
}


@pytest.mark.parametrize("name", ODD_MANIFESTS)
def test_both_refuse_the_same_manifests(tmp_path: Path, name: str) -> None:
    copy = usual().copy.fresh(recordings=True)
    assert MANIFEST + b"\n" not in ODD_MANIFESTS[name] or name in {
        "another's signature",
        "too long",
        "two lines",
    }
    copy.files[f"{FOLDER}/manifest.note"] = ODD_MANIFESTS[name]

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.found == {("manifest-bad", 4)}
    assert one == two


def test_what_an_older_line_does_not_say_is_what_the_page_says(tmp_path: Path) -> None:
    fact = sealed("8" * 32, CONTENT)
    must = (
        "recording",
        "camera",
        "path",
        "size",
        "sha256",
        "fingerprint",
        "mtime",
        "medium",
        "folder",
        "file",
    )
    data = json.dumps({name: getattr(fact, name) for name in must}, separators=(",", ":")).encode()
    line = LINE.replace(b"station.stopped", b"recording.sealed").replace(b'{"reason":"seven"}', data)
    copy = usual().copy.fresh(recordings=True)
    copy.put_lines(CURRENT, [copy.lines(CURRENT)[0], line])
    folder = FOLDER.replace("7" * 32, "8" * 32)
    copy.files[f"{folder}/content.mp4"] = CONTENT
    copy.files[f"{folder}/manifest.note"] = sign_manifest(
        manifest_of("yahodyn-1", decode_line(line)), STATION
    )

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.good
    assert one.counts["recordings"] == 2
    assert one == two


@pytest.mark.parametrize(
    "where", [{"folder": "2026/11/22/../../.."}, {"file": "../content.mp4"}, {"recording": ".."}]
)
def test_neither_follows_a_line_out_of_the_vault(tmp_path: Path, where: dict[str, str]) -> None:
    copy = usual().copy.fresh(recordings=True)

    async def write(book: Book) -> None:
        fact = sealed("8" * 32, CONTENT)
        await book.append(RecordingSealed(**{n: getattr(fact, n) for n in fact.__struct_fields__} | where))

    copy.go_on(write)

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.found == {("recording-missing", 9)}
    assert one == two


# --- findings that the comparison of the two has settled ------------------------------------------------------


def test_a_checkpoint_over_no_lines_fits_every_ledger(tmp_path: Path) -> None:
    """The station never signs one."""
    copy = covered().fresh(against=sign(Checkpoint(STATION.name, 0, EMPTY_ROOT).text(), STATION))

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.good
    assert one == two


def test_recordings_are_compared_even_where_line_0_cannot_be_read(tmp_path: Path) -> None:
    copy = usual().copy.fresh(recordings=True)
    by.rearrange(PIECE, lambda lines: [b"?", *lines[1:]])(copy)

    one, two = first(copy), second(copy, tmp_path / "copy")

    assert one.kinds == {"line-bad", "chain-broken", "checkpoint-differs"}
    assert one == two


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b'"station.stopped"', b'"station.paused"', "line-newer"),
        (b'"reason":', b'"why":', "line-newer"),
        (b'"reason":"seven"', b'"reason":7', "line-bad"),
    ],
    ids=["an unknown type", "an unknown field", "a value of another kind"],
)
def test_only_the_first_knows_the_facts(tmp_path: Path, old: bytes, new: bytes, kind: str) -> None:
    copy = usual().copy.fresh()
    by.rearrange(CURRENT, lambda lines: [lines[0], lines[1].replace(old, new)])(copy)

    one = first(copy)

    assert one.kinds == {kind}
    assert one.only_about_facts
    assert second(copy, tmp_path / "copy").good


def test_a_countersigned_checkpoint_needs_both_signatures(tmp_path: Path) -> None:
    copy = usual().copy.fresh(countersigned=True)
    path = f"{COUNTERSIGNED}/{note_name(5)}"
    rows = copy.files[path].splitlines(keepends=True)
    for without in (STATION.name, CENTRE.name):
        left = [row for row in rows if not row.startswith(f"— {without} ".encode())]
        copy.files[path] = b"".join(left)

        one, two = first(copy), second(copy, tmp_path / "copy")

        assert len(left) == len(rows) - 1
        assert one.kinds == {"checkpoint-bad"}
        assert one == two
