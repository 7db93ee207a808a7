"""One-time codes in Lanck's words."""

import ipaddress
from collections.abc import Mapping
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.forms import is_message_id
from gateway.providers.lanck import answers, spec
from gateway.providers.lanck.request import INVALID_REQUEST, Asked, Refused, network_code
from gateway.providers.ports import NotOffered
from gateway.providers.verifying import (
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
    VerifyStep,
)

__all__ = ["begin", "check", "found", "info", "method_of", "network_code", "transport_status"]

CHANNEL_BY_METHOD: Final[Mapping[str, str]] = {"sms": "sms", "voice": "voice", "call": "flash_call"}
EXPIRY_SECONDS: Final = range(30, 86_401)
ATTEMPTS: Final = range(1, 11)
DEFAULT_EXPIRY: Final = 600
DEFAULT_ATTEMPTS: Final = 5
"""Neither default is written down."""

ERROR_BY_PROBLEM: Final[Mapping[VerifyProblem, int]] = {
    VerifyProblem.NOT_FOUND: 20,
    VerifyProblem.WRONG_CODE: 21,
    VerifyProblem.TOO_MANY_ATTEMPTS: 23,
    VerifyProblem.EXPIRED: 22,
    VerifyProblem.ENDED: 22,
    VerifyProblem.CONCURRENT: 4,
    VerifyProblem.TOO_SOON: 4,
    VerifyProblem.TOO_MANY_SENDS: 4,
    VerifyProblem.BLOCKED: 9,
    VerifyProblem.BAD_NUMBER: 11,
    VerifyProblem.BAD_SENDER: 16,
    VerifyProblem.BAD_REQUEST: 10,
    VerifyProblem.NO_ROUTE: 9,
    VerifyProblem.NO_FUNDS: 6,
}


async def begin(asked: Asked) -> WebAnswer:
    """/verify."""
    number = asked.number()
    method = asked.required("method")
    language = asked.text("language").lower() or spec.DEFAULT_LANGUAGE
    if method not in CHANNEL_BY_METHOD or language not in spec.LANGUAGES:
        raise Refused(INVALID_REQUEST)
    length = asked.whole("codeLength", range(min(spec.CODE_LENGTHS), max(spec.CODE_LENGTHS) + 1), 4)
    try:
        network = asked.network(number).mccmnc
    except NotOffered:
        network = ""
    wanted = VerifyRequest(
        number=number,
        dialect=spec.NAME,
        sender=asked.text("from"),
        language=language,
        code_length=length,
        validity_seconds=asked.whole("codeExpiry", EXPIRY_SECONDS, DEFAULT_EXPIRY),
        max_attempts=asked.whole("checkAttemptsAllowed", ATTEMPTS, DEFAULT_ATTEMPTS),
        max_sends=1,
        allow_concurrent=True,
        skip_unavailable=False,
        steps=(VerifyStep(channel=CHANNEL_BY_METHOD[method]),),
        callback_url=asked.callback_url(),
        remote=_address(asked.text("ip")),
        extra={"method": method, "mccmnc": network},
    )
    try:
        begun = await asked.services.verifier.begin(asked.caller.name, wanted)
    except VerifyError as error:
        raise Refused(ERROR_BY_PROBLEM[error.problem]) from None
    return answers.done({"requestId": begun.id})


async def check(asked: Asked) -> WebAnswer:
    """/verify/check."""
    request_id, code = _request_id(asked), asked.required("code")
    try:
        verified = await asked.services.verifier.check(asked.caller.name, request_id, code)
    except VerifyError as error:
        is_last = error.problem is VerifyProblem.WRONG_CODE and error.attempts_left == 0
        problem = VerifyProblem.TOO_MANY_ATTEMPTS if is_last else error.problem
        raise Refused(ERROR_BY_PROBLEM[problem]) from None
    return answers.done(
        {
            "number": answers.with_plus(verified.number),
            "method": method_of(verified),
            "verifiedAt": int(verified.verified_at),
        }
    )


async def info(asked: Asked) -> WebAnswer:
    """/verify/info."""
    verification = await found(asked, _request_id(asked))
    if verification is None:
        raise Refused(ERROR_BY_PROBLEM[VerifyProblem.NOT_FOUND])
    content: dict[str, object] = {
        "status": answers.verify_status(verification.status),
        "number": answers.with_plus(verification.number),
        "method": method_of(verification),
        "verificationRequestedAt": int(verification.created_at),
        "checkAttempts": verification.attempts,
    }
    if verification.status is VerifyStatus.VERIFIED:
        content["verifiedAt"] = int(verification.verified_at)
    return answers.done(content)


async def found(asked: Asked, request_id: str) -> Verification | None:
    """A verification of the caller's; None where there is none of this id, or nobody makes codes here."""
    try:
        return await asked.services.verifier.find(asked.caller.name, request_id)
    except NotOffered:
        return None


def method_of(verification: Verification) -> str:
    """sms, voice or call, as it was asked for."""
    return verification.extra.get("method", "sms")


def transport_status(verification: Verification) -> str:
    """What became of the latest code on its way."""
    if verification.status is VerifyStatus.VERIFIED:
        return answers.DELIVERED
    if verification.status is VerifyStatus.UNDELIVERED:
        return answers.UNDELIVERED
    latest = verification.history[-1].status if verification.history else "sent"
    return {"delivered": answers.DELIVERED, "read": answers.DELIVERED, "failed": answers.UNDELIVERED}.get(
        latest, answers.SENT
    )


def _request_id(asked: Asked) -> str:
    request_id = asked.required("requestId")
    if not is_message_id(request_id):
        raise Refused(ERROR_BY_PROBLEM[VerifyProblem.NOT_FOUND])
    return request_id


def _address(written: str) -> str:
    if not written:
        return ""
    try:
        return str(ipaddress.ip_address(written))
    except ValueError:
        raise Refused(INVALID_REQUEST) from None
