"""What must hold for prices: they are for accounts that there are, and no two for the same."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.config.price_file import read_prices

if TYPE_CHECKING:
    from gateway.config.root import Config

Problem = tuple[str, object, str]
"""Key, value, expectation."""


def check_retention(config: "Config") -> Iterator[Problem]:
    """Nothing is forgotten that is still needed."""
    kept, least = config.retention.message_days * 86_400, config.receipts.lifetime_seconds
    if 0 < kept < least:
        yield "retention.message_days", config.retention.message_days, "no less than receipts.lifetime_seconds"


def check_billing(config: "Config") -> Iterator[Problem]:
    """What does not hold."""
    seen: dict[tuple[str, str, str], int] = {}
    for at, row in enumerate(config.price):
        if row.account and row.account not in config.account:
            yield f"price[{at}].account", row.account, "the name of an account"
        same = seen.setdefault((row.account, row.network, row.prefix), at)
        if same != at:
            yield f"price[{at}].prefix", row.prefix, f"a price that is not there already, as price[{same}] is"
    path = config.billing.prices_file
    try:
        rows = read_prices(path) if path else []
    except OSError as error:
        yield "billing.prices_file", path, f"a file that can be read ({error.strerror})"
    except ValueError as error:
        yield "billing.prices_file", path, f"lines of prices; {error}"
    else:
        for row in rows:
            if row.account and row.account not in config.account:
                yield "billing.prices_file", row.account, "names of accounts in its column account"
    for name, account in config.account.items():
        if account.billing.mode != "none" and not (config.price or config.billing.prices_file):
            yield f"account.{name}.billing.mode", account.billing.mode, "none, where there is no price"
        if account.billing.credit and account.billing.mode != "prepaid":
            yield f"account.{name}.billing.credit", account.billing.credit, "0, where the account is not prepaid"
