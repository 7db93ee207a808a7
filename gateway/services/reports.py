"""What services report to those who speak the native API.

{"type": "verification.verified" | "flow.delivered" | "lookup.answers" …, "timestamp": …, "verification" | …: {…}}
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.models import Callback
from gateway.providers.ports import Flow, NetworkInfo, Verification
from gateway.providers.seams import LookupBatch, VerifyEvent
from gateway.reports import timestamp
from gateway.services.lookup_jobs import answer_of
from gateway.services.number_views import answer_view


class NativeServiceReports:
    """Implements `gateway.providers.seams.ServiceCallbacks` in our own words."""

    name = "native"

    def verification_callback(self, verification: Verification, event: VerifyEvent) -> Callback | None:
        """Everything that happens to a verification; never a code."""
        latest = verification.history[-1] if verification.history else None
        body = {
            "id": verification.id,
            "status": verification.status.value,
            "to": verification.number,
            "channel": verification.channel,
            "attempts": verification.attempts,
            "sends": verification.sends,
            "error": latest.error if latest is not None else "",
            "client_reference": verification.reference,
            "created_at": timestamp(verification.created_at),
            "expires_at": timestamp(verification.expires_at),
        }
        at = max(verification.created_at, verification.ended_at, latest.sent_at if latest is not None else 0.0)
        return _callback(verification.callback_url, f"verification.{event.value}", at, "verification", body)

    def flow_callback(self, flow: Flow) -> Callback | None:
        """Every status of a flow."""
        body = {
            "id": flow.id,
            "status": flow.status,
            "to": flow.number,
            "step": flow.step,
            "error": flow.error,
            "message_ids": flow.message_ids,
            "client_reference": flow.client_reference,
            "created_at": timestamp(flow.created_at),
        }
        return _callback(flow.callback_url, f"flow.{flow.status}", flow.updated_at, "flow", body)

    def lookup_callbacks(self, batch: LookupBatch) -> Sequence[Callback]:
        """All answers of a batch together."""
        said: dict[str, NetworkInfo | str] = {one.number: one for one in batch.answers}
        said |= dict.fromkeys(batch.failed, batch.error) | dict.fromkeys(batch.unasked, "")
        answers = [answer_view(answer_of(batch.parsed[number], one)) for number, one in said.items()]
        body = {"id": batch.job, "network": batch.method or None, "answers": answers, "is_last": batch.is_last}
        return [_callback(batch.callback_url, "lookup.answers", None, "lookup", body)]


def _callback(url: str, kind: str, at: float | None, name: str, body: dict[str, Any]) -> Callback:
    head = {"type": kind} if at is None else {"type": kind, "timestamp": timestamp(at)}
    return Callback(id="", account="", url=url, body=msgspec.json.encode({**head, name: body}))
