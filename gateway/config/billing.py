"""What messages cost, and how much accounts may send."""

from typing import Annotated, Literal

import msgspec

from gateway.config.routing import NETWORK_PATTERN
from gateway.settings import setting


class BillingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Money."""

    currency: Annotated[str, setting("Of all prices and balances.", pattern="^[A-Z]{3}$")] = "EUR"
    prices_file: Annotated[
        str,
        setting(
            "More prices: a CSV file whose head names its columns, of prefix, network, account, amount, country,"
            " country_name and operator; empty: none."
        ),
    ] = ""
    refund: Annotated[
        Literal["never", "unaccepted", "undelivered"],
        setting(
            "Which parts are not to be paid for once their message has ended: those that no SMSC accepted (unless they"
            " may have reached the recipient all the same), or all that the SMSC did not deliver."
        ),
    ] = "unaccepted"


class PriceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a part costs. Repeat the table for more.

    A price for the account decides before one for all; then the whole network, the longest prefix, the country.
    """

    prefix: Annotated[str, setting("First digits of the recipient; empty: any.", pattern="^[0-9]{0,20}$")] = ""
    network: Annotated[
        str, setting("Or its network, MCC-MNC, or country, MCC; empty: any.", pattern=NETWORK_PATTERN)
    ] = ""
    account: Annotated[str, setting("Only for this account; empty: for all.")] = ""
    amount: Annotated[float, setting("In billing.currency, exact to a millionth.", ge=0, le=1_000_000, sample=0.045)]
    country: Annotated[str, setting("What lists show, ISO 3166-1 alpha-2.", pattern="^([A-Z]{2})?$")] = ""
    country_name: Annotated[str, setting("What lists show.")] = ""
    operator: Annotated[str, setting("What lists show.")] = ""


class AccountBillingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What an account pays, and how much it may send."""

    mode: Annotated[
        Literal["none", "prepaid", "postpaid"],
        setting(
            "none: nothing is charged; prepaid: messages are refused when its balance is spent;"
            " postpaid: they never are for that."
        ),
    ] = "none"
    credit: Annotated[
        float, setting("How far below nought a prepaid balance may fall.", unit="currency", ge=0, le=1_000_000_000)
    ] = 0.0
    parts_per_day: Annotated[int, setting("Its quota for a day, UTC; 0: none.", unit="parts", ge=0)] = 0
    parts_per_month: Annotated[int, setting("Its quota for a month, UTC; 0: none.", unit="parts", ge=0)] = 0
