"""What a long run shows of itself: a picture that is drawn anew on a terminal, a line now and then elsewhere."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Final, TextIO

DRAW_SECONDS: Final = 0.2
LINE_SECONDS: Final = 5.0

_BAR_WIDTH: Final = 24


class Progress:
    """Shows how a run goes, on standard error.

    Args:
        picture: the lines for a terminal.
        line: one line for everything else.
        stream: default: standard error.
    """

    def __init__(
        self, picture: Callable[[], Sequence[str]], line: Callable[[], str], stream: TextIO | None = None
    ) -> None:
        self._picture = picture
        self._line = line
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._drawn = 0

    async def run(self) -> None:
        """Show it until cancelled; then once more on a terminal, so that the last state stays."""
        try:
            while True:
                await asyncio.sleep(DRAW_SECONDS if self._is_terminal else LINE_SECONDS)
                self.show()
        finally:
            if self._is_terminal:
                self.show()

    def show(self) -> None:
        """Show it now."""
        if not self._is_terminal:
            self._write(f"{self._line()}\n")
            return
        lines = self._picture()
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._drawn = len(lines)
        self._write(f"{up}\r" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._is_terminal = False  # Nobody looks any more; the run goes on.


def bar(fraction: float) -> str:
    """A bar and its percentage."""
    full = int(min(max(fraction, 0.0), 1.0) * _BAR_WIDTH)
    return f"[{'#' * full}{'.' * (_BAR_WIDTH - full)}] {min(max(fraction, 0.0), 1.0):4.0%}"


def duration(seconds: float) -> str:
    """``1:02:03``, or ``2:03`` below an hour."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def remaining(fraction: float, seconds: float) -> str:
    """How long the rest takes at the pace so far; "-" where nobody can tell."""
    return duration(seconds * (1 - fraction) / fraction) if fraction > 0 and seconds > 0 else "-"
