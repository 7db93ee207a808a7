"""Those who send: what they may do, and how they identify themselves."""

from typing import Annotated, Literal

import msgspec

from gateway.config.billing import AccountBillingConfig
from gateway.config.inbound import RepliesConfig
from gateway.config.policy import AccountRulesConfig
from gateway.settings import Secret, setting

Role = Literal["send", "read", "admin"]


class MoceanConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of an app written for Mocean."""

    key: Annotated[str, setting("mocean-api-key.", min_length=1, sample="mocean-key")]
    secret: Annotated[Secret, setting("mocean-api-secret.", sample="change-me-too")]
    token: Annotated[Secret, setting("Bearer token that stands for both; empty: none.")] = Secret()


class MobtextingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of an app written for MOBtexting."""

    token: Annotated[Secret, setting("Its API token.", sample="change-me-as-well")]
    queries_per_minute: Annotated[
        float, setting("GET requests it may make; 0: any number.", unit="requests a minute", ge=0, le=1_000_000)
    ] = 1_000.0
    time_zone: Annotated[str, setting("Whose times it means where they have no zone.")] = "Asia/Kolkata"
    products: Annotated[
        tuple[str, ...], setting("Product codes it may send by (`service`), such as T and P; empty: any.")
    ] = ()
    scrub: Annotated[
        bool, setting("Whether its messages must fit registered senders and templates and keep India's hours.")
    ] = False
    promotional_products: Annotated[tuple[str, ...], setting("Products that are promotional.")] = ("P",)
    promotional_hours: Annotated[
        str,
        setting("When those may be sent.", pattern="^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-4]):[0-5][0-9]$"),
    ] = "10:00-21:00"


class LanckConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of an app written for Lanck."""

    user: Annotated[str, setting("First half of its access token.", min_length=1, sample="lanck-user")]
    password: Annotated[Secret, setting("Second half, after the colon.", sample="change-me-again")]
    requests_per_second: Annotated[
        float, setting("Requests it may make; 0: any number.", unit="requests a second", ge=0, le=1_000_000)
    ] = 30.0


class CheckmobiConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of an app written for CheckMobi."""

    key: Annotated[Secret, setting("Its secret key, sent in Authorization as it is.", sample="change-me-once-more")]
    signature_key: Annotated[Secret, setting("Signs our callbacks to it; empty: they are not signed.")] = Secret()


class AccountSmppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer who binds over SMPP may do."""

    system_id: Annotated[str, setting("Who it binds as.", min_length=1, max_length=15, sample="customer")]
    password: Annotated[Secret, setting("Its password, at most 8 characters.", sample="change-m")]
    max_binds: Annotated[
        int, setting("Binds at a time, on all nodes together; 0: any number.", unit="binds", ge=0, le=10_000)
    ] = 4
    allowed_addresses: Annotated[
        tuple[str, ...], setting("Networks it may connect from, as CIDR: 192.0.2.0/24; empty: any.")
    ] = ()
    parts_per_second: Annotated[
        float,
        setting(
            "The pace of all its binds together, on all nodes; 0: none.", unit="parts a second", ge=0, le=1_000_000
        ),
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
    senders: Annotated[
        tuple[str, ...], setting("Senders it may use; * stands for any characters, ? for one; empty: any.")
    ] = ()
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
    mobtexting: Annotated[MobtextingConfig | None, setting("Credentials of an app written for MOBtexting.")] = None
    lanck: Annotated[LanckConfig | None, setting("Credentials of an app written for Lanck.")] = None
    checkmobi: Annotated[CheckmobiConfig | None, setting("Credentials of an app written for CheckMobi.")] = None
    smpp: Annotated[AccountSmppConfig | None, setting("What a customer who binds over SMPP may do.")] = None
    rules: AccountRulesConfig = AccountRulesConfig()
    replies: RepliesConfig = RepliesConfig()
    billing: AccountBillingConfig = AccountBillingConfig()
