"""Charts as coordinates for an SVG, which the template draws beside a table of the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Final

from spamguard.display import share

WIDTH: Final = 560.0
HEIGHT: Final = 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 68.0, 12.0, 12.0, 30.0
_LABELS: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A named series of values, None for a gap; `style` is a class of the style sheet."""

    name: str
    style: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    style: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart in coordinates."""

    title: str
    series: Sequence[Line]
    names: Sequence[str]  # one for each value
    lines: list[tuple[str, list[list[tuple[float, float]]]]]  # style, and points between gaps
    bars: list[Bar]
    ticks: list[tuple[float, str]]  # height on the left axis, and its text
    labels: list[tuple[float, str]]  # place below the axis, and its text
    is_share: bool  # values are shares, 0 to 1

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.bars and not any(stretches for _, stretches in self.lines)

    def rows(self) -> list[tuple[str, list[str]]]:
        """Return the rows of the table: a name, and the value of each series."""
        return [
            (name, [self._in_words(line.values[i]) for line in self.series])
            for i, name in enumerate(self.names)
        ]

    def _in_words(self, value: float | None) -> str:
        if value is None:
            return "–"
        return share(value) if self.is_share else f"{value:,.4g}"


def plot_of(
    lines: Sequence[Line], names: Sequence[str], title: str, most: float = 1.0, share: bool = True
) -> Plot:
    """Return a line chart; the axis goes from 0 to `most`, or higher for values that are no shares."""
    top = most if share else _round_up(max([most, *_values(lines)]))
    drawn = [(line.style, _stretches(line.values, top)) for line in lines]
    return Plot(title, lines, names, drawn, [], _ticks(top, share), _below(names, 0.0), share)


def bars_of(lines: Sequence[Line], names: Sequence[str], title: str) -> Plot:
    """Return a stacked bar chart of counts."""
    sums = [sum(line.values[i] or 0 for line in lines) for i in range(len(names))]
    top = _round_up(max([1.0, *sums]))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    bars = []
    for i in range(len(names)):
        below = 0.0
        for line in lines:
            value = line.values[i] or 0.0
            if value:
                y = _y(below + value, top)
                bars.append(
                    Bar(
                        round(_LEFT + i * step + 0.1 * step, 2), y, round(0.8 * step, 2),
                        round(_y(below, top) - y, 2), line.style,
                    )
                )  # fmt: skip
                below += value
    return Plot(title, lines, names, [], bars, _ticks(top, False), _below(names, 0.5), False)


def _values(lines: Sequence[Line]) -> list[float]:
    return [value for line in lines for value in line.values if value is not None]


def _stretches(values: Sequence[float | None], top: float) -> list[list[tuple[float, float]]]:
    found: list[list[tuple[float, float]]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((_x(i, len(values)), _y(min(value, top), top)))
    return [stretch for stretch in found if stretch]


def _x(i: float, n: int) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (i / (n - 1) if n > 1 else 0.5), 2)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top, 2)


def _ticks(top: float, share: bool) -> list[tuple[float, str]]:
    values = [top * i / 4 for i in range(5)]
    return [(_y(v, top), f"{100 * v:g} %" if share else f"{v:,g}") for v in values]


def _below(names: Sequence[str], middle: float) -> list[tuple[float, str]]:
    n = len(names)
    every = max(1, ceil(n / _LABELS))
    if middle:
        step = (WIDTH - _LEFT - _RIGHT) / max(1, n)
        return [(round(_LEFT + (i + middle) * step, 2), names[i]) for i in range(0, n, every)]
    return [(_x(i, n), names[i]) for i in range(0, n, every)]


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4 or 8 times a power of ten, so that quarters are round."""
    power = 10.0 ** int(log10(value)) if value >= 1 else 0.1
    return float(next(m * power for m in (1, 2, 4, 8, 10, 20) if m * power >= value))
