"""Reading a Lanck request: who asks, and fields that are checked as they are taken."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.providers.base import Caller, Credentials, Services, WebRequest
from gateway.providers.forms import is_web_address
from gateway.providers.json_bodies import Fields, UnreadableFields, text_field
from gateway.providers.lanck import spec
from gateway.providers.numbers import recipient_digits

INVALID_REQUEST: Final = 10
INVALID_NUMBER: Final = 11


class Refused(Exception):
    """The request is refused with a row of the error table.

    Attributes:
        code: its errorCode.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"errorCode {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in."""

    request: WebRequest
    fields: Fields
    caller: Caller
    services: Services

    def text(self, name: str) -> str:
        """A field as text without blanks round it; empty where it is absent.

        Raises:
            Refused: it is neither text nor a number.
        """
        try:
            return text_field(self.fields, name).strip()
        except UnreadableFields:
            raise Refused(INVALID_REQUEST) from None

    def required(self, name: str) -> str:
        """A field that has to be there.

        Raises:
            Refused: it is not.
        """
        text = self.text(name)
        if not text:
            raise Refused(INVALID_REQUEST)
        return text

    def message_text(self) -> str:
        """The text to be sent, every blank in its place.

        Raises:
            Refused: there is none.
        """
        try:
            text = text_field(self.fields, "text")
        except UnreadableFields:
            raise Refused(INVALID_REQUEST) from None
        if not text:
            raise Refused(INVALID_REQUEST)
        return text

    def number(self) -> str:
        """The digits of `number`.

        Raises:
            Refused: it is absent or no number.
        """
        digits = recipient_digits(self.required("number"))
        if digits is None:
            raise Refused(INVALID_NUMBER)
        return digits

    def callback_url(self) -> str:
        """Where this request is to be reported; empty: nowhere.

        Raises:
            Refused: it is no web address.
        """
        url = self.text(spec.CALLBACK_FIELD)
        if url and not is_web_address(url):
            raise Refused(INVALID_REQUEST)
        return url

    def whole(self, name: str, allowed: range, default: int) -> int:
        """A whole number within limits.

        Raises:
            Refused: it is none of them.
        """
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) in allowed):
            raise Refused(INVALID_REQUEST)
        return int(text)

    def network(self, number: str) -> "Network":
        """What the prefix of a number says; nothing where nobody looks numbers up."""
        found = self.services.numbers.brief(number)
        return Network(network_code(found.mcc, found.mnc), found.carrier, found.country)


@dataclass(frozen=True, slots=True)
class Network:
    """The network that a number's prefix was given to."""

    mccmnc: str = ""
    name: str = ""
    country: str = ""


def network_code(mcc: str, mnc: str) -> str:
    """Both codes in one, the network's with three digits: 282 and 02 are 282002."""
    return mcc + mnc.zfill(3) if mcc and mnc else ""


def read_credentials(headers: Mapping[str, str], remote: str) -> Credentials | None:
    """The access token, which is a user and a password joined by a colon; None where there is none."""
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    if not (colon and user and password):
        return None
    return Credentials(door=spec.NAME, key=user, secret=password, remote=remote)
