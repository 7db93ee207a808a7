"""What another config changes."""

from collections.abc import Callable

import pytest

from gateway.config import Config, parse
from gateway.errors import ConfigError
from gateway.operations.accounts import read_account
from gateway.reload import plan, with_accounts

BASE = """
[uplink.a]
servers = ["smpp://a.example:2775"]
[uplink.b]
servers = ["smpp://b.example:2775"]
[[route]]
uplinks = ["a"]
[account.shop]
api_keys = ["k"]
numbers = ["40404"]
"""


def changed(old: str, new: str) -> Config:
    assert old in BASE
    return parse(BASE.replace(old, new))


def test_the_same_config_changes_nothing() -> None:
    found = plan(parse(BASE), parse(BASE))
    assert (found.changed, found.restart_needed) == ((), ())
    assert (found.new_uplinks, found.replaced_uplinks, found.removed_uplinks) == ((), (), ())


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: changed('uplinks = ["a"]', 'uplinks = ["b"]'), ("route",)),
        (lambda: changed('api_keys = ["k"]', 'api_keys = ["l"]'), ("account.shop",)),
        (lambda: changed("[account.shop]", "[account.store]"), ("account.store", "account.shop")),
        (lambda: parse(BASE + "[webhooks]\nper_host = 3"), ("webhooks",)),
    ],
)
def test_what_is_changed_is_named_and_leaves_uplinks_alone(make: Callable[[], Config], names: tuple[str, ...]) -> None:
    found = plan(parse(BASE), make())
    assert found.changed == names
    assert (found.new_uplinks, found.replaced_uplinks, found.removed_uplinks) == ((), (), ())


def test_uplinks_come_go_and_are_replaced() -> None:
    new = parse(
        BASE.replace("b.example:2775", "b.example:2776").replace("uplink.a", "uplink.c").replace('["a"]', '["b"]')
    )
    found = plan(parse(BASE), new)
    assert found.new_uplinks == ("c",)
    assert found.replaced_uplinks == ("b",)
    assert found.removed_uplinks == ("a",)


def test_what_connections_do_not_know_of_replaces_none() -> None:
    routing = '"smpp://a.example:2775"]\nvalidity_seconds = 60\n[uplink.a.health]\nprobes = 3'
    new = changed('"smpp://a.example:2775"]', routing)
    found = plan(parse(BASE), new)
    assert (found.changed, found.replaced_uplinks) == (("uplink.a",), ())


def test_what_was_built_in_waits_for_a_restart() -> None:
    new = parse(BASE + '[http]\nlisten = "127.0.0.1:9"\n[node]\nname = "other"')
    found = plan(parse(BASE), new)
    assert found.restart_needed == ("http.listen", "node.name")
    assert found.changed == ()
    assert found.config.node.name == "node-1"


def test_accounts_of_the_store_join_those_of_the_file() -> None:
    both = with_accounts(parse(BASE), {"acme": read_account("acme", {"default_sender": "ACME"})})
    assert sorted(both.account) == ["acme", "shop"]


def test_the_file_goes_before_the_store() -> None:
    both = with_accounts(parse(BASE), {"shop": read_account("shop", {"default_sender": "ACME"})})
    assert both.account["shop"].default_sender == ""


def test_a_number_is_claimed_once_also_across_them() -> None:
    with pytest.raises(ConfigError, match=r"account\.acme\.numbers"):
        with_accounts(parse(BASE), {"acme": read_account("acme", {"numbers": ["40404"]})})


def test_what_does_not_fit_any_more_is_left_out_where_asked() -> None:
    problems: list[ConfigError] = []
    stored = {"acme": read_account("acme", {"numbers": ["40404"]}), "good": read_account("good", {})}
    both = with_accounts(parse(BASE), stored, problems)
    assert sorted(both.account) == ["good", "shop"]
    assert [problem.key for problem in problems] == ["account.acme.numbers[0]"]
