"""Requests to CheckMobi's dialect, and what they are answered."""

import json
from typing import Any

from gateway.providers.base import WebRequest
from gateway.providers.checkmobi import spec
from gateway.providers.checkmobi.dialect import Checkmobi
from tests.gateway.providers.fakes import World

KEY = {"Authorization": "TOKEN"}
SMS = {"from": "SHOP", "to": "+40743123456", "text": "Your order is ready"}
NUMBER = {"number": "+40743123456"}
CALLBACK = {"notification_callback": "https://app.example/hook"}
INFO = {
    "country_code": 40,
    "country_iso_code": "RO",
    "carrier": "Orange",
    "is_mobile": True,
    "e164_format": "+40743123456",
    "formatting": "+40743123456",
}


def request(
    path: str, fields: object = None, *, method: str = "POST", headers: dict[str, str] | None = None
) -> WebRequest:
    body = json.dumps(fields if fields is not None else {}).encode() if method == "POST" else b""
    return WebRequest(
        method=method, path="/v1" + path, body=body, content_type="application/json", headers=headers or KEY
    )


async def said(world: World, path: str, fields: object = None, **more: Any) -> tuple[int, Any]:
    answer = await Checkmobi().answer(request(path, fields, **more), world.services)
    return answer.status, json.loads(answer.body) if answer.body else None


async def refused(world: World, path: str, fields: object = None, *, http: int = 0, **more: Any) -> int:
    status, content = await said(world, path, fields, **more)
    row = spec.ERRORS[content["code"]]
    assert (status, content) == (http or row.http_status, {"code": content["code"], "error": row.text})
    return int(content["code"])
