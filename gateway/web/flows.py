"""Failover flows, one channel after another until one has delivered: POST /flows, GET /flows/{id}."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.providers.forms import MAX_URL_LENGTH, is_message_id, is_web_address
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import Flow, FlowStep
from gateway.web.endpoints import Call, Operation, answer
from gateway.web.errors import ApiError
from gateway.web.views import timestamp

Short = Annotated[str, msgspec.Meta(max_length=64)]


class FlowStepIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One step."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
    channel: Short = "sms"
    sender: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(default="", name="from")
    uplink: Short = ""
    """Empty: as the routes say."""
    wait_seconds: Annotated[int, msgspec.Meta(ge=0, le=604_800)] = 0
    """How long the condition may take."""
    condition: Literal["delivered", "read"] = "delivered"
    """Unmet after the wait, or failed at once, the next step is taken."""


class FlowIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A flow to begin."""

    to: Short
    steps: Annotated[list[FlowStepIn], msgspec.Meta(min_length=1, max_length=10)]
    callback_url: Annotated[str, msgspec.Meta(max_length=MAX_URL_LENGTH)] = ""
    client_reference: Annotated[str, msgspec.Meta(max_length=255)] = ""


class FlowView(msgspec.Struct, frozen=True, kw_only=True):
    """A flow and where it is."""

    id: str
    to: str
    status: str
    step: int
    """The one that runs or ended it, from 0."""
    step_count: int
    message_ids: list[str]
    client_reference: str
    created_at: str
    updated_at: str


class Flows:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="POST",
            path="/flows",
            name="beginFlow",
            summary="Reach a number over one channel after another",
            serve=self.begin,
            role="send",
            body=FlowIn,
            answers={201: FlowView},
            errors=(402, 408, 409, 413, 415, 422, 429, 501),
        )
        yield Operation(
            method="GET",
            path="/flows/{id}",
            name="showFlow",
            summary="Show a flow",
            serve=self.show,
            answers={200: FlowView},
            errors=(404, 501),
        )

    async def begin(self, call: Call) -> web.Response:
        """Begin one."""
        wanted = await call.read(FlowIn)
        number = recipient_digits(wanted.to)
        if number is None:
            raise ApiError(400, "invalid_recipient", "a phone number has 3 to 15 digits, with its country code", "to")
        if wanted.callback_url and not is_web_address(wanted.callback_url):
            raise ApiError(400, "invalid_callback_url", "expected an absolute http or https address", "callback_url")
        steps = [
            FlowStep(
                channel=step.channel,
                text=step.text,
                sender=step.sender,
                uplink=step.uplink,
                wait_seconds=step.wait_seconds,
                condition=step.condition,
            )
            for step in wanted.steps
        ]
        flow = await self._services.flows.begin(
            call.account,
            number,
            steps,
            callback_url=wanted.callback_url,
            client_reference=wanted.client_reference,
        )
        return answer(_view(flow), 201)

    async def show(self, call: Call) -> web.Response:
        """Show one."""
        written = call.at("id")
        flow = await self._services.flows.find(call.account, written) if is_message_id(written) else None
        if flow is None:
            raise ApiError(404, "not_found", "there is no such flow")
        return answer(_view(flow))


def _view(flow: Flow) -> FlowView:
    return FlowView(
        id=flow.id,
        to=flow.number,
        status=flow.status,
        step=flow.step,
        step_count=len(flow.steps),
        message_ids=list(flow.message_ids),
        client_reference=flow.client_reference,
        created_at=timestamp(flow.created_at),
        updated_at=timestamp(flow.updated_at),
    )
