"""Commands for what persons enter about a shift: made of the table of acts, so that none is missing."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from edged.cli.moments import moment
from edged.errors import EdgeError, ErrorCode
from edged.formats.fields import Time
from edged.shift.acts import ACTS
from edged.shift.scene import Params

HELP: Mapping[str, str] = MappingProxyType(
    {
        "incident open": "open an incident that the station could not see",
        "incident confirm": "confirm a draft, with what only a person knows",
        "incident reject": "say that a draft is no incident, and why",
        "incident note": "add measures, the result or a note to an incident; --closed ends it",
        "paper give": "enter number and date of a notice, memo or letter that its author has given",
        "return confirm": "confirm one return; the badge at the reader confirms all that wait",
        "memo enter": "enter the memo by which a reserve camera is used",
        "memo end": "a reserve camera goes back to the safe",
        "officer brief": "an officer was briefed before the first use",
        "repair damaged": "an item is damaged; a camera is not issued any more",
        "repair tag": "an item was tagged and put away",
        "repair statement": "state that a camera cannot be offloaded any more",
        "repair release": "hand an item to a repair unit or a service organisation",
        "repair back": "an item is back and in use again",
        "recording refer": "refer a recording to a case or an information sheet",
        "works start": "maintenance works begin",
        "works end": "maintenance works are over",
        "outage start": "the complex has failed and cameras cannot be used",
        "outage end": "the complex works again",
        "handover": "make the sheet of a handover from what is in the slots and what you counted",
        "journal sheet": "make a sheet of a journal or of your rounds; of handovers: those that a new volume repeats",
        "journal register": "enter the number under which a signed sheet is registered",
        "journal volume": "open a new volume of a journal that was lost or seized",
        "key rotate": "order another signing key; `edgectl station rekey`, by root on the host, makes it",
        "station retire": "no camera is issued any more; refused while evidence is unconfirmed",
        "export request": "ask for a copy of a recording for a third party",
        "export drop": "no copy is made after all, and why",
        "clear ask": "ask that a camera in a slot is cleared although the station has stopped clearing",
        "clear agree": "agree to it: what the server has confirmed is cleared now",
        "round": "enter what an inspection round has found of an item",
    }
)
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "about": "what it is about, as `edgectl paper list` names it",
        "acts": "what was done",
        "at": "when: 2026-11-22T07:00:00Z, or 30m, 8h ago",
        "camera": "serial number",
        "cause": "what happened",
        "closed": "nothing more is to be done",
        "code": "code of the unit: UA123456",
        "contract_date": "date of the contract on non-disclosure, 2026-11-22",
        "contract_number": "its number",
        "counts": "what you counted: mount=24 dock=3",
        "date": "of the document, 2026-11-22",
        "description": "what happened, in your words",
        "discrepancies": "what you found",
        "document": "number and date",
        "entries": "ids of incidents, works, rounds or sheets of handovers (default: all that no sheet tells yet)",
        "entry": "which works of the operating manual",
        "export": "id of the copy that was asked for",
        "centre": "name of the service centre",
        "faults": "what is wrong with it",
        "file": "its name in the folder of the configuration",
        "ground": "why",
        "grounds": "on which grounds",
        "happened": "when: 2026-11-22T07:00:00Z, or 30m, 8h ago",
        "head": "name of the head of the post",
        "in_order": "whether it is in order",
        "incident": "its id",
        "issue": "its id",
        "item": "inventory number",
        "items": "inventory numbers",
        "journal": "which one",
        "law": "the provision of the law that the request rests on",
        "letter_date": "date of the letter to the head of the post, 2026-11-22",
        "letter_number": "its number",
        "measures": "what was done about it",
        "note": "a note",
        "number": "number of the document, or within the year",
        "outage": "its id",
        "paper": "which one",
        "person": "id, as in the personnel list",
        "persons": "names of those who carry them out",
        "place": "where it is kept",
        "reason": "why",
        "receiver": "who takes it",
        "recording": "its id",
        "result": "what came of it",
        "safe": "how many reserve cameras you counted in the safe",
        "sheet": "its id",
        "since": "since when: 2026-11-22T07:00:00Z, or 30m, 8h ago",
        "statement": "your statement",
        "tag": "number of the tag",
        "taking": "id of the responsible person who takes over",
        "third_party": "whether it leaves the customs body",
        "version": "of the software: before the works, after them",
        "when": "start or end of the shift",
        "works": "their id",
        "year": "the year",
    }
)


@dataclass(frozen=True, slots=True)
class Option:
    """How a field is asked for on a command line."""

    settings: Mapping[str, Any]
    take: Callable[[Any], Any] = lambda value: value


def add_commands(commands: Any, asking: Callable[..., Any], groups: dict[str, Any]) -> None:
    """Add a command for every act.

    Args:
        asking: makes the function that asks the daemon: verb, parameters of the arguments.
        groups: sub-commands of words that have a parser already (``officer``); new ones are added.
    """
    for verb, act in ACTS.items():
        group, _, action = verb.partition(" ")
        if not action:
            parser = commands.add_parser(verb, help=HELP[verb])
        else:
            if group not in groups:
                made = commands.add_parser(group, help=f"{group}: see {group} --help")
                groups[group] = made.add_subparsers(metavar="ACTION", required=True)
            parser = groups[group].add_parser(action, help=HELP[verb])
        add_command(parser, verb.replace(" ", "-", 1), act.params, asking)


def add_command(parser: Any, verb: str, params: type[Params], asking: Callable[..., Any]) -> None:
    """Let a command ask for every field, and the daemon for ``verb``."""
    for field in msgspec.structs.fields(params):
        name = f"--{field.name.replace('_', '-')}"
        required = {"required": True} if field.required else {}
        parser.add_argument(name, help=FIELDS[field.name], **required, **option(params, field.name).settings)
    parser.set_defaults(run=asking(verb, _entered(params)))


def _entered(params: type[Params]) -> Callable[[argparse.Namespace], dict[str, Any]]:
    def entered(args: argparse.Namespace) -> dict[str, Any]:
        given = {field.name: getattr(args, field.name) for field in msgspec.structs.fields(params)}
        return {name: option(params, name).take(value) for name, value in given.items() if value is not None}

    return entered


def option(params: type[Params], name: str) -> Option:
    """Return how a field is asked for, by its type. Raises TypeError: a kind that no act has had yet."""
    hint = get_type_hints(params, include_extras=True)[name]
    if hint == Time:
        return Option({"type": str}, moment)
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if kind is bool:
        return Option({"type": _yes, "metavar": "yes|no", "nargs": "?", "const": True})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return Option({"choices": [str(value) for value in kind]})
    if kind in (str, int):
        return Option({"type": kind})
    if get_origin(kind) is tuple:
        return Option({"nargs": "+"}, list)
    if get_origin(kind) is dict:
        return Option({"nargs": "+", "metavar": "NAME=NUMBER"}, _counts)
    raise TypeError(f"{params.__name__}.{name}: {hint}")


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise argparse.ArgumentTypeError("yes or no")
    return text == "yes"


def _counts(words: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        name, _, number = word.partition("=")
        if not number.isdecimal() or name in counts:
            raise EdgeError(ErrorCode.BAD_REQUEST, count=word[:40], expected="each once, as mount=24")
        counts[name] = int(number)
    return counts
