"""The operator's listener: health, readiness, metrics, and all that an operator may see and do.

Everything but health and readiness needs a key with the role 'admin'; metrics may be had from some networks without.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final

import msgspec
from aiohttp import web

from gateway.http import LIMITS, HttpLimits, hide_server
from gateway.networks import Network
from gateway.operations import Operator
from gateway.providers.base import Authenticator
from gateway.web.admin_accounts import AdminAccounts
from gateway.web.admin_queue import AdminQueue
from gateway.web.admin_secrets import AdminSecrets
from gateway.web.admin_system import AdminSystem
from gateway.web.admin_uplinks import AdminUplinks
from gateway.web.endpoints import PREFIX, Operation, answering, authenticate, mount
from gateway.web.errors import ApiError, unauthorized
from gateway.web.fallback import add_fallback
from gateway.web.openapi import add_document
from gateway.web.webhooks import Webhooks

TITLE: Final = "Messaging gateway: operator"
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_encode: Final = msgspec.json.Encoder().encode

HealthCheck = Callable[[], Awaitable[bool]]
"""Whether the store can be written: it may say no by raising, too."""


def build_admin_app(
    *,
    is_healthy: HealthCheck,
    is_ready: Callable[[], bool],
    metrics: Callable[[], bytes],
    metrics_type: str = METRICS_TYPE,
    metrics_networks: Sequence[Network] = (),
    authenticator: Authenticator | None = None,
    operator: Operator | None = None,
) -> web.Application:
    """The application of the admin listener.

    Args:
        is_healthy: asked by /healthz.
        is_ready: asked by /readyz: whether at least one uplink can carry a message.
        metrics: renders /metrics in `metrics_type`.
        metrics_networks: from where /metrics needs no key.
        authenticator: knows keys; without it nobody has one.
        operator: what there is to see and do; without it, nothing.
    """
    app = web.Application()
    app[LIMITS] = HttpLimits()
    app.on_response_prepare.append(hide_server)

    async def show_metrics(request: web.Request) -> web.Response:
        if not _is_near(request, metrics_networks):
            _check_admin(request, authenticator)
        return web.Response(body=metrics(), headers={"Content-Type": metrics_type})

    async def show_readiness(_request: web.Request) -> web.Response:
        return _status(is_ready(), "ready", "no uplink is available")

    for prefix in ("", PREFIX):
        add_health(app, prefix, is_healthy)
        app.router.add_get(f"{prefix}/readyz", answering(show_readiness))
        app.router.add_get(f"{prefix}/metrics", answering(show_metrics))
    if operator is not None and authenticator is not None:
        operations = list(admin_operations(operator))
        mount(app, operations, authenticator)
        add_document(app, operations, TITLE)
    add_fallback(app)
    return app


def admin_operations(operator: Operator) -> Iterable[Operation]:
    """What an operator may ask."""
    yield from AdminSystem(operator).operations()
    yield from AdminUplinks(operator.uplinks).operations()
    yield from AdminQueue(operator.queue, operator.shelf, operator.attempts).operations()
    yield from AdminAccounts(operator.accounts, operator.keys).operations()
    yield from AdminSecrets(operator.secrets).operations()
    yield from Webhooks(operator.outbox, is_operator=True).operations()


def _check_admin(request: web.Request, authenticator: Authenticator | None) -> None:
    if authenticator is None:
        raise unauthorized()
    if not authenticate(request, authenticator).may("admin"):
        raise ApiError(403, "forbidden", "this key does not have the role 'admin'")


def _is_near(request: web.Request, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network or address in network for network in networks)


def add_health(app: web.Application, prefix: str, is_healthy: HealthCheck) -> None:
    """Add /healthz."""

    async def show_health(_request: web.Request) -> web.Response:
        try:
            healthy = await is_healthy()
        except Exception:  # Whatever keeps the store from answering, the answer is no.
            healthy = False
        return _status(healthy, "ok", "the store cannot be written")

    app.router.add_get(f"{prefix}/healthz", answering(show_health))


def _status(is_good: bool, good: str, bad: str) -> web.Response:
    body = {"status": good} if is_good else {"status": bad}
    return web.Response(status=200 if is_good else 503, body=_encode(body), content_type="application/json")
