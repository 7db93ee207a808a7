"""All services together: what the settings say, and what is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.billing import Billing
from gateway.config import parse
from gateway.errors import ConfigError, InvalidMessage
from gateway.models import State
from gateway.providers.ports import FlowStep, NotOffered, VerifyError, VerifyRequest
from gateway.sealing import Sealer
from gateway.services.assembly import NO_KEY, ServiceDesk
from gateway.services.watching import MessageWatch
from gateway.store.memory import MemoryStore
from tests.gateway.fakes import CONFIG, Core, make_core, new_message
from tests.gateway.services.desk import ACCOUNT, NUMBER, SEALER


def desk_of(
    core: Core, watch: MessageWatch, sealer: Sealer | None = SEALER, billing: Billing | None = None
) -> ServiceDesk:
    return ServiceDesk(
        lambda: core.config,
        store=core.store,
        intake=core.intake,
        opt_outs=core.opt_outs,
        dialects={},
        watch=watch,
        sealer=sealer,
        on_callbacks=lambda: None,
        clock=core.clock,
        billing=billing,
    )


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    store = MemoryStore()
    watch = MessageWatch(store.message)
    yield make_core(store, sealer=SEALER, reporters={watch.name: watch})
    await store.close()


async def test_without_a_key_codes_are_not_offered(core: Core) -> None:
    desk = desk_of(core, MessageWatch(core.store.message), None)
    with pytest.raises(NotOffered, match="secret_key"):
        await desk.verifier.begin(ACCOUNT, VerifyRequest(number=NUMBER, dialect="native"))
    assert "secret_key" in NO_KEY
    assert desk.numbers.parse(NUMBER).is_valid
    (refused,) = await make_core(core.store).intake.accept([new_message(secret=True)])
    assert isinstance(refused, InvalidMessage)
    assert refused.code == "no_secret_key"


async def test_callbacks_go_where_they_may(core: Core) -> None:
    desk = desk_of(core, MessageWatch(core.store.message))
    url = "http://169.254.169.254/latest"
    with pytest.raises(InvalidMessage, match="callback"):
        await desk.verifier.begin(ACCOUNT, VerifyRequest(number=NUMBER, dialect="native", callback_url=url))
    with pytest.raises(InvalidMessage, match="callback"):
        await desk.flows.begin(ACCOUNT, NUMBER, [FlowStep(text="x")], callback_url=url)
    assert not await core.store.messages("")


async def test_other_settings_are_put_in_force(core: Core, tmp_path: Path) -> None:
    desk = desk_of(core, MessageWatch(core.store.message))
    request = VerifyRequest(number=NUMBER, dialect="native", allow_concurrent=True)
    await desk.verifier.begin(ACCOUNT, request)
    register = tmp_path / "register.txt"
    register.write_text(NUMBER)
    more = f'[services]\ndnd_file = "{register}"\n[services.verify]\nblocked_countries = ["GB"]\n'
    put = desk.renew(parse(CONFIG + more))
    await desk.verifier.begin(ACCOUNT, request)
    put()
    with pytest.raises(VerifyError, match="country"):
        await desk.verifier.begin(ACCOUNT, request)
    assert await desk.directory.listed(ACCOUNT, "dnd", [NUMBER]) == {NUMBER}


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('[services]\ndnd_file = "/nowhere/register.txt"', "dnd_file"),
        ('[services.verify]\ncountries = ["UK"]', "countries"),
    ],
)
async def test_settings_that_cannot_be_are_refused(core: Core, more: str, key: str) -> None:
    desk = desk_of(core, MessageWatch(core.store.message))
    with pytest.raises(ConfigError, match=key):
        desk.renew(parse(CONFIG + more))


async def test_only_ends_are_told_and_only_when_they_are_kept(core: Core) -> None:
    watch = MessageWatch(core.store.message)
    told: list[tuple[str, State]] = []

    async def on_message(account: str, rest: str, message: object) -> None:
        told.append((rest, getattr(message, "state", State.UNKNOWN)))

    watch.tell("verify", on_message)
    message = await core.send(dialect="services", origin="verify/v1/0")
    watch.start()
    watch.receipt_callback(msgspec.structs.replace(message, state=State.SUBMITTED), None)
    watch.receipt_callback(msgspec.structs.replace(message, state=State.DELIVERED, origin="else/x/0"), None)
    ended = await core.intake.cancel(message.account, message.id)
    watch.receipt_callback(ended, None)
    await core.until(lambda: bool(told))
    await watch.stop()
    assert told == [("v1/0", State.DELETED)]


PREPAID = """
[[price]]
prefix = "44"
amount = 0.5
[account.shop.billing]
mode = "prepaid"
credit = 0.5
"""


async def test_a_verification_is_paid_for_when_it_succeeds() -> None:
    store = MemoryStore()
    watch = MessageWatch(store.message)
    core = make_core(store, sealer=SEALER, extra=PREPAID)
    billing = Billing(core.config, store, clock=core.clock)
    desk = desk_of(core, watch, billing=billing)
    request = VerifyRequest(number=NUMBER, dialect="native", code="4711", per_conversion=True, brand="a")
    first = await desk.verifier.begin(ACCOUNT, request)
    second = await desk.verifier.begin(ACCOUNT, msgspec.structs.replace(request, brand="b"))
    assert await store.balance(ACCOUNT) == 0
    await desk.verifier.check(ACCOUNT, first.id, "4711")
    assert await store.balance(ACCOUNT) == -500_000
    with pytest.raises(VerifyError, match="balance"):
        await desk.verifier.begin(ACCOUNT, msgspec.structs.replace(request, brand="c"))
    await desk.verifier.cancel(ACCOUNT, second.id)
    abroad = msgspec.structs.replace(request, number="60123456789")
    with pytest.raises(VerifyError, match="price"):
        await desk.verifier.begin(ACCOUNT, abroad)
    assert await store.balance(ACCOUNT) == -500_000
