"""Validation of numbers in CheckMobi's words: a pin by SMS, by a call that speaks it, by a missed call's number."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Final

from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.checkmobi import answers, spec
from gateway.providers.checkmobi.request import (
    BAD_ID,
    BAD_NUMBER,
    BAD_PAYLOAD,
    BAD_TYPE,
    BLOCKED,
    EXPIRED,
    NO_FUNDS,
    NO_METHOD,
    TOO_MANY,
    TOO_MANY_PINS,
    Asked,
    Refused,
    no_such_thing,
)
from gateway.providers.forms import is_message_id
from gateway.providers.ports import NoAnswer, NotOffered
from gateway.providers.verifying import (
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
    VerifyStep,
)

CHANNEL_BY_TYPE: Final[Mapping[str, tuple[str, str]]] = {
    "sms": ("sms", "SMS"),
    "ivr": ("voice", "IVR"),
    "reverse_cli": ("flash_call", "RCL"),
}
"""Our channel, and what ids of the type begin with."""

CODE_LENGTH: Final = 4
CODE_BY_PROBLEM: Final[Mapping[VerifyProblem, int]] = {
    VerifyProblem.NOT_FOUND: BAD_ID,
    VerifyProblem.WRONG_CODE: TOO_MANY_PINS,
    VerifyProblem.TOO_MANY_ATTEMPTS: TOO_MANY_PINS,
    VerifyProblem.EXPIRED: EXPIRED,
    VerifyProblem.ENDED: BAD_ID,
    VerifyProblem.CONCURRENT: TOO_MANY,
    VerifyProblem.TOO_SOON: TOO_MANY,
    VerifyProblem.TOO_MANY_SENDS: TOO_MANY,
    VerifyProblem.BLOCKED: BLOCKED,
    VerifyProblem.BAD_NUMBER: BAD_NUMBER,
    VerifyProblem.BAD_SENDER: BAD_PAYLOAD,
    VerifyProblem.BAD_REQUEST: BAD_PAYLOAD,
    VerifyProblem.NO_ROUTE: NO_METHOD,
    VerifyProblem.NO_FUNDS: NO_FUNDS,
}
"""A wrong code is an error only when it was the last that is allowed."""

ADVISED: Final = ("reverse_cli", "sms", "ivr")
HASHED_DIGITS: Final = 3
RETRY_SECONDS: Final = 60
"""What remote-config advises between two attempts."""

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_APP_HASH: Final = re.compile(r"[A-Za-z0-9+/]{11}")


def _code(error: VerifyError) -> int:
    if error.problem is VerifyProblem.BLOCKED and error.guard == "number":
        return TOO_MANY
    return CODE_BY_PROBLEM[error.problem]


async def request(asked: Asked) -> WebAnswer:
    """/validation/request."""
    info = asked.number()
    kind = asked.required("type")
    if kind not in CHANNEL_BY_TYPE:
        raise Refused(BAD_TYPE)
    channel, mark = CHANNEL_BY_TYPE[kind]
    asked.platform()
    wanted = VerifyRequest(
        id=f"{mark}-{str(uuid.uuid4()).upper()}",
        number=info.number,
        dialect=spec.NAME,
        language=_language(asked),
        code_length=CODE_LENGTH,
        validity_seconds=spec.VALIDATION_SECONDS,
        max_attempts=spec.VALIDATION_ATTEMPTS,
        max_sends=1,
        allow_concurrent=True,
        skip_unavailable=False,
        sms_retriever_hash=_app_hash(asked),
        steps=(VerifyStep(channel=channel),),
        callback_url=asked.callback_url(),
        remote=asked.request.headers.get("X-Client-IP", "").strip()[:64],
        extra={"type": kind, "description": answers.description(info)},
    )
    try:
        begun = await asked.services.verifier.begin(asked.caller.name, wanted)
    except VerifyError as error:
        raise Refused(_code(error)) from None
    except NotOffered:
        raise Refused(NO_METHOD) from None
    content: dict[str, object] = {"id": begun.id, "type": kind, "validation_info": answers.number_info(info)}
    if kind == "reverse_cli":
        content["pin_hash"] = _pin_hash(begun.extra)
    return answers.done(content)


def _pin_hash(extra: Mapping[str, str]) -> str:
    """As the provider that calls has it, or made of the number that it will call from."""
    caller = extra.get("from", "")
    if "pin_hash" in extra or not caller:
        return extra.get("pin_hash", "")
    # "SHA1 over the last 3 digits of the incoming call."
    return hashlib.sha1(caller[-HASHED_DIGITS:].encode(), usedforsecurity=False).hexdigest()


def _language(asked: Asked) -> str:
    language = asked.text("language")
    if language and not _LANGUAGE.fullmatch(language):
        raise Refused(BAD_PAYLOAD)
    return language.lower()


def _app_hash(asked: Asked) -> str:
    written = asked.text("android_app_hash")
    if written and not _APP_HASH.fullmatch(written):
        raise Refused(BAD_PAYLOAD)
    return written


async def verify(asked: Asked) -> WebAnswer:
    """/validation/verify: a wrong pin is an answer, not an error, until there were too many."""
    validation_id, pin = asked.required("id"), asked.required("pin")
    fields = {"use_server_hangup": "true"} if asked.flag("use_server_hangup", default=False) else {}
    if not is_message_id(validation_id):
        raise Refused(BAD_ID)
    verifier, account = asked.services.verifier, asked.caller.name
    try:
        checked = await verifier.check(account, validation_id, pin, fields=fields)
    except VerifyError as error:
        is_wrong = error.problem is VerifyProblem.WRONG_CODE and error.attempts_left > 0
        is_done = error.problem is VerifyProblem.ENDED
        known = await verifier.find(account, validation_id) if is_wrong or is_done else None
        if known is None or (is_done and known.status is not VerifyStatus.VERIFIED):
            raise Refused(_code(error)) from None
        checked = known
    return answers.done(answers.validation(checked, await _charged(asked, checked)))


async def status(asked: Asked) -> WebAnswer:
    """/validation/status/{id}."""
    found = await _found(asked)
    return answers.done(answers.validation(found, await _charged(asked, found)))


async def _charged(asked: Asked, verification: Verification) -> Decimal:
    """What its messages cost so far; calls are between their provider and the operator."""
    charged = Decimal(0)
    with suppress(NotOffered):
        for send in verification.history:
            if send.channel == "sms" and send.message_id:
                charged += await asked.services.ledger.charged(asked.caller.name, send.message_id)
    return charged


async def _found(asked: Asked) -> Verification:
    found = None
    if is_message_id(asked.rest):
        found = await asked.services.verifier.find(asked.caller.name, asked.rest)
    if found is None:
        raise no_such_thing()
    return found


async def hang_up(asked: Asked) -> bool:
    """DELETE /call/{id} also ends a validation that calls; whether it was one of ours."""
    if not is_message_id(asked.rest):
        return False
    try:
        found = await asked.services.verifier.find(asked.caller.name, asked.rest)
        if found is None:
            return False
        await asked.services.verifier.cancel(asked.caller.name, asked.rest)
    except NotOffered:
        return False
    except VerifyError as error:
        raise Refused(_code(error)) from None
    if found.channel != "sms" and is_message_id(found.message_id):
        # It may be ringing: the provider that calls knows it by an id of its own.
        with suppress(NotOffered, NoAnswer):
            path = f"{spec.VERSION}/call/{found.message_id}"
            request = WebRequest(method="DELETE", path=path)
            await asked.services.pass_through.forward(asked.caller.name, spec.NAME, request, path=path)
    return True


async def remote_config(asked: Asked) -> WebAnswer:
    """/validation/remote-config: in which order an app is to try; what costs least comes first."""
    info = asked.number()
    asked.platform(is_required=True)
    _language(asked)
    settings: list[dict[str, object]] = [
        {"type": kind, "max_attempts": spec.VALIDATION_ATTEMPTS, "delay": RETRY_SECONDS}
        for kind in ADVISED
        if is_offered(asked, kind)
    ]
    for setting in settings:
        if setting["type"] == "sms":
            setting["sms_template"] = "%code%"
    return answers.done({"settings": settings, **answers.number_info(info)})


def is_offered(asked: Asked, kind: str) -> bool:
    """Whether numbers can be validated so."""
    try:
        return asked.services.verifier.is_offered(asked.caller.name, CHANNEL_BY_TYPE[kind][0])
    except NotOffered:
        return False
