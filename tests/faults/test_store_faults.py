"""A store that cannot commit: nothing is promised, nothing is acknowledged, nothing is lost; work goes on afterwards.

A limit on the size of files stands in for a full disk: every write that would make the log of the database grow fails.
"""

import sqlite3
from pathlib import Path

import aiohttp

from smpp.simulator import Receipts, Rule, Script, Simulator
from smpp.status import CommandStatus
from tests.faults.processes import Bench, bench, eventually
from tests.whole_path import PATIENCE_SECONDS


def smsc(*rules: Rule, receipt_delay: float = 0.0) -> Simulator:
    script = Script(rules=rules, receipts=Receipts(attempts=1_000, retry=0.05, delay=receipt_delay))
    return Simulator(("smpp://127.0.0.1:0",) * 2, credentials={"demo": "secret"}, script=script, seed=5)


def fill_disk(path: Bench) -> None:
    """Let the database's log grow no further."""
    path.gateway.limit_files((path.data / "gateway.db-wal").stat().st_size)


async def assert_refused(path: Bench) -> None:
    """A message is refused with 503 in the API's shape of errors, whoever asks."""
    message = path.new_messages(1)[0]
    for body in (message, [message]):
        async with path.gateway.http.post("/api/v1/messages", json=body) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            error = (await answer.json())["error"]
            assert error["code"] == "store_unavailable"
            assert error["message"]
            assert error.keys() == {"code", "message", "field"}
    form = {
        "mocean-api-key": "mkey",
        "mocean-api-secret": "msecret",
        "mocean-from": "A",
        "mocean-to": message["to"],
        "mocean-text": "x",
    }
    async with aiohttp.request("POST", f"{path.gateway.url}/mocean/rest/2/sms", data=form) as answer:
        assert answer.status == 500
        assert "<status>45</status>" in await answer.text()


async def assert_sound(path: Bench) -> None:
    """Stop the gateway in order; its database is whole."""
    await path.gateway.terminate()
    with sqlite3.connect(path.data / "gateway.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


async def test_full_disk_refuses_callers_and_receipts_until_there_is_room(tmp_path: Path) -> None:
    async with bench(tmp_path, smsc(Rule(delay=0.01), receipt_delay=0.05)) as path:
        simulator = path.simulator
        await path.gateway.start()
        await path.accept(path.new_messages(100))
        await simulator.wait_until(lambda: len(simulator.log) >= 20, PATIENCE_SECONDS)
        fill_disk(path)
        # Responses cannot be recorded, nothing leaves, receipts come in vain.
        await eventually(lambda: simulator.counters["receipts_refused"] > 5)
        await assert_refused(path)
        (reply,) = simulator.deliver("Stop", source="4479460000", destination="40404")
        await eventually(lambda: reply.status == CommandStatus.ESME_RX_T_APPN)
        assert not reply.is_over
        sent = len(simulator.log)
        assert sent < 120
        path.gateway.unlimit_files()
        await path.assert_nothing_lost()
        assert await reply.wait(PATIENCE_SECONDS) == CommandStatus.ESME_ROK
        await path.accept(path.new_messages(5))
        await path.assert_nothing_lost()
        await assert_sound(path)


async def test_full_disk_then_killed_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    async with bench(tmp_path, smsc(Rule(delay=0.01), receipt_delay=0.05)) as path:
        simulator = path.simulator
        await path.gateway.start()
        await path.accept(path.new_messages(100))
        await simulator.wait_until(lambda: len(simulator.log) >= 20, PATIENCE_SECONDS)
        fill_disk(path)
        await eventually(lambda: simulator.counters["receipts_refused"] > 5)
        await assert_refused(path)
        await path.gateway.kill()
        await path.gateway.start()
        # What was answered while nothing could be recorded is in doubt now.
        await path.assert_nothing_lost(doubts=range(1, 101))
        await assert_sound(path)


async def test_sigterm_with_a_full_disk_ends_within_the_deadline(tmp_path: Path) -> None:
    more = "[node]\nshutdown_seconds = 2.0"
    async with bench(tmp_path, smsc(Rule(delay=0.01), receipt_delay=0.05), more=more) as path:
        simulator = path.simulator
        await path.gateway.start()
        await path.accept(path.new_messages(100))
        await simulator.wait_until(lambda: len(simulator.log) >= 20, PATIENCE_SECONDS)
        fill_disk(path)
        await eventually(lambda: simulator.counters["receipts_refused"] > 5)
        await path.gateway.terminate(timeout=2.0 + 5.0)
        await path.gateway.start()
        await path.assert_nothing_lost(doubts=range(1, 101))


async def test_health_tells_of_a_store_that_cannot_commit(tmp_path: Path) -> None:
    async with bench(tmp_path, smsc()) as path:
        await path.gateway.start()
        fill_disk(path)
        await assert_refused(path)
        await path.health_is(503)
        path.gateway.unlimit_files()
        await path.health_is(200)
