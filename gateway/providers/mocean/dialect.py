"""Mocean's API as we serve it, versions 1 and 2: /sms here, the other calls as endpoints.py lists them.

    parameters ─► format ─► endpoint? ─► credentials ─► messages ─► intake ─► one result per receiver ─► XML or JSON

Every fault on the way is a status of the endpoint's code table; the format is settled first, so that faults are
written as the caller reads them.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal

import msgspec

from gateway.errors import InvalidMessage, StoreError, StoreFull, Unauthorized
from gateway.models import Callback, Inbound, Message, Receipt
from gateway.providers.base import CallbackRules, Caller, Refusal, Services, WebAnswer, WebRequest
from gateway.providers.mocean import answers, codes, lookup, reports, spec
from gateway.providers.mocean.answers import Format
from gateway.providers.mocean.asked import Asked
from gateway.providers.mocean.codes import Words
from gateway.providers.mocean.endpoints import SERVED
from gateway.providers.mocean.request import (
    Parameters,
    Receiver,
    Refused,
    Unreadable,
    read_credentials,
    read_parameters,
    read_submission,
    text_of,
)
from gateway.providers.ports import Flow, NoAnswer, NotOffered, Verification
from gateway.providers.seams import LookupBatch, LookupFailed, VerifyEvent


class MoceanOptions(msgspec.Struct, kw_only=True, frozen=True):
    """Where the provider leaves a choice."""

    report_method: Literal["PUT", "POST", "GET"] = "PUT"
    """How delivery reports are sent. The document says PUT; receivers written for version 1 take the others."""
    error_shape: Literal["documented", "both"] = "documented"
    """What a refused /sms looks like in JSON: nested in `messages`, or at the top level too.

    The Python SDK sees only the nested form and the Node SDK only the other; 'both' makes each of them raise.
    """


class Mocean:
    """The dialect."""

    name = spec.NAME
    prefix = spec.PREFIX
    callback_rules = CallbackRules()

    def __init__(self, options: MoceanOptions | None = None) -> None:
        self._options = options or MoceanOptions()

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        """Serve one request."""
        version, endpoint = _endpoint_of(request.path)
        form = Format(version=version, both=self._options.error_shape == "both")
        served = SERVED.get(endpoint)
        words = served.words if served is not None else codes.SMS
        is_sms = endpoint == "/sms" and request.method in ("GET", "POST")
        try:
            parameters = read_parameters(request, takes_json=served is not None and served.takes_json)
            form = _with_media(form, parameters, endpoint, words)
            if is_sms:
                return await self._sms(request, parameters, services, form)
            if served is None or request.method not in served.methods:
                return _refusal(False, words.unknown_request, words, form)
            return await served.handle(Asked(request, parameters, services, form, words, self._options.report_method))
        except Refused as refused:
            is_own = is_sms or not isinstance(refused, Unreadable)
            return _refusal(is_sms, refused.status if is_own else words.malformed, words, form)
        except Unauthorized:
            return _refusal(is_sms, words.unauthorized, words, form)
        except NotOffered:
            return _refusal(is_sms, words.not_offered, words, form)
        except (NoAnswer, LookupFailed):
            return _refusal(is_sms, words.system, words, form)
        except InvalidMessage:
            # What is passed on is looked at only so far: an address that cannot be called, a body over the limit.
            return _refusal(is_sms, words.malformed, words, form)
        except StoreFull as full:
            answer = _refusal(is_sms, words.throttled, words, form)
            return msgspec.structs.replace(answer, headers=(("Retry-After", str(max(1, round(full.retry_after)))),))
        except StoreError:
            return _refusal(is_sms, words.system, words, form)

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        """Turn a request away, in the format that what was read of it asks for."""
        version, endpoint = _endpoint_of(request.path)
        form = Format(version=version, both=self._options.error_shape == "both")
        words = SERVED[endpoint].words if endpoint in SERVED else codes.SMS
        with suppress(Refused):
            form = _with_media(form, read_parameters(request), endpoint, words)
        status = {Refusal.TOO_LARGE: words.too_large, Refusal.INTERNAL: words.system}.get(refusal, words.malformed)
        return _refusal(endpoint == "/sms", status, words, form, http_status=_HTTP_STATUS[refusal])

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """The delivery report; only where one was asked for, which is when the method was settled."""
        if not message.callback_method:
            return None
        return reports.receipt_callback(message, receipt, message.callback_method)

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback | None:
        """The message from a handset."""
        return reports.inbound_callback(inbound, url)

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> Callback | None:
        """Of codes nothing is reported."""
        return None

    def flow_callback(self, flow: Flow) -> Callback | None:
        """There are no flows here."""
        return None

    def lookup_callbacks(self, batch: LookupBatch) -> Sequence[Callback]:
        """Each answer, to the address that the look-up named."""
        return lookup.callbacks(batch)

    async def _sms(self, request: WebRequest, parameters: Parameters, services: Services, form: Format) -> WebAnswer:
        caller = _caller(request, parameters, services, "send")
        submission = read_submission(parameters, account=caller.name, report_method=self._options.report_method)
        accepted = await services.intake.accept(submission.messages) if submission.messages else ()
        return answers.sms_answer(_results(submission.receivers, accepted), form)


_HTTP_STATUS: Final[Mapping[Refusal, int]] = {
    Refusal.TOO_LARGE: 413,
    Refusal.TOO_SLOW: 408,
    Refusal.ENCODED: 415,
    Refusal.BROKEN: 400,
    Refusal.INTERNAL: 500,
}


def _endpoint_of(path: str) -> tuple[int, str]:
    """Version and endpoint of a path below the prefix; an endpoint that does not exist is empty."""
    for version, prefix in ((2, "/rest/2/"), (1, "/rest/1/")):
        if path.startswith(prefix):
            return version, path[len(prefix) - 1 :]
    return 2, ""


def _with_media(form: Format, parameters: Parameters, endpoint: str, words: Words) -> Format:
    wanted = text_of(parameters, "resp-format").lower() or answers.XML
    if wanted == answers.CSV and endpoint == "/account/pricing":
        return Format(wanted, form.version, form.both)
    if wanted not in (answers.XML, answers.JSON):
        raise Refused(words.unknown_request)
    return Format(wanted, form.version, form.both)


def _caller(request: WebRequest, parameters: Parameters, services: Services, role: str) -> Caller:
    credentials = read_credentials(parameters, request.headers, request.remote)
    if credentials is None:
        raise Refused(spec.UNAUTHORIZED)
    caller = services.authenticator.authenticate(credentials)
    if not caller.may(role):
        raise Refused(spec.UNAUTHORIZED)
    return caller


def _results(receivers: Sequence[Receiver], accepted: Sequence[Message | InvalidMessage]) -> list[dict[str, str | int]]:
    outcomes = iter(accepted)
    results: list[dict[str, str | int]] = []
    for receiver in receivers:
        outcome = next(outcomes) if receiver.number is not None else None
        if isinstance(outcome, Message):
            results.append({"status": spec.OK, "receiver": receiver.shown, "msgid": outcome.id})
            continue
        status = spec.BAD_DESTINATION if outcome is None else status_of(outcome)
        failed = answers.failure_fields(status, spec.SMS_STATUS)
        results.append({"status": status, "receiver": receiver.shown, "err_msg": failed["err_msg"]})
    return results


def status_of(reason: InvalidMessage) -> int:
    """The status that says why the gateway refuses a message."""
    by_reason = spec.STATUS_BY_REASON.get(reason.code)
    return by_reason if by_reason is not None else spec.STATUS_BY_FIELD.get(reason.field, spec.UNKNOWN_ERROR)


def _refusal(is_sms: bool, status: int, words: Words, form: Format, *, http_status: int = 0) -> WebAnswer:
    if is_sms:
        return answers.sms_failure(status, form, http_status=http_status)
    if words is codes.MEDIA:
        return WebAnswer(status=http_status or status, content_type="application/octet-stream", body=b"")
    if form.media == answers.CSV:
        form = Format(answers.XML, form.version, form.both)
    return answers.failure(status, words.table, form, http_status=http_status)
