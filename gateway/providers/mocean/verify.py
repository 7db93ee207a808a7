"""One-time codes in Mocean's words.

/verify/req            paid for when it succeeds: SMS, SMS again, then a call; one at a time for a number and brand
/verify/req/sms        paid for each code; /verify/resend/sms sends a fresh one
/verify/req/telegram   .../email   the provider's own: passed on
/verify/check          the code back
"""

from contextlib import suppress
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.forms import is_message_id
from gateway.providers.mocean import spec
from gateway.providers.mocean.asked import Asked
from gateway.providers.mocean.codes import VERIFY_PROBLEM
from gateway.providers.mocean.request import Refused
from gateway.providers.numbers import (
    SenderMalformed,
    SenderTooLong,
    recipient_digits,
    sender_address,
    without_international_prefix,
)
from gateway.providers.ports import NotOffered, Verification, VerifyError, VerifyProblem, VerifyRequest, VerifyStep

NO_BRAND: Final = 4
NO_RECEIVER: Final = 5
BAD_RECEIVER: Final = 6
NO_REQUEST_ID: Final = 7
NO_CODE: Final = 8
BRAND_TOO_LONG: Final = 9
SENDER_TOO_LONG: Final = 10
BAD_CODE_LENGTH: Final = 11
BAD_VALIDITY: Final = 13
BAD_WAIT: Final = 14
UNKNOWN_REQUEST_ID: Final = 17
NO_BOT: Final = 26

CODE_LENGTHS: Final = ("4", "6")
VALIDITY_SECONDS: Final = range(60, 3_601)
WAIT_SECONDS: Final = range(60, 901)
DEFAULT_VALIDITY: Final = 300
DEFAULT_WAIT: Final = 60
MAX_ATTEMPTS: Final = 3
MAX_BRAND: Final = 30
"""Characters. The document has a code for more but not the number: so long a name leaves room for text and code."""
REACHABILITY: Final = {"is_number_reachable": "unknown"}
"""Nobody is asked before a code leaves."""
MAX_CODES: Final = 5
"""Codes of one pay-per-attempt request; the document sets no limit, an open tap serves only pumps."""


async def request_conversion(asked: Asked) -> WebAnswer:
    """/verify/req."""
    wait = _number(asked, "next-event-wait", WAIT_SECONDS, DEFAULT_WAIT, BAD_WAIT)
    steps = (
        VerifyStep(channel="sms", wait_seconds=wait),
        VerifyStep(channel="sms", wait_seconds=wait),
        VerifyStep(channel="voice"),
    )
    begun = await _begin(asked, default_length=6, steps=steps, per_conversion=True)
    return asked.success(_begun(begun), old_wrapper="verify_request")


async def request_sms(asked: Asked) -> WebAnswer:
    """/verify/req/sms."""
    begun = await _begin(asked, default_length=4, steps=(VerifyStep(),), per_conversion=False)
    return asked.success({**_begun(begun), **REACHABILITY}, old_wrapper="verify_request")


async def request_elsewhere(asked: Asked) -> WebAnswer:
    """/verify/req/telegram and /verify/req/email: checked as far as the document goes, then the provider's."""
    caller = asked.caller("send")
    if asked.request.path.endswith("/telegram"):
        asked.required("from", NO_BOT)
    asked.required("to", NO_RECEIVER)
    if len(asked.required("brand", NO_BRAND)) > MAX_BRAND:
        raise Refused(BRAND_TOO_LONG)
    if asked.text("code-length") not in ("", *CODE_LENGTHS):
        raise Refused(BAD_CODE_LENGTH)
    _number(asked, "pin-validity", VALIDITY_SECONDS, DEFAULT_VALIDITY, BAD_VALIDITY)
    return await asked.passed(caller.name)


async def resend_sms(asked: Asked) -> WebAnswer:
    """/verify/resend/sms."""
    caller = asked.caller("send")
    request_id = _request_id(asked)
    try:
        sent = await asked.services.verifier.resend(caller.name, request_id, channel="sms")
    except VerifyError as error:
        return await _elsewhere(asked, caller.name, error)
    count = str(max(1, sent.sends - 1))
    return asked.success({**_begun(sent), **REACHABILITY, "resend_number": count})


async def check(asked: Asked) -> WebAnswer:
    """/verify/check."""
    caller = asked.caller("send")
    request_id = _request_id(asked)
    code = asked.required("code", NO_CODE)
    try:
        verified = await asked.services.verifier.check(caller.name, request_id, code)
    except VerifyError as error:
        return await _elsewhere(asked, caller.name, error)
    return asked.success({"reqid": verified.id, "status": spec.OK}, old_wrapper="verify_check")


async def _elsewhere(asked: Asked, account: str, error: VerifyError) -> WebAnswer:
    """A request we do not know may be one that was passed on to the provider."""
    if error.problem is VerifyProblem.NOT_FOUND:
        with suppress(NotOffered):
            return await asked.passed(account)
    raise _refused(error) from None


def _refused(error: VerifyError) -> Refused:
    return Refused(VERIFY_PROBLEM[error.problem])


async def _begin(
    asked: Asked, *, default_length: int, steps: tuple[VerifyStep, ...], per_conversion: bool
) -> Verification:
    caller = asked.caller("send")
    number = _receiver(asked.required("to", NO_RECEIVER))
    brand = asked.required("brand", NO_BRAND)
    if len(brand) > MAX_BRAND:
        raise Refused(BRAND_TOO_LONG)
    length = asked.text("code-length") or str(default_length)
    if length not in CODE_LENGTHS:
        raise Refused(BAD_CODE_LENGTH)
    wanted = VerifyRequest(
        number=number,
        dialect=spec.NAME,
        brand=brand,
        sender=_sender(asked.text("from")),
        template=asked.text("template"),
        code_length=int(length),
        validity_seconds=_number(asked, "pin-validity", VALIDITY_SECONDS, DEFAULT_VALIDITY, BAD_VALIDITY),
        max_attempts=MAX_ATTEMPTS,
        max_sends=len(steps) if len(steps) > 1 else MAX_CODES,
        per_conversion=per_conversion,
        allow_concurrent=not per_conversion,
        steps=steps,
    )
    try:
        return await asked.services.verifier.begin(caller.name, wanted)
    except VerifyError as error:
        raise _refused(error) from None


def _begun(begun: Verification) -> dict[str, object]:
    return {"reqid": begun.id, "status": spec.OK, "to": begun.number}


def _request_id(asked: Asked) -> str:
    written = asked.required("reqid", NO_REQUEST_ID)
    if not is_message_id(written):
        raise Refused(UNKNOWN_REQUEST_ID)
    return written


def _receiver(written: str) -> str:
    digits = "".join(character for character in written if character in "0123456789")
    number = recipient_digits(digits if written.startswith("+") else without_international_prefix(digits))
    if number is None:
        raise Refused(BAD_RECEIVER)
    return number


def _sender(written: str) -> str:
    if not written:
        return ""
    try:
        return sender_address(written)
    except (SenderTooLong, SenderMalformed):
        raise Refused(SENDER_TOO_LONG) from None


def _number(asked: Asked, name: str, allowed: range, default: int, status: int) -> int:
    written = asked.text(name)
    if not written:
        return default
    if not (written.isascii() and written.isdigit() and len(written) < 9 and int(written) in allowed):
        raise Refused(status)
    return int(written)
