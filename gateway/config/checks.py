"""What must hold between settings: names lead somewhere, limits agree with each other, addresses are addresses."""

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.config.billing_checks import check_billing, check_retention
from gateway.config.health import check_health
from gateway.config.kinds import SMPP, check_kind
from gateway.config.policy_checks import check_policy, numbers
from gateway.config.routing_checks import check_routing, one_of
from gateway.errors import ConfigError, InvalidMessage
from gateway.hours import Hours
from gateway.networks import Network, check_url, parse_networks
from gateway.patterns import Patterns
from gateway.settings import Secret

if TYPE_CHECKING:
    from gateway.config.accounts import AccountConfig, AccountSmppConfig
    from gateway.config.root import Config
    from gateway.config.uplinks import UplinkConfig

Problem = tuple[str, object, str]
"""Key, value, expectation."""


def check(config: "Config", file: str) -> None:
    """Refuse a config whose parts do not fit each other.

    Raises:
        ConfigError: the first thing that does not.
    """
    for key, value, expected in _problems(config):
        raise ConfigError(file, key, value, expected)


def _problems(config: "Config") -> Iterator[Problem]:
    yield from _listeners(config)
    yield from _hosts(config)
    yield from _callbacks(config)
    yield from _admin(config)
    yield from _door(config)
    yield from _store(config)
    yield from _keys(config)
    for name, uplink in config.uplink.items():
        yield from _uplink(f"uplink.{name}", uplink)
    yield from _groups(config)
    yield from check_routing(config)
    yield from _accounts(config)
    yield from numbers("policy.blocked_recipients", config.policy.blocked_recipients)
    yield from check_policy(config)
    yield from check_billing(config)
    yield from check_retention(config)
    if config.receipts.lifetime_seconds < config.receipts.deadline_seconds:
        yield "receipts.lifetime_seconds", config.receipts.lifetime_seconds, "no less than receipts.deadline_seconds"


def _hosts(config: "Config") -> Iterator[Problem]:
    """Each host name is one provider's, and none is the one that providers call back."""
    owners = {urlsplit(config.http.public_url).hostname or "": "http.public_url"}
    for name, door in config.http.dialect.by_name().items():
        for host in door.hosts:
            if host in owners:
                yield f"http.dialect.{name}.hosts", host, f"a name that is not {owners[host]}'s"
            owners[host] = f"http.dialect.{name}"


def _listeners(config: "Config") -> Iterator[Problem]:
    listens = {"http.listen": config.http.listen, "admin.listen": config.admin.listen}
    listens |= {"smpp.listen": config.smpp.listen, "smpp.tls_listen": config.smpp.tls_listen}
    listens |= {f"http.dialect.{name}.listen": door.listen for name, door in config.http.dialect.by_name().items()}
    users: dict[str, str] = {}
    for key, listen in listens.items():
        if not listen and key not in ("http.listen", "admin.listen"):
            continue
        host, colon, port = listen.rpartition(":")
        if not (host and colon and port.isascii() and port.isdecimal() and int(port) <= 65_535):
            yield key, listen, "host:port"
        if listen in users and port != "0":
            yield key, listen, f"an address other than {users[listen]}"
        users[listen] = key


def _callbacks(config: "Config") -> Iterator[Problem]:
    """How providers call back, and who may use what else they offer."""
    url = config.http.public_url
    try:
        if url:
            # It is our own: that it may lead into a private network is the operator's affair.
            check_url(url, parse_networks(("0.0.0.0/0", "::/0")), field="public_url")
    except InvalidMessage as error:
        yield "http.public_url", url, f"https://host, perhaps with a port and a path ({error.message})"
    if "?" in url or "#" in url:
        yield "http.public_url", url, "an address without query and fragment"
    if url and not config.http.callback_secrets:
        yield "http.callback_secrets", None, "at least one secret, where http.public_url is set"
    for at, secret in enumerate(config.http.callback_secrets):
        if len(secret.reveal()) < 16:
            yield f"http.callback_secrets[{at}]", None, "at least 16 characters"
    for name, uplink in config.uplink.items():
        for at, account in enumerate(uplink.pass_through_accounts):
            if account not in config.account:
                key = f"uplink.{name}.pass_through_accounts[{at}]"
                yield key, account, one_of("account", list(config.account))


def _admin(config: "Config") -> Iterator[Problem]:
    for at, text in enumerate(config.admin.metrics_networks):
        try:
            parse_networks([text])
        except ValueError:
            yield f"admin.metrics_networks[{at}]", text, "a network such as 192.0.2.0/24"


def _door(config: "Config") -> Iterator[Problem]:
    smpp = config.smpp
    if smpp.tls_listen and not smpp.cert_file:
        yield "smpp.cert_file", smpp.cert_file, "the certificate of tls_listen"
    for name in ("cert_file", "key_file", "client_ca_file"):
        if getattr(smpp, name) and not smpp.tls_listen:
            yield f"smpp.{name}", getattr(smpp, name), "no such key without smpp.tls_listen"
    yield from _networks("smpp.proxy_from", smpp.proxy_from)
    if not smpp.system_id.isascii():
        yield "smpp.system_id", smpp.system_id, "ASCII text"
    if smpp.retry_seconds > smpp.retry_max_seconds:
        yield "smpp.retry_max_seconds", smpp.retry_max_seconds, "no less than retry_seconds"
    if not smpp.listen and not smpp.tls_listen:
        for name, account in config.account.items():
            if account.smpp is not None:
                yield f"account.{name}.smpp", None, "no such table without smpp.listen or smpp.tls_listen"


def _store(config: "Config") -> Iterator[Problem]:
    scheme, colon, path = config.store.url.partition(":")
    if scheme == "memory" and colon and not path:
        return
    if scheme in ("postgresql", "postgres") and path.startswith("//") and _has_port_or_none(config.store.url):
        return
    if scheme != "sqlite" or not path:
        shown = config.store.url if "@" not in config.store.url else None
        yield "store.url", shown, '"sqlite:PATH", "postgresql://USER@HOST/DATABASE" or "memory:"'


def _keys(config: "Config") -> Iterator[Problem]:
    node = config.node
    for at, key in enumerate(node.other_secret_keys):
        if not key:
            yield f"node.other_secret_keys[{at}]", None, "a key"
    if node.other_secret_keys and not node.secret_key and config.store.url.startswith("postgres"):
        yield "node.secret_key", None, "a value, where node.other_secret_keys has any"


def _has_port_or_none(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def _uplink(key: str, uplink: "UplinkConfig") -> Iterator[Problem]:
    yield from check_kind(key, uplink)
    yield from check_health(f"{key}.health", uplink.health)
    for at, server in enumerate(uplink.servers):
        yield from _server(f"{key}.servers[{at}]", server)
    if len(set(uplink.servers)) < len(uplink.servers):
        yield f"{key}.servers", list(uplink.servers), "every server once; binds_per_server gives more binds"
    has_tls = uplink.kind != SMPP or any(server.startswith("smpps:") for server in uplink.servers)
    tls = uplink.tls
    if not has_tls and (tls.ca_file or tls.cert_file or tls.key_file or tls.server_hostname):
        yield f"{key}.tls", None, "no such table where no server is smpps://"
    if tls.key_file and not tls.cert_file:
        yield f"{key}.tls.cert_file", tls.cert_file, "the certificate of key_file"
    for name in ("reconnect", "throttle", "retry"):
        low = f"{name}_min_seconds" if name == "reconnect" else f"{name}_seconds"
        high = f"{name}_max_seconds"
        if getattr(uplink, low) > getattr(uplink, high):
            yield f"{key}.{high}", getattr(uplink, high), f"no less than {low}"
    if not uplink.system_id.isascii():
        yield f"{key}.system_id", uplink.system_id, "ASCII text"
    if len(uplink.password.reveal().encode()) > 64:
        yield f"{key}.password", None, "at most 64 characters"
    tags = [tlv.tag for tlv in uplink.tlvs]
    for at, tlv in enumerate(uplink.tlvs):
        if bool(tlv.text) == bool(tlv.hex):
            yield f"{key}.tlvs[{at}]", None, "either text or hex"
        if not tlv.text.isascii():
            yield f"{key}.tlvs[{at}].text", tlv.text, "ASCII text; use hex for other octets"
        if tags.index(tlv.tag) != at:
            yield f"{key}.tlvs[{at}].tag", tlv.tag, "a tag that is not there twice"


def _server(key: str, server: str) -> Iterator[Problem]:
    expected = "smpp://host:port or smpps://host:port"
    try:
        parts = urlsplit(server)
        host, port = parts.hostname, parts.port
    except ValueError:
        yield key, None if "@" in server else server, expected
        return
    if parts.username is not None or "@" in server:
        yield key, None, f"{expected}; credentials go to system_id and password"
    elif (
        parts.scheme not in ("smpp", "smpps")
        or not host
        or not port
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        yield key, server, expected


def _groups(config: "Config") -> Iterator[Problem]:
    rules: dict[str, tuple[str, str]] = {}
    for name, uplink in config.uplink.items():
        first, rule = rules.setdefault(uplink.group, (name, uplink.message_id_rule))
        if rule != uplink.message_id_rule:
            yield (
                f"uplink.{name}.message_id_rule",
                uplink.message_id_rule,
                f'"{rule}", as uplink.{first} of the same group has it',
            )


def _accounts(config: "Config") -> Iterator[Problem]:
    exempt: tuple[Network, ...] = ()
    for at, text in enumerate(config.webhooks.allow_private_networks):
        try:
            exempt += parse_networks([text])
        except ValueError:
            yield f"webhooks.allow_private_networks[{at}]", text, "a network such as 10.0.0.0/8"
    keys: dict[str, str] = {}
    numbers: dict[str, str] = {}
    for name, account in config.account.items():
        yield from _account(f"account.{name}", account, exempt)
        for secret_key, text in _credentials(f"account.{name}", account):
            if text in keys:
                yield secret_key, None, f"a value unlike that of {keys[text]}"
            keys[text] = secret_key
        for at, number in enumerate(account.numbers):
            if number in numbers:
                yield f"account.{name}.numbers[{at}]", number, f"a number that {numbers[number]} does not claim"
            numbers[number] = f"account.{name}"


def _account(key: str, account: "AccountConfig", exempt: tuple[Network, ...]) -> Iterator[Problem]:
    for name in ("callback_url", "inbound_url"):
        url = getattr(account, name)
        try:
            if url:
                check_url(url, exempt)
        except InvalidMessage as error:
            # The URL itself may carry a token: it is not shown.
            yield f"{key}.{name}", None, f"a public http:// or https:// address ({error.message.rpartition(': ')[2]})"
    for at, secret in enumerate(account.api_keys):
        if not secret:
            yield f"{key}.api_keys[{at}]", None, "a key that is not empty"
    if account.mobtexting is not None:
        try:
            Hours(account.mobtexting.promotional_hours, time_zone=account.mobtexting.time_zone)
        except ValueError as error:
            yield f"{key}.mobtexting.time_zone", account.mobtexting.time_zone, f"the name of a time zone ({error})"
    for path, secret in _provider_secrets(account):
        if not secret:
            yield f"{key}.{path}", None, "a secret that is not empty"
    if account.smpp is not None:
        yield from _customer(f"{key}.smpp", account.smpp)
    if not _is_signing_secret(account.signing_secret.reveal()):
        yield f"{key}.signing_secret", None, "base64 after whsec_, or text that does not begin so"
    if account.default_sender and account.senders and account.default_sender not in Patterns(account.senders):
        yield f"{key}.default_sender", account.default_sender, f"one of {key}.senders"


def _provider_secrets(account: "AccountConfig") -> Iterator[tuple[str, Secret]]:
    if account.mocean is not None:
        yield "mocean.secret", account.mocean.secret
    if account.mobtexting is not None:
        yield "mobtexting.token", account.mobtexting.token
    if account.lanck is not None:
        yield "lanck.password", account.lanck.password
    if account.checkmobi is not None:
        yield "checkmobi.key", account.checkmobi.key


def _customer(key: str, smpp: "AccountSmppConfig") -> Iterator[Problem]:
    if not smpp.system_id.isascii():
        yield f"{key}.system_id", smpp.system_id, "ASCII text"
    password = smpp.password.reveal()
    if not (password.isascii() and 1 <= len(password) <= 8):
        yield f"{key}.password", None, "1 to 8 ASCII characters, which is what a bind can carry"
    yield from _networks(f"{key}.allowed_addresses", smpp.allowed_addresses)


def _networks(key: str, texts: Sequence[str]) -> Iterator[Problem]:
    for at, text in enumerate(texts):
        try:
            parse_networks([text])
        except ValueError:
            yield f"{key}[{at}]", text, "a network such as 192.0.2.0/24"


def _is_signing_secret(text: str) -> bool:
    if not text.startswith("whsec_"):
        return True
    try:
        return bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        return False


def _credentials(key: str, account: "AccountConfig") -> Iterator[tuple[str, str]]:
    """What must lead to one account only."""
    for at, secret in enumerate(account.api_keys):
        yield f"{key}.api_keys[{at}]", "key " + secret.reveal()
    if account.mocean is not None:
        yield f"{key}.mocean.key", "mocean " + account.mocean.key
        if account.mocean.token:
            yield f"{key}.mocean.token", "token " + account.mocean.token.reveal()
    if account.mobtexting is not None:
        yield f"{key}.mobtexting.token", "mobtexting " + account.mobtexting.token.reveal()
    if account.lanck is not None:
        yield f"{key}.lanck.user", "lanck " + account.lanck.user
    if account.checkmobi is not None:
        yield f"{key}.checkmobi.key", "checkmobi " + account.checkmobi.key.reveal()
    if account.smpp is not None:
        yield f"{key}.smpp.system_id", "system_id " + account.smpp.system_id
