"""Requests of apps that are passed on, as tests make them."""

import json
from urllib.parse import urlencode

from gateway.providers.base import WebAnswer, WebRequest
from tests.gateway.services.provider_world import World

FORM = "application/x-www-form-urlencoded"
APP = "http://127.0.0.1:9/app?token=t"


def form(path: str, fields: dict[str, str], *, method: str = "POST", query: str = "") -> WebRequest:
    return WebRequest(
        method=method,
        path=path,
        query=query.encode(),
        content_type=FORM,
        body=urlencode(fields).encode(),
        headers={"Content-Type": FORM, "Authorization": "Bearer of the app", "Accept": "application/json"},
    )


def in_json(path: str, content: object, *, method: str = "POST") -> WebRequest:
    return WebRequest(
        method=method,
        path=path,
        content_type="application/json",
        body=json.dumps(content).encode(),
        headers={"Content-Type": "application/json"},
    )


async def passed(world: World, request: WebRequest, *, account: str = "shop") -> WebAnswer:
    return await world.ways.forward(account, world.uplink.kind, request, path=request.path)
