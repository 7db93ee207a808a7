"""The operator's listener: health, readiness, metrics."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from gateway.http import LIMITS, HttpLimits
from gateway.web.endpoints import PREFIX, answering
from gateway.web.fallback import add_fallback

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
) -> web.Application:
    """The application of the admin listener.

    Args:
        is_healthy: asked by /healthz.
        is_ready: asked by /readyz: whether at least one uplink can carry a message.
        metrics: renders /metrics in `metrics_type`.
    """
    app = web.Application()
    app[LIMITS] = HttpLimits()

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": metrics_type})

    async def show_readiness(_request: web.Request) -> web.Response:
        return _status(is_ready(), "ready", "no uplink is available")

    for prefix in ("", PREFIX):
        add_health(app, prefix, is_healthy)
        app.router.add_get(f"{prefix}/readyz", answering(show_readiness))
        app.router.add_get(f"{prefix}/metrics", answering(show_metrics))
    add_fallback(app)
    return app


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
