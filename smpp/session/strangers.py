"""Protocols whose clients knock at SMPP ports by mistake, known by their first octets."""

from typing import Final

_WORDS: Final[tuple[tuple[bytes, str], ...]] = (
    # Requests of HTTP; the answer of a web server to a client of ours.
    *((method + b" ", "HTTP") for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH")),
    (b"CONNECT ", "HTTP"),
    (b"TRACE ", "HTTP"),
    (b"PRI * HTTP/2", "HTTP/2"),
    (b"HTTP/", "HTTP"),
    (b"\x16\x03", "TLS"),
    (b"\x80\x2e\x01\x00", "SSL 2"),
    (b"SSH-", "SSH"),
    (b"AMQP", "AMQP"),
    # TPKT header of the X.224 connection request that probes for remote desktops.
    (b"\x03\x00\x00", "RDP"),
    (b"EHLO", "SMTP"),
    (b"HELO", "SMTP"),
    (b"220 ", "SMTP or FTP"),
    (b"PROXY ", "PROXY protocol"),
    (b"\r\n\r\n\x00\r\nQUIT\n", "PROXY protocol"),
    (b"*1\r\n", "Redis"),
    (b"INVITE ", "SIP"),
    (b"REGISTER ", "SIP"),
    (b"\xffSMB", "SMB"),
    (b"\xfeSMB", "SMB"),
    (b"JRMI", "Java RMI"),
)

_ENOUGH_OCTETS: Final = 4
"""What a reader of frames has seen when it gives up."""


def recognise(octets: bytes) -> str | None:
    """The protocol that a stream begins with, or None where it may be anything.

    Four octets are enough to tell: no command_length that SMPP allows looks like one of these.
    """
    for word, protocol in _WORDS:
        length = max(_ENOUGH_OCTETS, min(len(octets), len(word)))
        if len(octets) >= _ENOUGH_OCTETS and octets[:length].startswith(word[:length]):
            return protocol
    return None
