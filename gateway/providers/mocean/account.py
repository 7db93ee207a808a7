"""What an account asks about itself: balance, prices, reports of its messages; and what it tells us of conversions."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from gateway.providers.base import WebAnswer
from gateway.providers.feedback import tell_provider
from gateway.providers.forms import is_message_id
from gateway.providers.mocean import answers, spec
from gateway.providers.mocean.asked import Asked
from gateway.providers.mocean.request import Refused
from gateway.providers.outcomes import json_object, number_at
from gateway.providers.ports import NotOffered, Price

NO_RATE: Final = 3
BAD_NETWORK: Final = 46
BAD_DELIMITER: Final = 51
BAD_TYPE: Final = 72
BAD_PARAMETER: Final = 24
TRY_AGAIN: Final = (32, 40)
"""What the provider may say of a conversion that its sender can mend by waiting; else it is kept here all the same."""

DELIMITERS: Final = (";", ":", "|")
PRICED: Final = "sms"
OTHER_TYPES: Final = ("verify", "nl", "voice", "whatsapp", "telegram")
"""Services of the provider that have no price here."""
_COLUMNS: Final = ("country", "operator", "mcc", "mnc", "price", "currency")
_ANY: Final = "Default"


async def balance(asked: Asked) -> WebAnswer:
    """/account/balance."""
    caller = asked.caller("read")
    left = await asked.services.ledger.balance(caller.name)
    return asked.success({"status": spec.OK, "value": msgspec.Raw(f"{left.amount:.4f}".encode())})


async def report(asked: Asked) -> WebAnswer:
    """/report/message."""
    caller = asked.caller("read")
    message_id = asked.text("msgid")
    if not is_message_id(message_id):
        raise Refused(spec.BAD_MESSAGE_ID)
    message = await asked.services.lookup.message(caller.name, message_id)
    status = spec.MESSAGE_NOT_FOUND if message is None else spec.MESSAGE_STATUS[message.state]
    deducted = Decimal(0)
    if message is not None:
        with suppress(NotOffered):
            deducted = await asked.services.ledger.charged(caller.name, message_id)
    return asked.success(
        {
            "status": spec.OK,
            "message_status": status,
            "msgid": message_id,
            "credit_deducted": format(deducted.normalize(), "f") if deducted else "0",
        }
    )


async def conversion(asked: Asked) -> WebAnswer:
    """/conversion: told to Mocean where the message left by it, and kept beside the message."""
    caller = asked.caller("send")
    message_id = asked.text("msgid")
    if not is_message_id(message_id) or await asked.services.lookup.message(caller.name, message_id) is None:
        raise Refused(spec.BAD_MESSAGE_ID)
    delivered = asked.text("delivered").lower()
    written = asked.text("timestamp")
    if delivered not in ("true", "false") or (written and not _is_time(written)):
        raise Refused(BAD_PARAMETER)
    await _tell_provider(asked, caller.name, message_id, delivered, written)
    fields = {"delivered": delivered == "true", "timestamp": written}
    directory = asked.services.directory
    known = await directory.by_name(caller.name, "conversion", message_id)
    if known:
        await directory.change(caller.name, "conversion", known[0].id, fields)
    else:
        await directory.add(caller.name, "conversion", message_id, fields)
    return asked.success({"status": spec.OK})


async def _tell_provider(asked: Asked, account: str, message_id: str, delivered: str, at: str) -> None:
    told = {"mocean-msgid": "{id}", "mocean-delivered": delivered, "mocean-resp-format": "json"}
    if at:
        told["mocean-timestamp"] = at
    answer = await tell_provider(asked.services, account, spec.NAME, message_id, "/rest/2/conversion", told)
    status = number_at(json_object(answer.body), "status") if answer is not None else spec.OK
    if status in TRY_AGAIN:
        raise Refused(status)


def _is_time(written: str) -> bool:
    if not spec.SCHEDULE.fullmatch(written):
        return False
    try:
        datetime.strptime(written, spec.TIME_FORMAT)
    except ValueError:
        return False
    return True


async def pricing(asked: Asked) -> WebAnswer:
    """/account/pricing: as objects, or as CSV."""
    caller = asked.caller("read")
    mcc, mnc = asked.text("mcc"), asked.text("mnc")
    if (mcc or mnc) and not (_is_code(mcc, 3) and _is_code(mnc, 2)):
        raise Refused(BAD_NETWORK)
    delimiter = asked.text("delimiter") or DELIMITERS[0]
    if delimiter not in DELIMITERS:
        raise Refused(BAD_DELIMITER)
    kind = asked.text("type").lower() or PRICED
    if kind not in (PRICED, *OTHER_TYPES):
        raise Refused(BAD_TYPE)
    prices = await asked.services.ledger.prices(caller.name, mcc=mcc, mnc=mnc) if kind == PRICED else ()
    rows = _rows(prices, _country_names(asked))
    if not rows:
        raise Refused(NO_RATE)
    if asked.form.media == answers.CSV:
        return answers.table([_COLUMNS, *(tuple(row.values()) for row in rows)], delimiter)
    return asked.success({"status": spec.OK, "destinations": rows})


def _is_code(written: str, digits: int) -> bool:
    return written.isascii() and written.isdigit() and digits <= len(written) <= 3


def _country_names(asked: Asked) -> Mapping[str, str]:
    """Names by ISO code: what the document's list shows, where the price itself has none."""
    with suppress(NotOffered):
        return {iso: name for iso, name, _ in asked.services.numbers.countries()}
    return {}


def _rows(prices: Sequence[Price], names: Mapping[str, str]) -> list[dict[str, str]]:
    """One row for each operator and price, its network codes joined; what holds for all comes first."""
    merged: dict[tuple[str, ...], list[str]] = {}
    for price in sorted(prices, key=lambda price: (bool(price.mcc), bool(price.mnc), price.country_name, price.mcc)):
        country = price.country_name or names.get(price.country) or price.country
        row = (country, price.operator, price.mcc, _amount(price.amount), price.currency)
        codes = merged.setdefault(row, [])
        if price.mnc and price.mnc not in codes:
            codes.append(price.mnc)
    return [
        {
            "country": country or _ANY,
            "operator": operator or _ANY,
            "mcc": mcc or _ANY,
            "mnc": ",".join(codes) or _ANY,
            "price": amount,
            "currency": currency,
        }
        for (country, operator, mcc, amount, currency), codes in merged.items()
    ]


def _amount(amount: Decimal) -> str:
    """With four decimals, more where the price has them."""
    exponent = amount.normalize().as_tuple().exponent
    return format(amount, f".{max(4, -exponent if isinstance(exponent, int) else 4)}f")
