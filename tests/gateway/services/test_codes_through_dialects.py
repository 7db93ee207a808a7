"""One-time codes through each dialect, over the real services and SMPP: what may be guessed, read, and for how long.

The code is read where only the handset would see it: in the message that the SMSC took.
"""

import logging
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from smpp.simulator import ThrowAwayTls, throw_away_tls
from tests.whole_path import PATIENCE_SECONDS, WholePath, whole_path

NUMBER: Final = "447400123456"
ACCOUNT: Final = """
lanck = { user = "user", password = "password" }
mobtexting = { token = "mobtexting-token" }
checkmobi = { key = "checkmobi-key" }
"""
RIGHT, WRONG, STOPPED, EXPIRED = "right", "wrong", "stopped", "expired"


async def ask(path: WholePath, method: str, url: str, authorization: str, **arguments: Any) -> Any:
    headers = {"Authorization": authorization}
    async with (
        aiohttp.ClientSession(path.url) as http,
        http.request(method, url, headers=headers, **arguments) as answer,
    ):
        return await answer.json()


@dataclass(frozen=True)
class App:
    """How one dialect's app asks for a code and gives it back."""

    digits: int
    tries: int
    """Wrong codes, after which none counts any more."""
    seconds: float
    """How long a code counts."""
    begin: Callable[[WholePath], Awaitable[str]]
    check: Callable[[WholePath, str, str], Awaitable[str]]


MOCEAN: Final = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-resp-format": "json"}


async def mocean_begin(path: WholePath) -> str:
    wanted = {"mocean-to": NUMBER, "mocean-brand": "Shop", "mocean-code-length": "6", "mocean-pin-validity": "60"}
    answer = await ask(path, "POST", "/mocean/rest/2/verify/req/sms", "", data=MOCEAN | wanted)
    assert answer["status"] == 0, answer
    return str(answer["reqid"])


async def mocean_check(path: WholePath, identifier: str, code: str) -> str:
    given = MOCEAN | {"mocean-reqid": identifier, "mocean-code": code}
    answer = await ask(path, "POST", "/mocean/rest/2/verify/check", "", data=given)
    # The document has one code for what has ended in any way.
    return {0: RIGHT, 16: WRONG, 15: STOPPED, 17: EXPIRED}[answer["status"]]


MOBTEXTING: Final = "/mobtexting/api/v2/verify"


async def mobtexting_begin(path: WholePath) -> str:
    wanted = {
        "channels": [{"name": "sms", "from": "VERIFY", "recipient": {"to": NUMBER}}],
        "payload": {"length": 8, "timeout": 60, "template": "Use {token} now"},
    }
    answer = await ask(path, "POST", f"{MOBTEXTING}/send", "Bearer mobtexting-token", json=wanted)
    assert answer["status"] == "sent", answer
    return str(answer["id"])


async def mobtexting_check(path: WholePath, identifier: str, code: str) -> str:
    answer = await ask(path, "GET", f"{MOBTEXTING}/check/{identifier}/{code}", "Bearer mobtexting-token")
    return {"success": RIGHT, "invalid": WRONG, "failed": STOPPED, "expired": EXPIRED}[answer["status"]]


LANCK: Final = "Basic " + b64encode(b"user:password").decode()


async def lanck_begin(path: WholePath) -> str:
    wanted = {"number": f"+{NUMBER}", "method": "sms", "codeLength": "6", "codeExpiry": "60", "language": "en"}
    callback = {"callbackUrl": f"{path.receiver.url}/lanck", "checkAttemptsAllowed": "4"}
    answer = await ask(path, "POST", "/lanck/v1/verify", LANCK, data=wanted | callback)
    return str(answer["requestId"])


async def lanck_check(path: WholePath, identifier: str, code: str) -> str:
    given = {"requestId": identifier, "code": code}
    answer = await ask(path, "POST", "/lanck/v1/verify/check", LANCK, data=given)
    if "verifiedAt" in answer:
        return RIGHT
    return {21: WRONG, 23: STOPPED, 22: EXPIRED}[answer["errorCode"]]


async def checkmobi_begin(path: WholePath) -> str:
    wanted = {"number": f"+{NUMBER}", "type": "sms", "notification_callback": f"{path.receiver.url}/checkmobi"}
    answer = await ask(path, "POST", "/checkmobi/v1/validation/request", "checkmobi-key", json=wanted)
    return str(answer["id"])


async def checkmobi_check(path: WholePath, identifier: str, code: str) -> str:
    given = {"id": identifier, "pin": code}
    answer = await ask(path, "POST", "/checkmobi/v1/validation/verify", "checkmobi-key", json=given)
    if "code" in answer:
        return {15: STOPPED, 16: EXPIRED}[answer["code"]]
    return RIGHT if answer["validated"] else WRONG


APPS: Final = {
    "mocean": App(6, 3, 60.0, mocean_begin, mocean_check),
    "mobtexting": App(8, 5, 60.0, mobtexting_begin, mobtexting_check),
    "lanck": App(6, 4, 60.0, lanck_begin, lanck_check),
    "checkmobi": App(4, 3, 3_600.0, checkmobi_begin, checkmobi_check),
}


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


def wrong(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}d}"


def holds(octets: bytes, code: str) -> bool:
    """Whether a code stands somewhere by itself."""
    return re.search(rb"(?<![0-9A-Za-z+/=_-])%s(?![0-9A-Za-z+/=_-])" % code.encode(), octets) is not None


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
) -> None:
    caplog.set_level(logging.DEBUG)

    def looked_into() -> bytes:
        return b"".join(file.read_bytes() for file in sorted(tmp_path.glob("gateway.db*")))

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
