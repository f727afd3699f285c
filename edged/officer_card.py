"""The card beside the dock: what each light means, as SVG. Made from the table of `edged.leds`. Pure.

Each sign is drawn twice: as a lamp in its colour, and as the pattern over four seconds, which is enough by itself.
The blinking is also animated, for a screen.
"""

from typing import Literal
from xml.sax.saxutils import escape

from edged.leds import SIGNS, Led
from firmware_protocol.dock.messages import Buzzer, Colour, Pattern

Language = Literal["uk", "en"]

PERIOD_MS = 4000
ROW, WIDTH = 64, 860
_INK = {Colour.OFF: "#d7d9dc", Colour.GREEN: "#1a8f3c", Colour.AMBER: "#e69a00", Colour.RED: "#c81e1e"}
_TITLE = {"uk": "Сигнали комірки", "en": "What the slot's light means"}
_SOUND = {
    "uk": {Buzzer.ONE: "один сигнал", Buzzer.TWO: "два сигнали", Buzzer.ALARM: "сирена"},
    "en": {Buzzer.ONE: "one beep", Buzzer.TWO: "two beeps", Buzzer.ALARM: "alarm"},
}
_LIT: dict[Pattern, tuple[tuple[int, int], ...]] = {  # lit spans in a cycle of its own length, ms (chapter 6)
    Pattern.OFF: (),
    Pattern.STEADY: ((0, PERIOD_MS),),
    Pattern.FAST: tuple((t, 125) for t in range(0, PERIOD_MS, 250)),
    Pattern.SLOW: tuple((t, 1000) for t in range(0, PERIOD_MS, 2000)),
    Pattern.SINGLE: tuple((t, 100) for t in range(0, PERIOD_MS, 2000)),
    Pattern.TRIPLE: tuple((t + f, 100) for t in (0, 2000) for f in (0, 250, 500)),
    Pattern.DOUBLE: tuple((t + f, 100) for t in (0, 2000) for f in (0, 250)),
    Pattern.LONG: tuple((t, 1800) for t in (0, 2000)),
    Pattern.ALTERNATING: tuple((t, 125) for t in range(0, PERIOD_MS, 250)),
}


def card(language: Language) -> str:
    """Return the card in one language."""
    height = 96 + ROW * len(SIGNS)
    rows = "".join(_row(led, 84 + i * ROW, language) for i, led in enumerate(SIGNS.values()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' font-family="DejaVu Sans, Arial, sans-serif" lang="{language}">\n'
        "<!-- Made by `make docs` from edged/leds.py. Do not edit. -->\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="32" y="50" font-size="28" font-weight="bold">{escape(_TITLE[language])}</text>\n'
        f"{rows}</svg>\n"
    )


def _row(led: Led, y: int, language: Language) -> str:
    text = escape(led.uk if language == "uk" else led.en)
    sound = _SOUND[language].get(led.buzzer, "")
    parts = [
        f'<line x1="32" x2="{WIDTH - 32}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>',
        _lamp(led, y),
        _strip(led, y),
    ]
    note = f'<tspan fill="#555" font-size="14" dx="10">♪ {escape(sound)}</tspan>' if sound else ""
    parts.append(f'<text x="290" y="{y + 38}" font-size="17">{text}{note}</text>')
    return "\n".join(parts) + "\n"


def _lamp(led: Led, y: int) -> str:
    centre, ink, radius = y + 32, _INK[led.colour], 18
    ring = f'<circle cx="58" cy="{centre}" r="{radius}" fill="{_INK[Colour.OFF]}" stroke="#6b7280" stroke-width="2"/>'
    if led.pattern is Pattern.OFF:
        return ring
    blink = _blink(led.pattern)
    if led.pattern is Pattern.ALTERNATING:
        left = f"M58 {centre - radius}a{radius} {radius} 0 0 0 0 {2 * radius}z"
        right = f"M58 {centre - radius}a{radius} {radius} 0 0 1 0 {2 * radius}z"
        other = blink.replace('values="', 'begin="0.125s" values="')
        return (
            f'{ring}<path d="{left}" fill="{ink}">{blink}</path><path d="{right}" fill="{ink}">{other}</path>'
        )
    return f'{ring}<circle cx="58" cy="{centre}" r="{radius}" fill="{ink}">{blink}</circle>'


def _blink(pattern: Pattern) -> str:
    if pattern is Pattern.STEADY:
        return ""
    times, values = ["0"], ["1" if _LIT[pattern][0][0] == 0 else "0"]
    for start, length in _LIT[pattern]:
        for moment, value in ((start, "1"), (start + length, "0")):
            if 0 < moment < PERIOD_MS:
                times.append(f"{moment / PERIOD_MS:.5f}".rstrip("0"))
                values.append(value)
    return (
        f'<animate attributeName="opacity" dur="{PERIOD_MS // 1000}s" repeatCount="indefinite" calcMode="discrete"'
        f' keyTimes="{";".join(times)}" values="{";".join(values)}"/>'
    )


def _strip(led: Led, y: int) -> str:
    """The pattern over four seconds, black and white: what a person who sees no colours sees."""
    left, width, top = 96, 168, y + 22
    frame = f'<rect x="{left}" y="{top}" width="{width}" height="20" fill="#f3f4f6" stroke="#9ca3af"/>'
    scale = width / PERIOD_MS
    spans = "".join(
        f'<rect x="{left + start * scale:.1f}" y="{_half(led, i, top)}" width="{length * scale:.1f}"'
        f' height="{10 if led.pattern is Pattern.ALTERNATING else 20}" fill="#111827"/>'
        for i, (start, length) in enumerate(_both_halves(led.pattern))
    )
    return frame + spans


def _both_halves(pattern: Pattern) -> tuple[tuple[int, int], ...]:
    if pattern is not Pattern.ALTERNATING:
        return _LIT[pattern]
    return tuple((t, 125) for t in range(0, PERIOD_MS, 125))


def _half(led: Led, index: int, top: int) -> int:
    return top + 10 if led.pattern is Pattern.ALTERNATING and index % 2 else top
