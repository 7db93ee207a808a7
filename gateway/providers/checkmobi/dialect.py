"""CheckMobi's API as we serve it: messages, validation, look-ups; calls are passed on.

method, path ─► route ─► key ─► JSON ─► service ─► JSON, or code and error
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from gateway.errors import InvalidMessage, StoreError, StoreFull, Unauthorized
from gateway.models import Callback, Inbound, Message, NewMessage, Receipt
from gateway.providers.base import CONTENT_REASONS, CallbackRules, Refusal, Services, WebAnswer, WebRequest
from gateway.providers.checkmobi import answers, calls, lookups, spec, validation
from gateway.providers.checkmobi.request import (
    BAD_CALLBACK,
    BAD_NUMBER,
    BAD_PAYLOAD,
    BLOCKED,
    DISABLED,
    LIMITED,
    NO_FUNDS,
    NO_METHOD,
    TOO_MANY,
    UNAUTHORIZED,
    Asked,
    Refused,
    no_such_thing,
    read_body,
    read_credentials,
)
from gateway.providers.forms import is_message_id
from gateway.providers.numbers import SenderMalformed, SenderTooLong, sender_address
from gateway.providers.ports import Flow, NoAnswer, NotOffered
from gateway.providers.seams import LookupBatch, LookupFailed, VerifyEvent
from gateway.providers.verifying import Verification

Handler = Callable[[Asked], Awaitable[WebAnswer]]

CODE_BY_REASON: Final = {
    "invalid_recipient": BAD_NUMBER,
    "invalid_callback_url": BAD_CALLBACK,
    "insufficient_balance": NO_FUNDS,
    "quota_exceeded": LIMITED,
    "rate_limited": LIMITED,
    "no_route": NO_METHOD,
    "unsupported": NO_METHOD,
    "recipient_blocked": BLOCKED,
    "recipient_opted_out": BLOCKED,
    "recipient_not_allowed": BLOCKED,
    "duplicate": TOO_MANY,
    "outside_hours": LIMITED,
    "no_price": NO_METHOD,
    "unknown_account": UNAUTHORIZED,
    "sender_not_allowed": DISABLED,
    "sender_blocked": DISABLED,
    "no_secret_key": DISABLED,
    **dict.fromkeys(CONTENT_REASONS, BAD_PAYLOAD),
}
"""Why the gateway refuses a message."""


class Checkmobi:
    """The dialect."""

    name = spec.NAME
    prefix = spec.PREFIX
    callback_rules = CallbackRules(
        acknowledged_by=(200,), max_tries=1 + spec.CALLBACK_RETRIES, signature_header=spec.SIGNATURE_HEADER
    )

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        """Serve one request."""
        handle, rest = _route(request.method, request.path)
        try:
            credentials = read_credentials(request.headers, request.remote)
            if credentials is None:
                return answers.refused(UNAUTHORIZED)
            caller = services.authenticator.authenticate(credentials)
            if handle is None:
                raise no_such_thing()
            if not caller.may("read" if request.method == "GET" else "send"):
                raise Refused(DISABLED)
            return await handle(Asked(request, read_body(request), caller, services, rest))
        except Refused as refused:
            return answers.refused(refused.code, http_status=refused.http_status)
        except Unauthorized:
            return answers.refused(UNAUTHORIZED)
        except NotOffered:
            return answers.refused(DISABLED)
        except (NoAnswer, LookupFailed):
            return answers.failed(503)
        except InvalidMessage as error:
            return answers.refused(CODE_BY_REASON.get(error.code, BAD_PAYLOAD))
        except StoreFull:
            return answers.refused(LIMITED)
        except StoreError:
            return answers.failed(503)

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        """Turn a request away."""
        if refusal is Refusal.INTERNAL:
            return answers.failed(500)
        return answers.refused(BAD_PAYLOAD, http_status=_HTTP_STATUS[refusal])

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """What became of a message."""
        return answers.receipt_callback(message)

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback | None:
        """This provider takes no messages from handsets, so its apps have no ear for them."""
        return None

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> Callback | None:
        """A number that was validated; nothing else is reported."""
        return answers.validation_callback(verification) if event is VerifyEvent.VERIFIED else None

    def flow_callback(self, flow: Flow) -> Callback | None:
        """There are no flows here."""
        return None

    def lookup_callbacks(self, batch: LookupBatch) -> Sequence[Callback]:
        """The answers of a bulk look-up."""
        return answers.lookup_callbacks(batch)


_HTTP_STATUS: Final = {Refusal.TOO_LARGE: 413, Refusal.TOO_SLOW: 408, Refusal.ENCODED: 415, Refusal.BROKEN: 400}


async def _send(asked: Asked) -> WebAnswer:
    info = asked.outlined(asked.required("to"))
    text = asked.required("text")
    asked.platform()
    sender = asked.text("from").strip()
    try:
        sender = sender_address(sender) if sender else ""
    except (SenderMalformed, SenderTooLong):
        raise Refused(BAD_PAYLOAD) from None
    message = NewMessage(
        account=asked.caller.name,
        recipient=info.number,
        sender=sender,
        text=text,
        callback_url=asked.callback_url(),
        dialect=spec.NAME,
        # The description was made of the number when it was looked at: reports need it again.
        origin=answers.description(info),
        service="transactional" if asked.flag("is_transactional", default=True) else "promotional",
    )
    outcome = (await asked.services.intake.accept((message,)))[0]
    if isinstance(outcome, InvalidMessage):
        raise Refused(CODE_BY_REASON.get(outcome.code, BAD_PAYLOAD))
    return answers.done({"id": outcome.id, "number_info": answers.number_info(info)})


async def _show(asked: Asked) -> WebAnswer:
    message = None
    if is_message_id(asked.rest):
        message = await asked.services.lookup.message(asked.caller.name, asked.rest)
    if message is None:
        raise no_such_thing()
    return answers.done(answers.message_record(message))


async def _account(asked: Asked) -> WebAnswer:
    balance = await asked.services.ledger.balance(asked.caller.name)
    now = asked.services.clock()
    month = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = await asked.services.log.count_by_state(asked.caller.name, since=month.timestamp(), until=now + 1)
    sent = sum(sum(states.values()) for states in days.values())
    return answers.done(
        {
            # What the provider knows of its customers beyond their messages is not known here.
            "email": "",
            "subscription": {"id": 3, "name": spec.SUBSCRIPTIONS[3], "limit": 0},
            "cli_validations": 0,
            "sms_validations": 0,
            "ivr_validations": 0,
            "sms_api": sent,
            "voice_api": 0,
            "expiration_date": None,
            "credit_balance": float(balance.amount),
            "call_per_minute": 0,
            "sms_per_minute": 0,
            "max_concurrent_calls": 0,
        }
    )


_FIXED: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/my-account"): _account,
    ("POST", "/validation/request"): validation.request,
    ("POST", "/validation/verify"): validation.verify,
    ("POST", "/validation/remote-config"): validation.remote_config,
    ("POST", "/sms/send"): _send,
    ("POST", "/call"): calls.place,
    ("POST", "/checknumber"): lookups.check_number,
    ("GET", "/countries"): lookups.countries,
    ("GET", "/prefixes"): lookups.prefixes,
}
_BELOW: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/validation/status/"): validation.status,
    ("GET", "/sms/"): _show,
    ("GET", "/call/"): calls.show,
    ("DELETE", "/call/"): calls.hang_up,
    ("GET", "/lookup/"): lookups.look_up,
    ("POST", "/lookup/"): lookups.look_up_many,
}


def _route(method: str, path: str) -> tuple[Handler | None, str]:
    path = path.removeprefix(spec.VERSION) if path.startswith(spec.VERSION) else ""
    handle = _FIXED.get((method, path.rstrip("/")))
    if handle is not None:
        return handle, ""
    for (wanted, start), handler in _BELOW.items():
        if method == wanted and path.startswith(start) and len(path) > len(start):
            return handler, path[len(start) :]
    return None, ""
