"""Command lines that the pages name are ones that the programs understand."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edged import main as edged
from edged.cli import main as edgectl
from simulators import docksim

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/operation.md", "docs/commissioning.md")
PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "docksim": docksim._parser,
    "edgectl": edgectl.build_parser,
    "edged": edged._parser,
}
INLINE = re.compile(r"`([^`]+)`")
TYPED = re.compile(r"(?:\S*/)?(docksim|edgectl|edged) \S")
NOT_WORDS = {"|", ">", "<", "&", "&&", ";", "2>", ">>"}
REQUIRED = "the following arguments are required"


def lines_of(page: str) -> Iterator[tuple[str, bool]]:
    """What a reader would type, with whether it stands in a block; else it is code within a sentence."""
    in_block = False
    prose = []
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("```"):
            in_block = not in_block
        elif in_block:
            yield line, True
        else:
            prose.append(line)
    yield from ((code.replace("\n", " "), False) for code in INLINE.findall("\n".join(prose)))


def commands(page: str) -> list[tuple[str, list[str], bool]]:
    """Program, arguments and whether it stands in a block; a bare name (`edgectl`) is no command line."""
    found = []
    for line, in_block in lines_of(page):
        if not (match := TYPED.match(line)) or "──" in line:
            continue  # the second: a drawing
        words = shlex.split(line, comments=True)[1:]
        until = next((n for n, word in enumerate(words) if word in NOT_WORDS), len(words))
        found.append((match[1], [given(word) for word in words[:until]], in_block))
    return found


def given(word: str) -> str:
    """A placeholder for a number as one; other placeholders are texts as they are."""
    return {"N": "1", "…": "TEXT"}.get(word, word)


CASES = [(page, *command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "program", "words", "in_block"), CASES, ids=lambda v: str(v)[:60])
def test_every_command_line_parses(
    capsys: pytest.CaptureFixture[str], page: str, program: str, words: list[str], in_block: bool
) -> None:
    try:
        PARSERS[program]().parse_args(words)
    except SystemExit:
        said = capsys.readouterr().err
        only_named = not in_block and not any(word.startswith("-") for word in words)
        assert only_named, f"{page}: {said}"
        assert REQUIRED in said, f"{page}: {said}"  # a sentence may name a command without its arguments


def test_the_pages_name_commands_of_every_program() -> None:
    assert {program for _, program, *_ in CASES} == set(PARSERS)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_read(page: str) -> None:
    assert commands(page)
