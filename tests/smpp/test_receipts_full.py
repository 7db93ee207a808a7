"""A desk that is full of receipts nobody claims: it pushes back, and nothing that could be claimed is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import smpp
from smpp import CommandStatus as Status
from smpp import ReceiptDesk, ServerSession
from smpp.correlator import Correlator

HANDSET = "447700900123"
SUBMIT = smpp.SubmitSm(destination_addr=HANDSET, registered_delivery=1, short_message=b"hello")


def receipt(message_id: str) -> smpp.DeliverSm:
    text = f"id:{message_id} submit date:2608010000 done date:2608010001 stat:DELIVRD err:000"
    return smpp.DeliverSm(source_addr=HANDSET, esm_class=4, short_message=text.encode())


def small_desk(places: int = 1) -> ReceiptDesk:
    return ReceiptDesk(Correlator(max_parked=places))


class Handler:
    """Takes receipts, at once or later."""

    def __init__(self, *, is_slow: bool) -> None:
        self.got: list[str] = []
        self.has_two = asyncio.Event()
        self.go_on = asyncio.Event()
        self._is_slow = is_slow

    def __call__(self, message: smpp.DeliverSm | smpp.DataSm) -> Any:
        found = smpp.receipt_of(message)
        assert found is not None
        self.got.append(found.id)
        if len(self.got) == 2:
            self.has_two.set()
        return self._later() if self._is_slow else None

    async def _later(self) -> None:
        await self.go_on.wait()


@asynccontextmanager
async def bound(desk: ReceiptDesk, handler: Any) -> AsyncIterator[tuple[smpp.Client, ServerSession]]:
    sessions: list[ServerSession] = []

    def accept(_session: ServerSession, _request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        return smpp.SubmitSmResp("id-1")

    async with (
        smpp.serve("smpp://127.0.0.1:0", on_submit=accept, on_bound=sessions.append) as server,
        smpp.connect(f"smpp://demo:secret@127.0.0.1:{server.ports[0]}", desk=desk, on_deliver=handler) as client,
    ):
        yield client, sessions[0]


async def status_of(session: ServerSession, message_id: str) -> int:
    return (await session.request(receipt(message_id))).command_status


@pytest.mark.parametrize("has_handler", [True, False])
async def test_full_desk_pushes_back_what_it_cannot_keep_and_takes_what_it_knows(has_handler: bool) -> None:
    desk, handler = small_desk(), Handler(is_slow=False)
    async with bound(desk, handler if has_handler else None) as (client, session):
        submission = await client.submit(SUBMIT)
        assert await status_of(session, "unknown-1") == 0
        assert await status_of(session, "unknown-2") == Status.ESME_RX_T_APPN
        assert await status_of(session, "id-1") == 0
        assert submission.final is not None
        assert desk.counters.turned_away == 1
        # What is turned away comes again: the handler must not have it twice.
        assert handler.got == (["unknown-1", "id-1"] if has_handler else [])


async def test_receipt_that_finds_the_desk_full_after_its_handler_comes_again() -> None:
    desk, handler = small_desk(), Handler(is_slow=True)
    async with bound(desk, handler) as (client, session):
        await client.submit(SUBMIT)
        both = [asyncio.ensure_future(status_of(session, f"unknown-{number}")) for number in range(2)]
        async with asyncio.timeout(60):
            await handler.has_two.wait()
        handler.go_on.set()
        assert sorted(await asyncio.gather(*both)) == [0, Status.ESME_RX_T_APPN]


async def test_room_comes_back_when_kept_receipts_are_given_up() -> None:
    desk = ReceiptDesk(Correlator(max_parked=1, parked_seconds=0.05))
    async with bound(desk, Handler(is_slow=False)) as (client, session):
        await client.submit(SUBMIT)
        assert await status_of(session, "unknown-1") == 0
        async with asyncio.timeout(60):
            while await status_of(session, "unknown-2"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_desk_that_nobody_sends_by_keeps_nothing_beside_the_handler() -> None:
    desk, handler = small_desk(), Handler(is_slow=False)
    async with bound(desk, handler) as (_client, session):
        for number in range(3):
            assert await status_of(session, f"unknown-{number}") == 0
        assert len(handler.got) == 3
        assert desk.correlator.parked == 0
