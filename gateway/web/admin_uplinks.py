"""For the operator: uplinks, their servers and binds.

GET  /binds, /uplinks, /uplinks/{uplink}
POST /uplinks/{uplink}/pause|drain|resume, and the same of …/servers/{server} and …/binds/{bind}
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Final

import msgspec
from aiohttp import web

from gateway.operations import BindView, UplinkDesk, UplinkStatus
from gateway.web.endpoints import Call, Operation, answer, for_operator

_VERBS: Final = {
    "pause": "Send nothing over an uplink; its binds stay, and receipts are taken",
    "drain": "Send nothing over an uplink, and unbind once what is in flight is answered",
    "resume": "Send over an uplink again",
}
_PART_VERBS: Final = {
    "pause": "Send nothing over a {}, which stays bound and takes receipts",
    "drain": "Take a {} out of use, once what is in flight is answered",
    "resume": "Put a {} in use again",
}


class BindsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Filter of `GET /binds`."""

    uplink: Annotated[str, msgspec.Meta(max_length=64)] = ""


class BindList(msgspec.Struct, frozen=True):
    """Connections to SMSCs."""

    binds: list[BindView]


class UplinkList(msgspec.Struct, frozen=True):
    """Ways out."""

    uplinks: list[UplinkStatus]


class AdminUplinks:
    """The endpoints."""

    def __init__(self, desk: UplinkDesk) -> None:
        self._desk = desk

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield for_operator(
            "GET /binds",
            "listBinds",
            "Show every bind: state, window, rate, counters, last error",
            self.binds,
            {200: BindList},
            query=BindsQuery,
            errors=(404,),
        )
        yield for_operator("GET /uplinks", "listUplinks", "Show the uplinks", self.list, {200: UplinkList})
        yield for_operator(
            "GET /uplinks/{uplink}", "showUplink", "Show an uplink", self.show, {200: UplinkStatus}, errors=(404,)
        )
        for verb, summary in _VERBS.items():
            yield for_operator(
                f"POST /uplinks/{{uplink}}/{verb}",
                f"{verb}Uplink",
                summary,
                self._verb(getattr(self._desk, verb)),
                {200: UplinkStatus},
                errors=(404, 409),
            )
        for what in ("server", "bind"):
            for verb, summary in _PART_VERBS.items():
                yield for_operator(
                    f"POST /uplinks/{{uplink}}/{what}s/{{{what}}}/{verb}",
                    f"{verb}{what.capitalize()}",
                    summary.format(what),
                    self._part_verb(getattr(self._desk, f"{verb}_{what}"), what),
                    {200: UplinkStatus},
                    errors=(404, 409),
                )

    async def binds(self, call: Call) -> web.Response:
        """Show binds."""
        return answer(BindList(self._desk.binds(call.query(BindsQuery).uplink)))

    async def list(self, _call: Call) -> web.Response:
        """Show uplinks."""
        return answer(UplinkList(self._desk.statuses()))

    async def show(self, call: Call) -> web.Response:
        """Show one."""
        return answer(self._desk.status(call.at("uplink")))

    def _verb(self, do: Callable[[str], Awaitable[UplinkStatus]]) -> Callable[[Call], Awaitable[web.Response]]:
        async def serve(call: Call) -> web.Response:
            return answer(await do(call.at("uplink")))

        return serve

    def _part_verb(
        self, do: Callable[[str, str], Awaitable[UplinkStatus]], what: str
    ) -> Callable[[Call], Awaitable[web.Response]]:
        async def serve(call: Call) -> web.Response:
            return answer(await do(call.at("uplink"), call.at(what)))

        return serve
