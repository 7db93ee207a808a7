"""`serve`: a server in one call.

async def on_submit(session: smpp.ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
    return smpp.SubmitSmResp(message_id=store(request))

async with smpp.serve("smpp://127.0.0.1:2775", on_submit=on_submit, authenticate=limits_of) as server: ...
"""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from smpp.endpoint import Endpoint
from smpp.errors import StateError
from smpp.recording import Recorder, recorder_of
from smpp.server.config import Authenticate, RequestHandler, RequestTap, ServerConfig, SubmitHandler
from smpp.server.server import Server
from smpp.server.session import ServerSession
from smpp.session import Trace
from smpp.wire.pdu import Request


def serve(
    *urls: str,
    on_submit: SubmitHandler | None = None,
    authenticate: Authenticate | None = None,
    handlers: Mapping[type[Request], RequestHandler] | None = None,
    config: ServerConfig | None = None,
    ssl_context: ssl.SSLContext | None = None,
    sockets: Sequence[Sequence[socket.socket]] | None = None,
    on_connected: Callable[[ServerSession], None] | None = None,
    on_request: RequestTap | None = None,
    on_bound: Callable[[ServerSession], None] | None = None,
    on_closed: Callable[[ServerSession, str], None] | None = None,
    on_room: Callable[[ServerSession], None] | None = None,
    trace: Trace | None = None,
    record: Recorder | str | Path | None = None,
) -> Server:
    """A server for ESMEs.

    Args:
        urls: where to listen: ``smpp://host:port`` plain, ``smpps://host:port`` TLS; port 0 takes a free one.
        on_submit: gets submit_sm; the response is written when it returns.
        authenticate: decides on binds; without one everybody may bind.
        handlers: further handlers by type of PDU, such as ``{QuerySm: on_query, DataSm: on_data}``. Requests without
            a handler are refused with ESME_RINVCMDID.
        config: settings.
        ssl_context: for smpps listeners (`smpp.endpoint.server_tls`).
        sockets: listening sockets to go on with, a list for each URL, as `Server.hand_over` gives them.
        on_connected: called when a connection is made, before any bind.
        on_request: sees every request before the handlers and may answer it itself.
        on_bound: called when an ESME has bound.
        on_closed: called when a connection is over, with the reason.
        on_room: called when a session's window may have room again.
        trace: called for every PDU both ways.
        record: a pcapng file (or `Recorder`) that gets what passes, passwords hidden; Wireshark opens it.

    Raises:
        InvalidUrl: a URL cannot be.
        RecordingError: the file cannot be written.
    """
    if not urls:
        raise StateError("serve() needs at least one URL to listen on")
    config = config or ServerConfig()
    if record is not None:
        config = replace(config, recorder=recorder_of(record))
    return Server(
        tuple(Endpoint.parse(url) for url in urls),
        on_submit=on_submit,
        authenticate=authenticate,
        handlers=handlers or {},
        config=config,
        ssl_context=ssl_context,
        sockets=sockets,
        on_connected=on_connected,
        on_request=on_request,
        on_bound=on_bound,
        on_closed=on_closed,
        on_room=on_room,
        trace=trace,
    )
