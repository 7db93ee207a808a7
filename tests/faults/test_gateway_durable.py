"""What the gateway promises is on the disk first: its system calls are the witness."""

import asyncio
from pathlib import Path

import pytest

from smpp import connect
from smpp.simulator import Receipts, Script, Simulator
from tests.faults.processes import Bench, GatewayProcess, eventually
from tests.faults.syscalls import Judge, traced
from tests.gateway.smsc_path import PASSWORD, SYSTEM_ID, Inbox, door_text, submit
from tests.whole_path import config_text, receiver


async def work(path: Bench) -> None:
    """Promises of each kind, several at a time."""
    ids = await path.accept(path.new_messages(20))
    port = path.gateway.lines[-1]["smpp"][0]
    inbox = Inbox()
    async with connect(f"smpp://{SYSTEM_ID}:{PASSWORD}@127.0.0.1:{port}", on_deliver=inbox.take) as client:
        await asyncio.gather(
            *(path.accept(path.new_messages(1)) for _ in range(30)),
            *(client.submit(submit(to=str(447_700_900_000 + number))) for number in range(30)),
        )
        await inbox.wait_for(30)
    assert ids
    await path.receiver.wait_until(lambda received: len(received) >= 50)


async def judged(tmp_path: Path, *program: str) -> Judge:
    """What a traced gateway has done."""
    simulator = Simulator(
        ("smpp://127.0.0.1:0",) * 2,
        credentials={"demo": "secret"},
        script=Script(receipts=Receipts(attempts=1_000, retry=0.05)),
        seed=5,
    )
    trace = tmp_path / "calls"
    async with simulator, receiver() as taker:
        config = tmp_path / "gateway.toml"
        text = config_text(simulator.urls, tmp_path / "data", callbacks=taker.url + "/native", more=door_text())
        config.write_text(text)
        path = Bench(simulator, taker, GatewayProcess(config, traced(trace, *program)), tmp_path / "data")
        try:
            await path.gateway.start()
            await work(path)
            await eventually(lambda: not simulator.pending_receipts)
        finally:
            await path.gateway.terminate()
            await path.gateway.close()
        # strace has its last words after the program's end.
        await eventually(lambda: trace.read_text(encoding="utf-8").rstrip().endswith("+++"))
    judge = Judge()
    with trace.open(encoding="utf-8") as lines:
        judge.judge(lines)
    return judge


async def test_every_answer_that_promises_follows_a_sync_of_what_it_promises(tmp_path: Path) -> None:
    judge = await judged(tmp_path, "-m", "gateway")
    assert judge.promises["202"] == 50
    assert judge.promises["submit_sm_resp"] == 30
    assert judge.promises["deliver_sm_resp"] >= 80
    assert judge.broken == []
    assert judge.syncs >= 10


async def test_the_same_witness_notices_a_store_that_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    judge = await judged(tmp_path, "-m", "tests.faults.unsafe_gateway")
    # What is synced when the schema is made says nothing of what is promised later.
    assert judge.syncs < 5
    assert len(judge.broken) == sum(judge.promises.values()) >= 160


@pytest.mark.parametrize("cut", [0, 1])
def test_the_witness_reads_calls_that_others_interrupt(cut: int) -> None:
    write = '7 pwrite64(5<a-wal>, "abc", 3, 0) = 3'
    halves = [
        "7 fdatasync(5<a-wal> <unfinished ...>",
        '8 sendto(9<socket:[1]>, "HTTP/1.1 202 \\r\\n{\\"id\\":\\"abc\\"}",',
    ]
    resumed = "7 <... fdatasync resumed>) = 0"
    lines = [write, halves[0], halves[1], resumed] if cut else [write, halves[0], resumed, halves[1]]
    judge = Judge()
    judge.judge(lines)
    assert judge.promises == {"202": 1}
    assert judge.broken == (["202 abc"] if cut else [])
