"""Numbers and what networks say of them, as the native API and its callbacks show them."""

from typing import Any

import msgspec

from gateway.providers.ports import LookupAnswer, NetworkInfo, NumberInfo


class NetworkView(msgspec.Struct, frozen=True, kw_only=True):
    """What a network says of a number."""

    id: str
    status: str
    is_ported: bool | None
    is_reachable: bool | None
    imsi: str
    original_network: dict[str, str]
    current_network: dict[str, str]


class NumberView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a number."""

    number: str
    is_valid: bool
    e164: str
    international: str
    national: str
    rfc3966: str
    kind: str
    country: str
    country_name: str
    country_code: int
    area: str
    time_zones: list[str]
    carrier: str
    mcc: str
    mnc: str
    network: NetworkView | None


class AnswerView(NumberView, frozen=True, kw_only=True):
    """What is known of one of many numbers."""

    error: str | None
    """Why no network has said anything of it, where one was to be asked; or that it is no number."""


def number_view(info: NumberInfo, network: NetworkInfo | None) -> NumberView:
    """One number."""
    return NumberView(**_fields(info, network))


def answer_view(answer: LookupAnswer) -> AnswerView:
    """One of many."""
    return AnswerView(**_fields(answer.info, answer.network), error=answer.error or None)


def _fields(info: NumberInfo, network: NetworkInfo | None) -> dict[str, Any]:
    fields = msgspec.structs.asdict(info)
    view = None
    if network is not None:
        view = NetworkView(
            id=network.id,
            status=network.status,
            is_ported=network.is_ported,
            is_reachable=network.is_reachable,
            imsi=network.imsi,
            original_network=dict(network.original_network),
            current_network=dict(network.current_network),
        )
    return {**fields, "time_zones": list(info.time_zones), "network": view}
