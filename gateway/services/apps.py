"""What the config says of accounts' apps, as dialects ask for it."""

from collections.abc import Mapping

from gateway.config import AccountConfig
from gateway.hours import Hours
from gateway.providers.ports import AppOptions

_PLAIN = AppOptions()


class ConfiguredApps:
    """The port `Apps`."""

    def __init__(self, accounts: Mapping[str, AccountConfig]) -> None:
        self._mobtexting = {
            name: AppOptions(
                time_zone=app.time_zone,
                products=app.products,
                is_scrubbed=app.scrub,
                promotional_products=app.promotional_products,
                promotional_hours=Hours(app.promotional_hours, time_zone=app.time_zone),
            )
            for name, config in accounts.items()
            if (app := config.mobtexting) is not None
        }

    def options(self, account: str, dialect: str) -> AppOptions:
        """The options of one app."""
        return self._mobtexting.get(account, _PLAIN) if dialect == "mobtexting" else _PLAIN
