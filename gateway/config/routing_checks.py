"""What must hold for routes: they lead to uplinks that can send, their hours, networks and statuses are such."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.hours import Hours
from gateway.numbering import network_table, read_networks
from smpp.status import parse_status

if TYPE_CHECKING:
    from gateway.config.root import Config
    from gateway.config.routing import RouteConfig
    from gateway.config.uplinks import UplinkConfig

Problem = tuple[str, object, str]
"""Key, value, expectation."""

FAILOVER_WORDS: Final = ("retry", "throttled", "rejected", "in_doubt")


def check_routing(config: "Config") -> Iterator[Problem]:
    """What does not hold."""
    yield from _networks(config)
    for name, uplink in config.uplink.items():
        yield from _rules_of_uplink(f"uplink.{name}", uplink)
    seen: dict[RouteConfig, int] = {}
    for at, route in enumerate(config.route):
        yield from _route(f"route[{at}]", route, config)
        same = seen.setdefault(_conditions(route), at)
        if same != at:
            yield f"route[{at}].prefix", route.prefix, f"a rule that is not there already, as route[{same}] is"
    names = [route.name for route in config.route if route.name]
    for at, route in enumerate(config.route):
        if names.count(route.name) > 1:
            yield f"route[{at}].name", route.name, "a name that no other route has"


def _networks(config: "Config") -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for at, row in enumerate(config.network):
        if seen.setdefault(row.prefix, row.network) != row.network:
            yield f"network[{at}].prefix", row.prefix, f"a prefix that does not belong to {seen[row.prefix]} already"
    path = config.routing.networks_file
    if not path:
        return
    try:
        rows = read_networks(path)
        network_table([*rows, *([row.prefix, row.network] for row in config.network)])
    except OSError as error:
        yield "routing.networks_file", path, f"a file that can be read ({error.strerror})"
    except ValueError as error:
        yield "routing.networks_file", path, f"lines of prefix,network[,name]; {error}"


def _conditions(route: "RouteConfig") -> "RouteConfig":
    """A route with nothing but what decides whether it fits."""
    return msgspec.structs.replace(
        route, name="", uplinks=(), choose="order", weights=(), standby=(), failover_on=("retry",)
    )


def _route(key: str, route: "RouteConfig", config: "Config") -> Iterator[Problem]:
    for group in ("uplinks", "standby"):
        for place, name in enumerate(getattr(route, group)):
            if name not in config.uplink:
                yield f"{key}.{group}[{place}]", name, one_of("uplink", list(config.uplink))
            elif config.uplink[name].bind_mode == "rx":
                yield f"{key}.{group}[{place}]", name, "an uplink that can send; this one binds as receiver"
    if len(set(route.uplinks)) < len(route.uplinks):
        yield f"{key}.uplinks", list(route.uplinks), "every uplink once"
    if len({*route.uplinks, *route.standby}) < len(route.uplinks) + len(route.standby):
        yield f"{key}.standby", list(route.standby), "every uplink once, and none of uplinks"
    if route.account and route.account not in config.account:
        yield f"{key}.account", route.account, one_of("account", list(config.account))
    if route.choose == "weight" and (len(route.weights) != len(route.uplinks) or not any(route.weights)):
        yield f"{key}.weights", list(route.weights), "one for each of uplinks, not all of them 0"
    if route.choose != "weight" and route.weights:
        yield f"{key}.weights", list(route.weights), 'no such key unless choose is "weight"'
    if route.network and not config.network and not config.routing.networks_file:
        yield f"{key}.network", route.network, "no such key without [[network]] or routing.networks_file"
    yield from check_hours(key, route.hours, route.days, route.time_zone)
    for place, word in enumerate(route.failover_on):
        if word not in FAILOVER_WORDS and not _is_status(word):
            yield f"{key}.failover_on[{place}]", word, "a status, or one of " + ", ".join(FAILOVER_WORDS)


def check_hours(key: str, span: str, days: Sequence[str], time_zone: str) -> Iterator[Problem]:
    """Whether hours and zone are such."""
    try:
        Hours(span, days, "UTC")
    except ValueError:
        yield f"{key}.hours", span, "a span such as 08:00-21:00"
    try:
        Hours(time_zone=time_zone)
    except ValueError:
        yield f"{key}.time_zone", time_zone, "the name of a time zone, such as Asia/Kolkata"


def _rules_of_uplink(key: str, uplink: "UplinkConfig") -> Iterator[Problem]:
    numbers: list[int] = []
    for at, rule in enumerate(uplink.statuses):
        if not _is_status(rule.status):
            yield f"{key}.statuses[{at}].status", rule.status, "a status such as ESME_RSUBMITFAIL or 0x45"
            continue
        number = parse_status(rule.status)
        if number == 0:
            yield f"{key}.statuses[{at}].status", rule.status, "the status of an error"
        if number in numbers:
            yield f"{key}.statuses[{at}].status", rule.status, "a status that is not there already"
        numbers.append(number)
    for at, cost in enumerate(uplink.costs):
        if cost.prefix and cost.network:
            yield f"{key}.costs[{at}]", None, "either prefix or network"
        if (cost.prefix, cost.network) in [(one.prefix, one.network) for one in uplink.costs[:at]]:
            yield f"{key}.costs[{at}]", None, "a prefix or network that is not there already"
    for at, sender in enumerate(uplink.sender_rules):
        if "*" in sender.sender and "*" not in sender.match:
            yield f"{key}.sender_rules[{at}].sender", sender.sender, "no * where match has none"


def _is_status(text: str) -> bool:
    try:
        parse_status(text)
    except ValueError:
        return False
    return True


def one_of(kind: str, names: list[str]) -> str:
    """What is expected where a name leads nowhere."""
    if not names:
        return f"the name of an {kind}; there is none"
    return f"the name of an {kind}: " + ", ".join(names)
