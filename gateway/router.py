"""Which uplinks a message may take: rules as data, one order of precedence, and an account of why.

All conditions of a rule must hold. Of the rules that fit, these decide in turn:

    rank  >  whole network (MCC-MNC)  >  longest prefix  >  country (MCC)  >  account  >  sender, in full before by a
    pattern  >  more of the other conditions (coding, class, service, priority, hours)  >  place in the file

The order does not depend on the message, so rules are sorted once, and the first that fits decides. On the hot path
only those are looked at whose prefix and network are the recipient's: a look-up for each length of prefix in use.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from gateway.config import Config, CostConfig, RouteConfig
from gateway.errors import NoRoute
from gateway.models import Message, NewMessage
from gateway.numbering import Network, NetworkTable, network_table, read_networks
from gateway.routing import ADVANTAGES, Choice, Costs, Decision, Explanation, Rule, RuleNote, Subject

NO_NETWORKS: Final = NetworkTable()
_LAST: Final = 1 << 62


class Router:
    """The rules of the config.

    Args:
        routes: the rules.
        networks: which prefixes belong to which networks.
        costs: what a part costs, by uplink.
        clock: seconds since the epoch; needed where a rule has hours.

    Raises:
        ValueError: a rule has hours and there is no clock.
    """

    def __init__(
        self,
        routes: Iterable[RouteConfig],
        *,
        networks: NetworkTable = NO_NETWORKS,
        costs: Mapping[str, Sequence[CostConfig]] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        made = [Rule(route, at) for at, route in enumerate(routes)]
        if clock is None and any(rule.hours is not None for rule in made):
            raise ValueError("rules with hours need a clock")
        self._rules = sorted(made, key=lambda rule: rule.precedence)
        for place, rule in enumerate(self._rules):
            rule.place = place
        self._networks = networks
        self._costs = {name: Costs(rows) for name, rows in (costs or {}).items()}
        self._clock = clock
        self._by_number: dict[tuple[str, str], list[Rule]] = {}
        for rule in self._rules:
            self._by_number.setdefault((rule.config.network, rule.config.prefix), []).append(rule)
        self._lengths = sorted({len(prefix) for _, prefix in self._by_number}, reverse=True)
        self._knows_networks = any(network for network, _ in self._by_number)

    @classmethod
    def of(cls, config: Config, clock: Callable[[], float]) -> "Router":
        """The router of a config; its file of networks is read anew.

        Raises:
            OSError, ValueError: that file cannot be read.
        """
        rows: list[Sequence[str]] = [[row.prefix, row.network, row.name] for row in config.network]
        if config.routing.networks_file:
            rows += read_networks(config.routing.networks_file)
        costs = {name: uplink.costs for name, uplink in config.uplink.items() if uplink.costs}
        return cls(config.route, networks=network_table(rows), costs=costs, clock=clock)

    def replace(self, other: "Router") -> None:
        """Decide as another router does from now on; what waits in memory keeps the uplinks it was given."""
        self._rules, self._by_number, self._lengths = other._rules, other._by_number, other._lengths
        self._knows_networks, self._networks = other._knows_networks, other._networks
        self._costs, self._clock = other._costs, other._clock

    def network(self, number: str) -> Network | None:
        """The network that the table of prefixes says a number belongs to."""
        return self._networks.find(number)

    # --- deciding ---

    def route(self, message: NewMessage) -> Decision:
        """The uplinks for a message, in the order in which they are to be tried.

        Raises:
            NoRoute: no rule takes it; the text says why.
        """
        if message.via:
            return Decision((message.via,))
        rule = self._rule(message)
        if rule is None:
            if not self._rules:
                raise NoRoute("no route is configured")
            raise NoRoute(f"no route takes {message.recipient} from account {message.account}")
        choose = rule.config.choose
        if choose == "order":
            return rule.decision
        if choose == "cost":
            return rule.in_order(name for _, name in self._by_cost(rule, message.recipient))
        # A message that has been given an uplink does not have another turn.
        given = message.uplink if isinstance(message, Message) else ""
        return rule.first(given) if given in rule.config.uplinks else rule.first(rule.next_in_turn())

    def _rule(self, message: NewMessage) -> Rule | None:
        """The first rule that fits; of each pair of network and prefix at most one need be compared."""
        recipient, by_number = message.recipient, self._by_number
        subject = Subject(message, self._clock)
        best, place = None, _LAST
        network = self._networks.find(recipient) if self._knows_networks else None
        for name in ("",) if network is None else (str(network), network.mcc, ""):
            for length in self._lengths:
                rules = by_number.get((name, recipient[:length]))
                if rules is None:
                    continue
                for rule in rules:
                    if rule.place > place:
                        break
                    if rule.account and rule.account != message.account:
                        continue
                    if not rule.others or all(one.holds(subject) for one in rule.others):
                        best, place = rule, rule.place
                        break
        return best

    def _by_cost(self, rule: Rule, recipient: str) -> list[tuple[float | None, str]]:
        """Uplinks with what they cost, the cheapest first; those of which nothing is known come last."""
        network = self._networks.find(recipient)
        priced = [
            (costs.price(recipient, network) if (costs := self._costs.get(name)) is not None else None, name)
            for name in rule.config.uplinks
        ]
        return sorted(priced, key=lambda one: (one[0] is None, one[0] or 0.0))

    # --- explaining ---

    def explain(
        self,
        message: NewMessage,
        is_available: Callable[[str], bool] | None = None,
        health: Callable[[str], str] = lambda _uplink: "",
    ) -> Explanation:
        """Which rule decides over a message and why each other does not; no turn is used up.

        Args:
            is_available: whether an uplink can carry a message now, where that is known.
            health: what is to be said against one that can.
        """
        network = self._networks.find(message.recipient)
        subject = Subject(message, self._clock, network)
        decides: Rule | None = None
        notes = []
        for rule in self._rules:
            obstacles = [one.obstacle(subject) for one in rule.conditions if not one.holds(subject)]
            if obstacles:
                note = RuleNote(rule.name, False, "; ".join(obstacles))
            elif decides is None:
                decides = rule
                note = RuleNote(rule.name, True, "decides: all its conditions hold")
            else:
                note = RuleNote(rule.name, True, f"fits, but {decides.name} {_advantage(decides, rule)}")
            notes.append(note)
        choices = self._choices(decides, message.recipient, is_available, health) if decides is not None else ()
        return Explanation(
            recipient=message.recipient,
            account=message.account,
            sender=message.sender,
            network=f"{network} {network.name}".strip() if network is not None else "",
            rule=decides.name if decides is not None else "",
            uplinks=choices,
            rules=tuple(notes),
        )

    def _choices(
        self,
        rule: Rule,
        recipient: str,
        is_available: Callable[[str], bool] | None,
        health: Callable[[str], str],
    ) -> tuple[Choice, ...]:
        config = rule.config
        notes = dict.fromkeys(config.standby, "stands by")
        names: Iterable[str] = config.uplinks
        if config.choose == "weight":
            total = sum(config.weights)
            for name, weight in zip(config.uplinks, config.weights, strict=True):
                notes[name] = f"first for {weight} of {total} messages"
        elif config.choose == "cost":
            priced = self._by_cost(rule, recipient)
            names = [name for _, name in priced]
            notes |= {name: "cost unknown" if price is None else f"costs {price:g}" for price, name in priced}
        return tuple(
            Choice(name, notes.get(name, ""), is_available(name) if is_available is not None else None, health(name))
            for name in (*names, *config.standby)
        )


def _advantage(winner: Rule, loser: Rule) -> str:
    return next(
        text
        for text, ours, theirs in zip(ADVANTAGES, winner.precedence, loser.precedence, strict=True)
        if ours != theirs
    )
