"""The parts of the complex at this post with their inventory numbers (459-III.2-inventory). Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from edged.errors import EdgeError, ErrorCode


class Sort(StrEnum):
    """What an item is. The order of the handover journal."""

    CAMERA = "camera"
    MOUNT = "mount"
    DOCK = "dock"
    HOST = "host"
    SERVER = "server"
    CHARGER = "charger"
    NETWORK = "network"
    UPS = "ups"


SORTS_UK: Mapping[Sort, str] = MappingProxyType(
    {
        Sort.CAMERA: "індивідуальна портативна відеокамера",
        Sort.MOUNT: "кріплення",
        Sort.DOCK: "док-станція",
        Sort.HOST: "керуючий комп’ютер док-станції",
        Sort.SERVER: "сервер",
        Sort.CHARGER: "портативний зарядний пристрій",
        Sort.NETWORK: "мережеве обладнання",
        Sort.UPS: "джерело безперебійного живлення",
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    number: str  # inventory number
    sort: Sort
    serial: str = ""  # of a camera: as it names itself
    reserve: bool = False


class Inventory:
    """Immutable; every number and every serial once."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = tuple(items)
        self._by_number = {item.number: item for item in self._items}
        self._by_serial = {item.serial: item for item in self._items if item.serial}

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def item(self, number: str) -> Item:
        """Raises EdgeError: NOT_FOUND."""
        found = self._by_number.get(number)
        if found is None:
            raise EdgeError(ErrorCode.NOT_FOUND, inventory_number=number[:64])
        return found

    def camera(self, serial: str) -> Item:
        """Raises EdgeError: NOT_FOUND."""
        found = self._by_serial.get(serial)
        if found is None:
            raise EdgeError(ErrorCode.NOT_FOUND, camera=serial[:64])
        return found

    def find(self, number: str) -> Item | None:
        """As `item`, but None for a number that is not in the list."""
        return self._by_number.get(number)

    def number_of(self, serial: str) -> str:
        """Return a camera's inventory number, "" for one that is not in the list."""
        found = self._by_serial.get(serial)
        return found.number if found is not None else ""

    def describe_uk(self, number: str) -> str:
        """Return an item as the journals name it."""
        found = self.find(number)
        return f"{SORTS_UK[found.sort]} інв. № {number}" if found is not None else f"інв. № {number}"

    def of(self, sort: Sort) -> tuple[Item, ...]:
        return tuple(item for item in self._items if item.sort is sort)
