"""How the tests of this dialect ask, and what they ask for most."""

import json
from typing import Any
from urllib.parse import urlencode

from gateway.providers.base import WebRequest
from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.providers.fakes import World

FORM = "application/x-www-form-urlencoded"
BEARER = {"Authorization": "Bearer TOKEN"}
SMS = {"sender": "MOBTXT", "to": "918921269000", "message": "Welcome", "service": "T"}


def request(
    method: str, path: str, fields: object = None, *, form: bool = False, headers: dict[str, str] | None = None
) -> WebRequest:
    path, _, query = path.partition("?")
    if method == "GET" and isinstance(fields, dict):
        query = "&".join(part for part in (query, urlencode(fields, doseq=True)) if part)
        fields = None
    body = b""
    if fields is not None:
        body = (
            urlencode(fields, doseq=True).encode() if form and isinstance(fields, dict) else json.dumps(fields).encode()
        )
    return WebRequest(
        method=method,
        path=path if path.startswith("/api") else f"/api/v2/{path}",
        query=query.encode(),
        body=body,
        content_type=FORM if form else "application/json",
        headers=BEARER if headers is None else headers,
    )


async def said(world: World, method: str, path: str, fields: object = None, **more: Any) -> tuple[int, Any]:
    answer = await Mobtexting().answer(request(method, path, fields, **more), world.services)
    return answer.status, json.loads(answer.body)


async def errors(world: World, method: str, path: str, fields: object = None, **more: Any) -> list[str]:
    status, content = await said(world, method, path, fields, **more)
    assert (status, content["status"], content["code"]) == (422, "error", 422)
    return list(content["errors"])


def multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--X\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--X\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return b"".join((*parts, head, content, b"\r\n--X--\r\n")), {
        **BEARER,
        "Content-Type": "multipart/form-data; boundary=X",
    }


async def uploaded(world: World, path: str, fields: dict[str, str], name: str, content: bytes) -> tuple[int, Any]:
    body, headers = multipart(fields, name, content)
    asked = WebRequest(
        method="POST", path=f"/api/v2/{path}", body=body, content_type="multipart/form-data", headers=headers
    )
    answer = await Mobtexting().answer(asked, world.services)
    return answer.status, json.loads(answer.body)
