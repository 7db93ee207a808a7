"""What can be set about a server, and what an account is granted."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from smpp.constants import BindMode, Role
from smpp.dispatch import Answer
from smpp.listener import Network, networks
from smpp.recording import Recorder
from smpp.session import RequestReceived, SessionConfig
from smpp.wire import encode
from smpp.wire.pdu import Bind, BindTransceiverResp, SubmitSm

if TYPE_CHECKING:
    from smpp.server.session import ServerSession

_LEAST_BURST: Final = 10
"""A message of ten parts passes any limit at once."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account that may bind gets.

    Attributes:
        system_id: ours, as the bind response names it.
        max_binds: most binds of this account at a time; 0: as many as it likes.
        max_binds_by_mode: likewise for some modes, such as ``{BindMode.TRANSMITTER: 2}``.
        account: what binds and rates are counted by; default: the system_id that it bound with.
        allow_from: addresses and networks (CIDR) it may come from; empty: from anywhere. From elsewhere it is
            refused as if the password was wrong.
        requests_per_second: most submit_sm, data_sm and destinations of submit_multi, over all its binds; 0: no limit.
        burst: how many of them may come at once; 0: a second's worth, and no fewer than 10. At least the parts of
            the longest message.
    """

    system_id: str = "SMSC"
    max_binds: int = 0
    max_binds_by_mode: Mapping[BindMode, int] = field(default_factory=dict)
    account: str = ""
    allow_from: tuple[str, ...] = ()
    requests_per_second: float = 0.0
    burst: int = 0

    def __post_init__(self) -> None:
        encode(BindTransceiverResp(self.system_id), 0)
        networks(self.allow_from)

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        """`allow_from`, read."""
        return networks(self.allow_from)

    @property
    def burst_size(self) -> int:
        """How many requests may come at once."""
        return self.burst or max(_LEAST_BURST, ceil(self.requests_per_second))


Authenticate = Callable[["ServerSession", Bind], Grant | Awaitable[Grant | None] | None]
"""Decides on a bind: a `Grant`, or None for wrong credentials; raise `Reject` for another status."""

SubmitHandler = Callable[["ServerSession", SubmitSm], Answer | Awaitable[Answer]]
RequestHandler = Callable[["ServerSession", Any], Answer | Awaitable[Answer]]
"""As SubmitHandler, for the type of PDU it is registered for."""

RequestTap = Callable[["ServerSession", RequestReceived], bool]
"""Sees every request with its sequence_number before the handlers; True where it answers the request itself, with
`session.connection.respond`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Settings of a server beyond those of its sessions. A limit of 0 is none."""

    session: SessionConfig = field(default_factory=lambda: SessionConfig(role=Role.SMSC, enquire_link_seconds=60.0))
    """`session_init_seconds` limits PROXY header and TLS handshake as well."""
    max_connections: int = 1000
    """Most connections at a time; more are closed at once."""
    max_unbound: int = 500
    """Most connections that have not bound."""
    max_unbound_per_address: int = 50
    """Most connections of one address that have not bound."""
    bad_bind_delay_seconds: float = 0.5
    """How long the answer to wrong credentials takes, whichever of them is wrong."""
    lock_out_after: int = 10
    """So many wrong credentials in a row, of one address for one system_id, lock the two out."""
    lock_out_seconds: float = 60.0
    """For so long. What is locked out is refused as if the password was wrong, and nobody is asked about it."""
    proxy_from: tuple[str, ...] = ()
    """Addresses and networks (CIDR) of load balancers: their connections begin with a PROXY header, version 1 or 2.
    Nobody else's header is believed."""
    backlog: int = 512
    reuse_port: bool = False
    """Let another process listen on the same ports, for a restart without a gap (SO_REUSEPORT)."""
    recorder: Recorder | None = None
    """Records what passes over the connections."""

    def __post_init__(self) -> None:
        networks(self.proxy_from)
