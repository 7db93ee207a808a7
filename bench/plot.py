"""Plots as PNG, drawn with Pillow (extra `bench`): bars, and lines over a logarithmic axis."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_WIDTH: Final = 1000
_MARGIN: Final = 40
_BAR_HEIGHT: Final = 26
_GAP: Final = 10
_INK, _PALE, _PAPER = "#1b1b1b", "#d9d9d9", "#ffffff"
_OURS, _THEIRS, _CEILING = "#0b6e4f", "#8a9ba8", "#e0b050"
_LINES: Final = ("#0b6e4f", "#c8553d", "#2d5d8a", "#8f5ea2", "#b8860b")
_CEILING_NAME: Final = "frame"
_OUR_NAME: Final = "smppkit"


def can_plot() -> bool:
    """Whether Pillow is there."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        return False
    return True


def bars(path: Path, title: str, values: Mapping[str, float], unit: str) -> None:
    """One bar a name, in the order given; ours and the ceiling have colours of their own.

    Args:
        path: where the picture goes.
        title: what is measured.
        values: name to value.
        unit: written behind each value.
    """
    height = 2 * _MARGIN + 20 + len(values) * (_BAR_HEIGHT + _GAP)
    image, draw, small, large = _canvas(height)
    draw.text((_MARGIN, _MARGIN - 20), title, fill=_INK, font=large)
    left = _MARGIN + 10 + max(int(draw.textlength(name, font=small)) for name in values)
    right = _WIDTH - _MARGIN - 130
    most = max(values.values()) or 1.0
    top = _MARGIN + 20
    for name, value in values.items():
        colour = _THEIRS
        if name.startswith(_OUR_NAME):
            colour = _OURS
        elif name.startswith(_CEILING_NAME):
            colour = _CEILING
        end = left + max(2, round((right - left) * value / most))
        draw.text((_MARGIN, top + 5), name, fill=_INK, font=small)
        draw.rectangle((left, top, end, top + _BAR_HEIGHT), fill=colour)
        draw.text((end + 8, top + 5), f"{_short(value)} {unit}", fill=_INK, font=small)
        top += _BAR_HEIGHT + _GAP
    image.save(path, optimize=True)


def lines(path: Path, title: str, series: Mapping[str, Sequence[tuple[float, float]]], x_title: str, unit: str) -> None:
    """One line a name over points in equal steps, which is a logarithmic axis where they double.

    Args:
        path: where the picture goes.
        title: what is measured.
        series: name to points (x, y); all names have the same x.
        x_title: what x is.
        unit: of y.
    """
    height = 420
    image, draw, small, large = _canvas(height)
    draw.text((_MARGIN, _MARGIN - 20), title, fill=_INK, font=large)
    left, right, top, bottom = _MARGIN + 70, _WIDTH - _MARGIN - 150, _MARGIN + 25, height - _MARGIN - 30
    xs = [x for x, _ in next(iter(series.values()))]
    most = max(y for points in series.values() for _, y in points) or 1.0
    step = (right - left) / max(1, len(xs) - 1)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - (bottom - top) * share
        draw.line((left, y, right, y), fill=_PALE)
        draw.text((_MARGIN, y - 8), _short(most * share), fill=_INK, font=small)
    for index, x in enumerate(xs):
        draw.text((left + index * step - 10, bottom + 8), _short(x), fill=_INK, font=small)
    draw.text(((left + right) / 2, bottom + 30), f"{x_title} ({unit})", fill=_INK, font=small)
    for number, (name, points) in enumerate(series.items()):
        colour = _LINES[number % len(_LINES)]
        places = [(left + index * step, bottom - (bottom - top) * y / most) for index, (_, y) in enumerate(points)]
        draw.line(places, fill=colour, width=3, joint="curve")
        for x, y in places:
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        draw.rectangle((right + 20, top + number * 24, right + 34, top + number * 24 + 14), fill=colour)
        draw.text((right + 40, top + number * 24 - 1), name, fill=_INK, font=small)
    image.save(path, optimize=True)


def _canvas(height: int) -> tuple[Any, Any, Any, Any]:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (_WIDTH, height), _PAPER)
    return image, ImageDraw.Draw(image), ImageFont.load_default(14), ImageFont.load_default(18)


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g}M"
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    if value >= 1000:
        return f"{value / 1000:.1f}k"
    return f"{value:.3g}"
