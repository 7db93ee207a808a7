"""What does it cost to judge a message, to find its route, and to give it its turn?"""

import random

from bench.measure import Row, best_nanoseconds, print_table
from gateway.config import RouteConfig, parse
from gateway.lanes import Lane, Work
from gateway.models import Message, NewMessage
from gateway.numbering import network_table
from gateway.policy import Policy
from gateway.router import Router
from gateway.routing import Decision

NOW = 1_800_000_000.0
RECIPIENT = "919812345678"
MESSAGE = NewMessage(account="shop", recipient=RECIPIENT, sender="SHOP", text="Your code is 123456", priority=1)
PLAIN = "[account.shop]\n"
STRICT = """
[account.shop]
senders = ["SHOP*", "447700900999"]
[account.shop.rules]
country_prefix = "91"
messages_per_second = 1000000.0
burst_messages = 1000000
blocked_recipients = ["9190*", "9170*"]
hours = "00:00-24:00"
[[sender_country]]
prefix = "91"
senders = ["SHOP"]
[policy]
blocked_senders = ["*bank*"]
blocked_recipients = ["4490*"]
"""


class Nobody:
    """A list of opt-outs with a million others on it."""

    numbers = frozenset(f"91{n:010d}" for n in range(1_000_000))

    def has(self, account: str, number: str) -> bool:
        """Whether it is on the list."""
        return number in self.numbers


def routers() -> dict[str, Router]:
    """From one rule to thousands."""
    chance = random.Random(7)
    digits = [str(chance.randrange(10 ** chance.randint(1, 7))) for _ in range(2_000)]
    prefixes = {(prefix, chance.choice(["", "bank", "club"])) for prefix in digits if not RECIPIENT.startswith(prefix)}
    rules = [RouteConfig(prefix=prefix, account=account, uplinks=("a",)) for prefix, account in sorted(prefixes)]
    networks = network_table(
        [(str(n), f"404-{n % 90:02d}") for n in range(1_000_000, 1_020_000)] + [("9198", "404-45")]
    )
    own = [RouteConfig(network=f"404-{n:02d}", uplinks=("a", "b")) for n in range(90)]
    last = RouteConfig(
        rank=1, prefix="91", hours="08:00-21:00", coding="gsm", uplinks=("a", "b"), choose="weight", weights=(3, 1)
    )
    return {
        "one rule": Router([RouteConfig(uplinks=("a",))]),
        f"{len(rules)} rules by prefix and account": Router([*rules, RouteConfig(uplinks=("a",))]),
        "... and 90 networks by 20,000 prefixes": Router([*rules, *own], networks=networks),
        "... and hours, coding, weights": Router([*rules, *own, last], networks=networks, clock=lambda: NOW),
    }


def turns(accounts: int) -> Lane:
    """A lane in which each account has something waiting."""
    lane = Lane("a", 10_000)
    for n in range(accounts):
        for place in range(2):
            lane.push(work(f"m{n}.{place}", f"account{n}"))
    return lane


def work(identifier: str, account: str) -> Work:
    """A message on its way out."""
    message = Message(
        account=account,
        recipient=RECIPIENT,
        sender="SHOP",
        text="x",
        id=identifier,
        node="n",
        created_at=NOW,
        updated_at=NOW,
    )
    return Work(message, Decision(("a",)), expires_at=NOW + 60, lane="a")


def one_turn(lane: Lane) -> None:
    """Take the next message, and put it at the end again."""
    item = lane.pop(NOW)
    assert item is not None
    lane.drop(item.work)
    lane.push(item.work)


def main() -> None:
    """Print the table."""
    plain, strict = Policy.of(parse(PLAIN)), Policy.of(parse(STRICT), Nobody())
    lanes = {count: turns(count) for count in (1, 10, 1_000)}
    candidates = {
        "judge: no rules": lambda: plain.admit(MESSAGE, NOW),
        "judge: every kind of rule, a million opt-outs": lambda: strict.admit(MESSAGE, NOW),
    }
    candidates |= {f"route: {name}": lambda one=one: one.route(MESSAGE) for name, one in routers().items()}  # type: ignore[misc]
    candidates |= {f"turn: {n} accounts": lambda one=one: one_turn(one) for n, one in lanes.items()}  # type: ignore[misc]
    best = best_nanoseconds(candidates)
    rows = [Row(name, (f"{nanoseconds / 1000:.2f}",)) for name, nanoseconds in best.items()]
    print_table("gateway: from accepted to its turn, µs a message", ("µs",), rows)


if __name__ == "__main__":
    main()
