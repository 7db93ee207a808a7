"""The picture of a load: its latencies, and its rate over time, as a PNG drawn with Pillow (extra `bench`)."""

import importlib.util
from collections.abc import Sequence
from math import ceil, floor, log10
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
_MOST_DECADES: Final = 4


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
    most = _frame_top(max(bars.values(), default=1))
    _frame(pen, _PANELS[0], "Latency (ms, logarithmic): parts", most)

    def across(decade: float) -> float:
        return _LEFT + (decade - low) / (high - low) * (_RIGHT - _LEFT)

    for bar, count in bars.items():
        left, right = across(bar / _BARS_A_DECADE), across((bar + 1) / _BARS_A_DECADE)
        pen.rectangle((left, bottom - count / most * (bottom - top), max(left + 1, right - 1), bottom), _CURVE)
    for seconds in log_ticks(10**low, 10**high):
        at = across(log10(seconds))
        pen.line((at, bottom, at, bottom + 4), _INK)
        pen.text((at, bottom + 6), f"{seconds * 1e3:g}", _INK, font_size=13, anchor="ma")
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
    most = _frame_top(max((rate for _, rate in rates), default=0.0) or 1.0)
    last = max((at for at, _ in rates), default=0.0) or 1.0
    _frame(pen, _PANELS[1], "Messages/s over time (s)", most)
    points = [(_LEFT + at / last * (_RIGHT - _LEFT), bottom - rate / most * (bottom - top)) for at, rate in rates]
    if len(points) > 1:
        pen.line(points, _CURVE, 2)
    for seconds in ticks(last):
        at = _LEFT + (_RIGHT - _LEFT) * seconds / last
        pen.line((at, bottom, at, bottom + 4), _INK)
        pen.text((at, bottom + 6), f"{seconds:g}", _INK, font_size=13, anchor="ma")


def ticks(most: float) -> list[float]:
    """Round numbers from 0 up to a number above 0, about five of them."""
    step = _step(most)
    return [step * number for number in range(int(most / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of every power of ten between two numbers; 1 alone where that is many."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    digits = (1, 2, 5) if log10(high / low) <= _MOST_DECADES else (1,)
    numbers = (round(digit * 10.0**decade, 12) for decade in decades for digit in digits)
    return [number for number in numbers if low <= number <= high]


def _step(most: float) -> float:
    rough = most / _TICKS
    unit: float = 10.0 ** floor(log10(rough))
    return next(unit * digit for digit in (1, 2, 5, 10) if unit * digit >= rough * 0.999)


def _frame_top(most: float) -> float:
    """The next round number: what a panel shows goes up to there."""
    step = _step(most)
    return step * ceil(most / step - 1e-9)


def _frame(pen: "ImageDraw", panel: tuple[int, int], name: str, most: float) -> None:
    top, bottom = panel
    pen.text((_LEFT, top - 22), name, _INK, font_size=15)
    for value in ticks(most):
        at = bottom - (bottom - top) * value / most
        pen.line((_LEFT, at, _RIGHT, at), _GRID)
        pen.text((_LEFT - 8, at), f"{value:,g}" if value < 1 else f"{value:,.0f}", _INK, font_size=13, anchor="rm")
    pen.line((_LEFT, top, _LEFT, bottom, _RIGHT, bottom), _INK)
