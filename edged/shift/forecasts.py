"""Alerts of conditions that may end the work of the complex (459-II.3-warn), and what was raised of them. Pure.

Rule 1: a warning is owed for a raising, not for a name: what comes back after it was warned of is owed anew.
Rule 2: one warning tells of everything that this alert was raised for until then.
Rule 3: what was over before anybody had to act (`Margins.at_once`) owes nothing; what stood for longer is owed after
its end too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edged.formats import times

RAISINGS_KEPT = 50  # of one alert, not warned of; the shortest goes first


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a letter names a condition and what it is about."""

    what_uk: str
    equipment_uk: str


_STORE, _LINK, _UPS = (
    "сховище відеозаписів док-станції",
    "канал зв’язку із сервером",
    "джерело безперебійного живлення",
)
FORECASTS: Mapping[str, Forecast] = MappingProxyType(
    {
        "vault-nearly-full": Forecast("вільне місце для відеозаписів закінчується", _STORE),
        "vault-unreadable": Forecast("диск не дає прочитати збережений відеозапис", _STORE),
        "clock-unknown": Forecast("точний час невідомий, годинник не синхронізовано", "годинник док-станції"),
        "slot-fault": Forecast("несправність слоту, відеокамери з нього не видаються", "док-станція, слот"),
        "centre-unreachable": Forecast("немає зв’язку із сервером, відеозаписи не передаються", _LINK),
        "centre-full": Forecast("на сервері немає місця, відеозаписи не приймаються", "сервер"),
        "courier-silent": Forecast(
            "програма передавання не відповідає, стан передавання відеозаписів невідомий", "док-станція"
        ),
        "ups-silent": Forecast("джерело безперебійного живлення не відповідає", _UPS),
        "ups-on-battery": Forecast("немає зовнішнього живлення, робота триває від акумулятора", _UPS),
        "ups-battery-low": Forecast("заряд акумулятора закінчується", _UPS),
        "ups-battery-worn": Forecast("акумулятор зношено, його потрібно замінити", _UPS),
        "ups-overloaded": Forecast("джерело безперебійного живлення перевантажено", _UPS),
    }
)
"""By the name of the alert, without its subject."""


@dataclass(frozen=True, slots=True)
class Raising:
    """One time that an alert stood."""

    alert: str
    seq: int  # of the line that raised it
    since: str
    until: str = ""

    @property
    def id(self) -> str:
        """What a warning is about."""
        return f"{self.alert}@{self.seq}"

    @property
    def lasted_ns(self) -> int:
        """Of one that is over."""
        return times.parse_ns(self.until) - times.parse_ns(self.since)

    def owes(self, at_once_ns: int) -> bool:
        return not self.until or self.lasted_ns >= at_once_ns


Raisings = tuple[Raising, ...]
"""Of one alert, none of them warned of, oldest first; only the last one may stand."""


def is_forecast(alert: str) -> bool:
    return alert.partition(":")[0] in FORECASTS


def raised(before: Raisings, alert: str, seq: int, at: str) -> Raisings:
    if before and not before[-1].until:
        return before
    kept = before
    if len(kept) >= RAISINGS_KEPT:
        shortest = min(kept, key=lambda one: one.lasted_ns)
        kept = tuple(one for one in kept if one is not shortest)
    return (*kept, Raising(alert, seq, at))


def withdrawn(before: Raisings, at: str) -> Raisings:
    if not before or before[-1].until:
        return before  # warned of while it stood
    last = before[-1]
    return (*before[:-1], Raising(last.alert, last.seq, last.since, at))


def named_alert(about: str) -> str:
    """Return the alert whose raising a warning is about."""
    return about.partition("@")[0]


def described(alert: str) -> tuple[str, str]:
    """Return what it is and of which equipment, in Ukrainian."""
    name, _, subject = alert.partition(":")
    found = FORECASTS[name]
    return found.what_uk, f"{found.equipment_uk} {subject}".rstrip()
