"""Apps of the four dialects that ask for one-time codes and give them back."""

import re
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp

from tests.whole_path import Receiver


class Path(Protocol):
    """A gateway that is asked, and whoever takes its callbacks."""

    @property
    def url(self) -> str:
        """The gateway's public address."""

    @property
    def receiver(self) -> Receiver:
        """Takes callbacks."""


NUMBER: Final = "447400123456"
ACCOUNT: Final = """
lanck = { user = "user", password = "password", requests_per_second = 0 }
mobtexting = { token = "mobtexting-token", queries_per_minute = 0 }
checkmobi = { key = "checkmobi-key" }
"""
RIGHT, WRONG, STOPPED, EXPIRED = "right", "wrong", "stopped", "expired"


async def ask(path: Path, method: str, url: str, authorization: str, **arguments: Any) -> Any:
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
    begin: Callable[[Path], Awaitable[str]]
    check: Callable[[Path, str, str], Awaitable[str]]


MOCEAN: Final = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-resp-format": "json"}


async def mocean_begin(path: Path) -> str:
    wanted = {"mocean-to": NUMBER, "mocean-brand": "Shop", "mocean-code-length": "6", "mocean-pin-validity": "60"}
    answer = await ask(path, "POST", "/mocean/rest/2/verify/req/sms", "", data=MOCEAN | wanted)
    assert answer["status"] == 0, answer
    return str(answer["reqid"])


async def mocean_check(path: Path, identifier: str, code: str) -> str:
    given = MOCEAN | {"mocean-reqid": identifier, "mocean-code": code}
    answer = await ask(path, "POST", "/mocean/rest/2/verify/check", "", data=given)
    # The document has one code for what has ended in any way.
    return {0: RIGHT, 16: WRONG, 15: STOPPED, 17: EXPIRED}[answer["status"]]


MOBTEXTING: Final = "/mobtexting/api/v2/verify"


async def mobtexting_begin(path: Path) -> str:
    wanted = {
        "channels": [{"name": "sms", "from": "VERIFY", "recipient": {"to": NUMBER}}],
        "payload": {"length": 8, "timeout": 60, "template": "Use {token} now"},
    }
    answer = await ask(path, "POST", f"{MOBTEXTING}/send", "Bearer mobtexting-token", json=wanted)
    assert answer["status"] == "sent", answer
    return str(answer["id"])


async def mobtexting_check(path: Path, identifier: str, code: str) -> str:
    answer = await ask(path, "GET", f"{MOBTEXTING}/check/{identifier}/{code}", "Bearer mobtexting-token")
    return {"success": RIGHT, "invalid": WRONG, "failed": STOPPED, "expired": EXPIRED}[answer["status"]]


LANCK: Final = "Basic " + b64encode(b"user:password").decode()


async def lanck_begin(path: Path) -> str:
    wanted = {"number": f"+{NUMBER}", "method": "sms", "codeLength": "6", "codeExpiry": "60", "language": "en"}
    callback = {"callbackUrl": f"{path.receiver.url}/lanck", "checkAttemptsAllowed": "4"}
    answer = await ask(path, "POST", "/lanck/v1/verify", LANCK, data=wanted | callback)
    return str(answer["requestId"])


async def lanck_check(path: Path, identifier: str, code: str) -> str:
    given = {"requestId": identifier, "code": code}
    answer = await ask(path, "POST", "/lanck/v1/verify/check", LANCK, data=given)
    if "verifiedAt" in answer:
        return RIGHT
    return {21: WRONG, 23: STOPPED, 22: EXPIRED}[answer["errorCode"]]


async def checkmobi_begin(path: Path) -> str:
    wanted = {"number": f"+{NUMBER}", "type": "sms", "notification_callback": f"{path.receiver.url}/checkmobi"}
    answer = await ask(path, "POST", "/checkmobi/v1/validation/request", "checkmobi-key", json=wanted)
    return str(answer["id"])


async def checkmobi_check(path: Path, identifier: str, code: str) -> str:
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


def wrong(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}d}"


def holds(octets: bytes, code: str) -> bool:
    """Whether a code stands somewhere by itself."""
    return re.search(rb"(?<![0-9A-Za-z+/=_-])%s(?![0-9A-Za-z+/=_-])" % code.encode(), octets) is not None


def unseen_codes(*before: bytes) -> Callable[[int], str]:
    """Makes codes in place of the gateway: such as cannot be taken for what stood there before, nor the one after."""

    def make_code(length: int) -> str:
        while True:
            code = f"{secrets.randbelow(10**length):0{length}d}"
            if not any(holds(octets, one) for octets in before for one in (code, wrong(code))):
                return code

    return make_code
