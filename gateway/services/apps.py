"""What the config says of accounts' apps, as dialects ask for it."""

from collections.abc import Callable, Mapping

from gateway.config import AccountConfig, MobtextingConfig
from gateway.hours import Hours
from gateway.providers.ports import AppOptions

_PLAIN = AppOptions()


class ConfiguredApps:
    """The port `Apps`."""

    def __init__(self, accounts: Callable[[], Mapping[str, AccountConfig]]) -> None:
        """Make the port.

        Args:
            accounts: those there are now.
        """
        self._accounts = accounts
        self._read: dict[str, tuple[MobtextingConfig, AppOptions]] = {}

    def options(self, account: str, dialect: str) -> AppOptions:
        """The options of one app."""
        config = self._accounts().get(account) if dialect == "mobtexting" else None
        app = config.mobtexting if config is not None else None
        if app is None:
            return _PLAIN
        known = self._read.get(account)
        if known is None or known[0] is not app:
            known = self._read[account] = (app, _of(app))
        return known[1]


def _of(app: MobtextingConfig) -> AppOptions:
    return AppOptions(
        time_zone=app.time_zone,
        products=app.products,
        is_scrubbed=app.scrub,
        promotional_products=app.promotional_products,
        promotional_hours=Hours(app.promotional_hours, time_zone=app.time_zone),
    )
