"""What is answered where nothing is: 404, or 405 where another method would do."""

from aiohttp import web

from gateway.http import add_route
from gateway.web.errors import ApiError, error_response


def add_fallback(app: web.Application) -> None:
    """Add it, behind all other routes."""
    router = app.router
    resources = list(router.resources())

    async def answer_nothing(request: web.Request) -> web.Response:
        allowed: set[str] = set()
        for resource in resources:
            allowed |= (await resource.resolve(request))[1]
        if allowed:
            methods = ", ".join(sorted(allowed))
            return error_response(ApiError(405, "method_not_allowed", f"use {methods}", headers={"Allow": methods}))
        return error_response(ApiError(404, "not_found", "there is nothing at this path"))

    add_route(app, "*", "/{path:(?s:.*)}", answer_nothing)
