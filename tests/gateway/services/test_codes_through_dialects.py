"""One-time codes through each dialect, over the real services and SMPP: what may be guessed, read, and for how long.

The code is read where only the handset would see it: in the message that the SMSC took.
"""

import logging
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.services import codes
from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.gateway.services.code_apps import (
    ACCOUNT,
    APPS,
    EXPIRED,
    NUMBER,
    RIGHT,
    STOPPED,
    WRONG,
    App,
    holds,
    unseen_codes,
    wrong,
)
from tests.whole_path import PATIENCE_SECONDS, WholePath, whole_path


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def path(tmp_path: Path, tls: ThrowAwayTls) -> AsyncIterator[WholePath]:
    async with whole_path(tmp_path, tls, more=ACCOUNT) as running:
        yield running


@pytest.fixture(params=list(APPS))
def app(request: pytest.FixtureRequest) -> App:
    return APPS[request.param]


async def code_of(path: WholePath, app: App, count: int = 1) -> str:
    """The code in the latest message that the SMSC took."""
    await path.simulator.wait_until(lambda: len(path.simulator.messages) >= count, PATIENCE_SECONDS)
    found = re.search(rb"(?<!\d)\d{%d}(?!\d)" % app.digits, list(path.simulator.messages.values())[-1].text)
    assert found is not None
    return found.group().decode()


async def test_a_code_is_right_once_and_a_wrong_one_is_not(path: WholePath, app: App) -> None:
    identifier = await app.begin(path)
    code = await code_of(path, app)
    assert await app.check(path, identifier, wrong(code)) == WRONG
    assert await app.check(path, identifier, code) == RIGHT


async def test_guessing_is_stopped_and_then_not_even_the_right_code_counts(path: WholePath, app: App) -> None:
    identifier = await app.begin(path)
    code = await code_of(path, app)
    said = [await app.check(path, identifier, wrong(code, by)) for by in range(1, app.tries + 4)]
    assert said[: app.tries - 1] == [WRONG] * (app.tries - 1)
    assert said[app.tries - 1] in (WRONG, STOPPED)
    assert set(said[app.tries :]) <= {STOPPED, EXPIRED}
    assert await app.check(path, identifier, code) in (STOPPED, EXPIRED)


async def test_a_code_counts_until_its_time_is_over(path: WholePath, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await app.begin(path)
    first_code = await code_of(path, app)
    second = await app.begin(path)
    second_code = await code_of(path, app, 2)
    verifier, ahead = path.gateway._services().verifier, [0.0]
    monkeypatch.setattr(verifier, "_clock", lambda: time.time() + ahead[0])
    ahead[0] = app.seconds - 10
    assert await app.check(path, first, first_code) == RIGHT
    ahead[0] = app.seconds + 1
    assert await app.check(path, second, second_code) == EXPIRED


async def test_a_code_is_in_no_log_no_callback_and_not_in_the_database(
    path: WholePath,
    app: App,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)

    def looked_into() -> bytes:
        return b"".join(file.read_bytes() for file in sorted(tmp_path.glob("gateway.db*")))

    monkeypatch.setattr(codes, "make_code", unseen_codes(looked_into()))
    identifier = await app.begin(path)
    code = await code_of(path, app)
    # The message's number is there in clear, or this would look at nothing.
    kept = looked_into()
    assert NUMBER.encode() in kept and not holds(kept, code)
    guess = wrong(code)
    assert await app.check(path, identifier, guess) == WRONG
    assert await app.check(path, identifier, code) == RIGHT
    await path.simulator.drained(PATIENCE_SECONDS)
    await path.gateway.stop()
    kept = looked_into()
    assert NUMBER.encode() in kept and not holds(kept, code) and not holds(kept, guess)
    printed = capfd.readouterr()
    logged = f"{printed.out}{printed.err}{caplog.text}".encode()
    assert b"request" in logged and not holds(logged, code) and not holds(logged, guess)
    assert not any(holds(one.body, code) for one in path.receiver.received)
