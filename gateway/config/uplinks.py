"""Ways out."""

from typing import Annotated, Literal

import msgspec

from gateway.config.health import HealthConfig
from gateway.config.routing import CostConfig
from gateway.settings import Secret, setting

Ton = Annotated[int, setting("Type of number.", ge=0, le=255)]


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


class SenderRuleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Writes some senders another way. The first rule that fits holds. Repeat the table for more."""

    match: Annotated[
        str, setting("Which senders; * stands for any characters, ? for one.", min_length=1, max_length=64, sample="*")
    ]
    recipient: Annotated[str, setting("Only to numbers that begin so; empty: to any.", pattern="^[0-9]{0,20}$")] = ""
    sender: Annotated[
        str, setting("What is sent in its place, * for what the first * stood for; empty: as it is.", max_length=20)
    ] = ""
    ton: Annotated[int, setting("Type of number; -1: as [source] has it.", ge=-1, le=255)] = -1
    npi: Annotated[int, setting("Numbering plan; -1: as [source] has it.", ge=-1, le=255)] = -1


class RecipientRuleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Writes some recipients another way. The first rule that fits holds, before [destination]."""

    prefix: Annotated[str, setting("Which numbers: those that begin so.", pattern="^[0-9]{0,20}$", sample="44")]
    max_digits: Annotated[int, setting("... and are no longer: for short codes.", ge=1, le=20)] = 20
    new_prefix: Annotated[
        str, setting("What stands in the prefix's place; - leaves it there.", pattern="^(-|[+0-9]{0,20})$")
    ] = "-"
    ton: Annotated[int, setting("Type of number; -1: as [destination] has it.", ge=-1, le=255)] = -1
    npi: Annotated[int, setting("Numbering plan; -1: as [destination] has it.", ge=-1, le=255)] = -1


class StatusConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What one status of this SMSC means, where it is not what the table of retry classes says."""

    status: Annotated[
        str, setting("Its name or number: ESME_RSUBMITFAIL, 0x45, 69.", min_length=1, sample="ESME_RSUBMITFAIL")
    ]
    means: Annotated[
        Literal["throttled", "retry", "rejected"],
        setting("We are too fast; a passing fault; never to be sent so.", sample="retry"),
    ]


class UplinkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A way out: the binds of one SMSC, or a provider's REST API."""

    kind: Annotated[
        Literal["smpp", "mocean", "mobtexting", "lanck", "checkmobi"],
        setting("What speaks there: an SMSC, or the REST API of a provider."),
    ] = "smpp"
    servers: Annotated[
        tuple[str, ...],
        setting(
            "The SMSC's servers: smpp://host:port, or smpps://host:port with TLS. Required for kind smpp.",
            min_length=1,
            sample=("smpps://smsc.example.net:3635",),
        ),
    ] = ()
    system_id: Annotated[str, setting("Who we are to the SMSC.", max_length=15, sample="demo")] = ""
    password: Annotated[Secret, setting("Our password there.")] = Secret()
    system_type: Annotated[str, setting("Sent with the bind.", max_length=12)] = ""
    bind_mode: Annotated[Literal["trx", "tx", "rx"], setting("Transceiver, transmitter or receiver.")] = "trx"
    binds_per_server: Annotated[int, setting("Connections to each server, of all nodes together.", ge=1, le=1_000)] = 1
    window: Annotated[int, setting("Parts without a response on one bind.", unit="parts", ge=1, le=100_000)] = 10
    parts_per_second_per_server: Annotated[
        float,
        setting(
            "The pace a server allows, shared by its binds on all nodes; 0: none.",
            unit="parts a second",
            ge=0,
            le=1_000_000,
        ),
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
    receipt_parts: Annotated[
        Literal["all", "first", "last"],
        setting("Which parts of a long message receipts are asked of; that part's end is then the others' too."),
    ] = "all"
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
    base_url: Annotated[str, setting("Of a provider: where its API is, https://host[/path].")] = ""
    key: Annotated[Secret, setting("Of Mocean: the API key, with secret. Of CheckMobi: the secret key.")] = Secret()
    secret: Annotated[Secret, setting("Of Mocean: the API secret.")] = Secret()
    token: Annotated[Secret, setting("Of MOBtexting: the API token. Of Mocean: in place of key and secret.")] = Secret()
    user: Annotated[str, setting("Of Lanck: the first half of the access token; the second is the password.")] = ""
    signing_secret: Annotated[
        Secret, setting("Of CheckMobi and MOBtexting: what their callbacks are signed with; empty: not looked at.")
    ] = Secret()
    service: Annotated[str, setting("Of MOBtexting: the product, such as T; required there.", max_length=16)] = ""
    webhook_id: Annotated[
        str, setting("Of MOBtexting: the webhook there that leads to our callback address; empty: none is named.")
    ] = ""
    is_transactional: Annotated[bool, setting("Of CheckMobi: whether its messages are transactional.")] = True
    requests_per_second: Annotated[
        float, setting("Of a provider: the pace it allows; 0: none.", unit="requests a second", ge=0, le=100_000)
    ] = 0.0
    concurrency: Annotated[int, setting("Of a provider: requests at a time.", ge=1, le=10_000)] = 16
    timeout_seconds: Annotated[
        float, setting("Of a provider: when a request without an answer is in doubt.", unit="seconds", ge=0.1, le=600)
    ] = 30.0
    connect_timeout_seconds: Annotated[
        float, setting("Of a provider: how long connecting may take.", unit="seconds", ge=0.1, le=600)
    ] = 10.0
    answer_limit_bytes: Annotated[
        int, setting("Of a provider: the longest answer that is read.", unit="bytes", ge=1024, le=1 << 26)
    ] = 1 << 20
    circuit_failures: Annotated[
        int, setting("Of a provider: after so many failures in a row it is left alone for a while.", ge=1, le=1_000)
    ] = 5
    poll_seconds: Annotated[
        float,
        setting(
            "Of a provider: how long after sending it is first asked what became of a message; 0: 30 seconds where it "
            "cannot call us back, else never.",
            unit="seconds",
            ge=0,
            le=86_400,
        ),
    ] = 0.0
    polls_per_second: Annotated[
        float, setting("Of a provider: the pace of such questions.", unit="requests a second", ge=0.01, le=10_000)
    ] = 5.0
    join_seconds: Annotated[
        float,
        setting(
            "Of a provider: how long the parts of a long message wait for the others.", unit="seconds", ge=1, le=3_600
        ),
    ] = 120.0
    pass_through: Annotated[
        bool, setting("Of a provider: whether accounts may use what else it offers: calls, other channels.")
    ] = True
    pass_through_accounts: Annotated[tuple[str, ...], setting("... and which accounts; empty: any.")] = ()
    pass_through_limit_bytes: Annotated[
        int, setting("... and the largest body, either way.", unit="bytes", ge=1024, le=1 << 32)
    ] = 100 << 20
    tls: Annotated[
        TlsConfig, setting("TLS towards smpps:// servers and providers. Their certificates are always verified.")
    ] = TlsConfig()
    health: HealthConfig = HealthConfig()
    source: SourceConfig = SourceConfig()
    destination: DestinationConfig = DestinationConfig()
    tlvs: Annotated[
        tuple[TlvConfig, ...], setting("A parameter sent with every message. Repeat the table for more.")
    ] = ()
    sender_rules: Annotated[
        tuple[SenderRuleConfig, ...], setting("Writes some senders another way; the first that fits holds.")
    ] = ()
    recipient_rules: Annotated[
        tuple[RecipientRuleConfig, ...],
        setting("Writes some recipients another way, before [destination]; the first that fits holds."),
    ] = ()
    statuses: Annotated[
        tuple[StatusConfig, ...], setting("What one status of this SMSC means, where it is not the usual.")
    ] = ()
    costs: Annotated[tuple[CostConfig, ...], setting("What a part costs here, for routes that choose by cost.")] = ()
