"""The picture: its axes have round numbers, and it can be drawn whatever there is to show."""

from pathlib import Path

import pytest

from smpp.tools.histogram import Histogram
from smpp.tools.plot import draw, log_ticks, ticks


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (6.32, [0, 2, 4, 6]),
        (20_000, [0, 5_000, 10_000, 15_000, 20_000]),
        (0.013, [0, 0.005, 0.01]),
    ],
)
def test_ticks_are_round(most: float, expected: list[float]) -> None:
    assert ticks(most) == pytest.approx(expected)


def test_ticks_of_a_logarithmic_axis_are_round() -> None:
    assert log_ticks(0.0018, 0.25) == pytest.approx([0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2])
    assert log_ticks(0.00001, 10.0) == pytest.approx([0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0])


@pytest.mark.parametrize("values", [[], [0.0], [0.001], [0.0001, 0.01, 30.0]])
def test_a_picture_is_drawn_of_whatever_there_is(tmp_path: Path, values: list[float]) -> None:
    latencies = Histogram()
    for value in values:
        latencies.add(value)
    path = tmp_path / "plot.png"
    draw(path, "nothing much", latencies, [(0.5 * number, 100.0 * number) for number in range(len(values))])
    assert path.read_bytes().startswith(b"\x89PNG")
