"""The SMPP door over kill -9: what was answered is sent, and what is owed to a customer stays owed."""

import asyncio
from pathlib import Path

from smpp import Client, ConnectionLost, RequestLost, connect
from smpp.simulator import Simulator
from tests.faults.processes import Bench, bench
from tests.gateway.smsc_path import PASSWORD, SYSTEM_ID, Inbox, door_text, submit


def door(path: Bench, inbox: Inbox, bind: str = "trx") -> Client:
    """A customer of the running gateway."""
    port = next(line["smpp"][0] for line in reversed(path.gateway.lines) if line["event"] == "serving")
    return connect(f"smpp://{SYSTEM_ID}:{PASSWORD}@127.0.0.1:{port}?bind={bind}", on_deliver=inbox.take)


def taken(simulator: Simulator) -> list[str]:
    """Where the SMSC's messages go."""
    return [entry.message.destination_addr for entry in simulator.log]  # type: ignore[union-attr]


async def submit_until_it_dies(client: Client, numbers: range, answered: dict[str, str]) -> None:
    for number in numbers:
        try:
            sent = await client.submit(submit(to=str(number)))
        except (RequestLost, ConnectionLost):
            return
        answered[sent.message_id] = str(number)


async def test_kill_after_the_answer_sends_everything_and_brings_every_receipt(tmp_path: Path) -> None:
    simulator = Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, receipt_delay=(0.0, 0.2), seed=3)
    async with bench(tmp_path, simulator, more=door_text()) as path:
        answered: dict[str, str] = {}
        inboxes = []
        for life in range(3):
            await path.gateway.start()
            inboxes.append(Inbox())
            client = door(path, inboxes[-1])
            await client.__aenter__()
            start = 919_000_000_000 + 100_000 * life
            sending = [
                asyncio.create_task(submit_until_it_dies(client, range(start + at, start + at + 10_000), answered))
                for at in range(0, 40_000, 10_000)
            ]
            while len(answered) < 60 * (life + 1):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await path.gateway.kill()
            await asyncio.gather(*sending)
            await client.close()
        await path.gateway.start()
        last = Inbox()
        inboxes.append(last)
        async with door(path, last, "rx"):

            def told() -> set[str]:
                return {one.id for inbox in inboxes for one in inbox.receipts}

            await last.wait_until(lambda: answered.keys() <= told())
        assert set(answered.values()) <= set(taken(path.simulator))


async def test_receipts_for_a_customer_that_is_away_survive_a_kill(tmp_path: Path) -> None:
    simulator = Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, seed=3)
    async with bench(tmp_path, simulator, more=door_text()) as path:
        await path.gateway.start()
        async with door(path, Inbox(), "tx") as client:
            ids = [(await client.submit(submit(to=str(919_000_000_000 + n)))).message_id for n in range(30)]
            async with asyncio.timeout(60):
                while {(await path.view(one))["state"] for one in ids} != {"delivered"}:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        await path.gateway.kill()
        await path.gateway.start()
        inbox = Inbox()
        async with door(path, inbox, "rx"):
            receipts = await inbox.wait_for(30)
        assert [one.id for one in receipts] == ids
        assert len(taken(path.simulator)) == 30


async def test_answers_that_were_not_committed_are_asked_for_again(tmp_path: Path) -> None:
    simulator = Simulator(["smpp://127.0.0.1:0"], credentials={"demo": "secret"}, seed=3)
    async with bench(tmp_path, simulator, more=door_text()) as path:
        await path.gateway.start()
        hanging = Inbox()
        hanging.is_open.clear()
        async with door(path, hanging) as client:
            ids = {(await client.submit(submit(to=str(919_000_000_000 + n)))).message_id for n in range(15)}
            await hanging.wait_for(10)
            await path.gateway.kill()
            hanging.is_open.set()
        await path.gateway.start()
        inbox = Inbox()
        async with door(path, inbox):
            await inbox.wait_until(lambda: {one.id for one in inbox.receipts} == ids)
