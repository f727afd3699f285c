"""Times out of MP4 boxes, with ffmpeg as the writer and ffprobe as the oracle."""

import json
import struct
import subprocess
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.formats.movie import LEAF_LIMIT, MovieReader, MovieTimes, movie_times
from tests.movies import FRAGMENTED, MOVIE, box, fragment, mvhd

KINDS = {
    "index at the end": ["-movflags", "0"],
    "index first": ["-movflags", "+faststart"],
    "fragments": ["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
    "fragments, offsets in the file": ["-movflags", "frag_keyframe+empty_moov"],
    "QuickTime": ["-f", "mov"],
}


def filmed(path: Path, words: list[str]) -> bytes:
    """Three seconds and a bit of picture and sound, begun at a known moment."""
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=3.3"]
    source += ["-f", "lavfi", "-i", "sine=duration=3.2", "-g", "10", "-c:v", "mpeg4", "-c:a", "aac"]
    when = ["-metadata", "creation_time=2026-11-28T08:30:00Z"]
    command = ["ffmpeg", "-v", "error", *source, *when, *words, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.read_bytes()


def probed(path: Path) -> MovieTimes:
    words = [
        "ffprobe",
        "-v",
        "error",
        "-of",
        "json",
        "-show_entries",
        "format=duration:format_tags=creation_time",
    ]
    said = json.loads(
        subprocess.run([*words, str(path)], check=True, capture_output=True, timeout=60).stdout
    )["format"]
    began = datetime.fromisoformat(said["tags"]["creation_time"].rstrip("Z"))
    return MovieTimes(began, Fraction(said["duration"]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_times_are_those_that_ffprobe_finds(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    content = filmed(path, KINDS[kind])
    expected = probed(path)
    for size in (1, 7, 4096, len(content)):
        found = movie_times(content[at : at + size] for at in range(0, len(content), size))
        assert found is not None
        assert found.began == expected.began == datetime(2026, 11, 28, 8, 30)  # noqa: DTZ001  # a camera's
        assert abs(found.duration_s - expected.duration_s) < Fraction(1, 10)  # a frame


def test_a_movie_says_when_it_began_and_how_long_it_is() -> None:
    assert movie_times([MOVIE]) == MovieTimes(datetime(1904, 1, 1, 1), Fraction(181, 2))  # noqa: DTZ001  # a camera's


def test_fragments_are_counted_from_the_first_on() -> None:
    found = movie_times([FRAGMENTED])
    assert found is not None
    assert found.duration_s == Fraction(125, 50)


@pytest.mark.parametrize("cut", [0, 5, 60, len(MOVIE) - 150])
def test_a_beginning_without_its_index_has_no_times(cut: int) -> None:
    assert movie_times([MOVIE[:cut]]) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a note, and no movie",
        box(b"moov", mvhd(timescale=0)),
        box(b"moov", mvhd()) + struct.pack(">I4s", 3, b"mdat"),
        box(b"moov", box(b"mvhd", b"\0\0\0\0")),
        box(b"moov", box(b"mvhd", b"")),
        MOVIE + b"".join(fragment(number, 0, []) for number in range(70)),
    ],
)
def test_what_is_no_sound_movie_has_no_times(content: bytes) -> None:
    assert movie_times([content]) is None


def test_what_is_not_said_is_not_known() -> None:
    found = movie_times([box(b"moov", mvhd(created=0, duration=0xFFFF_FFFF))])
    assert found == MovieTimes(None, Fraction(0))
    version_1 = box(b"mvhd", struct.pack(">B3xQ8xIQ", 1, 1 << 62, 10, 25))
    assert movie_times([box(b"moov", version_1)]) == MovieTimes(None, Fraction(5, 2))


def test_a_box_to_the_end_of_the_file_is_passed_over() -> None:
    assert movie_times([box(b"moov", mvhd()) + struct.pack(">I4s", 0, b"mdat") + bytes(64)]) is not None


def test_a_leaf_that_is_too_large_is_passed_over() -> None:
    huge = box(b"moof", box(b"traf", box(b"trun", bytes(LEAF_LIMIT + 1))))
    assert movie_times([MOVIE, huge]) == movie_times([MOVIE])


@given(st.lists(st.integers(1, 40), max_size=60), st.sampled_from([MOVIE, FRAGMENTED]))
def test_chunks_of_any_size_say_the_same(sizes: list[int], movie: bytes) -> None:
    reader, at = MovieReader(), 0
    for size in sizes:
        reader.feed(movie[at : at + size])
        at += size
    reader.feed(memoryview(movie)[at:])
    assert reader.times() == movie_times([movie])


@given(st.binary(max_size=300), st.integers(0, len(FRAGMENTED)))
def test_nothing_that_is_read_is_an_error(noise: bytes, place: int) -> None:
    movie_times([FRAGMENTED[:place], noise, FRAGMENTED[place:]])
