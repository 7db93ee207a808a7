"""Which rule decides, where it lets a message go, and what is said of the others."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import CostConfig, RouteConfig, parse
from gateway.errors import ConfigError, NoRoute
from gateway.models import Coding, Message
from gateway.numbering import network_table
from gateway.router import Router
from tests.gateway.fakes import NOW, Clock, new_message

ROUTES = [
    RouteConfig(prefix="91", uplinks=("india", "spare")),
    RouteConfig(prefix="919", uplinks=("mobile",)),
    RouteConfig(prefix="91", account="vip", uplinks=("direct",)),
    RouteConfig(account="vip", uplinks=("premium",)),
    RouteConfig(prefix="44", uplinks=("uk",)),
]
NETWORKS = network_table([("9198", "404-45", "Airtel"), ("919", "404-11"), ("4477", "234-10"), ("33", "208-01")])


def accepted(**fields: Any) -> Message:
    new = new_message()
    values = {name: getattr(new, name) for name in new.__struct_fields__}
    return Message(**(values | {"id": "m", "node": "n", "created_at": NOW, "updated_at": NOW} | fields))


@pytest.mark.parametrize(
    ("recipient", "account", "uplinks"),
    [
        ("918000000000", "shop", ("india", "spare")),
        ("919876543210", "shop", ("mobile",)),
        ("919876543210", "vip", ("mobile",)),
        ("918000000000", "vip", ("direct",)),
        ("447700900123", "shop", ("uk",)),
        ("447700900123", "vip", ("uk",)),
        ("330000000000", "vip", ("premium",)),
        ("91", "shop", ("india", "spare")),
        ("9", "vip", ("premium",)),
    ],
)
def test_the_longest_prefix_wins_then_the_account(recipient: str, account: str, uplinks: tuple[str, ...]) -> None:
    assert Router(ROUTES).route(new_message(recipient=recipient, account=account)).uplinks == uplinks


def test_without_a_rule_the_reason_is_given() -> None:
    with pytest.raises(NoRoute, match="no route takes 330000000000 from account shop") as caught:
        Router(ROUTES).route(new_message(recipient="330000000000"))
    assert (caught.value.code, caught.value.field) == ("no_route", "recipient")
    with pytest.raises(NoRoute, match="no route is configured"):
        Router([]).route(new_message())


PRECEDENCE = [
    # Each decides over all that come after it, wherever it stands in the file.
    RouteConfig(name="rank", rank=1, uplinks=("x",)),
    RouteConfig(name="network", network="404-45", uplinks=("x",)),
    RouteConfig(name="long prefix", prefix="91987", uplinks=("x",)),
    RouteConfig(name="prefix and country", prefix="91", network="404", uplinks=("x",)),
    RouteConfig(name="prefix and account", prefix="91", account="shop", uplinks=("x",)),
    RouteConfig(name="prefix and sender", prefix="91", sender="SHOP", uplinks=("x",)),
    RouteConfig(name="prefix and pattern", prefix="91", sender="SH*", uplinks=("x",)),
    RouteConfig(name="prefix, coding, priority", prefix="91", coding="gsm", min_priority=1, uplinks=("x",)),
    RouteConfig(name="prefix and coding", prefix="91", coding="gsm", uplinks=("x",)),
    RouteConfig(name="prefix", prefix="91", uplinks=("x",)),
    RouteConfig(name="country", network="404", uplinks=("x",)),
    RouteConfig(name="account", account="shop", uplinks=("x",)),
    RouteConfig(name="any", uplinks=("x",)),
    RouteConfig(name="low rank", rank=-1, prefix="9198765", uplinks=("x",)),
]


@given(st.permutations(PRECEDENCE))
def test_precedence_does_not_depend_on_the_order_in_the_file(routes: list[RouteConfig]) -> None:
    message = new_message(recipient="919876543210", priority=2)
    for at, expected in enumerate(PRECEDENCE):
        left = [route for route in routes if route in PRECEDENCE[at:]]
        router = Router(left, networks=NETWORKS)
        assert router.route(message).rule == expected.name
        assert router.explain(message).rule == expected.name


_ROUTE = st.builds(
    RouteConfig,
    rank=st.integers(-1, 1),
    prefix=st.sampled_from(["", "9", "91", "919", "44", "447"]),
    network=st.sampled_from(["", "404", "404-45", "234-10"]),
    account=st.sampled_from(["", "shop", "vip"]),
    sender=st.sampled_from(["", "SHOP", "S*", "447*"]),
    coding=st.sampled_from(["", "gsm", "ucs2", "binary"]),
    message_class=st.sampled_from([(), (0,), (1, 2)]),
    service=st.sampled_from([(), ("promotional",), ("T", "P")]),
    min_priority=st.integers(0, 2),
    uplinks=st.just(("x",)),
)
_MESSAGE = st.builds(
    new_message,
    recipient=st.sampled_from(["919876543210", "918000000000", "447700900123", "33123", "9", "123"]),
    account=st.sampled_from(["shop", "vip", "other"]),
    sender=st.sampled_from(["SHOP", "SALE", "447700900999"]),
    text=st.sampled_from(["hello", "привет"]),
    message_class=st.sampled_from([None, 0, 2]),
    service=st.sampled_from(["", "promotional", "T"]),
    priority=st.integers(0, 3),
)


@given(st.lists(_ROUTE, max_size=12), _MESSAGE)
def test_the_quick_way_and_the_explained_way_agree(routes: list[RouteConfig], message: Any) -> None:
    router = Router(routes, networks=NETWORKS)
    explained = router.explain(message)
    try:
        decided = router.route(message).rule
    except NoRoute:
        decided = ""
    assert explained.rule == decided
    assert len(explained.rules) == len(routes)
    assert explained.lines()


# --- conditions ---


@pytest.mark.parametrize(
    ("fields", "coding"),
    [
        ({"text": "hello €"}, "gsm"),
        ({"text": "привет"}, "ucs2"),
        ({"text": "hello", "coding": Coding.UCS2}, "ucs2"),
        ({"text": "hello", "coding": Coding.LATIN_1}, "latin1"),
        ({"text": "", "data": b"\x00"}, "binary"),
        ({"text": "", "data": b"\x00", "data_coding": 8}, "ucs2"),
        ({"text": "hello", "data_coding": 0}, "gsm"),
        ({"text": "", "data": b"x", "data_coding": 4}, "binary"),
    ],
)
def test_rules_know_the_coding_that_a_text_needs(fields: dict[str, Any], coding: Any) -> None:
    router = Router([RouteConfig(coding=coding, uplinks=("fits",)), RouteConfig(uplinks=("other",))])
    assert router.route(new_message(**fields)).uplinks == ("fits",)


def test_rules_hold_in_their_hours_at_their_place() -> None:
    clock = Clock()
    night = RouteConfig(hours="20:00-08:00", time_zone="Asia/Kolkata", uplinks=("night",))
    router = Router([RouteConfig(uplinks=("day",)), night], clock=clock)
    clock.now = 1_800_000_000.0  # 2027-01-15 08:00 UTC, 13:30 there
    assert router.route(new_message()).uplinks == ("day",)
    clock.advance(7 * 3600)
    assert router.route(new_message()).uplinks == ("night",)
    with pytest.raises(ValueError, match="need a clock"):
        Router([night])


def test_flash_messages_go_their_own_way() -> None:
    router = Router([RouteConfig(message_class=(0,), uplinks=("flash",)), RouteConfig(uplinks=("other",))])
    assert router.route(new_message(message_class=0)).uplinks == ("flash",)
    assert router.route(new_message(message_class=1)).uplinks == ("other",)
    assert router.route(new_message()).uplinks == ("other",)


# --- where it may go ---


def test_weights_spread_messages_evenly_and_always_the_same_way() -> None:
    route = RouteConfig(uplinks=("a", "b", "c"), choose="weight", weights=(5, 1, 0), standby=("s",))
    router = Router([route])
    firsts = [router.route(new_message()).uplinks for _ in range(12)]
    assert [one[0] for one in firsts] == list("aaabaaaaabaa")
    assert firsts[3] == ("b", "a", "c", "s")
    assert firsts == [one.uplinks for router in (Router([route]),) for one in map(router.route, [new_message()] * 12)]


def test_a_message_that_has_an_uplink_takes_no_other_turn() -> None:
    router = Router([RouteConfig(uplinks=("a", "b"), choose="weight", weights=(1, 1))])
    waiting = accepted(uplink="b")
    assert {router.route(waiting).uplinks for _ in range(5)} == {("b", "a")}
    assert router.route(new_message()).uplinks == ("a", "b")
    router.explain(new_message())
    assert router.route(new_message()).uplinks == ("b", "a")
    assert router.route(accepted(uplink="gone")).uplinks == ("a", "b")


def test_the_cheapest_uplink_comes_first() -> None:
    route = RouteConfig(uplinks=("a", "b", "c"), choose="cost", standby=("s",))
    costs = {
        "a": [CostConfig(price=0.05), CostConfig(prefix="91", price=0.02), CostConfig(network="404", price=0.03)],
        "b": [CostConfig(prefix="9", price=0.04), CostConfig(network="404-45", price=0.01)],
        "s": [CostConfig(price=0.0)],
    }
    router = Router([route], networks=NETWORKS, costs=costs)
    assert router.route(new_message(recipient="919812345678")).uplinks == ("b", "a", "c", "s")
    assert router.route(new_message(recipient="917012345678")).uplinks == ("a", "b", "c", "s")
    assert router.route(new_message(recipient="447700900123")).uplinks == ("a", "b", "c", "s")
    notes = {one.name: one.note for one in router.explain(new_message(recipient="919812345678")).uplinks}
    assert notes == {"b": "costs 0.01", "a": "costs 0.02", "c": "cost unknown", "s": "stands by"}


def test_what_sends_a_message_on_is_part_of_the_decision() -> None:
    router = Router([RouteConfig(uplinks=("a",), failover_on=("throttled", "ESME_RINVDSTADR", "0x400"))])
    failover = router.route(new_message()).failover
    assert failover.words == {"throttled"}
    assert failover.statuses == {0x0B, 0x400}
    assert Router([RouteConfig(uplinks=("a",))]).route(new_message()).failover.words == {"retry"}


def test_a_router_takes_over_the_rules_of_another() -> None:
    router = Router([RouteConfig(uplinks=("old",))])
    router.replace(Router([RouteConfig(network="404-45", uplinks=("new",))], networks=NETWORKS))
    assert router.route(new_message(recipient="919812345678")).uplinks == ("new",)
    with pytest.raises(NoRoute):
        router.route(new_message())


# --- explanations ---


def test_an_explanation_says_of_every_rule_why_it_decides_or_not() -> None:
    routes = [
        RouteConfig(name="night", hours="00:00-01:00", uplinks=("n",)),
        RouteConfig(name="airtel", network="404-45", account="vip", uplinks=("n",)),
        RouteConfig(name="india", prefix="91", sender="BANK*", uplinks=("a", "b"), standby=("s",)),
        RouteConfig(uplinks=("x",)),
        RouteConfig(name="uk", prefix="44", uplinks=("u",)),
    ]
    router = Router(routes, networks=NETWORKS, clock=Clock())
    explained = router.explain(new_message(recipient="919812345678", sender="BANK-1"), {"a": False}.get)  # type: ignore[arg-type]
    assert explained.lines() == [
        "919812345678 from BANK-1, account shop, network 404-45 Airtel",
        "rule india decides:",
        "  1. a (not available now)",
        "  2. b",
        "  3. s (stands by)",
        "  - airtel: the account is shop, not vip",
        "  + india: decides: all its conditions hold",
        "  - uk: 919812345678 does not begin with 44",
        "  - night: it is not 00:00-01:00 UTC now",
        "  + route[3]: fits, but india has a longer prefix",
    ]


def test_an_explanation_says_that_nothing_takes_a_message() -> None:
    lines = Router([RouteConfig(network="404-45", message_class=(0,), uplinks=("a",))]).explain(new_message()).lines()
    assert lines[1:] == [
        "no rule takes it: it is refused",
        "  - route[0]: the network of 447700900123 is not known, 404-45 is wanted;"
        " the message has no class, wanted is 0",
    ]


# --- from the config ---

CONFIG = """
[uplink.a]
servers = ["smpp://a.example:2775"]
costs = [{ prefix = "91", price = 0.02 }]
[uplink.b]
servers = ["smpp://b.example:2775"]
costs = [{ price = 0.01 }]
[uplink.r]
servers = ["smpp://r.example:2775"]
bind_mode = "rx"
[account.shop]
"""


def test_networks_come_from_the_config_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "networks.csv"
    file.write_text("prefix,network,name\n# a comment\n9198,404-45,Airtel\n\n")
    text = f"""{CONFIG}
[routing]
networks_file = "{file}"
[[network]]
prefix = "4477"
network = "234-10"
[[route]]
network = "404-45"
uplinks = ["a"]
[[route]]
network = "234"
choose = "cost"
uplinks = ["a", "b"]
"""
    router = Router.of(parse(text), Clock())
    assert router.route(new_message(recipient="919812345678")).uplinks == ("a",)
    assert router.route(new_message(recipient="447700900123")).uplinks == ("b", "a")
    assert str(router.network("919812345678")) == "404-45"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('[[route]]\nuplinks = ["c"]', "route[0].uplinks[0]", "one of an uplink|the name of an uplink"),
        ('[[route]]\nuplinks = ["a"]\nstandby = ["c"]', "route[0].standby[0]", "the name of an uplink"),
        ('[[route]]\nuplinks = ["a"]\nstandby = ["a"]', "route[0].standby", "none of uplinks"),
        ('[[route]]\nuplinks = ["r"]', "route[0].uplinks[0]", "binds as receiver"),
        ('[[route]]\nuplinks = ["a"]\nweights = [1]', "route[0].weights", "no such key"),
        ('[[route]]\nuplinks = ["a", "b"]\nchoose = "weight"\nweights = [1]', "route[0].weights", "one for each"),
        ('[[route]]\nuplinks = ["a", "b"]\nchoose = "weight"\nweights = [0, 0]', "route[0].weights", "not all"),
        ('[[route]]\nuplinks = ["a"]\nhours = "8-9"', "route[0].hours", "08:00-21:00"),
        ('[[route]]\nuplinks = ["a"]\nhours = "08:00-08:00"', "route[0].hours", "08:00-21:00"),
        ('[[route]]\nuplinks = ["a"]\ntime_zone = "Mars"', "route[0].time_zone", "Asia/Kolkata"),
        ('[[route]]\nuplinks = ["a"]\nfailover_on = ["always"]', "route[0].failover_on[0]", "a status, or one of"),
        ('[[route]]\nuplinks = ["a"]\nnetwork = "404"', "route[0].network", "without"),
        ('[[route]]\nuplinks = ["a"]\nnetwork = "40-4"', "route[0].network", "text of the form"),
        ('[[route]]\nname="x"\nuplinks = ["a"]\n[[route]]\nname="x"\nprefix="1"\nuplinks=["a"]', "route[0].name", "no"),
        ('[[route]]\nuplinks = ["a"]\n[[route]]\nname = "x"\nuplinks = ["b"]', "route[1].prefix", "not there already"),
        ('[routing]\nnetworks_file = "/does/not/exist"', "routing.networks_file", "can be read"),
        (
            '[[network]]\nprefix = "1"\nnetwork = "310-01"\n[[network]]\nprefix = "1"\nnetwork = "310-02"',
            "network[1].prefix",
            "310-01",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(text: str, key: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        parse(CONFIG + text)
    assert caught.value.key == key


def test_a_file_of_networks_that_says_two_things_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "networks.csv"
    file.write_text("9198,404-45\n9198,404-46\n")
    with pytest.raises(ConfigError, match="two networks"):
        parse(f'[routing]\nnetworks_file = "{file}"')
    file.write_text("9198;404-45\n")
    with pytest.raises(ConfigError, match="PREFIX,NETWORK"):
        parse(f'[routing]\nnetworks_file = "{file}"')


def test_a_rule_of_a_kind_of_traffic_takes_that_alone() -> None:
    router = Router(
        [RouteConfig(name="bulk", service=("promotional", "P"), uplinks=("b",)), RouteConfig(uplinks=("a",))]
    )
    assert router.route(new_message(service="promotional")).uplinks == ("b",)
    assert router.route(new_message(service="T")).uplinks == ("a",)
    assert any("the service is none" in line for line in router.explain(new_message()).lines())
