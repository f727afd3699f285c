"""Writes the pages that are made from the code's tables: ``python -m edged.docs`` (``make docs``).

A test compares them with what lies in the repository, so that a table cannot change without its page.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from edged import config
from edged.errors import RETIRED, ErrorCode
from edged.events import EVENTS, Level
from edged.leds import BY_REASON, BY_STATE, SIGNS
from edged.officer_card import card
from edged.slots.state import DEADLINES, IGNORED, OPERATOR, PHYSICAL, TRANSITIONS, Do, Event, State
from edged.table_comments import comments_of

ROOT = Path(__file__).parent.parent
MADE = "<!-- Made by `make docs` from {source}. Do not edit. -->\n"


def pages() -> dict[str, str]:
    """Return every generated file: path in the repository, and its text."""
    return {
        "docs/configuration.md": configuration(),
        "docs/slot_states.md": slot_states(),
        "docs/leds.md": leds(),
        "docs/events.md": events(),
        "docs/errors.md": errors(),
        "docs/officer_card_uk.svg": card("uk"),
        "docs/officer_card_en.svg": card("en"),
        "systemd/edged.catalog": catalog(),
    }


def _page(source: str, title: str, *parts: str) -> str:
    return "\n".join((MADE.format(source=f"`{source}`"), f"# {title}\n", *parts)).rstrip("\n") + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    lines += [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


# --- configuration ------------------------------------------------------------------------------------


def configuration() -> str:
    """Every setting; what has no default must be there."""
    intro = (
        "One TOML file for `edged` and `edged-sync`, by default `/etc/edged/edged.toml`. Unknown keys, bad values\n"
        "and dangerous combinations are refused with file, key, line and what was expected: `edged check-config`.\n"
        "The last good configuration stays in force.\n"
    )
    sections = [(name, kind) for name, kind in config.sections().items()]
    return _page(
        "edged/config.py", "Configuration", intro, *(_section(name, kind) for name, kind in sections)
    )


def _section(name: str, kind: type[msgspec.Struct]) -> str:
    array = name in config.ARRAYS
    title = f"## `[[{name}]]`" if array else f"## `[{name}]`"
    about = " ".join((kind.__doc__ or "").split())
    head = ("key", "type", "default", "unit", "what it is")
    parts = [f"{title}\n\n{about}\n", _table(head, _settings(kind))]
    if name == "dock":
        parts.append(f"Each of `slots`:\n\n{_table(head, _settings(config.Slot))}")
    return "\n".join(parts)


def _settings(kind: type[msgspec.Struct]) -> Iterator[Sequence[str]]:
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        bare = hint.__origin__ if hasattr(hint, "__metadata__") else hint
        meta = next(
            (m for m in getattr(hint, "__metadata__", ()) if isinstance(m, msgspec.Meta)), msgspec.Meta()
        )
        unit = str((meta.extra or {}).get("unit", ""))
        default = "**must be given**" if field.required else f"`{_toml(field.default)}`"
        yield f"`{field.name}`", _type(bare, meta), default, unit, meta.description or ""


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(v) for v in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _type(hint: Any, meta: msgspec.Meta) -> str:
    words = {bool: "true or false", int: "integer", float: "number", str: "text"}
    if hint in words:
        low, high = meta.ge, meta.le
        return words[hint] + (f", {low}-{high}" if low is not None and high is not None else "")
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0], msgspec.Meta())}"
    options = get_args(hint)
    if options and all(isinstance(option, str) for option in options):
        return " or ".join(f"`{option}`" for option in options)
    if config.Decision in options:
        return '`{ number = "…", date = 2026-11-22 }`'
    if type(None) in options:
        return _type(options[0], meta)
    return "tables" if hint is config.Slot else getattr(hint, "__name__", str(hint))


# --- slot ---------------------------------------------------------------------------------------------


def slot_states() -> str:
    """States, events, actions with their comments out of the source; then the table."""
    notes = comments_of(ROOT / "edged/slots/state.py")
    states = ((f"`{s}`", f"`{DEADLINES[s]}`" if s in DEADLINES else "", notes.get(s.name, "")) for s in State)
    kinds = {**dict.fromkeys(PHYSICAL, "the world"), **dict.fromkeys(OPERATOR, "a person or policy")}
    events_ = ((f"`{e}`", kinds.get(e, "deadline or result"), notes.get(e.name, "")) for e in Event)
    actions = ((f"`{d}`", notes.get(d.name, "")) for d in Do)
    order = {state: i for i, state in enumerate(State)}
    steps = sorted(TRANSITIONS.items(), key=lambda item: (order[item[0][0]], list(Event).index(item[0][1])))
    rows = (
        (f"`{state}`", f"`{event}`", f"`{following.state}`", ", ".join(f"`{d}`" for d in following.actions))
        for (state, event), following in steps
    )
    ignored = (
        (f"`{event}`", ", ".join(f"`{state}`" for state in State if (state, event) in IGNORED))
        for event in Event
        if any(pair[1] is event for pair in IGNORED)
    )
    return _page(
        "edged/slots/state.py",
        "What a slot does",
        _rules("edged/slots/state.py"),
        "## States\n\n" + _table(("state", "deadline", "meaning"), states),
        "## Events\n\n" + _table(("event", "from", "meaning"), events_),
        "## Actions\n\n" + _table(("action", "meaning"), actions),
        "## Transitions\n\n" + _table(("in state", "on event", "goes to", "and does"), rows),
        "## Ignored\n\nEvents that change nothing in these states. A pair in neither table is a defect.\n\n"
        + _table(("event", "in states"), ignored),
    )


def _rules(path: str) -> str:
    """The numbered rules at the head of a module, as a list."""
    text = (ROOT / path).read_text("utf-8").split('"""')[1]
    rules = " ".join(text.split()).split("Rule ")[1:]
    texts = (rule.split(" ``docs/")[0].strip().partition(": ") for rule in rules)
    return "".join(f"{number}. {text[0].upper()}{text[1:]}\n" for number, _, text in texts)


# --- lights, events, errors -----------------------------------------------------------------------------


def leds() -> str:
    """What the lights mean, and which state and reason show what."""
    signs = (
        (led.sign, led.colour.name.lower(), led.pattern.name.lower(), led.buzzer.name.lower(), led.en, led.uk)
        for led in SIGNS.values()
    )
    states = ((f"`{state}`", sign) for state, sign in BY_STATE.items())
    reasons = ((f"`{reason}`", sign) for reason, sign in BY_REASON.items())
    return _page(
        "edged/leds.py",
        "What a slot's light shows",
        "The pattern alone tells the sign; the colour repeats it. The officer's card is\n"
        "[officer_card_uk.svg](officer_card_uk.svg), [officer_card_en.svg](officer_card_en.svg).\n",
        _table(("sign", "colour", "pattern", "buzzer", "English", "українською"), signs),
        "## By state\n\n" + _table(("state", "sign"), states),
        "## By reason, in `holding`\n\nA reason that needs a person goes before one that only needs time.\n\n"
        + _table(("not ready because", "sign"), reasons),
    )


def events() -> str:
    """The catalogue of log events."""
    rows = (
        (
            f'<a id="{e.id}"></a>{e.id}',
            e.level.name.lower(),
            e.text,
            ", ".join(f"`EDG_{name.upper()}`" for name in e.ordered_fields),
            f"`{e.message_id.hex}`",
        )
        for e in EVENTS.values()
    )
    return _page(
        "edged/events.py",
        "Log events",
        "Ids, levels and fields do not change; sentences may. In the journal every line has `EDG_EVENT` and\n"
        "`MESSAGE_ID` besides: `journalctl -u edged EDG_EVENT=EDG-7107`, `journalctl -x` shows what to do.\n",
        _table(("event", "level", "sentence", "fields", "MESSAGE_ID"), rows),
    )


def errors() -> str:
    """The table of codes."""
    rows = ((f'<a id="{c.label}"></a>{c.label}', f"`{c.name}`", f"{c.text}.", c.remedy) for c in ErrorCode)
    retired = f"Withdrawn: {', '.join(f'E{n}' for n in sorted(RETIRED))}.\n" if RETIRED else ""
    return _page(
        "edged/errors.py",
        "Error codes",
        "The first digit says where to look: 1 dock hardware, 2 camera, 3 network and centre, 4 configuration and\n"
        "lists, 5 host, disk and clock, 6 ledger and signing, 7 access and persons, 9 a defect in edged.\n",
        _table(("code", "name", "what happened", "what to do"), sorted(rows)),
        retired,
    )


_ADVICE: Mapping[Level, str] = {
    Level.DEBUG: "Nothing to do.",
    Level.INFO: "Nothing to do.",
    Level.WARNING: "Somebody should look.",
    Level.ERROR: "Somebody must act.",
}


def catalog() -> str:
    """journald's message catalogue: what ``journalctl -x`` shows below a line."""
    parts = ["# Made by `make docs` from `edged/events.py`. Do not edit.\n"]
    for event in EVENTS.values():
        subject = event.with_places(lambda name: f"@EDG_{name.upper()}@")
        code = (
            "\nCode @EDG_CODE@: docs/errors.md has what happened and what to do."
            if "code" in event.fields
            else ""
        )
        parts.append(
            f"-- {event.message_id.hex}\nSubject: {subject}\nDefined-By: edged\n"
            f"Documentation: file:///usr/share/doc/edged/events.md#{event.id}\n\n"
            f"{event.id}. {_ADVICE[event.level]}{code}\n"
        )
    return "\n".join(parts)


def write(say: Callable[[str], object]) -> None:
    """Write what differs."""
    for name, text in pages().items():
        path = ROOT / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            say(f"written: {name}")


if __name__ == "__main__":
    write(print)
