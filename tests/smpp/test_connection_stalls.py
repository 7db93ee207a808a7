"""A loop that stood still: what came meanwhile is heard before anything is given up."""

import asyncio
import time

from smpp.errors import ResponseTimeout
from smpp.session import ResponseReceived
from smpp.wire.pdu import SubmitSm, SubmitSmResp
from tests.smpp.links import Wired, turn

SUBMIT = SubmitSm(destination_addr="447700900123", short_message=b"hello")
TIMEOUT_SECONDS = 0.04


async def sent(count: int) -> tuple[Wired, list["asyncio.Future[ResponseReceived]"]]:
    """A connection with so many requests that are written."""
    link = await Wired(window=count, response_timeout_seconds=TIMEOUT_SECONDS).bind()
    futures = [link.connection.send(SUBMIT) for _ in range(count)]
    await turn()
    assert len(link.transport.taken()) == count
    return link, futures  # type: ignore[return-value]  # `send` makes futures where it gets no completion


def responses(count: int) -> list[tuple[SubmitSmResp, int]]:
    return [(SubmitSmResp(f"id-{number}"), number) for number in range(2, count + 2)]


async def test_responses_that_were_read_and_not_looked_at_yet_are_in_time() -> None:
    # More than two turns' worth: the clock looks in between.
    link, futures = await sent(4000)
    time.sleep(2 * TIMEOUT_SECONDS)  # noqa: ASYNC251 - somebody blocks the loop
    link.feed(*responses(4000))
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert {type(answer) for answer in answers} == {ResponseReceived}


async def test_responses_that_are_read_after_the_clock_looked_are_in_time() -> None:
    link, futures = await sent(1)
    time.sleep(2 * TIMEOUT_SECONDS)  # noqa: ASYNC251
    await turn(5)
    link.feed(*responses(1))
    assert isinstance(await futures[0], ResponseReceived)


async def test_silence_of_a_peer_is_noticed_though_the_loop_stood_still_once() -> None:
    _, futures = await sent(1)
    time.sleep(2 * TIMEOUT_SECONDS)  # noqa: ASYNC251
    answers = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 10)
    assert [type(answer) for answer in answers] == [ResponseTimeout]
