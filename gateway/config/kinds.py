"""Which settings belong to which kind of uplink, and which of them a kind cannot do without."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from gateway.networks import is_allowed

if TYPE_CHECKING:
    from gateway.config.uplinks import UplinkConfig

Problem = tuple[str, object, str]
"""Key, value, expectation."""

SMPP: Final = "smpp"

ANY_KIND: Final = frozenset(
    {
        "kind",
        "group",
        "costs",
        "tls",
        "in_doubt",
        "in_doubt_limit",
        "throttle_seconds",
        "throttle_max_seconds",
        "retry_seconds",
        "retry_max_seconds",
        "retry_limit",
        "reconnect_min_seconds",
        "reconnect_max_seconds",
        "validity_seconds",
    }
)

PROVIDER_KEYS: Final = frozenset(
    {
        "base_url",
        "requests_per_second",
        "concurrency",
        "timeout_seconds",
        "connect_timeout_seconds",
        "answer_limit_bytes",
        "poll_seconds",
        "polls_per_second",
        "join_seconds",
        "pass_through",
        "pass_through_accounts",
        "pass_through_limit_bytes",
        "circuit_failures",
    }
)
"""What every uplink to a provider has."""

OWN_KEYS: Final = {
    "mocean": frozenset({"key", "secret", "token"}),
    "mobtexting": frozenset({"token", "service", "webhook_id", "signing_secret"}),
    "lanck": frozenset({"user", "password"}),
    "checkmobi": frozenset({"key", "signing_secret", "is_transactional"}),
}
"""What one provider has beside these: credentials above all."""

NEEDED: Final = {
    "mocean": (("base_url",), ("key", "token")),
    "mobtexting": (("base_url",), ("token",), ("service",)),
    "lanck": (("base_url",), ("user",), ("password",)),
    "checkmobi": (("base_url",), ("key",)),
}
"""One of each of these groups has to be there."""


def check_kind(key: str, uplink: "UplinkConfig") -> Iterator[Problem]:
    """What is wrong with an uplink's keys, given its kind."""
    if uplink.kind == SMPP:
        if not uplink.servers:
            yield f"{key}.servers", None, "a list, each item text; it is required"
        allowed = _all_keys(uplink) - PROVIDER_KEYS - frozenset().union(*OWN_KEYS.values()) | {"password"}
    else:
        allowed = ANY_KIND | PROVIDER_KEYS | OWN_KEYS[uplink.kind]
        yield from _needed(key, uplink)
        yield from _base_url(f"{key}.base_url", uplink.base_url)
        if uplink.tls.server_hostname or uplink.tls.cert_file or uplink.tls.key_file:
            yield f"{key}.tls", None, f'ca_file alone, for kind = "{uplink.kind}"'
    for field in msgspec.structs.fields(uplink):
        if field.name in allowed:
            continue
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if getattr(uplink, field.name) != default:
            yield f"{key}.{field.name}", None, f'no such key for kind = "{uplink.kind}"'


def _all_keys(uplink: "UplinkConfig") -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(uplink))


def _needed(key: str, uplink: "UplinkConfig") -> Iterator[Problem]:
    for names in NEEDED[uplink.kind]:
        if not any(getattr(uplink, name) for name in names):
            or_others = f" (or {', '.join(names[1:])})" if names[1:] else ""
            yield f"{key}.{names[0]}", None, f'a value{or_others}: kind = "{uplink.kind}" needs it'
    if uplink.kind == "mocean":
        if uplink.token and uplink.key:
            yield f"{key}.token", None, "either token or key and secret"
        elif bool(uplink.key) != bool(uplink.secret):
            yield f"{key}.secret", None, "key and secret, both"
    for name in ("key", "secret", "token", "user", "password"):
        value = getattr(uplink, name)
        text = value if isinstance(value, str) else value.reveal()
        if any(character <= " " or character >= "\x7f" for character in text):
            # A header with a line end in it would be two.
            yield f"{key}.{name}", None, "printable ASCII characters without blanks"
    if ":" in uplink.user:
        yield f"{key}.user", None, "no colon: it separates user and password"


def _base_url(key: str, base_url: str) -> Iterator[Problem]:
    if not base_url:
        return
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        yield key, None, "https://host, perhaps with a port and a path"
        return
    if parts.username is not None or parts.query or parts.fragment:
        yield key, None, "https://host without user, query or fragment"
    elif not host or port == 0 or parts.scheme not in ("http", "https"):
        yield key, base_url, "https://host, perhaps with a port and a path"
    elif parts.scheme == "http" and not _is_near(host):
        yield key, base_url, "https://…: credentials go in clear over http, which is for hosts of your own network"


def _is_near(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return not is_allowed(ip_address(host))
    except ValueError:
        return False
