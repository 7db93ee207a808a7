"""The public listener's application: the native API and the dialects, side by side."""

from collections.abc import Mapping

from aiohttp import web

from gateway.http import LIMITS, HttpLimits, hide_server
from gateway.providers.base import Dialect, Services
from gateway.web.admin import HealthCheck, add_health
from gateway.web.api import NativeApi
from gateway.web.callbacks import CallbackDoor
from gateway.web.dialects import DialectDoor, by_host
from gateway.web.endpoints import PREFIX
from gateway.web.fallback import add_fallback
from gateway.web.webhooks import Outbox


def build_app(
    services: Services,
    *,
    dialects: Mapping[str, Dialect],
    is_healthy: HealthCheck,
    limits: HttpLimits | None = None,
    outbox: Outbox | None = None,
    callbacks: CallbackDoor | None = None,
    hosts: Mapping[str, Dialect] | None = None,
) -> web.Application:
    """The application of the public listener.

    Args:
        dialects: by the path prefix each is served under; "" serves one at the root.
        is_healthy: asked by /healthz.
        outbox: callbacks that are owed; without it there is no /webhooks.
        callbacks: where providers call us back; without it there is no /callbacks.
        hosts: dialects to which whole host names belong, by name.
    """
    doors = {host: DialectDoor(dialect, "", services) for host, dialect in (hosts or {}).items()}
    app = web.Application(middlewares=[by_host(doors)] if doors else [])
    app[LIMITS] = limits or HttpLimits()
    app.on_response_prepare.append(hide_server)
    for prefix in ("", PREFIX):
        add_health(app, prefix, is_healthy)
    NativeApi(services, outbox).add_to(app)
    if callbacks is not None:
        callbacks.add_to(app)
    # The root last: it answers whatever is left.
    for prefix in sorted(dialects, key=len, reverse=True):
        DialectDoor(dialects[prefix], prefix, services).add_to(app)
    if "" not in dialects:
        add_fallback(app)
    return app


def build_dialect_app(dialect: Dialect, services: Services, *, limits: HttpLimits | None = None) -> web.Application:
    """The application of a listener that is one dialect's alone."""
    app = web.Application()
    app[LIMITS] = limits or HttpLimits()
    app.on_response_prepare.append(hide_server)
    DialectDoor(dialect, "", services).add_to(app)
    return app
