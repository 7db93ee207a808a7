"""The SMSC's side: listen, authenticate binds, serve requests, deliver."""

from smpp.server.config import Authenticate, Grant, RequestHandler, RequestTap, ServerConfig, SubmitHandler
from smpp.server.credentials import credentials, same_secret
from smpp.server.server import Server
from smpp.server.serving import serve
from smpp.server.session import ServerSession

__all__ = [
    "Authenticate",
    "Grant",
    "RequestHandler",
    "RequestTap",
    "Server",
    "ServerConfig",
    "ServerSession",
    "SubmitHandler",
    "credentials",
    "same_secret",
    "serve",
]
