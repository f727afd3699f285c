"""The kinds of incidents in the words of Annex 2. Those that the station drafts, and those that persons open."""

from collections.abc import Mapping
from types import MappingProxyType

KINDS_UK: Mapping[str, str] = MappingProxyType(
    {
        # drafted by the station
        "forced-removal": "відеокамеру вийнято з док-станції без авторизації",
        "damaged-recording": "відеозапис пошкоджено",
        "camera-not-returned": "відеокамеру не повернуто до кінця зміни",
        "disk": "несправність диска сховища",
        "ledger": "порушення цілісності журналу подій",
        # opened by a person
        "malfunction": "порушення функціонування складової комплексу",
        "loss": "втрата складової комплексу",
        "damage": "пошкодження складової комплексу",
        "journal-lost": "втрата журналу",
        "journal-seized": "вилучення журналу",
    }
)
