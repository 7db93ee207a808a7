"""Stopping and killing the gateway with messages accepted: all are sent, none twice but what is in doubt and marked so.

The gateway is a real process; the SMSC's log of octets and the receiver of callbacks are the judges.
"""

import asyncio
import signal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from smpp.simulator import Receipts, Rule, Script, Simulator
from smpp.simulator.script import Delay
from tests.faults.processes import Bench, assert_marked, bench, doubts_of, eventually
from tests.whole_path import PATIENCE_SECONDS

TWO_SERVERS = ("smpp://127.0.0.1:0",) * 2
ANY = range(1, 1_000_000)


def smsc(*rules: Rule, receipt_delay: Delay = 0.0, **options: Any) -> Simulator:
    """Two servers that send a receipt again soon, and give none up."""
    script = Script(rules=rules, receipts=Receipts(attempts=1_000, retry=0.05, delay=receipt_delay))
    return Simulator(TWO_SERVERS, credentials={"demo": "secret"}, script=script, seed=5, **options)


async def down(simulator: Simulator) -> None:
    for server in simulator.servers:
        await server.stop(in_order=False)


async def up(simulator: Simulator) -> None:
    for server in simulator.servers:
        await server.start()


async def some_left(path: Bench, at_least: int) -> None:
    """Wait until the SMSC has seen some of the messages, so that what follows happens in the middle."""
    await path.simulator.wait_until(lambda: len(path.simulator.log) >= at_least, PATIENCE_SECONDS)


# Stopped in order


async def test_sigterm_under_load_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    async with bench(tmp_path, smsc(Rule(delay=0.02))) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(300))
        await some_left(path, 60)
        await path.gateway.terminate()
        assert len(path.simulator.log) < 300
        await path.gateway.start()
        await path.assert_nothing_lost()


async def test_sigterm_while_the_smsc_is_unreachable(tmp_path: Path) -> None:
    async with bench(tmp_path, smsc()) as path:
        await down(path.simulator)
        await path.gateway.start()
        await path.accept(path.new_messages(100))
        await path.gateway.terminate()
        assert not path.simulator.log
        await up(path.simulator)
        await path.gateway.start()
        await path.assert_nothing_lost()


async def test_sigterm_with_a_frozen_smsc_ends_within_the_deadline(tmp_path: Path) -> None:
    # One server is frozen with messages under way, the other is not and has to be unbound all the same.
    more = "[node]\nshutdown_seconds = 2.0"
    ends: list[str] = []
    simulator = smsc(
        Rule(server=0, delay=0.3),
        Rule(delay=0.01),
        on_event=lambda event: ends.append(event.text) if event.kind == "closed" else None,
    )
    async with bench(tmp_path, simulator, more=more) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(100))
        await some_left(path, 20)
        simulator.servers[0].freeze()
        await path.gateway.terminate(timeout=2.0 + 3.0)
        assert ends == ["the peer unbound"]
        simulator.thaw()
        await path.gateway.start()
        await path.assert_nothing_lost(doubts=ANY)


async def test_second_sigterm_ends_it_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    simulator = smsc(Rule(delay=0.05))
    async with bench(tmp_path, simulator) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(100))
        await some_left(path, 10)
        simulator.freeze()
        path.gateway.signal(signal.SIGTERM)
        await eventually(lambda: "stopping" in path.gateway.events())
        path.gateway.signal(signal.SIGTERM)
        assert await path.gateway.wait() == 1
        assert "ended without stopping in order" in path.gateway.events()
        simulator.thaw()
        await path.gateway.start()
        await path.assert_nothing_lost(doubts=range(101))


# Killed


async def test_kill_with_no_bind_up_sends_everything_once(tmp_path: Path) -> None:
    async with bench(tmp_path, smsc()) as path:
        await down(path.simulator)
        await path.gateway.start()
        await path.accept(path.new_messages(200))
        await path.gateway.kill()
        await up(path.simulator)
        await path.gateway.start()
        await path.assert_nothing_lost()


async def test_kill_under_load_resends_and_marks_what_was_in_doubt_only(tmp_path: Path) -> None:
    # The SMSC takes every message and answers late: windows are full of parts whose fate nobody knows.
    async with bench(tmp_path, smsc(Rule(delay=(0.05, 0.3))), uplink="window = 40") as path:
        await path.gateway.start()
        await path.accept(path.new_messages(400))
        await some_left(path, 120)
        await path.gateway.kill()
        sent_before = len(path.simulator.log)
        assert sent_before < 400
        await path.gateway.start()
        await path.assert_nothing_lost(doubts=ANY)
        twice = [part for part, times in path.submits().items() if times > 1]
        assert len(twice) >= 1


async def test_kill_under_load_with_in_doubt_fail_resends_nothing(tmp_path: Path) -> None:
    uplink = 'window = 40\nin_doubt = "fail"'
    async with bench(tmp_path, smsc(Rule(delay=(0.05, 0.3))), uplink=uplink) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(300))
        await some_left(path, 120)
        await path.gateway.kill()
        await path.gateway.start()
        await path.all_told()
        assert set(path.submits().values()) == {1}
        views = await path.views()
        failed = [view for view in views if view["in_doubt"]]
        assert failed
        for view in views:
            assert_marked(view)
            # A message of two parts whose second has not left yet does not send half of itself either.
            assert view["state"] == ("failed" if view["in_doubt"] else "delivered"), view
            assert path.told()[view["id"]]["state"] == view["state"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_kills_at_random_moments_lose_nothing(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    async with bench(tmp_path, smsc(Rule(delay=(0.0, 0.05)), receipt_delay=(0.0, 0.1))) as path:
        for _ in range(3):
            await path.gateway.start()
            posting = [asyncio.create_task(path.post_until_it_dies()) for _ in range(3)]
            # The moment is the point here: anything may be under way.
            await asyncio.sleep(random.uniform(0.0, 0.6))
            await path.gateway.kill()
            await asyncio.gather(*posting)
        await path.gateway.start()
        assert len(path.accepted) > 20
        await path.assert_nothing_lost(doubts=range(len(path.accepted)))


async def test_kill_while_binds_break_and_the_smsc_refuses_loses_nothing(tmp_path: Path) -> None:
    rules = (Rule(every=7, status="ESME_RTHROTTLED"), Rule(every=11, status="ESME_RSYSERR"), Rule(delay=(0.0, 0.05)))
    uplink = "throttle_seconds = 0.05\nthrottle_max_seconds = 0.1\nretry_seconds = 0.05"
    async with bench(tmp_path, smsc(*rules), uplink=uplink) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(200))
        for number in (30, 60, 90):
            await some_left(path, number)
            path.simulator.servers[number % 2].drop()
        await path.gateway.kill()
        await path.gateway.start()
        await path.all_told()
        await path.simulator.drained(PATIENCE_SECONDS)
        taken = [entry for entry in path.simulator.log if entry.message_id]
        views = await path.views()
        for view in views:
            assert view["state"] == "delivered", view
            assert_marked(view)
            times = sum(entry.message.destination_addr == view["to"] for entry in taken)
            assert view["part_count"] <= times <= view["part_count"] + doubts_of(view).total()


# Links that break


async def test_killed_server_leaves_doubt_and_the_rest_goes_over_the_other(tmp_path: Path) -> None:
    simulator = smsc(Rule(server=0, delay=0.2), Rule(delay=0.005))
    async with bench(tmp_path, simulator) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(300))
        await simulator.wait_until(lambda: simulator.servers[0].rate.total >= 10, PATIENCE_SECONDS)
        await simulator.servers[0].stop(in_order=False)
        taken = simulator.servers[0].rate.total
        await path.assert_nothing_lost(doubts=range(1, 11))
        assert simulator.servers[0].rate.total == taken
        twice = [part for part, times in path.submits().items() if times > 1]
        # Its window was full, and no response of it was on its way.
        assert len(twice) == 10


async def test_lost_responses_are_resent_within_their_limit_and_marked(tmp_path: Path) -> None:
    uplink = "response_timeout_seconds = 0.3\nin_doubt_limit = 3"
    lost = (Rule(destination="919000000001", answer="none"), Rule(first=5, answer="none"))
    async with bench(tmp_path, smsc(*lost), uplink=uplink) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(20))
        await path.all_told()
        views = {view["to"]: view for view in await path.views()}
        hopeless = views.pop("919000000001")
        assert hopeless["state"] == path.told()[hopeless["id"]]["state"] == "failed"
        assert "in doubt 4 times" in hopeless["error"]
        assert doubts_of(hopeless) == {1: 4}
        assert {view["state"] for view in views.values()} == {"delivered"}
        assert sum(doubts_of(view).total() for view in views.values()) == 5
        for view in views.values():
            assert_marked(view)


# Receipts


@pytest.mark.parametrize("end", ["terminate", "kill"])
async def test_receipts_that_come_while_it_is_down_are_taken_afterwards(tmp_path: Path, end: str) -> None:
    async with bench(tmp_path, smsc(receipt_delay=1.0)) as path:
        await path.gateway.start()
        await path.accept(path.new_messages(30))
        parts = 30 + 6
        await some_left(path, parts)
        # Each answer has to be recorded: after a kill it would be a doubt otherwise, which is another test.
        await path.until_all_are("submitted")
        await getattr(path.gateway, end)()
        due_at = max(message.final_at for message in path.simulator.messages.values())
        await asyncio.sleep(due_at - asyncio.get_running_loop().time())
        assert path.simulator.pending_receipts == parts
        await path.gateway.start()
        await path.assert_nothing_lost()
        assert len(path.simulator.log) == parts
