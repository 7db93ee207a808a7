"""Numbers looked up: GET /numbers/{number}."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import NetworkInfo, NumberInfo
from gateway.providers.seams import LookupFailed
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.errors import ApiError


class NumberQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How far to look."""

    network: Literal["hlr", "mnp", "fraud"] | None = None
    """Ask the network too, by a provider that offers it."""


class NetworkView(msgspec.Struct, frozen=True, kw_only=True):
    """What a network says of a number."""

    id: str
    status: str
    is_ported: bool | None
    is_reachable: bool | None
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


class Numbers:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="GET",
            path="/numbers/{number}",
            name="showNumber",
            summary="Show what is known of a phone number",
            serve=self.show,
            query=NumberQuery,
            answers={200: NumberView},
            errors=(501, 502),
        )

    async def show(self, call: Call) -> web.Response:
        """Look one up."""
        query = call.query(NumberQuery)
        digits = recipient_digits(call.at("number"))
        if digits is None:
            raise ApiError(400, "invalid_number", "a phone number has 3 to 15 digits, with its country code", "number")
        info = self._services.numbers.parse(digits)
        network = None
        if query.network is not None:
            try:
                network = await self._services.numbers.network(call.account, digits, method=query.network)
            except LookupFailed as error:
                raise ApiError(502, "no_answer", f"the provider gave no answer: {error}", "network") from None
        return answer(_view(info, network))


def _view(info: NumberInfo, network: NetworkInfo | None) -> NumberView:
    return NumberView(
        number=info.number,
        is_valid=info.is_valid,
        e164=info.e164,
        international=info.international,
        national=info.national,
        rfc3966=info.rfc3966,
        kind=info.kind,
        country=info.country,
        country_name=info.country_name,
        country_code=info.country_code,
        area=info.area,
        time_zones=list(info.time_zones),
        carrier=info.carrier,
        mcc=info.mcc,
        mnc=info.mnc,
        network=None
        if network is None
        else NetworkView(
            id=network.id,
            status=network.status,
            is_ported=network.is_ported,
            is_reachable=network.is_reachable,
            original_network=dict(network.original_network),
            current_network=dict(network.current_network),
        ),
    )
