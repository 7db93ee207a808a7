"""What the config says of accounts' apps, as dialects ask for it."""

from collections.abc import Callable, Mapping

from gateway.config import AccountConfig, MobtextingConfig
from gateway.hours import Hours
from gateway.providers.mobtexting.spec import PREFIX
from gateway.providers.ports import AppOptions

_PLAIN = AppOptions()


class ConfiguredApps:
    """The port `Apps`."""

    def __init__(
        self, accounts: Callable[[], Mapping[str, AccountConfig]], public_url: Callable[[], str] = lambda: ""
    ) -> None:
        """Make the port.

        Args:
            accounts: those there are now.
            public_url: where the public listener is reached from outside; empty: nobody has said.
        """
        self._accounts = accounts
        self._public_url = public_url
        self._read: dict[str, tuple[MobtextingConfig, str, AppOptions]] = {}

    def options(self, account: str, dialect: str) -> AppOptions:
        """The options of one app."""
        config = self._accounts().get(account) if dialect == "mobtexting" else None
        app = config.mobtexting if config is not None else None
        if app is None:
            return _PLAIN
        known, url = self._read.get(account), self._public_url()
        if known is None or known[0] is not app or known[1] != url:
            known = self._read[account] = (app, url, _of(app, url))
        return known[2]


def _of(app: MobtextingConfig, url: str) -> AppOptions:
    return AppOptions(
        time_zone=app.time_zone,
        products=app.products,
        is_scrubbed=app.scrub,
        promotional_products=app.promotional_products,
        promotional_hours=Hours(app.promotional_hours, time_zone=app.time_zone),
        base_url=url and url.rstrip("/") + PREFIX,
    )
