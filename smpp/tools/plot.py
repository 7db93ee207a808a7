"""The picture of a load: its latencies, and its rate over time, as a PNG drawn with Pillow (extra `bench`)."""

import importlib.util
from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smpp.tools.histogram import Histogram

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_SIZE: Final = (1000, 760)
_INK: Final = "#222222"
_GRID: Final = "#dddddd"
_CURVE: Final = "#1f6fb4"
_LEFT: Final = 90
_RIGHT: Final = 970
_PANELS: Final = ((70, 350), (440, 710))
"""Top and bottom of each."""
_TICKS: Final = 5
_BARS_A_DECADE: Final = 20


def is_available() -> bool:
    """Whether there is something to draw with."""
    return importlib.util.find_spec("PIL") is not None


def draw(path: Path, title: str, latencies: Histogram, rates: Sequence[tuple[float, float]]) -> None:
    """Write the picture.

    Args:
        path: a PNG file.
        title: stands above it.
        latencies: how often which latency came.
        rates: seconds since the begin, and messages a second at that time.

    Raises:
        OSError: it cannot be written.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, "white")
    pen = ImageDraw.Draw(image)
    pen.text((_LEFT, 14), title, _INK, font_size=18)
    _draw_latencies(pen, latencies)
    _draw_rates(pen, rates)
    image.save(path, "PNG")


def _draw_latencies(pen: "ImageDraw", latencies: Histogram) -> None:
    bars = _bars(latencies)
    top, bottom = _PANELS[0]
    low = min(bars, default=0) / _BARS_A_DECADE
    high = (max(bars, default=0) + 1) / _BARS_A_DECADE
    most = max(bars.values(), default=1)
    _frame(pen, _PANELS[0], "Latency (ms, logarithmic): parts", most)

    def across(decade: float) -> float:
        return _LEFT + (decade - low) / (high - low) * (_RIGHT - _LEFT)

    for bar, count in bars.items():
        left, right = across(bar / _BARS_A_DECADE), across((bar + 1) / _BARS_A_DECADE)
        pen.rectangle((left, bottom - count / most * (bottom - top), max(left + 1, right - 1), bottom), _CURVE)
    for tick in range(_TICKS + 1):
        decade = low + (high - low) * tick / _TICKS
        pen.text((across(decade), bottom + 6), f"{10**decade * 1e3:.3g}", _INK, font_size=13, anchor="ma")
    for percent, color in ((50, "#2a9d4a"), (90, "#d98a00"), (99, "#c0392b")):
        value = latencies.percentile(percent)
        if value > 0:
            at = across(log10(max(value, 1e-6)))
            pen.line((at, top, at, bottom), color, 2)
    shown = [f"p{percent} {latencies.percentile(percent) * 1e3:.3g} ms" for percent in (50, 90, 99)]
    pen.text(
        (_RIGHT, top - 22),
        f"{'   '.join(shown)}   max {latencies.largest * 1e3:.3g} ms",
        _INK,
        font_size=14,
        anchor="ra",
    )


def _bars(latencies: Histogram) -> dict[int, int]:
    """Counts by the logarithm of the latency, in steps of a twentieth of a decade."""
    bars: dict[int, int] = {}
    for start, end, count in latencies.buckets():
        bar = int(log10(max((start + end) / 2, 1e-6)) * _BARS_A_DECADE // 1)
        bars[bar] = bars.get(bar, 0) + count
    return bars


def _draw_rates(pen: "ImageDraw", rates: Sequence[tuple[float, float]]) -> None:
    top, bottom = _PANELS[1]
    most = max((rate for _, rate in rates), default=0.0) * 1.05 or 1.0
    last = max((at for at, _ in rates), default=0.0) or 1.0
    _frame(pen, _PANELS[1], "Messages/s over time (s)", most)
    points = [(_LEFT + at / last * (_RIGHT - _LEFT), bottom - rate / most * (bottom - top)) for at, rate in rates]
    if len(points) > 1:
        pen.line(points, _CURVE, 2)
    for tick in range(_TICKS + 1):
        at = _LEFT + (_RIGHT - _LEFT) * tick / _TICKS
        pen.text((at, bottom + 6), f"{last * tick / _TICKS:.3g}", _INK, font_size=13, anchor="ma")


def _frame(pen: "ImageDraw", panel: tuple[int, int], name: str, most: float) -> None:
    top, bottom = panel
    pen.text((_LEFT, top - 22), name, _INK, font_size=15)
    for tick in range(_TICKS + 1):
        at = bottom - (bottom - top) * tick / _TICKS
        pen.line((_LEFT, at, _RIGHT, at), _GRID)
        pen.text((_LEFT - 8, at), f"{most * tick / _TICKS:,.0f}", _INK, font_size=13, anchor="rm")
    pen.line((_LEFT, top, _LEFT, bottom, _RIGHT, bottom), _INK)
