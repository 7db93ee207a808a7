"""What sends a message on to the next uplink, and what does not."""

import pytest

from gateway.models import Message, Outcome, Part, State, SubmitResult
from gateway.store import Store
from tests.gateway.fakes import CONFIG, IN_DOUBT, Answers, Core, accepted, always, eventually, numbered, started

REFUSED = SubmitResult(Outcome.REJECTED, "", "ESME_RINVDSTADR", 0x0B)
OTHERWISE = SubmitResult(Outcome.REJECTED, "", "ESME_RINVSRCADR", 0x0A)
BUSY = SubmitResult(Outcome.THROTTLED, "", "ESME_RTHROTTLED", 0x58)


def config(*words: str) -> str:
    listed = ", ".join(f'"{word}"' for word in words)
    route = f'[[route]]\nfailover_on = [{listed}]\nuplinks = ["a", "b"]'
    return CONFIG.replace('[[route]]\nuplinks = ["a", "b"]', route)


def tries(core: Core) -> tuple[int, int]:
    return len(core.uplinks["a"].attempts), len(core.uplinks["b"].attempts)


@pytest.mark.parametrize(
    ("word", "result"),
    [("ESME_RINVDSTADR", REFUSED), ("0x0B", REFUSED), ("rejected", REFUSED), ("throttled", BUSY), ("0x58", BUSY)],
)
async def test_a_status_sends_a_message_on(store: Store, word: str, result: SubmitResult) -> None:
    core = await started(store, config=config(word))
    core.uplinks["a"].answer = always(result)
    core.uplinks["b"].answer = numbered()
    message = await core.send()
    found = await core.settled(message, State.SUBMITTED)
    assert (found.uplink, tries(core)) == ("b", (1, 1))
    assert await core.story(message) == ["accepted", "sending", "queued", "sending", "submitted"]
    await core.pipeline.stop(1)


async def test_another_status_is_the_end(store: Store) -> None:
    core = await started(store, config=config("ESME_RINVDSTADR"))
    core.uplinks["a"].answer = always(OTHERWISE)
    message = await core.send()
    found = await core.settled(message, State.REJECTED)
    assert (found.error, tries(core)) == ("ESME_RINVSRCADR", (1, 0))
    await core.pipeline.stop(1)


async def test_when_all_uplinks_have_refused_the_message_is_rejected(store: Store) -> None:
    core = await started(store, config=config("rejected"))
    core.uplinks["a"].answer = always(REFUSED)
    core.uplinks["b"].answer = always(OTHERWISE)
    message = await core.send()
    found = await core.settled(message, State.REJECTED)
    assert (found.error, tries(core)) == ("ESME_RINVSRCADR", (1, 1))
    await core.pipeline.stop(1)


async def test_a_message_that_was_refused_waits_for_the_next_uplink_to_come_up(store: Store) -> None:
    core = await started(store, config=config("rejected"))
    core.uplinks["a"].answer = always(REFUSED)
    core.uplinks["b"].answer = numbered()
    core.uplinks["b"].is_available = False
    message = await core.send()
    await core.tried("a", 1)
    for _ in range(3):
        await core.pipeline.tidy()
        await core.pass_time(10)
    assert tries(core) == (1, 0)
    core.uplinks["b"].set_available(True)
    await core.settled(message, State.SUBMITTED)
    assert tries(core) == (1, 1)
    await core.pipeline.stop(1)


async def test_all_parts_of_a_long_message_go_on_together(store: Store) -> None:
    core = await started(store, config=config("rejected"))
    core.uplinks["a"].part_size = 2
    core.uplinks["a"].answer = always(REFUSED)
    core.uplinks["b"].part_size = 4
    core.uplinks["b"].answer = numbered()
    message = await core.send("hello")
    found = await core.settled(message, State.SUBMITTED)
    assert (found.uplink, found.part_count, tries(core)) == ("b", 2, (3, 2))
    await core.pipeline.stop(1)


async def test_what_is_refused_after_a_part_was_accepted_stays(store: Store) -> None:
    core = await started(store, config=config("rejected"))
    uplink = core.uplinks["a"]
    uplink.part_size = 4

    def answer(_message: Message, part: Part) -> SubmitResult:
        return accepted("1") if part.number == 1 else REFUSED

    uplink.answer = answer
    message = await core.send("hello")
    await core.tried("a", 2)
    await core.pass_time(10)
    await core.quiet()
    assert tries(core) == (2, 0)
    assert [part.state for part in await store.parts(message.id)] == [State.SUBMITTED, State.REJECTED]
    await core.pipeline.stop(1)


async def test_parts_answered_differently_are_sent_on_only_if_none_was_accepted(store: Store) -> None:
    core = await started(store, config=config("rejected"))
    uplink = core.uplinks["a"]
    uplink.part_size = 4
    message = await core.send("hello")
    await eventually(lambda: len(uplink.attempts) == 2)
    # The first part is refused while nothing is known of the second: it waits, and then may not go elsewhere.
    uplink.attempts[0].answer(REFUSED)
    await eventually(lambda: not core.pipeline._sender._results and core.pipeline._sender._in_flight == 1)
    uplink.attempts[1].answer(accepted("2"))
    uplink.answer = always(REFUSED)
    await core.quiet()
    await core.pass_time(10)
    await core.tried("a", 3)
    assert tries(core) == (3, 0)
    assert [part.state for part in await store.parts(message.id)] == [State.REJECTED, State.SUBMITTED]
    await core.pipeline.stop(1)


async def test_what_is_in_doubt_goes_elsewhere_only_where_told_to(store: Store) -> None:
    core = await started(store, config=config("in_doubt"))
    core.uplinks["a"].answer = always(IN_DOUBT)
    core.uplinks["b"].answer = numbered()
    message = await core.send()
    found = await core.settled(message, State.SUBMITTED)
    assert (found.uplink, found.in_doubt) == ("b", True)
    await core.pipeline.stop(1)
    other = await started(store, config=config("retry"))
    other.uplinks["a"].answer = Answers(IN_DOUBT, accepted("1"))
    message = await other.send()
    assert (await other.settled(message, State.SUBMITTED)).uplink == "a"
    await other.pipeline.stop(1)


async def test_standby_uplinks_carry_what_the_others_cannot(store: Store) -> None:
    standby = CONFIG.replace('uplinks = ["a", "b"]', 'uplinks = ["a"]\nstandby = ["b"]')
    core = await started(store, config=standby)
    core.uplinks["a"].answer = numbered()
    core.uplinks["b"].answer = numbered()
    await core.settled(await core.send(), State.SUBMITTED)
    assert tries(core) == (1, 0)
    core.uplinks["a"].is_available = False
    await core.settled(await core.send(), State.SUBMITTED)
    assert tries(core) == (1, 1)
    core.uplinks["a"].set_available(True)
    await core.settled(await core.send(), State.SUBMITTED)
    assert tries(core) == (2, 1)
    await core.pipeline.stop(1)
