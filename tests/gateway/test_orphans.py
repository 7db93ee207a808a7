"""Why a receipt found no message."""

import pytest

from gateway.models import Receipt, State
from gateway.orphans import match_attempts
from gateway.store import Store
from tests.gateway.fakes import CONFIG, Core, accepted, receipt, started


async def orphaned(core: Core, one: Receipt) -> Receipt:
    """A receipt that is given up, as the list of orphans has it."""
    await core.correlator.on_receipt(one)
    core.clock.advance(core.config.receipts.parked_seconds + 11)
    while not await core.correlator.sweep():
        pass
    (found,) = await core.store.orphans()
    return found


async def submitted(store: Store, smsc_message_id: str, *, more: str = "") -> tuple[Core, str]:
    core = await started(store, config=CONFIG.replace("[uplink.a]", "[uplink.a]\n" + more))
    core.uplinks["a"].answer = lambda _message, _part: accepted(smsc_message_id)
    message = await core.send()
    await core.settled(message, State.SUBMITTED)
    return core, message.id


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (receipt("1", group="b"), "it went through the group a, the receipt came over b"),
        (receipt("01"), "its id is written 1, and as_is takes no other way"),
        (receipt("1", recipient="447700900999"), "it went to 447700900123, the receipt is about 447700900999"),
    ],
)
async def test_what_stands_under_the_id_is_shown_with_why_it_is_not_the_one(
    store: Store, one: Receipt, reason: str
) -> None:
    core, identifier = await submitted(store, "1")
    (attempt,) = await match_attempts(store, core.book, await orphaned(core, one))
    assert (attempt.rule, attempt.key, attempt.message_id, attempt.part) == ("as_is", "1", identifier, 1)
    assert reason in attempt.reason
    await core.pipeline.stop(1)


async def test_every_way_to_read_an_id_is_shown(store: Store) -> None:
    core, _ = await submitted(store, "7f", more='message_id_rule = "auto"')
    found = await match_attempts(store, core.book, await orphaned(core, receipt("4660")))
    assert {one.key for one in found} >= {"4660", "1234"}
    assert all(one.message_id == "" and "no part has this id" in one.reason for one in found)
    await core.pipeline.stop(1)


async def test_a_part_that_was_answered_too_late_is_said_to_fit(store: Store) -> None:
    core, identifier = await submitted(store, "1")
    (attempt,) = await match_attempts(store, core.book, receipt("1"))
    assert (attempt.message_id, attempt.reason.partition(":")[0]) == (identifier, "it fits now")
    await core.pipeline.stop(1)
