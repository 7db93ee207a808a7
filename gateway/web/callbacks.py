"""Where providers call us back: reports, messages from handsets, and what is meant for those we have passed on.

/callbacks/{uplink}/{token}            ours: answered as the provider wants it, once it is committed
/callbacks/{uplink}/{token}/{relay}    of a request that was passed on: owed to the app it belongs to
"""

import traceback
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog
from aiohttp import web

from gateway.errors import StoreError
from gateway.http import UnreadableBody, add_route, read_body
from gateway.metrics import Metrics
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.connecting import BadCallback, CallbackRead
from gateway.providers.seams import ProviderEvent
from gateway.uplinks.addresses import PATH, CallbackAddresses

_log: Final = structlog.get_logger("gateway.web")

UNKNOWN: Final = "unknown"
RETRY_AFTER_SECONDS: Final = "5"


class Taker(Protocol):
    """An uplink that is called back."""

    async def take_callback(self, request: WebRequest) -> tuple[CallbackRead, WebAnswer]:
        """Read a provider's request and commit what it says."""

    def check_signature(self, request: WebRequest) -> None:
        """Refuse one for somebody else that is not signed as it should be."""


class Relay(Protocol):
    """Knows whose callbacks of passed-on requests are."""

    async def relay(self, uplink: str, relay_id: str, request: WebRequest) -> WebAnswer | None:
        """Commit that an app is owed this request as it came, or ask it at once; None: it is nobody's.

        Raises:
            gateway.errors.StoreError: it was not kept.
        """

    async def relay_by_reference(self, uplink: str, reference: str, request: WebRequest) -> WebAnswer | None:
        """The same where the request says itself what it belongs to."""


class Events(Protocol):
    """Knows who subscribed to what providers tell of their own accord."""

    async def relayed(self, uplink: str, event: ProviderEvent) -> bool:
        """Commit what is owed for an event; whether anything is."""


class CallbackDoor:
    """The callbacks of all uplinks.

    Args:
        taker: the uplink of a name; None where there is none that is called back.
    """

    def __init__(
        self,
        addresses: CallbackAddresses,
        taker: Callable[[str], Taker | None],
        relay: Relay,
        metrics: Metrics,
        events: Events | None = None,
    ) -> None:
        self._addresses = addresses
        self._taker = taker
        self._relay = relay
        self._events = events
        self._metrics = metrics

    def add_to(self, app: web.Application) -> None:
        """Add the routes; whatever method a provider uses."""
        add_route(app, "*", f"{PATH}/{{uplink}}/{{token}}", self.handle)
        add_route(app, "*", f"{PATH}/{{uplink}}/{{token}}/{{relay}}", self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one."""
        name = request.match_info["uplink"]
        taker = self._taker(name)
        # A token is looked at whether or not there is such an uplink: the answer tells neither.
        is_known = self._addresses.is_known(name, request.match_info["token"])
        if taker is None or not is_known:
            return self._refused(name if taker is not None else UNKNOWN, "refused", 401)
        try:
            read = await _read(request)
        except UnreadableBody:
            return self._refused(name, "bad", 413)
        try:
            return await self._take(name, taker, request.match_info.get("relay", ""), read)
        except BadCallback as bad:
            _log.warning("callback refused", uplink=name, status=bad.status, reason=str(bad))
            return self._refused(name, "refused" if bad.status == 401 else "bad", bad.status)
        except StoreError as error:
            _log.warning("callback not kept", uplink=name, error=str(error))
            answer = self._refused(name, "failed", 503)
            answer.headers["Retry-After"] = RETRY_AFTER_SECONDS
            return answer
        except Exception:
            # As text: tracebacks rendered with their variables would show what the callback says.
            _log.error("callback failed", uplink=name, traceback=traceback.format_exc())
            return self._refused(name, "failed", 500)

    async def _take(self, name: str, taker: Taker, relay_id: str, request: WebRequest) -> web.Response:
        if relay_id:
            taker.check_signature(request)
            return await self._relayed(name, self._relay.relay(name, relay_id, request))
        read, answer = await taker.take_callback(request)
        if read.relay:
            return await self._relayed(name, self._owed(name, read, request), answer)
        self._count(name, "taken")
        return _response(answer)

    async def _owed(self, name: str, read: CallbackRead, request: WebRequest) -> WebAnswer | None:
        """To whom the request belongs that it is about; else to whoever subscribed to such events."""
        said = await self._relay.relay_by_reference(name, read.reference, request)
        if said is not None or read.event is None or self._events is None:
            return said
        return read.answer if await self._events.relayed(name, read.event) else None

    async def _relayed(
        self, name: str, owed: Awaitable[WebAnswer | None], answer: WebAnswer | None = None
    ) -> web.Response:
        said = await owed
        if said is not None:
            self._count(name, "relayed")
            return _response(answer or said)
        # Nobody's: the provider may as well stop calling.
        return self._refused(name, "unclaimed", 404)

    def _refused(self, name: str, outcome: str, status: int) -> web.Response:
        self._count(name, outcome)
        return web.Response(status=status)

    def _count(self, name: str, outcome: str) -> None:
        self._metrics.provider_callbacks.labels(name, outcome).inc()


async def _read(request: web.Request) -> WebRequest:
    query = request.raw_path.partition("?")[2].partition("#")[0]
    return WebRequest(
        method=request.method,
        path=request.path,
        query=query.encode("utf-8", "surrogateescape"),
        content_type=request.content_type.lower() if "Content-Type" in request.headers else "",
        body=await read_body(request),
        headers=request.headers,
        remote=request.remote or "",
    )


def _response(answer: WebAnswer) -> web.Response:
    headers = dict(answer.headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.body, headers=headers)
