"""An uplink that answers with faults is left alone, tried again, and used again when it works."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import HealthConfig, UplinkConfig, parse
from gateway.errors import ConfigError
from gateway.health import Health, HealthBook, HealthState
from gateway.metrics import Metrics
from gateway.models import Outcome, State, SubmitResult
from gateway.store import Store
from tests.gateway.fakes import CONFIG, NOW, Clock, Core, accepted, always, numbered, started

BROKEN = SubmitResult(Outcome.RETRY, "", "ESME_RSYSERR", 0x08)
REFUSED = SubmitResult(Outcome.REJECTED, "", "ESME_RINVDSTADR", 0x0B)
SETTINGS = HealthConfig(min_answers=10, pause_seconds=10, pause_max_seconds=60, probes=4)


def make_health(**changes: float) -> Health:
    return Health(HealthConfig(**({name: getattr(SETTINGS, name) for name in SETTINGS.__struct_fields__} | changes)))


def is_now(health: Health, state: HealthState) -> bool:
    return health.state is state


def admitted(health: Health, now: float, tries: int = 20) -> int:
    return sum(health.admits(now) for _ in range(tries))


# --- one uplink ---


def test_half_of_the_answers_being_faults_is_sick() -> None:
    health = make_health()
    health.note(5, 0, NOW)
    health.note(4, 4, NOW + 1)
    assert is_now(health, HealthState.WELL)
    health.note(1, 1, NOW + 1)
    assert is_now(health, HealthState.SICK)
    assert health.fault_share(NOW + 1) == 0.5
    assert not health.admits(NOW + 1)


def test_few_answers_say_nothing() -> None:
    health = make_health()
    health.note(9, 9, NOW)
    assert is_now(health, HealthState.WELL)


def test_faults_of_long_ago_are_forgotten() -> None:
    health = make_health(window_seconds=60)
    health.note(9, 9, NOW)
    health.note(1, 1, NOW + 61)
    assert health.counts(NOW + 61) == (1, 1)
    assert is_now(health, HealthState.WELL)
    health.note(8, 8, NOW + 62)
    health.note(1, 1, NOW + 62)
    assert is_now(health, HealthState.SICK)


def test_who_is_never_to_be_sick_never_is() -> None:
    health = make_health(sick_share=0)
    health.note(1_000, 1_000, NOW)
    assert is_now(health, HealthState.WELL)


def made_sick(**changes: float) -> Health:
    health = make_health(**changes)
    health.note(10, 10, NOW)
    return health


def test_after_its_pause_a_few_messages_try_it() -> None:
    health = made_sick()
    assert admitted(health, NOW + 9.9) == 0
    assert admitted(health, NOW + 10) == 4
    assert is_now(health, HealthState.ON_TRIAL)
    health.note(3, 0, NOW + 11)
    assert is_now(health, HealthState.ON_TRIAL)
    health.note(1, 0, NOW + 11)
    assert is_now(health, HealthState.WELL)
    assert admitted(health, NOW + 11) == 20


def test_if_they_fail_the_pause_is_longer_each_time() -> None:
    health, now = made_sick(), NOW
    for pause in (10, 20, 40, 60, 60):
        assert admitted(health, now + pause - 0.1) == 0
        now += pause
        assert admitted(health, now) == 4
        health.note(4, 1, now)
        assert is_now(health, HealthState.SICK)


def test_answers_to_what_was_under_way_decide_nothing() -> None:
    health = made_sick()
    health.note(50, 0, NOW + 1)
    assert is_now(health, HealthState.SICK)
    assert admitted(health, NOW + 1) == 0


def test_when_those_who_tried_it_ended_elsewhere_others_do() -> None:
    health = made_sick()
    assert admitted(health, NOW + 10) == 4
    assert admitted(health, NOW + 19) == 0
    assert admitted(health, NOW + 20) == 4
    health.note(4, 0, NOW + 21)
    assert is_now(health, HealthState.WELL)


def test_one_that_fails_again_soon_rests_for_longer_than_one_that_fails_after_long() -> None:
    for calm, pause in ((5, 20), (60, 10)):
        health = made_sick()
        admitted(health, NOW + 10)
        health.note(4, 0, NOW + 10)
        now = NOW + 10 + calm
        health.note(10, 10, now)
        assert is_now(health, HealthState.SICK)
        assert admitted(health, now + pause - 0.1) == 0
        assert admitted(health, now + pause) == 4


def test_a_share_between_both_bounds_changes_nothing() -> None:
    health = make_health(sick_share=0.5, well_share=0.1)
    for second in range(600):
        health.note(10, 4, NOW + second)
    assert is_now(health, HealthState.WELL)
    health = made_sick(probes=10)
    admitted(health, NOW + 10)
    health.note(10, 2, NOW + 11)
    assert is_now(health, HealthState.SICK)


@given(st.integers(0, 1 << 32), st.floats(0, 1))
def test_whatever_it_answers_it_is_tried_again_and_does_not_flap(seed: int, fault_rate: float) -> None:
    health, dice = make_health(), random.Random(seed)
    spells = tried = 0
    for second in range(1_000):
        now = NOW + second
        before = health.state
        for _ in range(5):
            if health.admits(now):
                tried += 1
                health.note(1, dice.random() < fault_rate, now)
        spells += before is HealthState.WELL and health.state is not HealthState.WELL
    assert tried >= 4 * (1_000 // 60 - 4)
    # A spell of sickness lasts a pause at least, and pauses grow.
    assert spells <= 1_000 / 10 / 2


# --- all of them ---


def make_book(clock: Clock, **settings: HealthConfig) -> HealthBook:
    uplinks = {name: UplinkConfig(health=health) for name, health in settings.items()}
    return HealthBook(uplinks, Metrics(), clock)


def test_the_first_that_is_up_and_well_is_chosen_and_of_the_sick_the_best() -> None:
    clock = Clock()
    book = make_book(clock, a=SETTINGS, b=SETTINGS)
    up = {"a", "b"}

    def choose() -> str | None:
        return book.choose(("a", "b"), up.__contains__)

    assert choose() == "a"
    book.note("a", Outcome.IN_DOUBT, 10)
    assert choose() == "b"
    assert book.in_order(("a", "b")) == ["b", "a"]
    book.note("b", Outcome.ACCEPTED, 4)
    book.note("b", Outcome.RETRY, 6)
    assert (book.state("a"), book.state("b")) == (HealthState.SICK, HealthState.SICK)
    assert choose() == "b"
    up.discard("b")
    assert choose() == "a"
    up.clear()
    assert choose() is None


def test_refusals_of_messages_and_of_pace_are_no_faults() -> None:
    book = make_book(Clock(), a=SETTINGS)
    for outcome in (Outcome.REJECTED, Outcome.THROTTLED, Outcome.NOT_SENT, Outcome.ACCEPTED):
        book.note("a", outcome, 1_000)
    assert book.is_well("a")
    assert book.remark("a") == ""
    book.note("unheard of", Outcome.RETRY, 1_000)
    assert book.is_well("unheard of")


def test_other_settings_begin_anew_and_an_uplink_that_goes_is_forgotten() -> None:
    clock = Clock()
    book = make_book(clock, a=SETTINGS, b=SETTINGS)
    for name in "ab":
        book.note(name, Outcome.RETRY, 10)
    same = UplinkConfig(health=SETTINGS)
    book.reconfigure({"a": same})
    assert not book.is_well("a")
    assert book.is_well("b")
    book.reconfigure({"a": UplinkConfig(health=SETTINGS, window=20)})
    assert book.is_well("a")


def test_metrics_tell_the_state() -> None:
    clock, metrics = Clock(), Metrics()
    book = HealthBook({"a": UplinkConfig(health=SETTINGS)}, metrics, clock)
    book.note("a", Outcome.RETRY, 10)
    shown = metrics.render().decode()
    assert 'gateway_uplink_health{state="sick",uplink="a"} 1.0' in shown
    assert 'gateway_uplink_health{state="well",uplink="a"} 0.0' in shown
    assert 'gateway_uplink_sick_total{uplink="a"} 1.0' in shown
    assert book.remark("a") == "sick: 10 of 10 answers of late were faults"
    clock.advance(10)
    assert book.choose("a", lambda _: True) == "a"
    assert 'gateway_uplink_health{state="on_trial",uplink="a"} 1.0' in metrics.render().decode()
    book.reconfigure({})
    assert "gateway_uplink_health{" not in metrics.render().decode()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("sick_share = 0.5\nwell_share = 0.5", "well_share"),
        ("pause_seconds = 30\npause_max_seconds = 20", "pause_max_seconds"),
        ("sick_share = 2", "sick_share"),
        ("probes = 0", "probes"),
    ],
)
def test_settings_that_cannot_be_are_refused(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(CONFIG.replace("[uplink.b]", f"[uplink.a.health]\n{text}\n[uplink.b]"))
    assert caught.value.key == f"uplink.a.health.{key}"


# --- with messages ---

QUICK = CONFIG.replace(
    "[uplink.b]", "retry_seconds = 1\n[uplink.a.health]\nmin_answers = 4\nprobes = 2\npause_seconds = 10\n[uplink.b]"
)


async def made_broken(core: Core) -> None:
    core.uplinks["a"].answer = always(BROKEN)
    for _ in range(4):
        await core.send()
    await core.until(lambda: not core.pipeline.health.is_well("a"))


async def test_messages_take_the_next_uplink_while_one_is_sick(store: Store) -> None:
    core = await started(store, config=QUICK)
    core.uplinks["b"].answer = numbered()
    await made_broken(core)
    message = await core.send()
    assert (await core.settled(message, State.SUBMITTED)).uplink == "b"
    await core.pipeline.stop(1)


async def test_what_waits_for_a_sick_uplink_goes_on_over_the_next(store: Store) -> None:
    core = await started(store, config=QUICK)
    core.uplinks["b"].answer = numbered()
    core.uplinks["a"].answer = always(BROKEN)
    messages = [await core.send() for _ in range(6)]
    await core.until(lambda: not core.pipeline.health.is_well("a"))
    await core.pipeline.tidy()
    for message in messages:
        assert (await core.settled(message, State.SUBMITTED)).uplink == "b"
    await core.pipeline.stop(1)


async def test_an_uplink_that_works_again_is_used_again_by_itself(store: Store) -> None:
    core = await started(store, config=QUICK)
    core.uplinks["b"].answer = numbered()
    await made_broken(core)
    core.uplinks["a"].answer = numbered()
    core.clock.advance(11)
    tried = [await core.send() for _ in range(4)]
    found = [(await core.settled(message, State.SUBMITTED)).uplink for message in tried]
    assert found[:2] == ["a", "a"]
    await core.until(lambda: core.pipeline.health.is_well("a"))
    message = await core.send()
    assert (await core.settled(message, State.SUBMITTED)).uplink == "a"
    await core.pipeline.stop(1)


async def test_refused_recipients_make_nobody_sick(store: Store) -> None:
    core = await started(store, config=QUICK)
    core.uplinks["a"].answer = always(REFUSED)
    for _ in range(20):
        await core.settled(await core.send(), State.REJECTED)
    assert core.pipeline.health.is_well("a")
    await core.pipeline.stop(1)


async def test_when_all_are_sick_messages_are_sent_all_the_same(store: Store) -> None:
    config = QUICK.replace('uplinks = ["a", "b"]', 'uplinks = ["a"]')
    core = await started(store, config=config)
    await made_broken(core)
    core.uplinks["a"].answer = always(accepted("1"))
    message = await core.send()
    assert (await core.settled(message, State.SUBMITTED)).uplink == "a"
    await core.pipeline.stop(1)
