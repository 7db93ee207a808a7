"""One-time codes through each dialect, and what whoever copies the database has: while callbacks wait, after crashes.

A crash is a copy of the database's files as they are at that moment; another gateway goes on with the copy. The code is
read where only the handset would see it, afterwards: then all that was copied before is searched for it.
"""

import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway import config as settings
from gateway.app import Gateway
from gateway.models import State
from gateway.services import codes
from smpp.simulator import Arrival, Outcome, Simulator
from tests.gateway.services.code_apps import ACCOUNT, APPS, NUMBER, RIGHT, WRONG, App, holds, unseen_codes, wrong
from tests.gateway.services.kept_octets import KeptOctets
from tests.postgres import Cluster
from tests.whole_path import PATIENCE_SECONDS, Receiver, config_text, receiver

NODE = '[node]\nsecret_key = "the same after a crash"\nshutdown_seconds = 2\n'


@pytest.fixture(params=list(APPS))
def app(request: pytest.FixtureRequest) -> App:
    return APPS[request.param]


@dataclass
class Stage:
    """A gateway with one SMSC, and whoever takes its callbacks."""

    gateway: Gateway
    simulator: Simulator
    receiver: Receiver

    @property
    def url(self) -> str:
        return f"http://{self.gateway.addresses[0]}"

    async def code(self, app: App, count: int = 1) -> str:
        await self.simulator.wait_until(lambda: len(self.simulator.messages) >= count, PATIENCE_SECONDS)
        return code_in(list(self.simulator.messages.values())[-1].text, app)


def code_in(text: bytes, app: App) -> str:
    digits = "".join(chr(octet) if chr(octet).isdigit() else " " for octet in text).split()
    (code,) = [word for word in digits if len(word) == app.digits]
    return code


@dataclass
class Handset:
    """What an SMSC was given, and whether it answers."""

    outcome: Outcome | None = None
    """What becomes of messages; None: all goes well."""
    texts: list[bytes] = field(default_factory=list)

    def take(self, arrival: Arrival) -> Outcome | None:
        self.texts.append(arrival.text.encode())
        return self.outcome


@asynccontextmanager
async def smsc(handset: Handset) -> AsyncIterator[Simulator]:
    # Its receipts repeat the beginning of the message, as most do.
    async with Simulator(["smpp://127.0.0.1:0"], receipt_form="text", on_submit=handset.take) as simulator:
        yield simulator


@asynccontextmanager
async def stage(
    simulator: Simulator, taker: Receiver, folder: Path, url: str = "", *, name: str = "one"
) -> AsyncIterator[Stage]:
    text = f'{NODE}name = "{name}"\n' + config_text(tuple(simulator.urls), folder, callbacks=taker.url, more=ACCOUNT)
    if url:
        text = text.replace(f"sqlite:{folder.as_posix()}/gateway.db", url)
    # What is owed is tried once and then left, so that it is there to be looked at.
    gateway = Gateway(settings.parse(text.replace("[webhooks]", "[webhooks]\nretry_seconds = [3600]")))
    await gateway.start()
    try:
        yield Stage(gateway, simulator, taker)
    finally:
        await gateway.stop()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_codes_are_in_no_callback_that_waits(
    app: App,
    engine: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    cluster: Cluster | None = request.getfixturevalue("postgres") if engine == "postgres" else None
    url = await cluster.new_url() if cluster is not None else ""
    database = await KeptOctets.from_now(url, tmp_path, cluster)
    async with AsyncExitStack() as stack:
        taker = await stack.enter_async_context(receiver())
        taker.status = 500
        simulator = await stack.enter_async_context(smsc(Handset()))
        async with stage(simulator, taker, tmp_path, url) as here:
            monkeypatch.setattr(codes, "make_code", unseen_codes(await database.read()))
            identifier = await app.begin(here)
            code = await here.code(app)
            guess = wrong(code)
            assert await app.check(here, identifier, guess) == WRONG
            assert await app.check(here, identifier, code) == RIGHT
            await simulator.drained(PATIENCE_SECONDS)
            owed = await here.gateway.store.callbacks(limit=100)
            kept = [await database.read()]
        kept.append(await database.read())
    if app in (APPS["lanck"], APPS["checkmobi"]):
        assert owed
        assert all(one.tries or not one.failed for one in owed)
    printed = capfd.readouterr()
    logged = f"{printed.out}{printed.err}{caplog.text}".encode()
    assert b"request" in logged
    for octets in kept:
        assert NUMBER.encode() in octets
        assert not holds(octets, code) and not holds(octets, guess)
    for text in (logged, *(one.body for one in taker.received), *(one.body for one in owed)):
        assert not holds(text, code) and not holds(text, guess)


@pytest.mark.parametrize("is_sending", [False, True], ids=["queued", "sending"])
async def test_codes_outlive_a_crash_and_are_in_nothing_that_it_left(
    app: App, is_sending: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handset = Handset(Outcome(answer="none", receipt="none") if is_sending else None)
    crashed, after = tmp_path / "before", tmp_path / "after"
    crashed.mkdir()
    async with AsyncExitStack() as stack:
        taker = await stack.enter_async_context(receiver())
        simulator = await stack.enter_async_context(smsc(handset))
        async with stage(simulator, taker, crashed) as here:
            if not is_sending:
                await here.gateway._operator.uplinks.pause("main")
            monkeypatch.setattr(codes, "make_code", unseen_codes(octets(crashed)))
            identifier = await app.begin(here)
            if is_sending:
                await simulator.wait_until(lambda: bool(handset.texts), PATIENCE_SECONDS)
            (message,) = await here.gateway.store.messages("shop")
            assert message.state is (State.SENDING if is_sending else State.QUEUED)
            copy_of(crashed, after)
        image = octets(after)
        handset.outcome = None
        before = len(handset.texts)
        async with stage(simulator, taker, after) as there:
            if not is_sending:
                await there.gateway._operator.uplinks.resume("main")
            await simulator.wait_until(lambda: len(handset.texts) > before, PATIENCE_SECONDS)
            (code,) = {code_in(text, app) for text in handset.texts}
            assert await app.check(there, identifier, wrong(code)) == WRONG
            assert await app.check(there, identifier, code) == RIGHT
            await simulator.drained(PATIENCE_SECONDS)
    for kept in (image, octets(crashed), octets(after)):
        assert NUMBER.encode() in kept
        assert not holds(kept, code)


def copy_of(folder: Path, other: Path) -> None:
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("*.lock"))


def octets(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix != ".key")


async def test_a_receipt_that_waits_for_its_response_repeats_nothing_of_the_text(tmp_path: Path) -> None:
    app, handset = APPS["mobtexting"], Handset(outcome=Outcome(answer="none", receipt="before_response"))
    async with receiver() as taker, smsc(handset) as simulator, stage(simulator, taker, tmp_path) as here:
        await app.begin(here)
        await simulator.drained(PATIENCE_SECONDS)
        code = await here.code(app)
        assert await here.gateway.store.parked() == 1
    assert not holds(octets(tmp_path), code)
