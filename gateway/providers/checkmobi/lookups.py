"""Numbers in CheckMobi's words: what they say by themselves is ours, what networks say of them a provider's."""

import uuid
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.checkmobi import answers, spec, validation
from gateway.providers.checkmobi.request import (
    BAD_CALLBACK,
    BAD_METHOD,
    BAD_PAYLOAD,
    NO_HLR_ROUTE,
    Asked,
    Refused,
)
from gateway.providers.ports import NotOffered, NumberInfo, Price

METHODS: Final = ("hlr", "mnp")
UNASKED: Final = ("fixed_line",)
"""Landlines: "the request will fall back to the Validation API and no charge will be applied"."""


async def look_up(asked: Asked) -> WebAnswer:
    """GET /lookup/{method}/{number}."""
    method, _, written = asked.rest.partition("/")
    if method not in ("verify", *METHODS):
        raise Refused(BAD_METHOD)
    info = asked.parsed(written)
    if method == "verify" or info.kind in UNASKED:
        return answers.done(answers.look_up(str(uuid.uuid4()), info))
    try:
        found = await asked.services.numbers.network(asked.caller.name, info.number, method=method)
    except NotOffered:
        raise Refused(NO_HLR_ROUTE) from None
    return answers.done(answers.network_look_up(method, info, found))


async def look_up_many(asked: Asked) -> WebAnswer:
    """POST /lookup/{method}: answered by callback."""
    method = asked.rest
    if method not in METHODS:
        raise Refused(BAD_METHOD)
    written = asked.fields.get("numbers")
    if not isinstance(written, list) or not 1 <= len(written) <= spec.MAX_BULK_NUMBERS:
        raise Refused(BAD_PAYLOAD)
    url = asked.callback_url()
    if not url:
        raise Refused(BAD_CALLBACK)
    accepted: dict[str, tuple[str, ...]] = {}
    rejected: list[str] = []
    for one in written:
        if not isinstance(one, (str, int)) or isinstance(one, bool):
            raise Refused(BAD_PAYLOAD)
        try:
            number = asked.parsed(str(one)).number
            accepted[number] = (*accepted.get(number, ()), str(one))
        except Refused:
            rejected.append(str(one))
    if accepted:
        try:
            await asked.services.numbers.network_bulk(
                asked.caller.name,
                list(accepted),
                method=method,
                callback_url=url,
                dialect=spec.NAME,
                # "The number you sent for lookup in the original format."
                written=accepted,
                unasked_kinds=UNASKED,
            )
        except NotOffered:
            raise Refused(NO_HLR_ROUTE) from None
    return answers.done(
        {
            "total_count": len(written),
            "accepted_count": len(written) - len(rejected),
            "rejected_count": len(rejected),
            "rejected": rejected,
            "notification_callback": url,
        }
    )


async def check_number(asked: Asked) -> WebAnswer:
    """POST /checknumber."""
    info = asked.number()
    price = await _price(asked, info)
    rate = float(price.amount) if price is not None else 0.0
    # What a call costs is between its provider and the operator: nothing is charged for it here.
    calls = {
        kind: {
            "available": validation.is_offered(asked, kind),
            "min_rate": 0.0,
            "max_rate": 0.0,
            "estimation_cost": 0.0,
        }
        for kind in ("ivr", "reverse_cli")
    }
    methods = {
        "cli": {"available": False, "local_number": False},
        "sms": {"available": True, "min_rate": rate, "max_rate": rate},
        **calls,
    }
    return answers.done({**answers.number_info(info), "validation_methods": methods})


async def _price(asked: Asked, info: NumberInfo) -> Price | None:
    """The price of one part to a number: of the longest prefix that fits."""
    try:
        prices = await asked.services.ledger.prices(asked.caller.name)
    except NotOffered:
        return None
    fitting = [price for price in prices if info.number.startswith(price.prefix)]
    return max(fitting, key=lambda price: len(price.prefix), default=None)


async def countries(asked: Asked) -> WebAnswer:
    """GET /countries. Pictures of flags are the provider's own: their fields stay empty."""
    return answers.done(
        [
            {"iso2": iso, "name": name, "prefix": str(code), "flag_32": "", "flag_128": ""}
            for iso, name, code in asked.services.numbers.countries()
        ]
    )


async def prefixes(asked: Asked) -> WebAnswer:
    """GET /prefixes."""
    return answers.done(
        [{"iso2": iso, "name": name, "prefix": code} for iso, name, code in asked.services.numbers.countries()]
    )
