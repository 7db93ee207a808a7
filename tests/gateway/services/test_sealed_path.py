"""A code on its whole way: from the request through pipeline and uplink to its receipt, and what is left of it."""

import asyncio
import re
from pathlib import Path

import pytest

from gateway.config.services import VerifyConfig
from gateway.models import Message, Part, State, SubmitResult
from gateway.providers.ports import VerifyRequest, VerifyStatus
from gateway.services.assembly import ServiceDesk
from gateway.services.watching import MessageWatch
from gateway.store import Store, open_store
from tests.gateway.fakes import Core, accepted, make_core, receipt
from tests.gateway.services.desk import SEALER

ACCOUNT = "shop"
NUMBER = "447400123456"


class Node:
    """A core with its services."""

    def __init__(self, store: Store, core: Core, watch: MessageWatch) -> None:
        self.store = store
        self.core = core
        self.desk = ServiceDesk(
            lambda: core.config,
            store=store,
            intake=core.intake,
            opt_outs=core.opt_outs,
            dialects={},
            watch=watch,
            sealer=SEALER,
            on_callbacks=lambda: None,
            clock=core.clock,
        )

    @classmethod
    def over(cls, store: Store) -> "Node":
        watch = MessageWatch(store.message)
        return cls(store, make_core(store, sealer=SEALER, reporters={watch.name: watch}), watch)

    async def start(self) -> None:
        await self.core.pipeline.recover()
        self.core.pipeline.start()
        self.desk.start()

    async def stop(self) -> None:
        await self.desk.stop()
        await self.core.pipeline.stop(1.0)

    async def is_delivered(self, verification_id: str) -> bool:
        """Whether a verification hears of its message's receipt."""
        for _ in range(500):
            found = await self.desk.verifier.find(ACCOUNT, verification_id)
            if found is not None and found.history[0].status == "delivered":
                return True
            await asyncio.sleep(0.01)
        return False

    def sent(self) -> list[tuple[Message, Part]]:
        return [(one.message, one.part) for uplink in self.core.uplinks.values() for one in uplink.attempts]

    async def code(self) -> str:
        await self.core.until(lambda: bool(self.sent()))
        found = re.search(rb"\d{10}", self.sent()[-1][1].body.short_message)
        assert found is not None
        return found.group().decode()


def asks() -> VerifyRequest:
    return VerifyRequest(number=NUMBER, dialect="native", brand="Shop", code_length=10)


def answers(_message: Message, _part: Part) -> SubmitResult:
    return accepted("smsc-1")


async def test_a_code_leaves_in_clear_and_is_kept_by_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    store = await open_store(f"sqlite:{tmp_path / 'gateway.db'}")
    node = Node.over(store)
    for uplink in node.core.uplinks.values():
        uplink.answer = answers
    await node.start()
    try:
        begun = await node.desk.verifier.begin(ACCOUNT, asks())
        code = await node.code()
        (waiting,) = await store.messages(ACCOUNT)
        message = await node.core.settled(waiting, State.SUBMITTED)
        (part,) = await store.parts(message.id)
        assert code not in message.text
        assert message.text
        assert part.body.short_message
        group = next(iter(node.core.uplinks.values())).group
        await node.core.correlator.on_receipt(receipt("smsc-1", recipient=NUMBER, group=group))
        kept = await store.message(ACCOUNT, message.id)
        assert kept is not None
        assert (kept.state, kept.text) == (State.DELIVERED, "")
        assert (await store.parts(message.id))[0].body.short_message == b""
        assert await node.is_delivered(begun.id)
        assert (await node.desk.verifier.check(ACCOUNT, begun.id, code)).status is VerifyStatus.VERIFIED
    finally:
        await node.stop()
        await store.close()
    assert code.encode() not in everything_in(tmp_path)
    assert code not in caplog.text


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_code_that_waits_in_the_store_is_sent_after_a_restart(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:{tmp_path / 'gateway.db'}")
    first = Node.over(store)
    begun = await first.desk.verifier.begin(ACCOUNT, asks())
    await store.close()
    store = await open_store(f"sqlite:{tmp_path / 'gateway.db'}")
    second = Node.over(store)
    await second.start()
    try:
        code = await second.code()
        assert (await second.desk.verifier.check(ACCOUNT, begun.id, code)).status is VerifyStatus.VERIFIED
    finally:
        await second.stop()
        await store.close()


async def test_two_nodes_over_one_database_agree(store: Store) -> None:
    first, second = Node.over(store), Node.over(store)
    await first.start()
    try:
        begun = await first.desk.verifier.begin(ACCOUNT, asks())
        code = await first.code()
        for left in (2, 1):
            with pytest.raises(Exception, match="another one") as caught:
                await second.desk.verifier.check(ACCOUNT, begun.id, "0" * 10)
            assert getattr(caught.value, "attempts_left", None) == left
        found = await first.desk.verifier.find(ACCOUNT, begun.id)
        assert found is not None
        assert found.attempts == 2
        assert (await second.desk.verifier.check(ACCOUNT, begun.id, code)).status is VerifyStatus.VERIFIED
        with pytest.raises(Exception, match="verified before"):
            await first.desk.verifier.check(ACCOUNT, begun.id, code)
    finally:
        await first.stop()


async def test_guards_hold_over_nodes(store: Store) -> None:
    first, second = Node.over(store), Node.over(store)
    cap = VerifyConfig().per_number
    for n in range(cap):
        node = (first, second)[n % 2]
        begun = await node.desk.verifier.begin(ACCOUNT, asks())
        await node.desk.verifier.cancel(ACCOUNT, begun.id)
    with pytest.raises(Exception, match="too many codes"):
        await second.desk.verifier.begin(ACCOUNT, asks())
