"""Mocean's API as we serve it: /sms and /report/message, versions 1 and 2.

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
from gateway.providers.base import Caller, Refusal, Services, WebAnswer, WebRequest
from gateway.providers.forms import is_message_id
from gateway.providers.mocean import answers, reports, spec
from gateway.providers.mocean.answers import Format
from gateway.providers.mocean.request import (
    Parameters,
    Receiver,
    Refused,
    read_credentials,
    read_parameters,
    read_submission,
    text_of,
)


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

    def __init__(self, options: MoceanOptions | None = None) -> None:
        self._options = options or MoceanOptions()

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        """Serve one request."""
        version, endpoint = _endpoint_of(request.path)
        form = Format(version=version, both=self._options.error_shape == "both")
        is_sms = endpoint == "/sms"
        try:
            parameters = read_parameters(request)
            form = _with_media(form, parameters)
            if is_sms and request.method in ("GET", "POST"):
                return await self._sms(request, parameters, services, form)
            if endpoint == "/report/message" and request.method in ("GET", "POST"):
                return await self._report(request, parameters, services, form)
            is_sms = False
            raise Refused(spec.UNKNOWN_REQUEST)
        except Refused as refused:
            return _refusal(is_sms, refused.status, form)
        except Unauthorized:
            return _refusal(is_sms, spec.UNAUTHORIZED, form)
        except StoreFull as full:
            answer = _refusal(is_sms, spec.THROTTLED, form)
            return msgspec.structs.replace(answer, headers=(("Retry-After", str(max(1, round(full.retry_after)))),))
        except StoreError:
            return _refusal(is_sms, spec.SYSTEM_ERROR, form)

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        """Turn a request away, in the format that what was read of it asks for."""
        version, endpoint = _endpoint_of(request.path)
        form = Format(version=version, both=self._options.error_shape == "both")
        with suppress(Refused):
            form = _with_media(form, read_parameters(request))
        status, http_status = _REFUSALS[refusal]
        return _refusal(endpoint == "/sms", status, form, http_status=http_status)

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """The delivery report; only where one was asked for, which is when the method was settled."""
        if not message.callback_method:
            return None
        return reports.receipt_callback(message, receipt, message.callback_method)

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback | None:
        """The message from a handset."""
        return reports.inbound_callback(inbound, url)

    async def _sms(self, request: WebRequest, parameters: Parameters, services: Services, form: Format) -> WebAnswer:
        caller = _caller(request, parameters, services, "send")
        submission = read_submission(parameters, account=caller.name, report_method=self._options.report_method)
        accepted = await services.intake.accept(submission.messages) if submission.messages else ()
        return answers.sms_answer(_results(submission.receivers, accepted), form)

    async def _report(self, request: WebRequest, parameters: Parameters, services: Services, form: Format) -> WebAnswer:
        caller = _caller(request, parameters, services, "read")
        message_id = text_of(parameters, "msgid")
        if not is_message_id(message_id):
            raise Refused(spec.BAD_MESSAGE_ID)
        message = await services.lookup.message(caller.name, message_id)
        message_status = spec.MESSAGE_NOT_FOUND if message is None else spec.MESSAGE_STATUS[message.state]
        fields: dict[str, str | int] = {
            "status": spec.OK,
            "message_status": message_status,
            "msgid": message_id,
            # Nothing is charged here.
            "credit_deducted": "0",
        }
        return answers.success(fields, form)


_REFUSALS: Final[Mapping[Refusal, tuple[int, int]]] = {
    Refusal.TOO_LARGE: (spec.TOO_LONG, 413),
    Refusal.TOO_SLOW: (spec.INSUFFICIENT_HEADERS, 408),
    Refusal.ENCODED: (spec.INSUFFICIENT_HEADERS, 415),
    Refusal.BROKEN: (spec.INSUFFICIENT_HEADERS, 400),
    Refusal.INTERNAL: (spec.SYSTEM_ERROR, 500),
}


def _endpoint_of(path: str) -> tuple[int, str]:
    """Version and endpoint of a path below the prefix; an endpoint that does not exist is empty."""
    for version, prefix in ((2, "/rest/2/"), (1, "/rest/1/")):
        if path.startswith(prefix):
            return version, path[len(prefix) - 1 :]
    return 2, ""


def _with_media(form: Format, parameters: Parameters) -> Format:
    wanted = text_of(parameters, "resp-format").lower() or answers.XML
    if wanted not in (answers.XML, answers.JSON):
        raise Refused(spec.UNKNOWN_REQUEST)
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


def _refusal(is_sms: bool, status: int, form: Format, *, http_status: int = 0) -> WebAnswer:
    if is_sms:
        return answers.sms_failure(status, form, http_status=http_status)
    # Texts are the same wherever two tables share a number that is used here.
    table = spec.REPORT_STATUS if status in spec.REPORT_STATUS else spec.SMS_STATUS
    return answers.failure(status, table, form, http_status=http_status)
