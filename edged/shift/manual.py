"""The maintenance works of the operating manual (459-I.3-works), with their intervals. Ours: the order gives none.

A works entry names one of these. Whatever is no such works (a repair) is another kind of record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Entry:
    name_uk: str
    every_days: int  # 0: when there is need
    update: bool = False  # of software: under the account administrator (459-II.2-update)


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "cleaning": Entry("очищення контактів слотів док-станції та роз’ємів відеокамер", 30),
        "locks": Entry("перевірка замків і датчиків слотів", 90),
        "batteries": Entry("перевірка ємності акумуляторів відеокамер", 180),
        "ups": Entry("перевірка джерела безперебійного живлення та його акумулятора", 180),
        "disks": Entry("перевірка стану дисків керуючого комп’ютера", 30),
        "clock": Entry("перевірка джерела точного часу", 30),
        "cabling": Entry("огляд кабелів, живлення та мережевих з’єднань", 90),
        "disk-replacement": Entry("заміна диска сховища", 0),
        "part-replacement": Entry("заміна складової за експлуатаційною документацією", 0),
        "update-station": Entry("оновлення програмного забезпечення док-станції", 0, update=True),
        "update-dock": Entry("оновлення мікропрограми контролера док-станції", 0, update=True),
        "update-camera": Entry("оновлення мікропрограми відеокамери", 0, update=True),
    }
)


def name_uk(entry: str) -> str:
    """Return what the journal says; of an entry that an older manual had, its id."""
    found = ENTRIES.get(entry)
    return found.name_uk if found is not None else entry
