"""What a provider's answer means where all providers mean the same by it.

Whether a request may be sent again hangs on whether it was surely not carried out. A refusal in the provider's own
words says so; a status without such words says so only where HTTP does.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.models import Outcome, SubmitResult
from gateway.providers.connecting import Answered, HttpReply
from smpp.status import CommandStatus as Status

MAX_RETRY_AFTER_SECONDS: Final = 3_600.0
ERROR_LENGTH: Final = 200


class Fault(NamedTuple):
    """What one of a provider's error codes means to us."""

    outcome: Outcome
    status: Status
    """As an SMPP customer would have been told."""
    is_ours: bool = False
    """Whether it is the provider, or our account there, that cannot: nothing is wrong with the message."""


def bad(status: Status) -> Fault:
    """The message is refused, and will be again."""
    return Fault(Outcome.REJECTED, status)


def later(status: Status) -> Fault:
    """The message may go another time, or another way."""
    return Fault(Outcome.RETRY, status)


def down(status: Status) -> Fault:
    """No message can go this way now."""
    return Fault(Outcome.RETRY, status, is_ours=True)


TOO_FAST: Final = Fault(Outcome.THROTTLED, Status.ESME_RTHROTTLED)


def accepted(provider_id: str) -> Answered:
    """The provider took the message."""
    return Answered(result=SubmitResult(Outcome.ACCEPTED, provider_id))


def failed(fault: Fault, provider: str, code: object, text: str, reply: HttpReply) -> Answered:
    """The provider refused it in its own words."""
    words = f"{provider} {code}: {clean(text)}" if text else f"{provider} {code}"
    result = SubmitResult(
        fault.outcome, "", f"{words} ({fault.status.name})", int(fault.status), retry_after(reply.headers)
    )
    return Answered(result=result, is_fault=fault.is_ours, too_fast=fault.outcome is Outcome.THROTTLED)


def unread(provider: str, reply: HttpReply) -> Answered:
    """An answer without words that we know: only its HTTP status is left."""
    status = reply.status
    if status == 429:
        return failed(TOO_FAST, provider, "HTTP 429", "", reply)
    if status in (401, 403):
        return failed(down(Status.ESME_RINVPASWD), provider, f"HTTP {status}", "", reply)
    # RFC 9110 §15.5.9, §15.6.4: not received whole; not carried out.
    if status in (408, 503):
        return failed(down(Status.ESME_RSYSERR), provider, f"HTTP {status}", "", reply)
    if 300 <= status < 400:
        return failed(down(Status.ESME_RSYSERR), provider, f"HTTP {status}", "redirects are not followed", reply)
    if 400 <= status < 500:
        return failed(bad(Status.ESME_RSUBMITFAIL), provider, f"HTTP {status}", "", reply)
    said = "cannot be read" if 200 <= status < 300 else "says nothing of the message"
    error = f"{provider}: an answer with HTTP status {status} {said}"
    return Answered(result=SubmitResult(Outcome.IN_DOUBT, "", error, int(Status.ESME_RSYSERR)), is_fault=True)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, where the answer says so. RFC 9110 §10.2.3; dates are left to our own back-off."""
    written = headers.get("Retry-After", "").strip()
    if not written.isascii() or not written.isdigit() or len(written) > 6:
        return 0.0
    return min(float(written), MAX_RETRY_AFTER_SECONDS)


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object; empty where it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_at(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that has something, as text; numbers too."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def number_at(fields: Mapping[str, Any], name: str) -> int | None:
    """A whole number, which some write as text."""
    written = text_at(fields, name)
    digits = written.removeprefix("-")
    return int(written) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def clean(text: str) -> str:
    """A provider's words as they may stand in a log: one line, not too long."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= ERROR_LENGTH else line[: ERROR_LENGTH - 1] + "…"


def digits_of(number: str) -> str:
    """A number without its plus sign."""
    return number.strip().removeprefix("+")


def with_plus(number: str) -> str:
    """A number as E.164 writes it; a name, and a short code, as it is."""
    return f"+{number}" if number.isascii() and number.isdigit() and len(number) > SHORT_CODE_DIGITS else number


SHORT_CODE_DIGITS: Final = 6


def basic(user: str, password: str) -> str:
    """The value of an Authorization header. RFC 7617."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
