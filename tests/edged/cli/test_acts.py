"""Every act has a command, every field an option, and what is typed is what the daemon takes."""

import argparse
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from edged.cli import acts
from edged.cli.moments import moment
from edged.errors import EdgeError, ErrorCode
from edged.formats.fields import Time
from edged.shift.acts import ACTS
from edged.shift.recovered_acts import RecoveredParams
from edged.shift.scene import Params

FIELDS = [(verb, field.name) for verb, act in ACTS.items() for field in msgspec.structs.fields(act.params)]
WORDS = {"date": "2026-11-22", "code": "UA123456", "number": "17", "year": "2026", "when": "start"}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    commands = made.add_subparsers(required=True)
    officer = commands.add_parser("officer").add_subparsers(required=True)
    acts.add_commands(commands, lambda verb, entered: (verb, entered), {"officer": officer})
    return made


def typed(params: type[Params], name: str) -> list[str]:
    """What somebody types for a field."""
    hint = get_type_hints(params, include_extras=True)[name]
    if hint == Time:
        return ["30m"]
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [str(next(iter(kind)))]
    if get_origin(kind) is tuple:
        return ["one", "two"]
    if get_origin(kind) is dict:
        return ["mount=2", "dock=1"]
    return ["yes"] if kind is bool else [WORDS.get(name, "7" if kind is int else "слово")]


def test_every_act_and_every_field_is_explained() -> None:
    assert set(acts.HELP) == set(ACTS)
    brought = {field.name for field in msgspec.structs.fields(RecoveredParams)}
    assert set(acts.FIELDS) == {name for _, name in FIELDS} | brought


@pytest.mark.parametrize("verb", sorted(ACTS))
@pytest.mark.parametrize("everything", [True, False])
def test_what_is_typed_is_what_the_daemon_takes(verb: str, everything: bool) -> None:
    params = ACTS[verb].params
    words = verb.split(" ")
    for field in msgspec.structs.fields(params):
        if everything or field.required:
            words += [f"--{field.name.replace('_', '-')}", *typed(params, field.name)]
    args = parser().parse_args(words)
    asked, entered = args.run
    assert asked == verb.replace(" ", "-", 1)
    given = msgspec.convert(entered(args), params)
    required = {field.name for field in msgspec.structs.fields(params) if field.required}
    assert required <= set(entered(args))
    assert isinstance(given, params)


@pytest.mark.parametrize("verb", sorted(ACTS))
def test_what_is_missing_is_named(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    required = [field.name for field in msgspec.structs.fields(ACTS[verb].params) if field.required]
    with pytest.raises(SystemExit):
        parser().parse_args([*verb.split(" "), "--nonsense"])
    said = capsys.readouterr().err
    assert all(name.replace("_", "-") in said for name in required)


def test_a_flag_needs_no_word() -> None:
    args = parser().parse_args(["incident", "note", "--incident", "i", "--closed"])
    assert args.run[1](args) == {"incident": "i", "closed": True}


@pytest.mark.parametrize("counts", [["mount"], ["mount=-1"], ["mount=x"], ["mount=1", "mount=2"]])
def test_a_count_is_a_number_of_something_and_each_once(counts: list[str]) -> None:
    args = parser().parse_args(["handover", "--taking", "daria", "--counts", *counts])
    with pytest.raises(EdgeError) as refused:
        args.run[1](args)
    assert refused.value.code is ErrorCode.BAD_REQUEST


def test_a_moment_is_a_time_or_so_long_ago() -> None:
    assert moment("2026-11-22T09:00:00+02:00") == "2026-11-22T07:00:00.000Z"
    assert moment("") == ""
    assert moment("1d") < moment("1h") < moment("1h", ahead=True)
    with pytest.raises(EdgeError):
        moment("yesterday")


def test_a_kind_of_field_that_no_act_has_is_a_defect() -> None:
    class Odd(Params, frozen=True):
        what: Any

    with pytest.raises(TypeError):
        acts.option(Odd, "what")
