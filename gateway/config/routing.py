"""Which messages take which uplinks, and the networks that numbers belong to."""

from typing import Annotated, Literal

import msgspec

from gateway.settings import SAMPLE_NAME, setting

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

NETWORK_PATTERN = "^([0-9]{3}(-[0-9]{2,3})?)?$"


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The network of the numbers that begin with a prefix. Repeat the table for more."""

    prefix: Annotated[str, setting("First digits of the numbers.", pattern="^[0-9]{1,15}$", sample="4477009")]
    network: Annotated[
        str, setting("Its country and network code: MCC-MNC.", pattern="^[0-9]{3}-[0-9]{2,3}$", sample="234-30")
    ]
    name: Annotated[str, setting("What people call it.")] = ""


class RoutingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What routes know of numbers."""

    networks_file: Annotated[
        str, setting("More networks: a CSV file with prefix,network[,name] in each line; empty: none.")
    ] = ""


class CostConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a part costs over this uplink: the whole network decides, else the longest prefix, else the country."""

    prefix: Annotated[str, setting("First digits of the recipient; empty: any.", pattern="^[0-9]{0,20}$")] = ""
    network: Annotated[
        str, setting("Or its network, MCC-MNC, or country, MCC; empty: any.", pattern=NETWORK_PATTERN)
    ] = ""
    price: Annotated[float, setting("In a unit that is the same for all uplinks.", ge=0, le=1_000_000, sample=0.01)]


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which uplinks take which messages. All conditions of a rule must hold.

    Of the rules that fit, these decide in turn: the rank; the recipient's whole network, then the longest prefix, then
    the country of the network; naming the account; naming the sender, in full before by a pattern; more of the other
    conditions; coming first.
    """

    name: Annotated[str, setting("What explanations call it; empty: its place in the file.", max_length=64)] = ""
    rank: Annotated[int, setting("Rules of a higher rank decide first.", ge=-1_000, le=1_000)] = 0
    prefix: Annotated[str, setting("First digits of the recipient; empty: any.", pattern="^[0-9]{0,20}$")] = ""
    network: Annotated[
        str,
        setting(
            "The recipient's network, MCC-MNC, or country, MCC, by [[network]] and networks_file; empty: any.",
            pattern=NETWORK_PATTERN,
        ),
    ] = ""
    account: Annotated[str, setting("Only messages of this account; empty: of any.")] = ""
    sender: Annotated[
        str, setting("Only of this sender; * stands for any characters, ? for one; empty: of any.", max_length=64)
    ] = ""
    coding: Annotated[
        Literal["", "gsm", "latin1", "ucs2", "binary"], setting("Only messages of this coding; empty: of any.")
    ] = ""
    message_class: Annotated[
        tuple[Annotated[int, setting("A class.", ge=0, le=3)], ...],
        setting("Only messages of these classes (0 is flash); empty: of any, and of none."),
    ] = ()
    service: Annotated[
        tuple[Annotated[str, setting("A kind of traffic.", min_length=1, max_length=32)], ...],
        setting(
            "Only messages of these kinds of traffic: promotional, a provider's product; empty: of any, and of none."
        ),
    ] = ()
    min_priority: Annotated[int, setting("Only messages at least this urgent.", ge=0, le=3)] = 0
    hours: Annotated[
        str,
        setting("Only in these hours, HH:MM-HH:MM; over midnight they belong to the day they begin; empty: always."),
    ] = ""
    days: Annotated[tuple[Day, ...], setting("Only on these days; empty: on all.")] = ()
    time_zone: Annotated[str, setting("Whose hours and days they are: Asia/Kolkata.")] = "UTC"
    uplinks: Annotated[
        tuple[str, ...],
        setting(
            "Where they go, in this order; later ones stand in for earlier ones.",
            min_length=1,
            sample=(SAMPLE_NAME,),
        ),
    ]
    choose: Annotated[
        Literal["order", "weight", "cost"],
        setting("Which uplink is the first to be tried: as listed, in turn by weights, the cheapest by its costs."),
    ] = "order"
    weights: Annotated[
        tuple[Annotated[int, setting("A weight.", ge=0, le=10_000)], ...],
        setting("For choose = weight, one for each uplink: 3 and 1 give three messages of four to the first."),
    ] = ()
    standby: Annotated[
        tuple[str, ...], setting("Uplinks that stand in when none of the others can, in this order.")
    ] = ()
    failover_on: Annotated[
        tuple[str, ...],
        setting(
            "What sends a message on to the next uplink, if no part of it was accepted: retry (a passing fault),"
            " throttled, rejected, in_doubt (where it is resent), or one status: ESME_RINVDSTADR or 0x0B."
        ),
    ] = ("retry",)
