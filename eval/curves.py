"""Figures over the number of passages -> a picture: lines on two logarithmic axes, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10

Line = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 360, 64, 40, 176, 44
# Okabe and Ito's colours, which those who see few colours can tell apart.
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a6d00", "#7f7f7f", "#6a3d9a"]


def picture(title: str, unit: str, lines: Mapping[str, Line]) -> str:
    """An SVG of ten lines at most, each with points (passages, figure), figures above 0; the unit stands at the left axis."""
    assert len(lines) <= len(_COLOURS)
    points = [point for line in lines.values() for point in line]
    across = _Axis([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
        *(_rule(_LEFT, up.at(y), _WIDTH - _RIGHT, up.at(y), _number(y), _LEFT - 6, up.at(y) + 4, "end") for y in up.marks),
        *(
            _rule(across.at(x), _TOP, across.at(x), _HEIGHT - _BOTTOM, _number(x), across.at(x), _HEIGHT - 26, "middle")
            for x in across.marks
        ),
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">passages</text><text x="{_LEFT}" y="{_TOP - 5}" fill="#555">{escape(unit)}</text>',
    ]
    for (name, line), colour, y in zip(lines.items(), _COLOURS, _spread([up.at(line[-1][1]) for line in lines.values()]), strict=False):
        places = " ".join(f"{across.at(x):.1f},{up.at(value):.1f}" for x, value in line)
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across.at(x):.1f}" cy="{up.at(value):.1f}" r="3" fill="{colour}"/>' for x, value in line]
        parts.append(f'<text x="{_WIDTH - _RIGHT + 8}" y="{y + 4:.1f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


class _Axis:
    """A logarithmic axis over whole powers of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low, self._high = floor(log10(min(values))), ceil(log10(max(values)))
        self._high += self._high == self._low
        self._start, self._end = start, end
        self.marks = [10.0**power for power in range(self._low, self._high + 1)]

    def at(self, value: float) -> float:
        return self._start + (log10(value) - self._low) / (self._high - self._low) * (self._end - self._start)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _rule(x: float, y: float, to_x: float, to_y: float, label: str, label_x: float, label_y: float, anchor: str) -> str:
    line = f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="#ddd"/>'
    return f'{line}<text x="{label_x:.1f}" y="{label_y:.1f}" text-anchor="{anchor}" fill="#555">{label}</text>'


def _spread(heights: Sequence[float], gap: float = 15) -> list[float]:
    """Where labels stand so that none covers another: each at its height, or below the one before."""
    placed: dict[int, float] = {}
    low = -gap
    for at in sorted(range(len(heights)), key=heights.__getitem__):
        low = placed[at] = max(heights[at], low + gap)
    return [placed[at] for at in range(len(heights))]
