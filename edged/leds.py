"""What a slot's light shows: one table. The pattern alone tells the state; the colour repeats it.

The officer's card (docs/officer_card_uk.svg, _en.svg) and docs/leds.md are generated from SIGNS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from edged.readiness import NotReady
from edged.slots.state import State
from firmware_protocol.dock.messages import Buzzer, Colour, Pattern


class Sign(StrEnum):
    """What a person standing before the slot is to understand."""

    OFF = "off"
    READY = "ready"
    TAKE = "take"
    WORKING = "working"
    WAIT = "wait"
    UNKNOWN = "unknown"
    PERSON = "person"
    OUT = "out"
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class Led:
    """Light, sound (once, at the change to this sign) and what it means, for card and screen."""

    sign: Sign
    colour: Colour
    pattern: Pattern
    buzzer: Buzzer
    en: str
    uk: str


SIGNS: Mapping[Sign, Led] = MappingProxyType(
    {
        led.sign: led
        for led in (
            Led(Sign.OFF, Colour.OFF, Pattern.OFF, Buzzer.NONE, "Slot is empty", "Комірка порожня"),
            Led(
                Sign.READY,
                Colour.GREEN,
                Pattern.STEADY,
                Buzzer.NONE,
                "Camera is ready to be issued",
                "Камера готова до видачі",
            ),
            Led(
                Sign.TAKE,
                Colour.GREEN,
                Pattern.FAST,
                Buzzer.ONE,
                "Take this camera now",
                "Візьміть цю камеру",
            ),
            Led(
                Sign.WORKING,
                Colour.AMBER,
                Pattern.SLOW,
                Buzzer.NONE,
                "At work: offload, charging",
                "Триває робота: вивантаження, заряджання",
            ),
            Led(
                Sign.WAIT,
                Colour.AMBER,
                Pattern.SINGLE,
                Buzzer.NONE,
                "Wait, do not take: recordings are not secured yet",
                "Зачекайте, не виймайте: відеозаписи ще не збережено",
            ),
            Led(
                Sign.UNKNOWN,
                Colour.AMBER,
                Pattern.TRIPLE,
                Buzzer.NONE,
                "Camera is not in the station's list",
                "Камери немає у переліку станції",
            ),
            Led(
                Sign.PERSON,
                Colour.RED,
                Pattern.DOUBLE,
                Buzzer.TWO,
                "Refused, or call the responsible person",
                "Відмова, або покличте відповідальну особу",
            ),
            Led(
                Sign.OUT,
                Colour.RED,
                Pattern.LONG,
                Buzzer.NONE,
                "Out of use: fault, quarantine, works",
                "Не використовується: несправність, карантин, роботи",
            ),
            Led(
                Sign.FORCED,
                Colour.RED,
                Pattern.ALTERNATING,
                Buzzer.ALARM,
                "Camera was removed without authorisation",
                "Камеру вийнято без авторизації",
            ),
        )
    }
)

BY_STATE: Mapping[State, Sign] = MappingProxyType(
    {
        State.EMPTY: Sign.OFF,
        State.IDENTIFYING: Sign.WAIT,
        State.SILENT: Sign.PERSON,
        State.SWITCHING: Sign.WORKING,
        State.OFFLOADING: Sign.WORKING,
        State.CYCLING: Sign.WORKING,
        State.HOLDING: Sign.WAIT,  # or by its first reason, below
        State.READY: Sign.READY,
        State.GRANTED: Sign.TAKE,
        State.SWITCHING_TO_CLEAR: Sign.WORKING,
        State.CLEARING: Sign.WORKING,
        State.LOST: Sign.WAIT,
        State.MISSING: Sign.PERSON,
        State.UNKNOWN: Sign.UNKNOWN,
        State.WORKS: Sign.OUT,
        State.QUARANTINE: Sign.OUT,
        State.REFUSED: Sign.PERSON,
        State.RELEASED: Sign.TAKE,
        State.FAULT: Sign.OUT,
        State.FAULT_EMPTY: Sign.OUT,
        State.FORCED: Sign.FORCED,
    }
)

BY_REASON: Mapping[NotReady, Sign] = MappingProxyType(
    {
        NotReady.NOT_LISTED: Sign.UNKNOWN,
        NotReady.NO_IDENTITY: Sign.UNKNOWN,
        NotReady.TWIN: Sign.PERSON,
        NotReady.QUARANTINE: Sign.OUT,
        NotReady.IN_WORKS: Sign.OUT,
        NotReady.RESERVE: Sign.WAIT,
        NotReady.NO_CARD: Sign.PERSON,
        NotReady.DEFECT: Sign.PERSON,
        NotReady.NOT_SEALED: Sign.WAIT,
        NotReady.CHARGE_LOW: Sign.WORKING,
        NotReady.CHARGE_UNKNOWN: Sign.PERSON,
        NotReady.MEMORY_LOW: Sign.WAIT,  # waits for the centre's receipts
        NotReady.MEMORY_UNKNOWN: Sign.PERSON,
        NotReady.CLOCK_OFF: Sign.PERSON,
        NotReady.CLOCK_UNKNOWN: Sign.PERSON,
        NotReady.DOCK_SILENT: Sign.OUT,
    }
)

_WORKING = frozenset(state for state, sign in BY_STATE.items() if sign is Sign.WORKING)
_STRANGER = frozenset({NotReady.NOT_LISTED, NotReady.NO_IDENTITY})


def led_for(state: State, reasons: Sequence[NotReady] = ()) -> Led:
    """Return the light of a slot in ``state`` whose camera is not ready for ``reasons``.

    In HOLDING a reason that needs a person goes before one that only needs time. A camera that is not in
    the list shows so while it is still being offloaded.
    """
    sign = BY_STATE[state]
    if state in _WORKING and _STRANGER & set(reasons):
        sign = Sign.UNKNOWN
    elif state is State.HOLDING and reasons:
        signs = [BY_REASON[reason] for reason in reasons]
        sign = next((s for s in signs if s not in (Sign.WAIT, Sign.WORKING)), signs[0])
    return SIGNS[sign]
