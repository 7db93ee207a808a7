"""Bodies that are handed on piece by piece: nothing of them is held but the piece under way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog
from aiohttp import web

from gateway.http import LIMITS, BodyBroken, BodyEncoded, BodyTooSlow
from gateway.providers.base import WebAnswer

_log: Final = structlog.get_logger("gateway.web")


def check_stream(request: web.Request) -> None:
    """Refuse a body that is not to be handed on.

    Raises:
        BodyEncoded: it is compressed.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BodyEncoded("compressed bodies are not taken")


async def pieces_of(request: web.Request) -> AsyncIterator[bytes]:
    """A request's body as it comes; each piece within the time that a whole body may take.

    Raises:
        UnreadableBody: it does not come to its end.
    """
    seconds = request.app[LIMITS].body_seconds
    try:
        while True:
            async with asyncio.timeout(seconds):
                piece = await request.content.readany()
            if not piece:
                return
            yield piece
    except TimeoutError:
        raise BodyTooSlow(f"nothing came for {seconds:g} seconds") from None
    except web.RequestPayloadError:
        raise BodyBroken("chunks cannot be told apart") from None


async def send_stream(request: web.Request, answer: WebAnswer, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    """Write an answer piece by piece; one that breaks off is broken off here too, so that nobody takes it for whole."""
    headers = dict(answer.headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    response = web.StreamResponse(status=answer.status, headers=headers)
    try:
        await response.prepare(request)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except Exception as error:
        # The head is written: there is no other way to say that it went wrong.
        _log.warning("answer broken off", reason=type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
    return response
