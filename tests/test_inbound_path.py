"""Messages from handsets through the whole gateway: joined, routed by keyword, answered, heeded; on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.whole_path import WholePath, whole_path

RULES = """
[account.shop.rules]
messages_per_second = 1.0
burst_messages = 3
duplicate_seconds = 60
[account.shop.replies]
stop = "You will get no more messages. Answer START to get them again."
[account.contest]
api_keys = ["contest-key"]
[[inbound_rule]]
number = "40404"
keyword = "win"
account = "contest"
url = "http://127.0.0.1:1/contest"
"""
HANDSET = "447946000012"


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def path(tmp_path: Path, tls: ThrowAwayTls) -> AsyncIterator[WholePath]:
    async with whole_path(tmp_path, tls, more=RULES) as made:
        yield made


@pytest.mark.parametrize("method", ["udh8", "udh16", "sar"])
async def test_a_long_message_of_a_handset_comes_as_one(path: WholePath, method: str) -> None:
    text = "Straße, " * 60
    deliveries = path.simulator.deliver(text, source=HANDSET, destination="40404", method=method)
    assert len(deliveries) > 2
    assert [await delivery.wait(timeout=10) for delivery in deliveries] == [0] * len(deliveries)
    (callback,) = await path.receiver.wait_for(1)
    message = callback.json["message"]
    assert (message["text"], message["part_count"], message["missing_parts"]) == (text, len(deliveries), 0)
    async with path.http.get("/api/v1/inbound") as answer:
        (listed,) = (await answer.json())["messages"]
    assert (listed["text"], listed["udh"], listed["part_count"]) == (text, "", len(deliveries))


async def test_stop_is_answered_and_heeded(path: WholePath) -> None:
    (delivery,) = path.simulator.deliver("STOP", source=HANDSET, destination="40404")
    assert await delivery.wait(timeout=10) == 0
    await path.simulator.wait_until(lambda: len(path.simulator.log) == 1)
    (reply,) = path.simulator.log
    assert b"no more messages" in reply.octets
    assert HANDSET.encode() in reply.octets
    async with path.http.post("/api/v1/messages", json={"from": "INFO", "to": HANDSET, "text": "buy"}) as answer:
        assert answer.status == 422
        assert (await answer.json())["error"]["code"] == "recipient_opted_out"
    (delivery,) = path.simulator.deliver("start", source=HANDSET, destination="40404")
    assert await delivery.wait(timeout=10) == 0
    await path.send(**{"from": "INFO", "to": HANDSET, "text": "buy"})


async def test_who_sends_too_fast_or_twice_is_told_so(path: WholePath) -> None:
    for n in range(3):
        await path.send(**{"from": "INFO", "to": HANDSET, "text": f"text {n}"})
    async with path.http.post("/api/v1/messages", json={"from": "INFO", "to": HANDSET, "text": "one more"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert (await answer.json())["error"]["code"] == "rate_limited"


async def test_the_same_again_is_refused(path: WholePath) -> None:
    message = {"from": "INFO", "to": HANDSET, "text": "text"}
    await path.send(**message)
    async with path.http.post("/api/v1/messages", json=message) as answer:
        assert answer.status == 409
        assert (await answer.json())["error"]["code"] == "duplicate"
