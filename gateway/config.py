"""The gateway's settings: every key declared once, with its type, range, default, unit and meaning.

`load` reads a TOML file; `example` prints all of it as a commented file. Errors name file, key, value and expectation.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gateway import settings
from gateway.config_checks import check
from gateway.errors import ConfigError
from gateway.settings import Secret, setting

__all__ = ["Config", "ConfigError", "Secret", "example", "load", "parse", "split_listen"]

Name = Annotated[str, setting("A name.", pattern="^[A-Za-z0-9_-]{1,64}$")]
Ton = Annotated[int, setting("Type of number.", ge=0, le=255)]
Role = Literal["send", "read", "admin"]


class HttpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where HTTP apps send their messages."""

    listen: Annotated[str, setting("Address and port; port 0 takes a free one.")] = "127.0.0.1:8080"
    body_limit_bytes: Annotated[int, setting("The largest request body taken.", unit="bytes", ge=1024, le=1 << 30)] = (
        8 << 20
    )
    batch_limit: Annotated[int, setting("The most messages in one request.", unit="messages", ge=1, le=100_000)] = (
        10_000
    )


class AdminConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's own listener: health, metrics, binds. Keep it off the internet."""

    listen: Annotated[str, setting("Address and port; port 0 takes a free one.")] = "127.0.0.1:8081"


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """This process."""

    name: Annotated[str, setting("Its name, unlike that of any other node.", pattern="^[A-Za-z0-9_.-]{1,64}$")] = (
        "node-1"
    )
    shutdown_seconds: Annotated[
        float,
        setting("How long a stop may take before connections are closed as they are.", unit="seconds", ge=0, le=600),
    ] = 15.0
    lease_seconds: Annotated[
        float,
        setting("How long after its last sign of life others take over its work.", unit="seconds", ge=1, le=600),
    ] = 15.0


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages are kept."""

    url: Annotated[
        str,
        setting(
            "sqlite:PATH for one node, postgresql://USER@HOST/DATABASE for several (its password from PGPASSWORD or"
            " a password file); memory: keeps nothing and is for trials only."
        ),
    ] = "sqlite:data/gateway.db"
    queue_limit: Annotated[
        int, setting("Rows that may wait for a commit; beyond it senders are told to try again.", ge=1, le=10_000_000)
    ] = 20_000
    commit_batch: Annotated[int, setting("The most rows in one commit.", ge=1, le=100_000)] = 2_000


class PipelineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What happens between accepting and sending."""

    queue_limit: Annotated[
        int, setting("Messages held in memory for each uplink; the rest waits in the store.", ge=1, le=1_000_000)
    ] = 10_000


class ReceiptsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Delivery receipts."""

    parked_seconds: Annotated[
        int,
        setting(
            "How long a receipt waits for the response that tells its message id.", unit="seconds", ge=1, le=604_800
        ),
    ] = 3_600
    deadline_seconds: Annotated[
        int,
        setting(
            "When a message without a final receipt becomes `unknown`.",
            unit="seconds after it was accepted",
            ge=60,
            le=2_592_000,
        ),
    ] = 259_200
    lifetime_seconds: Annotated[
        int,
        setting(
            "How long a receipt may still find its message; ids recycle.",
            unit="seconds after it was accepted",
            ge=60,
            le=5_184_000,
        ),
    ] = 345_600


class WebhooksConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Callbacks to those who sent or subscribed."""

    timeout_seconds: Annotated[float, setting("For one try.", unit="seconds", ge=0.1, le=120)] = 10.0
    retry_seconds: Annotated[
        tuple[Annotated[float, setting("A pause.", unit="seconds", ge=0.1, le=86_400)], ...],
        setting("Pauses between tries, each varied by a quarter; the last one repeats.", min_length=1),
    ] = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400)
    give_up_seconds: Annotated[
        int, setting("When a callback is kept as failed instead of tried again.", unit="seconds", ge=1, le=129_600)
    ] = 129_600
    per_host: Annotated[int, setting("Requests to one host at a time.", ge=1, le=1_000)] = 10
    concurrency: Annotated[int, setting("Requests in all at a time.", ge=1, le=10_000)] = 200
    response_limit_bytes: Annotated[int, setting("How much of an answer is read.", unit="bytes", ge=0, le=1 << 20)] = (
        65_536
    )
    circuit_failures: Annotated[int, setting("Failures in a row after which a host is left alone.", ge=1, le=1_000)] = 5
    circuit_seconds: Annotated[
        float, setting("For how long; then one request tries it.", unit="seconds", ge=0.1, le=3_600)
    ] = 30.0
    allow_private_networks: Annotated[
        tuple[str, ...],
        setting("Networks a callback may go to though they are not public, as CIDR: 10.0.0.0/8."),
    ] = ()


class TlsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """TLS towards smpps:// servers. Their certificates are always verified."""

    ca_file: Annotated[str, setting("Certificates to trust (PEM); empty: the system's.")] = ""
    cert_file: Annotated[str, setting("Our certificate, where the server asks for one (PEM).")] = ""
    key_file: Annotated[str, setting("Its key (PEM); empty: it is in cert_file.")] = ""
    server_hostname: Annotated[str, setting("The name the certificate must bear; empty: the host of the URL.")] = ""


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How sender addresses are marked."""

    alphanumeric_ton: Annotated[int, setting("Type of number of a name.", ge=0, le=255)] = 5
    alphanumeric_npi: Annotated[int, setting("Numbering plan of a name.", ge=0, le=255)] = 0
    international_ton: Annotated[int, setting("Type of number of a telephone number.", ge=0, le=255)] = 1
    international_npi: Annotated[int, setting("Numbering plan of a telephone number.", ge=0, le=255)] = 1
    short_code_ton: Annotated[int, setting("Type of number of a short code.", ge=0, le=255)] = 3
    short_code_npi: Annotated[int, setting("Numbering plan of a short code.", ge=0, le=255)] = 0
    short_code_max_length: Annotated[
        int, setting("A number up to this long is a short code.", unit="digits", ge=0, le=20)
    ] = 6


class DestinationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How recipient addresses are written."""

    ton: Ton = 1
    npi: Annotated[int, setting("Numbering plan.", ge=0, le=255)] = 1
    strip_prefix: Annotated[
        str, setting("Digits taken off the front where they are there.", pattern="^[0-9]{0,20}$")
    ] = ""
    add_prefix: Annotated[str, setting("What is put in front then.", pattern="^[+0-9]{0,20}$")] = ""


class TlvConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter sent with every message."""

    tag: Annotated[int, setting("Its tag.", sample=0x1403, ge=0, le=0xFFFF)]
    text: Annotated[str, setting("Its value as text, sent as it is, without a closing NUL.", sample="value")] = ""
    hex: Annotated[str, setting("... or as octets in hexadecimal.", pattern="^([0-9A-Fa-f]{2})*$")] = ""


class UplinkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A way out: the binds of one SMSC."""

    kind: Annotated[Literal["smpp"], setting("What speaks there.")] = "smpp"
    servers: Annotated[
        tuple[str, ...],
        setting(
            "The SMSC's servers: smpp://host:port, or smpps://host:port with TLS.",
            min_length=1,
            sample=("smpps://smsc.example.net:3635",),
        ),
    ]
    system_id: Annotated[str, setting("Who we are to the SMSC.", max_length=15, sample="demo")] = ""
    password: Annotated[Secret, setting("Our password there.")] = Secret()
    system_type: Annotated[str, setting("Sent with the bind.", max_length=12)] = ""
    bind_mode: Annotated[Literal["trx", "tx", "rx"], setting("Transceiver, transmitter or receiver.")] = "trx"
    binds_per_server: Annotated[int, setting("Connections to each server.", ge=1, le=1_000)] = 1
    window: Annotated[int, setting("Parts without a response on one bind.", unit="parts", ge=1, le=100_000)] = 10
    parts_per_second_per_server: Annotated[
        float,
        setting("The pace a server allows, shared by its binds; 0: none.", unit="parts a second", ge=0, le=1_000_000),
    ] = 0.0
    group: Annotated[
        str,
        setting(
            "Uplinks that share message ids and receipts; empty: the uplink's own name.",
            pattern="^[A-Za-z0-9_-]{0,64}$",
        ),
    ] = ""
    enquire_link_seconds: Annotated[float, setting("Pause between signs of life.", unit="seconds", ge=1, le=3_600)] = (
        30.0
    )
    response_timeout_seconds: Annotated[
        float, setting("When a part without a response is in doubt.", unit="seconds", ge=0.1, le=600)
    ] = 10.0
    reconnect_min_seconds: Annotated[
        float, setting("First pause before connecting again.", unit="seconds", ge=0.01, le=3_600)
    ] = 1.0
    reconnect_max_seconds: Annotated[float, setting("Longest pause.", unit="seconds", ge=0.01, le=3_600)] = 60.0
    default_alphabet: Annotated[
        Literal["gsm", "latin1", "ascii"], setting("What data_coding 0 means to this SMSC.")
    ] = "gsm"
    allow_latin1: Annotated[bool, setting("Whether data_coding 3 may be used where it is shorter.")] = False
    long_messages: Annotated[
        Literal["udh8", "udh16", "sar", "payload"],
        setting("How long texts travel: user data header with 8- or 16-bit reference, SAR TLVs, message_payload."),
    ] = "udh8"
    registered_delivery: Annotated[int, setting("Asked of the SMSC where a receipt is wanted.", ge=0, le=255)] = 1
    service_type: Annotated[str, setting("Sent with every part.", max_length=5)] = ""
    tlv_profile: Annotated[
        Literal["none", "dlt"], setting("What the vendor tags mean here: dlt is India's PE, template and TM ids.")
    ] = "none"
    message_id_rule: Annotated[
        Literal["as_is", "response_hex_receipt_decimal", "response_decimal_receipt_hex", "auto"],
        setting("How the ids of responses and receipts compare; auto tries all and also wants the number to agree."),
    ] = "as_is"
    in_doubt: Annotated[Literal["resend", "fail"], setting("What to do with a part that left and got no response.")] = (
        "resend"
    )
    in_doubt_limit: Annotated[int, setting("How often one part is resent for that reason.", ge=0, le=100)] = 5
    throttle_scope: Annotated[
        Literal["bind", "server", "uplink"], setting("What pauses when the SMSC answers that we are too fast.")
    ] = "bind"
    throttle_seconds: Annotated[float, setting("First such pause; it doubles.", unit="seconds", ge=0.01, le=600)] = 1.0
    throttle_max_seconds: Annotated[float, setting("Longest such pause.", unit="seconds", ge=0.01, le=3_600)] = 30.0
    retry_seconds: Annotated[
        float, setting("First pause after a passing fault; it doubles.", unit="seconds", ge=0.01, le=3_600)
    ] = 5.0
    retry_max_seconds: Annotated[float, setting("Longest such pause.", unit="seconds", ge=0.01, le=86_400)] = 300.0
    retry_limit: Annotated[
        int, setting("Tries after passing faults; 0: as many as the validity period allows.", ge=0, le=10_000)
    ] = 0
    validity_seconds: Annotated[
        int, setting("How long we try to send a message that does not say so itself.", unit="seconds", ge=1, le=604_800)
    ] = 86_400
    tls: Annotated[TlsConfig, setting("TLS towards smpps:// servers. Their certificates are always verified.")] = (
        TlsConfig()
    )
    source: SourceConfig = SourceConfig()
    destination: DestinationConfig = DestinationConfig()
    tlvs: Annotated[
        tuple[TlvConfig, ...], setting("A parameter sent with every message. Repeat the table for more.")
    ] = ()


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which uplinks take which messages: the longest prefix that fits, and of equals the one that names the account."""

    prefix: Annotated[str, setting("First digits of the recipient; empty: any.", pattern="^[0-9]{0,20}$")] = ""
    account: Annotated[str, setting("Only messages of this account; empty: of any.")] = ""
    uplinks: Annotated[
        tuple[str, ...],
        setting(
            "Where they go, in this order; later ones stand in for earlier ones.",
            min_length=1,
            sample=(settings.SAMPLE_NAME,),
        ),
    ]


class MoceanConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of an app written for Mocean."""

    key: Annotated[str, setting("mocean-api-key.", min_length=1, sample="mocean-key")]
    secret: Annotated[Secret, setting("mocean-api-secret.", sample="change-me-too")]
    token: Annotated[Secret, setting("Bearer token that stands for both; empty: none.")] = Secret()


class SmppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where SMPP customers bind to us."""

    listen: Annotated[str, setting("Address and port for plain connections; empty: none.", sample="127.0.0.1:2775")] = (
        ""
    )
    tls_listen: Annotated[str, setting("Address and port for connections with TLS; empty: none.")] = ""
    cert_file: Annotated[str, setting("Our certificate with its chain, for tls_listen (PEM).")] = ""
    key_file: Annotated[str, setting("Its key (PEM); empty: it is in cert_file.")] = ""
    client_ca_file: Annotated[
        str, setting("Authorities one of which must have signed a customer's certificate (PEM); empty: none is asked.")
    ] = ""
    system_id: Annotated[str, setting("Who we are, in answers to binds.", max_length=15)] = "SMSC"
    max_connections: Annotated[int, setting("Connections in all.", ge=1, le=100_000)] = 1_000
    max_unbound_per_address: Annotated[
        int, setting("Connections of one address that have not bound.", ge=1, le=100_000)
    ] = 50
    bind_seconds: Annotated[float, setting("How long a connection may take to bind.", unit="seconds", ge=1, le=600)] = (
        10.0
    )
    enquire_link_seconds: Annotated[float, setting("Pause between signs of life.", unit="seconds", ge=1, le=3_600)] = (
        60.0
    )
    inactivity_seconds: Annotated[
        float, setting("When a bind without messages is ended; 0: never.", unit="seconds", ge=0, le=86_400)
    ] = 0.0
    response_timeout_seconds: Annotated[
        float, setting("When a receipt without a response is sent again.", unit="seconds", ge=0.1, le=600)
    ] = 30.0
    retry_seconds: Annotated[
        float, setting("First pause after a customer refused a receipt; it doubles.", unit="seconds", ge=0.01, le=3_600)
    ] = 1.0
    retry_max_seconds: Annotated[float, setting("Longest such pause.", unit="seconds", ge=0.01, le=86_400)] = 300.0
    hold_seconds: Annotated[
        int,
        setting(
            "How long receipts and inbound messages wait for a bind; then they are kept as failed.",
            unit="seconds",
            ge=60,
            le=31_536_000,
        ),
    ] = 604_800


class AccountSmppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer who binds over SMPP may do."""

    system_id: Annotated[str, setting("Who it binds as.", min_length=1, max_length=15, sample="customer")]
    password: Annotated[Secret, setting("Its password, at most 8 characters.", sample="change-m")]
    max_binds: Annotated[int, setting("Binds at a time; 0: any number.", unit="binds", ge=0, le=10_000)] = 4
    allowed_addresses: Annotated[
        tuple[str, ...], setting("Networks it may connect from, as CIDR: 192.0.2.0/24; empty: any.")
    ] = ()
    parts_per_second: Annotated[
        float, setting("The pace of all its binds together; 0: none.", unit="parts a second", ge=0, le=1_000_000)
    ] = 0.0
    burst_parts: Annotated[
        int,
        setting(
            "Parts that may come at once, a long message among them; 0: those of a second, but at least 10.",
            unit="parts",
            ge=0,
            le=1_000_000,
        ),
    ] = 0
    window: Annotated[
        int, setting("Its requests without an answer on one bind; more are throttled.", ge=1, le=10_000)
    ] = 100
    deliver_window: Annotated[
        int, setting("Receipts and inbound messages without an answer on one bind.", ge=1, le=10_000)
    ] = 10
    default_alphabet: Annotated[
        Literal["gsm", "latin1", "ascii"], setting("What data_coding 0 means to it, both ways.")
    ] = "gsm"
    tlv_profile: Annotated[
        Literal["none", "dlt"], setting("The vendor tags it may send: dlt is India's PE, template and TM ids.")
    ] = "none"
    inbound: Annotated[
        Literal["smpp", "webhook"], setting("Where messages to the account's numbers go: its binds or inbound_url.")
    ] = "smpp"


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who sends."""

    api_keys: Annotated[tuple[Secret, ...], setting("Keys of the native API.", sample=("change-me",))] = ()
    roles: Annotated[tuple[Role, ...], setting("What its keys may do.")] = ("send", "read")
    default_sender: Annotated[str, setting("Sender of messages that name none.", max_length=20)] = ""
    senders: Annotated[tuple[str, ...], setting("Senders it may use; empty: any.")] = ()
    callback_url: Annotated[str, setting("Where its messages are reported unless they say so themselves.")] = ""
    inbound_url: Annotated[str, setting("Where messages to its numbers are posted.")] = ""
    numbers: Annotated[
        tuple[Annotated[str, setting("A number.", pattern="^[0-9]{3,20}$")], ...],
        setting("Numbers whose inbound messages are its own, digits only."),
    ] = ()
    signing_secret: Annotated[
        Secret, setting("Signs its native callbacks (Standard Webhooks); whsec_… or any text.")
    ] = Secret()
    mocean: Annotated[MoceanConfig | None, setting("Credentials of an app written for Mocean.")] = None
    smpp: Annotated[AccountSmppConfig | None, setting("What a customer who binds over SMPP may do.")] = None


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings."""

    http: HttpConfig = HttpConfig()
    admin: AdminConfig = AdminConfig()
    smpp: SmppConfig = SmppConfig()
    node: NodeConfig = NodeConfig()
    store: StoreConfig = StoreConfig()
    pipeline: PipelineConfig = PipelineConfig()
    receipts: ReceiptsConfig = ReceiptsConfig()
    webhooks: WebhooksConfig = WebhooksConfig()
    uplink: dict[Name, UplinkConfig] = {}
    route: tuple[RouteConfig, ...] = ()
    account: dict[Name, AccountConfig] = {}


def load(path: str | Path) -> Config:
    """Read a config file.

    Raises:
        ConfigError: it cannot be read, or something in it cannot be.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), "(file)", None, f"a file that can be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "(file)", None, "UTF-8 text") from None
    return parse(text, str(path))


def parse(text: str, file: str = "<config>") -> Config:
    """Read settings from TOML text.

    Raises:
        ConfigError: something in it cannot be.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "(syntax)", None, f"TOML: {error}") from None
    config = settings.decode(Config, table, file=file)
    named = {
        name: msgspec.structs.replace(uplink, group=uplink.group or name) for name, uplink in config.uplink.items()
    }
    config = msgspec.structs.replace(config, uplink=named)
    check(config, file)
    return config


def example() -> str:
    """A commented TOML file of every setting."""
    return settings.example(Config)


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of a `listen` setting."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
