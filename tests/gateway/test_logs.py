import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from gateway.logs import Lines, configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


class Stream(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


async def test_lines_of_a_turn_are_written_together() -> None:
    stream = Stream()
    lines = Lines(stream)

    lines.info("one")
    lines.info("two")
    assert not stream.writes
    await asyncio.sleep(0)

    assert stream.writes == ["one\ntwo\n"]


async def test_a_warning_is_written_at_once_after_what_came_before_it() -> None:
    stream = Stream()
    lines = Lines(stream)

    lines.info("one")
    lines.warning("two")

    assert stream.writes == ["one\ntwo\n"]
    await asyncio.sleep(0)
    assert stream.writes == ["one\ntwo\n"]


def test_without_a_loop_each_line_is_written_at_once() -> None:
    stream = Stream()

    Lines(stream).info("one")

    assert stream.writes == ["one\n"]


async def test_a_line_of_another_thread_is_written_at_once() -> None:
    stream = Stream()
    lines = Lines(stream)

    lines.info("one")
    await asyncio.to_thread(lines.info, "two")

    assert stream.getvalue().split() == ["one", "two"]


def test_lines_of_a_loop_that_ended_are_written_by_the_next() -> None:
    stream = Stream()
    lines = Lines(stream)

    async def go_on() -> None:
        lines.info("two")
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.call_soon(lines.info, "one")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert not stream.writes
    asyncio.run(go_on())

    assert stream.getvalue().split() == ["one", "two"]


def test_json_lines_hold_what_cannot_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("info", "json")

    structlog.get_logger("x").warning("odd", text="half \ud800 a pair", thing=object, number=1.5)
    structlog.get_logger("x").warning("plain", text="Grüße", thing={"a": (1, None)})

    odd, plain = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (odd["event"], odd["level"], odd["text"]) == ("odd", "warning", "half \ud800 a pair")
    assert (plain["text"], plain["thing"]) == ("Grüße", {"a": [1, None]})
