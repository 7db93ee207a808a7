"""MOBtexting's API as we serve it: SMS, codes, and what an account keeps; other channels are passed on.

method (or _method), path ─► route ─► token ─► pace ─► fields and files ─► service ─► envelope
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from gateway.errors import InvalidMessage, StoreError, StoreFull, Unauthorized
from gateway.models import Callback, Inbound, Message, Receipt
from gateway.providers.base import CallbackRules, Caller, Refusal, Services, WebAnswer, WebRequest
from gateway.providers.forms import TooManyFields, parse_form
from gateway.providers.mobtexting import (
    account,
    answers,
    events,
    links,
    registered,
    reports,
    sending,
    spec,
    subscriptions,
    suppressions,
    verify,
    webhooks,
)
from gateway.providers.mobtexting.endpoints import ALSO_PASSED, DOCUMENTED
from gateway.providers.mobtexting.request import MULTIPART, Asked, Refused, credentials_of, read
from gateway.providers.ports import Directory, Entry, Flow, NoAnswer, NotOffered
from gateway.providers.seams import LookupBatch, LookupFailed, ProviderEvent, VerifyEvent
from gateway.providers.verifying import Verification

Handler = Callable[[Asked], Awaitable[WebAnswer]]

LOGS: Final = f"{spec.NAME} vmn/logs"
TRIES: Final = 3
RETRY_PAUSES: Final = (10.0, 100.0)


class Mobtexting:
    """The dialect."""

    name = spec.NAME
    prefix = spec.PREFIX
    callback_rules = CallbackRules(max_tries=TRIES, pauses=RETRY_PAUSES)

    async def answer(self, request: WebRequest, services: Services) -> WebAnswer:
        """Serve one request."""
        try:
            return await self._answer(request, services)
        except Refused as refused:
            return answers.refused(refused.http_status, refused.message, refused.errors)
        except Unauthorized:
            return answers.refused(401)
        except NotOffered:
            return answers.refused(403)
        except (NoAnswer, LookupFailed):
            return answers.refused(502)
        except InvalidMessage as error:
            return answers.refused(422, error.message)
        except StoreFull as full:
            return answers.refused(429, retry_after=full.retry_after)
        except StoreError:
            return answers.refused(503)

    async def _answer(self, request: WebRequest, services: Services) -> WebAnswer:
        if request.path.startswith(links.PATH):
            return await links.page(request, services)
        query = _query(request) if request.query else {}
        method = _method(request, query) if query else request.method
        handle, path = _route(method, request.path)
        is_passed = handle is _pass
        # What is passed on is the provider's to read; its token may stand in the query or the head.
        fields, files = (query, {}) if is_passed else read(request)
        caller = _caller(request, fields, services)
        if handle is None:
            raise Refused(405 if path else 404, "")
        if not caller.may(_role(method, handle)):
            raise Refused(403, "")
        if handle is account.inbound_log:
            wait = services.rates.take(caller.name, LOGS, spec.LOGS_PER_MINUTE / 60, spec.LOGS_PER_MINUTE)
            if wait:
                return answers.refused(429, retry_after=wait)
        if method == "GET":
            per_second = spec.GETS_PER_MINUTE / 60
            wait = services.rates.take(caller.name, spec.NAME, per_second, spec.GETS_PER_MINUTE)
            if wait:
                return answers.refused(429, retry_after=wait)
        options = services.apps.options(caller.name, spec.NAME)
        return await handle(Asked(request, caller, services, fields, files, method, path, options))

    def streams(self, request: WebRequest) -> bool:
        """Files for the provider are handed on as they come."""
        if request.content_type != MULTIPART:
            return False
        handle, _ = _route(_method(request, _query(request)), request.path)
        return handle is _pass

    def refuse(self, request: WebRequest, refusal: Refusal) -> WebAnswer:
        """Turn a request away."""
        return answers.refused(_HTTP_STATUS[refusal], refusal.value if refusal is not Refusal.INTERNAL else "")

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """The delivery report."""
        return reports.receipt_callback(message)

    def completed(self, waiting: Callback, webhook: Entry) -> Callback:
        """A report to a webhook that the app has composed, as it leaves."""
        return webhooks.completed(waiting, webhook)

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback | None:
        """A message from a handset."""
        return reports.inbound_callback(inbound, url)

    async def arrived(self, inbound: Inbound, directory: Directory) -> Sequence[Callback]:
        """A message from a handset, to those who subscribed."""
        return await events.arrived(directory, inbound)

    async def stopped(self, account: str, number: str, directory: Directory) -> Sequence[Callback]:
        """A number that asked for no more messages is an unsubscriber."""
        return await suppressions.stopped(directory, account, number)

    async def started(self, account: str, number: str, directory: Directory) -> None:
        """One that asked for them again is none."""
        await suppressions.started(directory, account, number)

    async def relayed(self, account: str, event: ProviderEvent, directory: Directory) -> Sequence[Callback]:
        """An event of another channel, to those who subscribed; who left at the provider has left here too."""
        if event.name == events.UNSUBSCRIBED:
            await suppressions.left(directory, account, event.content.get("payload"))
        return await events.relayed(directory, account, event.name, event.numbers, event.content)

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> Callback | None:
        """Verifications are asked for, not reported."""
        return None

    def flow_callback(self, flow: Flow) -> Callback | None:
        """There are no flows here."""
        return None

    def lookup_callbacks(self, batch: LookupBatch) -> Sequence[Callback]:
        """Look-ups are answered at once."""
        return ()


_HTTP_STATUS: Final = {
    Refusal.TOO_LARGE: 413,
    Refusal.TOO_SLOW: 408,
    Refusal.ENCODED: 415,
    Refusal.BROKEN: 400,
    Refusal.INTERNAL: 500,
}


def _query(request: WebRequest) -> dict[str, object]:
    try:
        return {name: value.decode("utf-8", "replace") for name, value in parse_form(request.query)}
    except TooManyFields:
        raise Refused(400, "The query has too many fields.") from None


def _method(request: WebRequest, query: Mapping[str, object]) -> str:
    wanted = str(query.get("_method", "")).upper()
    return wanted if wanted in ("PUT", "DELETE") and request.method in ("GET", "POST") else request.method


def _role(method: str, handle: Handler) -> str:
    """What a key must be good for."""
    if handle is account.add_credits:
        return "admin"
    return "read" if method == "GET" and handle is not sending.send else "send"


def _caller(request: WebRequest, fields: Mapping[str, object], services: Services) -> Caller:
    credentials = credentials_of(request, fields, request.remote)
    if credentials is None:
        raise Unauthorized("no token")
    if credentials.token.count(".") == 2:
        return services.tokens.account_of(credentials.token, spec.NAME)
    return services.authenticator.authenticate(credentials)


async def _pass(asked: Asked) -> WebAnswer:
    return await asked.services.pass_through.forward(asked.account, spec.NAME, asked.request, path=asked.request.path)


V2: Final = spec.VERSION
SERVED: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", f"{V2}/auth/me"): account.me,
    ("GET", f"{spec.JWT_VERSION}/auth/token/generate"): account.make_token,
    ("GET", f"{spec.JWT_VERSION}/auth/token/refresh"): account.make_token,
    ("GET", f"{V2}/developer/webhooks"): webhooks.list_webhooks,
    ("POST", f"{V2}/developer/webhooks"): webhooks.create_webhook,
    ("GET", f"{V2}/developer/webhooks/{{id}}"): webhooks.show_webhook,
    ("PUT", f"{V2}/developer/webhooks/{{id}}"): webhooks.change_webhook,
    ("DELETE", f"{V2}/developer/webhooks/{{id}}"): webhooks.remove_webhook,
    ("GET", f"{V2}/developer/subscriptions"): subscriptions.list_subscriptions,
    ("POST", f"{V2}/developer/subscriptions"): subscriptions.create_subscription,
    ("GET", f"{V2}/developer/subscriptions/{{id}}"): subscriptions.show_subscription,
    ("DELETE", f"{V2}/developer/subscriptions/{{id}}"): subscriptions.remove_subscription,
    ("POST", f"{V2}/sms/send"): sending.send,
    ("GET", f"{V2}/sms/send"): sending.send,
    ("POST", f"{V2}/sms/send/json"): sending.send_nodes,
    ("POST", f"{V2}/sms/send/xml"): sending.send_xml,
    ("POST", f"{V2}/sms/bulk"): sending.send_file,
    ("POST", f"{V2}/sms/send/template"): sending.send_template,
    ("POST", f"{V2}/sms/message/send"): sending.send_message,
    ("POST", f"{V2}/sms/clevertap/send"): sending.send,
    ("POST", f"{V2}/sms/clevertap/json"): sending.send_nodes,
    ("POST", f"{V2}/sms/moengage/send"): sending.send,
    ("POST", f"{V2}/sms/optout"): suppressions.opt_out,
    ("GET", f"{V2}/sms/status"): account.status,
    ("GET", f"{V2}/sms/report"): account.report,
    ("GET", f"{V2}/sms/activity"): account.activity,
    ("GET", f"{V2}/sms/pricing"): account.pricing,
    ("GET", f"{V2}/sms/locations/coveragelist"): account.coverage,
    ("GET", f"{V2}/vmn/logs"): account.inbound_log,
    ("GET", f"{V2}/finance/balance"): account.balance,
    ("POST", f"{V2}/finance/balance"): account.add_credits,
    ("POST", f"{V2}/finance/credits"): account.add_credits,
    ("GET", f"{V2}/sms/senders"): registered.list_senders,
    ("POST", f"{V2}/sms/senders"): registered.create_sender,
    ("GET", f"{V2}/sms/senders/{{id}}"): registered.show_sender,
    ("PUT", f"{V2}/sms/senders/{{id}}"): registered.change_sender,
    ("DELETE", f"{V2}/sms/senders/{{id}}"): registered.remove_sender,
    ("GET", f"{V2}/sms/templates"): registered.list_templates,
    ("POST", f"{V2}/sms/templates"): registered.create_template,
    ("GET", f"{V2}/sms/templates/{{id}}"): registered.show_template,
    ("PUT", f"{V2}/sms/templates/{{id}}"): registered.change_template,
    ("DELETE", f"{V2}/sms/templates/{{id}}"): registered.remove_template,
    ("GET", f"{V2}/sms/suppressions/unsubscribers"): suppressions.list_unsubscribers,
    ("POST", f"{V2}/sms/suppressions/unsubscribers"): suppressions.create_unsubscriber,
    ("DELETE", f"{V2}/sms/suppressions/unsubscribers"): suppressions.clear_unsubscribers,
    ("POST", f"{V2}/sms/suppressions/unsubscribers/import"): suppressions.import_unsubscribers,
    ("GET", f"{V2}/sms/suppressions/unsubscribers/{{id}}"): suppressions.show_unsubscriber,
    ("PUT", f"{V2}/sms/suppressions/unsubscribers/{{id}}"): suppressions.change_unsubscriber,
    ("DELETE", f"{V2}/sms/suppressions/unsubscribers/{{id}}"): suppressions.remove_unsubscriber,
    ("POST", f"{V2}/sms/suppressions/optout/link"): links.make_opt_out,
    ("POST", f"{V2}/sms/suppressions/optin/link"): links.make_opt_in,
    ("GET", f"{V2}/sms/suppressions/templates"): suppressions.list_blocked,
    ("POST", f"{V2}/sms/suppressions/templates"): suppressions.block_template,
    ("DELETE", f"{V2}/sms/suppressions/templates"): suppressions.clear_blocked,
    ("POST", f"{V2}/sms/suppressions/templates/import"): suppressions.import_blocked,
    ("GET", f"{V2}/sms/suppressions/templates/{{id}}"): suppressions.show_blocked,
    ("PUT", f"{V2}/sms/suppressions/templates/{{id}}"): suppressions.change_blocked,
    ("DELETE", f"{V2}/sms/suppressions/templates/{{id}}"): suppressions.remove_blocked,
    ("POST", f"{V2}/verify"): verify.send_plain,
    ("POST", f"{V2}/verify/send"): verify.send,
    ("POST", f"{V2}/verify/omni/send"): verify.send_by_profile,
    ("GET", f"{V2}/verify/check/{{id}}/{{token}}"): verify.check,
    ("GET", f"{V2}/verify/search/{{id}}"): verify.search,
    ("GET", f"{V2}/verify/cancel/{{id}}"): verify.cancel,
    ("GET", f"{V2}/verify/profiles"): verify.list_profiles,
    ("POST", f"{V2}/verify/profiles"): verify.create_profile,
    ("GET", f"{V2}/verify/profiles/{{id}}"): verify.show_profile,
    ("PUT", f"{V2}/verify/profiles/{{id}}"): verify.change_profile,
    ("DELETE", f"{V2}/verify/profiles/{{id}}"): verify.remove_profile,
    ("POST", f"{V2}/verify/profiles/{{id}}/channels"): verify.add_channels,
    ("PUT", f"{V2}/verify/profiles/{{id}}/channels"): verify.change_channels,
    ("PUT", f"{V2}/verify/profiles/{{id}}/channels/{{name}}"): verify.change_channel,
    ("DELETE", f"{V2}/verify/profiles/{{id}}/channels/{{name}}"): verify.remove_channel,
}
"""Every call that is answered here."""

_Tree = dict[str, "_Node"]


class _Node:
    """A piece of a path: what may follow, and who answers where it ends."""

    __slots__ = ("below", "handlers", "varying")

    def __init__(self) -> None:
        self.below: _Tree = {}
        self.varying: _Node | None = None
        self.handlers: dict[str, tuple[Handler, tuple[str, ...]]] = {}


def _grow() -> _Node:
    root = _Node()
    passed: list[tuple[tuple[str, str], Handler]] = [
        ((row.method, row.path), _pass) for row in (*DOCUMENTED, *ALSO_PASSED) if row.served == "pass"
    ]
    for (method, path), handler in (*passed, *SERVED.items()):
        node, names = root, []
        for piece in path.strip("/").split("/"):
            if piece.startswith("{"):
                names.append(piece[1:-1])
                node.varying = node.varying or _Node()
                node = node.varying
            else:
                node = node.below.setdefault(piece, _Node())
        node.handlers[method] = handler, tuple(names)
    return root


_ROOT: Final = _grow()
_PLAIN: Final = {key: handler for key, handler in SERVED.items() if "{" not in key[1]}
_NOTHING: Final[Mapping[str, str]] = {}


def _route(method: str, path: str) -> tuple[Handler | None, Mapping[str, str]]:
    """Who answers, and what stands for the braces; a path that exists for other methods says so."""
    plain = _PLAIN.get((method, path))
    if plain is not None:
        return plain, _NOTHING
    node: _Node | None = _ROOT
    values: list[str] = []
    for piece in path.strip("/").split("/"):
        if node is None:
            break
        found = node.below.get(piece)
        if found is None and node.varying is not None and piece:
            values.append(piece)
            found = node.varying
        node = found
    if node is None or not node.handlers:
        return None, {}
    handler, names = node.handlers.get(method, (None, ()))
    return handler, dict(zip(names, values, strict=False)) if handler is not None else {"": path}
