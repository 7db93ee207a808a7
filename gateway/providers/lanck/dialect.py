"""Lanck's API as we serve it: sms, verify, requests and goals, failover; the rest is passed on.

method, path ─► route ─► pace ─► credentials ─► fields ─► service ─► JSON, or errorCode and errorReason
"""

from collections.abc import Sequence
from typing import Final

from gateway.errors import InvalidMessage, StoreError, StoreFull, Unauthorized
from gateway.models import Callback, Inbound, Message, NewMessage, Receipt
from gateway.providers.base import CONTENT_REASONS, CallbackRules, Refusal, Services, WebAnswer, WebRequest
from gateway.providers.feedback import tell_provider
from gateway.providers.forms import is_message_id
from gateway.providers.json_bodies import UnreadableFields, read_fields
from gateway.providers.lanck import answers, spec, verify
from gateway.providers.lanck.endpoints import Handler
from gateway.providers.lanck.request import INVALID_REQUEST, Asked, Network, Refused, read_credentials
from gateway.providers.outcomes import json_object, number_at
from gateway.providers.ports import Flow, FlowStep, NoAnswer, NotOffered
from gateway.providers.seams import LookupBatch, LookupFailed, VerifyEvent
from gateway.providers.verifying import Verification

UNAUTHORIZED: Final = 1
INACTIVE: Final = 2
TOO_MANY: Final = 4
NO_FUNDS: Final = 6
FORBIDDEN: Final = 7
MISCONFIGURED: Final = 8
REJECTED: Final = 9
INVALID_NUMBER: Final = 11
BAD_SENDER: Final = 16
NOT_FOUND: Final = 20
BAD_METHOD: Final = 25
INTERNAL: Final = 99

ERROR_BY_REASON: Final = {
    "invalid_recipient": INVALID_NUMBER,
    "sender_not_allowed": BAD_SENDER,
    "sender_blocked": BAD_SENDER,
    "rate_limited": TOO_MANY,
    "insufficient_balance": NO_FUNDS,
    "quota_exceeded": NO_FUNDS,
    "recipient_opted_out": REJECTED,
    "recipient_blocked": REJECTED,
    "recipient_not_allowed": REJECTED,
    "duplicate": REJECTED,
    "outside_hours": REJECTED,
    "no_route": REJECTED,
    "unsupported": REJECTED,
    "no_price": MISCONFIGURED,
    "no_secret_key": MISCONFIGURED,
    "unknown_account": INACTIVE,
    **dict.fromkeys(CONTENT_REASONS, INVALID_REQUEST),
    "missing_sender": BAD_SENDER,
    "invalid_sender": BAD_SENDER,
    "invalid_callback_url": INVALID_REQUEST,
}
"""Why the gateway refuses a message."""

MAX_STEPS: Final = 10
WAIT_SECONDS: Final = range(1, 86_401)
CONDITIONS: Final = ("delivered", "read")


class Lanck:
    """The dialect."""

    name = spec.NAME
    prefix = spec.PREFIX
    callback_rules = CallbackRules(give_up_seconds=86_400)

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        """Serve one request."""
        path = request.path.removeprefix(spec.VERSION)
        handlers = _route(path) if path != request.path else {}
        if not handlers:
            return answers.refused(NOT_FOUND)
        handle = handlers.get(request.method)
        if handle is None:
            return answers.refused(BAD_METHOD)
        try:
            credentials = read_credentials(request.headers, request.remote)
            if credentials is None:
                return answers.refused(UNAUTHORIZED)
            caller = services.authenticator.authenticate(credentials)
            if not caller.may("read" if request.method == "GET" else "send"):
                return answers.refused(FORBIDDEN)
            wait = services.rates.take(caller.name, spec.NAME, spec.REQUESTS_PER_SECOND, spec.REQUESTS_PER_SECOND)
            if wait:
                return answers.refused(TOO_MANY, retry_after=wait)
            return await handle(Asked(request, read_fields(request), caller, services))
        except Refused as refused:
            return answers.refused(refused.code)
        except UnreadableFields:
            return answers.refused(INVALID_REQUEST)
        except Unauthorized:
            return answers.refused(UNAUTHORIZED)
        except NotOffered:
            return answers.refused(FORBIDDEN)
        except (NoAnswer, LookupFailed):
            return answers.refused(INTERNAL)
        except InvalidMessage as error:
            return answers.refused(ERROR_BY_REASON.get(error.code, INVALID_REQUEST))
        except StoreFull as full:
            return answers.refused(TOO_MANY, retry_after=full.retry_after)
        except StoreError:
            return answers.refused(INTERNAL)

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        """Turn a request away."""
        if refusal is Refusal.INTERNAL:
            return answers.refused(INTERNAL)
        return answers.refused(INVALID_REQUEST, http_status=_HTTP_STATUS[refusal])

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """What became of a message."""
        return answers.receipt_callback(message)

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback | None:
        """A message from a handset."""
        return answers.inbound_callback(inbound, url)

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> Callback | None:
        """What became of a code on its way."""
        sent_at = verification.history[-1].sent_at if verification.history else verification.created_at
        return answers.verification_callback(verification, event, sent_at)

    def flow_callback(self, flow: Flow) -> Callback | None:
        """What became of a flow."""
        return answers.flow_callback(flow)

    def lookup_callbacks(self, batch: LookupBatch) -> Sequence[Callback]:
        """Look-ups are answered at once here."""
        return ()


_HTTP_STATUS: Final = {Refusal.TOO_LARGE: 413, Refusal.TOO_SLOW: 408, Refusal.ENCODED: 415, Refusal.BROKEN: 400}


async def _sms(asked: Asked) -> WebAnswer:
    number = asked.number()
    message = NewMessage(
        account=asked.caller.name,
        recipient=number,
        sender=asked.text("from"),
        text=asked.message_text(),
        callback_url=asked.callback_url(),
        dialect=spec.NAME,
        origin=_network(asked, number).mccmnc,
    )
    outcome = (await asked.services.intake.accept((message,)))[0]
    if isinstance(outcome, InvalidMessage):
        raise Refused(ERROR_BY_REASON.get(outcome.code, INVALID_REQUEST))
    return answers.done({"requestId": outcome.id})


def _network(asked: Asked, number: str) -> Network:
    try:
        return asked.network(number)
    except NotOffered:
        return Network()


# Requests: messages, verifications and flows, by one id.


def _request_id(asked: Asked) -> str:
    request_id = asked.request.path.rpartition("/")[2]
    if not is_message_id(request_id):
        raise Refused(NOT_FOUND)
    return request_id


async def _show(asked: Asked) -> WebAnswer:
    return answers.done(await _described(asked, _request_id(asked)))


async def _set_goal(asked: Asked) -> WebAnswer:
    request_id = _request_id(asked)
    goal = asked.required("goal")
    if len(goal) > 64 or not goal.isprintable():
        raise Refused(INVALID_REQUEST)
    content = await _described(asked, request_id)
    goals = content["goals"]
    if isinstance(goals, list) and goal not in goals:
        await _tell_provider(asked, request_id, goal)
        await asked.services.directory.add(asked.caller.name, "goal", request_id, {"goal": goal})
        goals.append(goal)
    return answers.done(content)


async def _tell_provider(asked: Asked, request_id: str, goal: str) -> None:
    """A goal is told to Lanck where its message left by it; for codes and flows, the latest message of theirs."""
    message_id = await _message_of(asked, request_id)
    told = await tell_provider(
        asked.services, asked.caller.name, spec.NAME, message_id, f"{spec.VERSION}/requests/{{id}}", {"goal": goal}
    )
    if told is not None and number_at(json_object(told.body), "errorCode") == TOO_MANY:
        raise Refused(TOO_MANY)


async def _message_of(asked: Asked, request_id: str) -> str:
    if await asked.services.lookup.message(asked.caller.name, request_id) is not None:
        return request_id
    verification = await verify.found(asked, request_id)
    if verification is not None:
        return verification.message_id
    flow = await _flow(asked, request_id)
    return flow.message_ids[-1] if flow.message_ids else request_id


async def _described(asked: Asked, request_id: str) -> dict[str, object]:
    account = asked.caller.name
    message = await asked.services.lookup.message(account, request_id)
    if message is not None:
        payload = {"number": answers.with_plus(message.recipient), "text": message.text}
        content = _request_object(asked, message.id, "sms", message.recipient, message.created_at)
        content |= {"status": answers.STATUS_BY_STATE[message.state], "sender": message.sender}
        if message.sender:
            payload["from"] = message.sender
        if message.callback_url:
            payload[spec.CALLBACK_FIELD] = message.callback_url
    elif (verification := await verify.found(asked, request_id)) is not None:
        payload = {"number": answers.with_plus(verification.number), "method": verify.method_of(verification)}
        content = _request_object(
            asked, verification.id, f"verify.{payload['method']}", verification.number, verification.created_at
        )
        content["status"] = verify.transport_status(verification)
    else:
        flow = await _flow(asked, request_id)
        payload = {"number": answers.with_plus(flow.number)}
        content = _request_object(asked, flow.id, "messaging.failover", flow.number, flow.created_at)
        content["status"] = answers.STATUS_OF_FLOW.get(flow.status, answers.WAITING)
    goals = await _goals(asked, request_id)
    return {**content, "payload": payload, "goals": goals}


def _request_object(asked: Asked, request_id: str, product: str, number: str, at: float) -> dict[str, object]:
    network = _network(asked, number)
    return {
        "id": request_id,
        "product": product,
        "number": answers.with_plus(number),
        "mccmnc": network.mccmnc,
        "network": network.name,
        "country": network.country,
        "createdAt": int(at * 1000),
    }


async def _goals(asked: Asked, request_id: str) -> list[object]:
    try:
        entries = await asked.services.directory.by_name(asked.caller.name, "goal", request_id)
    except NotOffered:
        return []
    return [entry.fields.get("goal", "") for entry in entries]


async def _flow(asked: Asked, request_id: str) -> Flow:
    try:
        flow = await asked.services.flows.find(asked.caller.name, request_id)
    except NotOffered:
        flow = None
    if flow is None:
        raise Refused(NOT_FOUND)
    return flow


# Failover flows.


async def _failover(asked: Asked) -> WebAnswer:
    number = asked.number()
    written = asked.fields.get("flow")
    if not isinstance(written, list) or not 1 <= len(written) <= MAX_STEPS:
        raise Refused(INVALID_REQUEST)
    steps = [_step(item, is_last=at == len(written) - 1) for at, item in enumerate(written)]
    flow = await asked.services.flows.begin(
        asked.caller.name, number, steps, dialect=spec.NAME, callback_url=asked.callback_url()
    )
    return answers.done({"requestId": flow.id})


def _step(item: object, *, is_last: bool) -> FlowStep:
    if not isinstance(item, dict):
        raise Refused(INVALID_REQUEST)
    channel, message, failover = item.get("type"), item.get("message"), item.get("failover")
    if channel not in ("sms", "whatsapp", *spec.CHANNELS) or not isinstance(message, dict):
        raise Refused(INVALID_REQUEST)
    text, sender = message.get("text"), message.get("from", "")
    if not isinstance(text, str) or not text or not isinstance(sender, str):
        raise Refused(INVALID_REQUEST)
    rest = {name: value for name, value in message.items() if name not in ("text", "from")}
    if failover is None:
        if not is_last:
            raise Refused(INVALID_REQUEST)
        return FlowStep(channel=channel, text=text, sender=sender, fields=rest)
    if not isinstance(failover, dict):
        raise Refused(INVALID_REQUEST)
    wait, condition = failover.get("wait"), failover.get("condition", CONDITIONS[0])
    if isinstance(wait, bool) or not isinstance(wait, int) or wait not in WAIT_SECONDS or condition not in CONDITIONS:
        raise Refused(INVALID_REQUEST)
    return FlowStep(channel=channel, text=text, sender=sender, fields=rest, wait_seconds=wait, condition=str(condition))


# Look-ups, and what is the provider's own.


async def _hlr(asked: Asked) -> WebAnswer:
    number = asked.number()
    info = await asked.services.numbers.network(asked.caller.name, number, method="hlr")
    network = info.current_network or info.original_network
    content: dict[str, object] = {
        "id": info.id,
        "product": "insight.hlr",
        "number": answers.with_plus(number),
        "mccmnc": verify.network_code(network.get("mcc", ""), network.get("mnc", "")),
        "network": network.get("name", ""),
        "country": network.get("country", ""),
        "status": _hlr_status(info.is_reachable),
        "createdAt": int(info.asked_at * 1000),
    }
    if info.is_ported is not None:
        content["ported"] = info.is_ported
    if info.imsi:
        content["imsi"] = info.imsi
    return answers.done(content)


def _hlr_status(is_reachable: bool | None) -> str:
    return {True: "DELIVERED", False: "UNDELIVERED", None: "REJECTED"}[is_reachable]


async def _fraud_check(asked: Asked) -> WebAnswer:
    number = asked.number()
    info = await asked.services.numbers.network(asked.caller.name, number, method="fraud")
    status = info.status.upper()
    if status == spec.FRAUD_STATUS_MISSPELT:
        status = spec.FRAUD_STATUSES[-1]
    return answers.done({"status": status, "mobilePrefix": info.raw.get("mobilePrefix", status != "NOT_MOBILE_PREFIX")})


async def _pass(asked: Asked) -> WebAnswer:
    return await asked.services.pass_through.forward(
        asked.caller.name, spec.NAME, asked.request, path=asked.request.path
    )


_FIXED: Final[dict[str, dict[str, Handler]]] = {
    "/sms": {"POST": _sms},
    "/verify": {"POST": verify.begin},
    "/verify/check": {"POST": verify.check},
    "/verify/info": {"POST": verify.info},
    # The document's sample posts, its clients ask by query.
    "/insight/hlr": {"GET": _hlr, "POST": _hlr},
    "/insight/fraudcheck": {"POST": _fraud_check},
    "/messaging/failover": {"POST": _failover},
    **{f"/messaging/{channel}": {"POST": _pass} for channel in (*spec.CHANNELS, "whatsapp")},
    **{f"/calls/{kind}": {"POST": _pass} for kind in spec.CALL_TYPES},
}
_REQUEST: Final[dict[str, Handler]] = {"GET": _show, "POST": _set_goal}


def _route(path: str) -> dict[str, Handler]:
    if path in _FIXED:
        return _FIXED[path]
    folder, _, name = path.rpartition("/")
    return _REQUEST if folder == "/requests" and name else {}
