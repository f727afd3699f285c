"""The light tells every state by its pattern alone, and a person reads it in two languages."""

import pytest

from edged.leds import BY_REASON, BY_STATE, SIGNS, Sign, led_for
from edged.readiness import NotReady
from edged.slots.state import WORKING, State
from firmware_protocol.dock.messages import Buzzer, Colour, Pattern

TABLE = {  # docs/leds.md; the order of the officer's card
    Sign.OFF: (Colour.OFF, Pattern.OFF, Buzzer.NONE),
    Sign.READY: (Colour.GREEN, Pattern.STEADY, Buzzer.NONE),
    Sign.TAKE: (Colour.GREEN, Pattern.FAST, Buzzer.ONE),
    Sign.WORKING: (Colour.AMBER, Pattern.SLOW, Buzzer.NONE),
    Sign.WAIT: (Colour.AMBER, Pattern.SINGLE, Buzzer.NONE),
    Sign.UNKNOWN: (Colour.AMBER, Pattern.TRIPLE, Buzzer.NONE),
    Sign.PERSON: (Colour.RED, Pattern.DOUBLE, Buzzer.TWO),
    Sign.OUT: (Colour.RED, Pattern.LONG, Buzzer.NONE),
    Sign.FORCED: (Colour.RED, Pattern.ALTERNATING, Buzzer.ALARM),
}


def test_signs_are_what_the_card_on_the_wall_says() -> None:
    assert {s: (led.colour, led.pattern, led.buzzer) for s, led in SIGNS.items()} == TABLE


def test_the_pattern_alone_tells_the_sign() -> None:
    assert len({led.pattern for led in SIGNS.values()}) == len(SIGNS) == len(Sign)


def test_every_pattern_of_the_controller_has_one_meaning() -> None:
    assert {led.pattern for led in SIGNS.values()} == set(Pattern)


@pytest.mark.parametrize("sign", list(Sign))
def test_every_sign_is_said_in_ukrainian_and_english(sign: Sign) -> None:
    led = SIGNS[sign]
    assert led.uk != led.en
    assert any("а" <= letter <= "я" for letter in led.uk.lower())
    assert led.en.isascii()


def test_every_state_and_every_reason_has_a_sign() -> None:
    assert set(BY_STATE) == set(State)
    assert set(BY_REASON) == set(NotReady)


def test_green_means_take_or_ready_and_nothing_else() -> None:
    green = {state for state in State if led_for(state).colour is Colour.GREEN}
    assert green == {State.READY, State.GRANTED, State.RELEASED}


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY, State.GRANTED, State.RELEASED}))
@pytest.mark.parametrize("reason", list(NotReady))
def test_a_camera_that_is_not_ready_is_never_green(state: State, reason: NotReady) -> None:
    assert led_for(state, (reason,)).colour is not Colour.GREEN


def test_what_needs_a_person_goes_before_what_needs_time() -> None:
    both = (NotReady.CHARGE_LOW, NotReady.CLOCK_OFF)
    assert led_for(State.HOLDING, both).sign is Sign.PERSON
    assert led_for(State.HOLDING, (NotReady.NOT_SEALED, NotReady.CHARGE_LOW)).sign is Sign.WAIT
    assert led_for(State.HOLDING, (NotReady.CHARGE_LOW,)).sign is Sign.WORKING
    assert led_for(State.HOLDING).sign is Sign.WAIT


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_camera_that_is_not_in_the_list_shows_so_while_it_is_offloaded(state: State) -> None:
    assert led_for(state, (NotReady.NOT_LISTED, NotReady.NOT_SEALED)).sign is Sign.UNKNOWN
    assert led_for(state, (NotReady.NOT_SEALED,)).sign is Sign.WORKING


def test_only_a_forced_removal_sounds_the_alarm() -> None:
    assert [state for state in State if led_for(state).buzzer is Buzzer.ALARM] == [State.FORCED]
