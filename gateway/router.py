"""Which uplinks a message may take: rules as data, the longest prefix wins."""

from collections.abc import Iterable, Sequence

from gateway.config import RouteConfig
from gateway.errors import NoRoute
from gateway.models import NewMessage


class Router:
    """The rules of the config.

    Of the rules that fit, the longest prefix decides; of equals, the one that names the account; then the first.
    """

    def __init__(self, routes: Iterable[RouteConfig]) -> None:
        self._by_key: dict[tuple[str, str], tuple[str, ...]] = {}
        for route in routes:
            self._by_key.setdefault((route.prefix, route.account), route.uplinks)
        self._lengths: Sequence[int] = sorted({len(prefix) for prefix, _ in self._by_key}, reverse=True)

    def route(self, message: NewMessage) -> tuple[str, ...]:
        """The uplinks for a message, in the order in which they are to be tried.

        Raises:
            NoRoute: no rule takes it; the text says why.
        """
        recipient = message.recipient
        for length in self._lengths:
            prefix = recipient[:length]
            if len(prefix) < length:
                continue
            uplinks = self._by_key.get((prefix, message.account)) or self._by_key.get((prefix, ""))
            if uplinks is not None:
                return uplinks
        if not self._by_key:
            raise NoRoute("no route is configured")
        raise NoRoute(f"no route takes {recipient} from account {message.account}")
