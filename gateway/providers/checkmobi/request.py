"""Reading a CheckMobi request: the bare key, and JSON fields that are checked as they are taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.providers.base import Caller, Credentials, Services, WebRequest
from gateway.providers.checkmobi import spec
from gateway.providers.forms import is_web_address
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import NumberInfo

UNAUTHORIZED: Final = 1
BAD_NUMBER: Final = 2
BAD_ID: Final = 3
BAD_TYPE: Final = 4
NO_FUNDS: Final = 5
BAD_PAYLOAD: Final = 7
NO_METHOD: Final = 8
BAD_CALLBACK: Final = 9
BAD_EVENT: Final = 10
DISABLED: Final = 11
LIMITED: Final = 12
BLOCKED: Final = 13
TOO_MANY: Final = 14
TOO_MANY_PINS: Final = 15
EXPIRED: Final = 16
BAD_METHOD: Final = 17
NO_HLR_ROUTE: Final = 18


class Refused(Exception):
    """The request is refused with a row of the error table.

    Attributes:
        code: of the row.
        http_status: 0 where the row's own holds.
    """

    def __init__(self, code: int, http_status: int = 0) -> None:
        super().__init__(f"code {code}")
        self.code = code
        self.http_status = http_status


def no_such_thing() -> Refused:
    """For an id in a path that leads nowhere."""
    return Refused(BAD_ID, 404)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in."""

    request: WebRequest
    fields: Mapping[str, object]
    caller: Caller
    services: Services
    rest: str
    """What the path has after the call's name: an id, a number."""

    def text(self, name: str) -> str:
        """A field as text; empty where it is absent or null.

        Raises:
            Refused: it is anything else.
        """
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        # Numbers are often written as such.
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise Refused(BAD_PAYLOAD)

    def required(self, name: str) -> str:
        """A field that has to be there.

        Raises:
            Refused: it is not.
        """
        text = self.text(name)
        if not text.strip():
            raise Refused(BAD_PAYLOAD)
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false.

        Raises:
            Refused: it is anything else.
        """
        value = self.fields.get(name, default)
        if not isinstance(value, bool):
            raise Refused(BAD_PAYLOAD)
        return value

    def number(self, name: str = "number") -> NumberInfo:
        """A field that is a number which may exist.

        Raises:
            Refused: it is absent or none.
        """
        return self.parsed(self.required(name))

    def parsed(self, written: str) -> NumberInfo:
        """A number, wherever it was written.

        Raises:
            Refused: it is none.
        """
        digits = recipient_digits(written)
        if digits is None:
            raise Refused(BAD_NUMBER)
        info = self.services.numbers.parse(digits)
        if not info.is_valid:
            raise Refused(BAD_NUMBER)
        return info

    def outlined(self, written: str) -> NumberInfo:
        """A number as the answer to a message shows it.

        Raises:
            Refused: it is none.
        """
        digits = recipient_digits(written)
        if digits is None:
            raise Refused(BAD_NUMBER)
        info = self.services.numbers.outline(digits)
        if not info.is_valid:
            raise Refused(BAD_NUMBER)
        return info

    def callback_url(self) -> str:
        """Where this request is to be reported; empty: nowhere.

        Raises:
            Refused: it is no web address, or too long.
        """
        url = self.text(spec.CALLBACK_FIELD)
        if url and (not is_web_address(url) or len(url) > spec.MAX_CALLBACK_URL):
            raise Refused(BAD_CALLBACK)
        return url

    def platform(self, *, is_required: bool = False) -> str:
        """What the app runs on.

        Raises:
            Refused: it is none of the document's.
        """
        platform = self.text("platform")
        if platform not in spec.PLATFORMS and (platform or is_required):
            raise Refused(BAD_PAYLOAD)
        return platform


def read_credentials(headers: Mapping[str, str], remote: str) -> Credentials | None:
    """The secret key, which stands in its header without a scheme; None where there is none."""
    key = headers.get("Authorization", "").strip()
    return Credentials(door=spec.NAME, token=key, remote=remote) if key else None


def read_body(request: WebRequest) -> Mapping[str, object]:
    """The JSON object of a POST.

    Raises:
        Refused: it is none.
    """
    if request.method != "POST":
        return {}
    try:
        return msgspec.json.decode(request.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(BAD_PAYLOAD) from None
