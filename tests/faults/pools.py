"""Pools and messages for tests of the pool, and what the simulated SMSC's log says of them.

Every message has a destination of its own, so that the log tells which were sent twice.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from smpp.client import ClientConfig
from smpp.errors import InDoubt, SmppError
from smpp.pool import Pool, PoolConfig, Slot
from smpp.receipts import Submission
from smpp.session import SessionConfig
from smpp.simulator import Simulator
from smpp.status import CommandStatus
from smpp.wire.pdu import SubmitSm

PATIENCE_SECONDS = 60.0
TWO_SERVERS = ("smpp://127.0.0.1:0",) * 2
THROTTLED = CommandStatus.ESME_RTHROTTLED

Ended = dict[str, Submission | SmppError]


def pool_config(
    *,
    window: int = 10,
    response_timeout: float = 10.0,
    enquire_link: float = 30.0,
    **options: Any,
) -> PoolConfig:
    """Settings with which nothing has to be waited for."""
    session = SessionConfig(
        window=window, response_timeout_seconds=response_timeout, enquire_link_seconds=enquire_link, unbind_seconds=5.0
    )
    defaults: dict[str, Any] = {
        "reconnect_min_seconds": 0.02,
        "reconnect_max_seconds": 0.1,
        "refused_min_seconds": 0.02,
        "throttle_min_seconds": 0.05,
        "throttle_max_seconds": 0.2,
    }
    return PoolConfig(client=ClientConfig(session=session), **{**defaults, **options})


def pool_of(simulator: Simulator, config: PoolConfig | None = None, **options: Any) -> Pool:
    return Pool(simulator.urls, system_id="demo", password="secret", config=config or pool_config(), **options)


def messages(number: int, *, receipts: bool = False) -> list[SubmitSm]:
    return [
        SubmitSm(
            source_addr="INFO",
            destination_addr=str(447000000000 + n),
            registered_delivery=int(receipts),
            short_message=b"hello",
        )
        for n in range(number)
    ]


async def submit_all(pool: Pool, to_send: Sequence[SubmitSm]) -> Ended:
    """What became of each message, by its destination."""
    return {message.destination_addr: outcome async for message, outcome in each(pool, to_send)}


async def each(pool: Pool, to_send: Sequence[SubmitSm]) -> AsyncIterator[tuple[SubmitSm, Submission | SmppError]]:
    async for message, outcome in pool.submit_all(to_send):
        assert isinstance(message, SubmitSm)
        yield message, outcome


def arrivals(simulator: Simulator) -> Counter[str]:
    """How often each destination was submitted."""
    return Counter(destinations(simulator))


def destinations(simulator: Simulator) -> list[str]:
    return [entry.message.destination_addr for entry in simulator.log if isinstance(entry.message, SubmitSm)]


def in_doubt(ended: Ended) -> set[str]:
    return {destination for destination, outcome in ended.items() if isinstance(outcome, InDoubt)}


def assert_once_unless_in_doubt(simulator: Simulator, ended: Ended, to_send: Sequence[SubmitSm]) -> None:
    assert set(ended) == {message.destination_addr for message in to_send}
    sent = arrivals(simulator)
    for destination, outcome in ended.items():
        if isinstance(outcome, Submission):
            assert sent[destination] == 1, destination
        else:
            # It left and no answer came: at most once, and the caller knows that nobody knows.
            assert isinstance(outcome, InDoubt), outcome
            assert sent[destination] <= 1, destination


async def reserve_all(pool: Pool, number: int) -> list[Slot]:
    slots: list[Slot] = []
    while len(slots) < number:
        slots += await pool.reserve(number - len(slots))
    return slots
