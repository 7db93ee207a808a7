"""What the gateway offers beyond sending: one-time codes, look-ups, flows."""

from typing import Annotated, Literal

import msgspec

from gateway.settings import setting

NumberKind = Literal[
    "fixed_line", "premium_rate", "shared_cost", "personal", "pager", "uan", "voicemail", "toll_free", "voip", "unknown"
]
Country = Annotated[str, setting("A country.", pattern="^[A-Z]{2}$")]


class VerifyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One-time codes, and the guards against traffic that only pumps them. A cap of 0 is none."""

    sender: Annotated[
        str, setting("Who codes come from where neither the request nor the account says so.", max_length=20)
    ] = "VERIFY"
    priority: Annotated[int, setting("The messages' priority.", ge=0, le=3)] = 1
    per_number: Annotated[int, setting("Codes to one number.", unit="an hour", ge=0, le=1_000_000)] = 10
    per_prefix: Annotated[
        int, setting("Codes to numbers that agree but for their last digits.", unit="an hour", ge=0, le=100_000_000)
    ] = 100
    prefix_cut: Annotated[int, setting("How many last digits.", unit="digits", ge=1, le=8)] = 3
    per_remote: Annotated[
        int,
        setting(
            "Codes asked for from one network address, where the app tells it.", unit="an hour", ge=0, le=1_000_000
        ),
    ] = 30
    per_country: Annotated[
        int, setting("Codes of one account to one country.", unit="an hour", ge=0, le=1_000_000_000)
    ] = 0
    per_account: Annotated[int, setting("Codes of one account.", unit="an hour", ge=0, le=1_000_000_000)] = 50_000
    guesses_per_number: Annotated[
        int,
        setting(
            "Codes given for one number, right or wrong, over all its verifications.",
            unit="an hour",
            ge=0,
            le=1_000_000,
        ),
    ] = 30
    conversion_percent: Annotated[
        float,
        setting("How many of an account's codes to one range must come back, or no more go there.", ge=0, le=100),
    ] = 5.0
    conversion_after: Annotated[
        int, setting("... judged after so many codes.", unit="an hour", ge=1, le=100_000_000)
    ] = 100
    conversion_burst: Annotated[
        int,
        setting("Codes to one range before anybody had the time to type one in; 0: any number.", ge=0, le=100_000_000),
    ] = 1_000
    conversion_country_after: Annotated[
        int,
        setting(
            "The same is judged of a country after so many codes; 0: it is not.", unit="an hour", ge=0, le=100_000_000
        ),
    ] = 1_000
    conversion_digits: Annotated[
        int, setting("The first digits of a number that make its range.", unit="digits", ge=1, le=15)
    ] = 6
    countries: Annotated[tuple[Country, ...], setting("Where codes may go, as ISO 3166 codes; empty: anywhere.")] = ()
    blocked_countries: Annotated[tuple[Country, ...], setting("Where none may go.")] = ()
    blocked_kinds: Annotated[tuple[NumberKind, ...], setting("Kinds of numbers that no code goes to.")] = (
        "premium_rate",
        "shared_cost",
        "personal",
        "pager",
        "uan",
        "voicemail",
        "toll_free",
    )
    international_networks: Annotated[
        bool,
        setting("Whether codes may go to numbers of no country: satellite phones, networks of ships and machines."),
    ] = False
    keep_seconds: Annotated[
        int, setting("How long one that has ended can be asked for.", unit="seconds", ge=60, le=31_536_000)
    ] = 604_800


class LookupConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Look-ups of numbers."""

    cache_seconds: Annotated[
        int, setting("How long a network's answer is kept and given again.", unit="seconds", ge=0, le=31_536_000)
    ] = 86_400
    concurrency: Annotated[int, setting("Questions to providers at a time.", ge=1, le=1_000)] = 20
    areas: Annotated[
        bool, setting("Whether landlines are told with their town; the tables take a second to read and 100 MB.")
    ] = False
    keep_seconds: Annotated[
        int,
        setting(
            "How long the answers of a look-up of many numbers can be asked for.", unit="seconds", ge=60, le=31_536_000
        ),
    ] = 86_400
    batch: Annotated[int, setting("Answers of a look-up of many numbers in one callback.", ge=1, le=1_000)] = 100


class FlowsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Failover flows."""

    keep_seconds: Annotated[
        int, setting("How long one that has ended can be asked for.", unit="seconds", ge=60, le=31_536_000)
    ] = 604_800


class ServicesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is offered beyond sending."""

    dnd_file: Annotated[
        str, setting("Numbers that want no promotion, one a line, whoever sends (a country's register); empty: none.")
    ] = ""
    verify: VerifyConfig = VerifyConfig()
    lookup: LookupConfig = LookupConfig()
    flows: FlowsConfig = FlowsConfig()
