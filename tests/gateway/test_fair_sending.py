"""Nobody waits for another's batch: neither in memory nor in the store."""

from gateway.models import State
from gateway.store import Store
from tests.gateway.fakes import CONFIG, Core, accepted, always, eventually, new_message, numbered, started

TWO = (
    CONFIG
    + """
[account.bank]
[account.third]
[account.third.rules]
share = 2
"""
)
SMALL = "[pipeline]\nqueue_limit = 20\n"
SLOTS = 10


def order(core: Core) -> list[str]:
    """Whose messages left, in order."""
    return [attempt.message.account for attempt in core.uplinks["a"].attempts]


async def batch(core: Core, count: int, account: str = "shop", **fields: object) -> None:
    await core.intake.accept([new_message(account=account, text=f"{account} {n}", **fields) for n in range(count)])


async def test_a_batch_of_ten_thousand_delays_a_code_by_less_than_a_round(store: Store) -> None:
    core = await started(store, config=TWO)
    uplink = core.uplinks["a"]
    uplink.window = uplink.free = SLOTS
    await core.pipeline.tidy()
    await batch(core, 10_000)
    await eventually(lambda: len(uplink.attempts) == SLOTS)
    await core.send("your code is 1", account="bank")
    uplink.answer = numbered()
    for attempt in list(uplink.attempts):
        attempt.answer(accepted("x"))
    await eventually(lambda: "bank" in order(core))
    # What had a slot before the code came is ahead of it; after that, one part of the batch at most.
    assert order(core).index("bank") <= SLOTS + 1
    uplink.set_available(False)
    await core.pipeline.stop(1)


async def test_an_urgent_message_goes_before_what_waits(store: Store) -> None:
    core = await started(store, config=TWO)
    uplink = core.uplinks["a"]
    core.uplinks["b"].is_available = uplink.is_available = False
    await core.pipeline.tidy()
    for account in ("shop", "bank"):
        await batch(core, 50, account)
    await core.send("your code is 1", account="shop", priority=3)
    uplink.answer = always(accepted("1"))
    uplink.set_available(True)
    await eventually(lambda: len(uplink.attempts) > 20)
    assert uplink.attempts[0].message.text == "your code is 1"
    assert order(core)[1:21] == ["shop", "bank"] * 10
    await core.pipeline.stop(1)


async def test_an_accounts_own_batch_does_not_delay_its_code(store: Store) -> None:
    core = await started(store, config=TWO + SMALL)
    uplink = core.uplinks["a"]
    core.uplinks["b"].is_available = uplink.is_available = False
    await core.pipeline.tidy()
    await batch(core, 200)
    await core.send("your code is 1", account="shop", priority=2)
    uplink.answer = always(accepted("1"))
    uplink.set_available(True)
    await eventually(lambda: len(uplink.attempts) == 201)
    assert uplink.attempts[0].message.text == "your code is 1"
    await core.pipeline.stop(1)


async def test_what_waits_in_the_store_is_fetched_in_turns(store: Store) -> None:
    core = await started(store, config=TWO + SMALL)
    uplink = core.uplinks["a"]
    core.uplinks["b"].is_available = uplink.is_available = False
    await core.pipeline.tidy()
    await batch(core, 200)
    await batch(core, 30, "bank")
    # A part of each is in memory: the batch found the lane empty, the other account got half of what there is.
    lane = core.pipeline._sender.lanes["a"]
    assert dict(lane.held) == {"shop": 20, "bank": 10}
    uplink.answer = always(accepted("1"))
    uplink.set_available(True)
    await eventually(lambda: len(uplink.attempts) == 230)
    assert order(core).index("bank") <= 2
    # All of the smaller is gone when about as much of the larger is: its backlog in the store stood in nobody's way.
    last = max(at for at, account in enumerate(order(core)) if account == "bank")
    assert last < 110
    for account in ("shop", "bank"):
        texts = [one.message.text for one in uplink.attempts if one.message.account == account]
        assert texts == sorted(texts, key=lambda text: int(text.split()[1]))
    await core.pipeline.stop(1)


async def test_a_backlog_from_before_a_restart_is_shared_out_too(store: Store) -> None:
    core = await started(store, config=TWO + SMALL)
    core.uplinks["a"].is_available = core.uplinks["b"].is_available = False
    await batch(core, 100)
    await batch(core, 10, "bank")
    await batch(core, 10, "third")
    await core.pipeline.stop(1)
    again = await started(store, config=TWO + SMALL)
    uplink = again.uplinks["a"]
    uplink.answer = always(accepted("1"))
    await eventually(lambda: len(uplink.attempts) == 120)
    assert max(at for at, account in enumerate(order(again)) if account != "shop") < 60
    assert len({attempt.message.id for attempt in uplink.attempts}) == 120
    for message in await store.messages("bank"):
        await again.settled(message, State.SUBMITTED)
    await again.pipeline.stop(1)


async def test_shares_decide_who_gets_how_much(store: Store) -> None:
    core = await started(store, config=TWO)
    uplink = core.uplinks["a"]
    core.uplinks["b"].is_available = uplink.is_available = False
    await core.pipeline.tidy()
    await batch(core, 60, "shop")
    await batch(core, 60, "third")
    uplink.answer = always(accepted("1"))
    uplink.set_available(True)
    await eventually(lambda: len(uplink.attempts) == 120)
    assert order(core)[:90].count("third") == 60
    await core.pipeline.stop(1)
