"""Where to connect and as whom: connection URLs, TLS contexts, addresses with their TON and NPI.

smpp[s]://system_id[:password]@host:port?bind=trx&window=100&system_type=…
"""

import ssl
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from smpp.constants import DEFAULT_PORT, DEFAULT_TLS_PORT, BindMode, Npi, Ton
from smpp.errors import InvalidUrl

_EXAMPLE: Final = "smpp[s]://system_id[:password]@host:port?bind=trx&window=100"
_MAX_SHORT_CODE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server, and the credentials for it."""

    host: str
    port: int
    tls: bool = False
    system_id: str = ""
    password: str = field(default="", repr=False)
    bind_mode: BindMode = BindMode.TRANSCEIVER
    options: tuple[tuple[str, str], ...] = ()
    """What the URL says beyond that, such as window and system_type."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a connection URL; names and passwords are percent-decoded.

        Raises:
            InvalidUrl: it is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # What the parser complains of may be a part of the password.
            raise InvalidUrl(f"host or port cannot be read (is a special character not escaped?): {_EXAMPLE}") from None
        if parts.scheme not in ("smpp", "smpps"):
            raise InvalidUrl(f"URL scheme is {parts.scheme or 'missing'!r}, expected {_EXAMPLE}")
        if not parts.hostname:
            raise InvalidUrl(f"the URL names no host; expected {_EXAMPLE}")
        if parts.path.strip("/") or parts.fragment:
            raise InvalidUrl(f"the URL has a path; expected {_EXAMPLE}")
        tls = parts.scheme == "smpps"
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        mode = options.pop("bind", BindMode.TRANSCEIVER.value)
        try:
            bind_mode = BindMode(mode)
        except ValueError:
            raise InvalidUrl(f"bind={mode!r} in the URL, expected tx, rx or trx") from None
        return cls(
            host=parts.hostname,
            port=port if port is not None else (DEFAULT_TLS_PORT if tls else DEFAULT_PORT),
            tls=tls,
            system_id=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            bind_mode=bind_mode,
            options=tuple(options.items()),
        )

    @property
    def name(self) -> str:
        """``host:port``, as logs name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def client_tls(ca_file: str | None = None, cert_file: str | None = None, key_file: str | None = None) -> ssl.SSLContext:
    """A context that verifies the server: its certificate and its name, TLS 1.2 or newer.

    Args:
        ca_file: PEM file of the authorities to trust; default: the system's.
        cert_file: our own certificate, where the server asks for one.
        key_file: its key.

    Raises:
        OSError: a file cannot be read.
        ssl.SSLError: a file holds no such thing.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        context.load_cert_chain(cert_file, key_file)
    return context


def server_tls(cert_file: str, key_file: str | None = None, client_ca_file: str | None = None) -> ssl.SSLContext:
    """A context for a listener, TLS 1.2 or newer.

    Args:
        cert_file: PEM file with the certificate and its chain.
        key_file: its key, if that is a file of its own.
        client_ca_file: demand a client certificate from one of these authorities.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert_file, key_file)
    if client_ca_file:
        context.load_verify_locations(client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its type of number and numbering plan. §5.2.5, §5.2.6."""

    ton: int
    npi: int
    addr: str

    @classmethod
    def guess(cls, text: str) -> Self:
        """What most SMSCs expect: names as alphanumeric (5/0), short codes as network specific (3/0), numbers as
        international ISDN (1/1) without their plus sign."""
        if not text:
            return cls(Ton.UNKNOWN, Npi.UNKNOWN, "")
        digits = text.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            return cls(Ton.ALPHANUMERIC, Npi.UNKNOWN, text)
        if len(digits) <= _MAX_SHORT_CODE_DIGITS and not text.startswith("+"):
            return cls(Ton.NETWORK_SPECIFIC, Npi.UNKNOWN, digits)
        return cls(Ton.INTERNATIONAL, Npi.ISDN, digits)
