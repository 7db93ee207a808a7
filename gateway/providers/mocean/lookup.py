"""Number look-ups in Mocean's words: answered at once, or later by PUT where the caller names an address."""

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.models import Callback
from gateway.providers.base import WebAnswer
from gateway.providers.forms import encode_form, is_web_address
from gateway.providers.mocean import spec
from gateway.providers.mocean.asked import Asked
from gateway.providers.mocean.request import FORM, Refused
from gateway.providers.numbers import recipient_digits, without_international_prefix
from gateway.providers.ports import NetworkInfo
from gateway.providers.seams import LookupBatch

NO_NUMBER: Final = 6
BAD_NUMBER: Final = 28
BAD_REQUEST: Final = 34


async def look_up(asked: Asked) -> WebAnswer:
    """/nl."""
    caller = asked.caller("read")
    written = asked.required("to", NO_NUMBER)
    digits = "".join(character for character in written if character in "0123456789")
    number = recipient_digits(digits if written.startswith("+") else without_international_prefix(digits))
    if number is None or not asked.services.numbers.parse(number).is_valid:
        raise Refused(BAD_NUMBER)
    url = asked.text("nl-url")
    if not url:
        return asked.success(fields_of(await asked.services.numbers.network(caller.name, number, method="hlr")))
    if not is_web_address(url):
        raise Refused(BAD_REQUEST)
    job = await asked.services.numbers.network_bulk(
        caller.name, [number], method="hlr", callback_url=url, dialect=spec.NAME
    )
    return asked.success({"status": spec.OK, "msgid": job, "to": number})


def fields_of(info: NetworkInfo) -> dict[str, object]:
    """What is known of a number."""
    ported = {True: "ported", False: "not_ported", None: "unknown"}
    reachable = {True: "reachable", False: "unreachable", None: "unknown"}
    return {
        "status": spec.OK,
        "msgid": info.id,
        "to": info.number,
        "current_carrier": _carrier(info.current_network),
        "original_carrier": _carrier(info.original_network),
        "ported": ported[info.is_ported],
        "reachable": reachable[info.is_reachable],
    }


def _carrier(network: Mapping[str, str]) -> dict[str, object]:
    mcc, mnc = network.get("mcc", ""), network.get("mnc", "")
    code = mcc + mnc
    return {
        "country": network.get("country", ""),
        "name": network.get("name", ""),
        "network_code": int(code) if code.isascii() and code.isdigit() else 0,
        "mcc": mcc,
        "mnc": mnc,
    }


def callbacks(batch: LookupBatch) -> list[Callback]:
    """One for each answer, and for each number that has none."""
    told = [callback(one, batch.callback_url, batch.job) for one in batch.answers]
    for number in batch.failed:
        nobody = NetworkInfo(id=batch.job, number=number)
        told.append(callback(nobody, batch.callback_url, batch.job, batch.error or "no answer"))
    return told


def callback(info: NetworkInfo, url: str, job: str, error: str = "") -> Callback:
    """What a look-up that was not waited for found, as a form; objects are written as PHP writes them."""
    fields = {**fields_of(info), "msgid": job}
    if error:
        fields = {"status": 24, "msgid": job, "to": info.number, "err_msg": error}
    flat: list[tuple[str, str]] = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            flat += [(f"{name}[{inner}]", str(item)) for inner, item in value.items()]
        else:
            flat.append((name, str(value)))
    body = encode_form(flat).encode()
    made = Callback(id="", account="", url=url, method="PUT", content_type=FORM, body=body)
    return msgspec.structs.replace(made, dialect=spec.NAME)
