"""What callers ask of one-time codes: whether it can be, and by which step a fresh code goes. Pure."""

from typing import Final

import msgspec

from gateway.providers.verifying import VerifyError, VerifyProblem, VerifyRequest, VerifyStep
from gateway.services import codes, templates
from gateway.services.numbers import is_possible
from gateway.services.verifications import Document

replace = msgspec.structs.replace

ID_LIMIT: Final = 64
BRAND_LIMIT: Final = 100
STEPS_LIMIT: Final = 10


def checked(request: VerifyRequest) -> VerifyRequest:
    """A request as it is kept.

    Raises:
        VerifyError: BAD_NUMBER or BAD_REQUEST.
    """
    number = request.number.strip().removeprefix("+")
    if not all(step.recipient for step in request.steps) and not is_possible(number):
        raise VerifyError(VerifyProblem.BAD_NUMBER, "no number of any country is like this one")
    own, hash_ = request.code, request.sms_retriever_hash
    for is_right, text in (
        (len(request.id) <= ID_LIMIT and "/" not in request.id, "the id is no id"),
        (len(number) <= ID_LIMIT, "the number is no number"),
        (len(request.brand) <= BRAND_LIMIT and request.brand.isprintable(), "the brand is no name"),
        (own or request.code_length in codes.LENGTHS, "codes have 3 to 10 digits"),
        (not own or codes.OWN_CODE.fullmatch(own), "the code is too short, too long, or has blanks"),
        (not request.template or templates.is_template(request.template), "the template has no place for the code"),
        (not hash_ or templates.RETRIEVER_HASH.fullmatch(hash_), "an app's hash has eleven characters"),
        (1 <= len(request.steps) <= STEPS_LIMIT, f"there are 1 to {STEPS_LIMIT} steps"),
        (min(request.validity_seconds, request.max_attempts, request.max_sends) >= 1, "a limit is below 1"),
    ):
        if not is_right:
            raise VerifyError(VerifyProblem.BAD_REQUEST, text)
    return replace(request, number=number)


def step_of(document: Document, channel: str) -> VerifyStep:
    """The step by which a fresh code goes: of the channel asked for, else as the latest went."""
    wanted = channel or document.history[-1].channel
    return next((step for step in document.request.steps if step.channel == wanted), VerifyStep(channel=wanted))
