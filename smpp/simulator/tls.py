"""A certificate authority for one run: lets a simulator speak TLS that its clients can verify."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from smpp.errors import SmppError


@dataclass(frozen=True, slots=True)
class ThrowAwayTls:
    """A server's certificate and the authority that vouches for it.

    Attributes:
        server_context: for listeners.
        ca_pem: what clients have to trust.
    """

    server_context: ssl.SSLContext
    ca_pem: bytes

    def write_ca(self, path: str | Path) -> None:
        """Write the authority's certificate to a PEM file, for the client's `ca_file`."""
        Path(path).write_bytes(self.ca_pem)

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this authority alone."""
        context = ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def throw_away_tls(hosts: Sequence[str] = ("localhost", "127.0.0.1", "::1")) -> ThrowAwayTls:
    """Make an authority and a certificate for these hosts; both are gone with the process.

    Raises:
        SmppError: the package trustme is missing (extra `demo`).
    """
    if find_spec("trustme") is None:
        raise SmppError("a throw-away certificate needs the package trustme: pip install 'smppkit[demo]'")
    import trustme

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*hosts).configure_cert(context)
    return ThrowAwayTls(context, authority.cert_pem.bytes())
