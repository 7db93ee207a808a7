"""CheckMobi's answers and callbacks: JSON, numbers with their plus sign, moments in seconds, money as a float."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from gateway.models import Callback, Message, State
from gateway.providers.base import WebAnswer
from gateway.providers.checkmobi import spec
from gateway.providers.json_bodies import JSON, encode
from gateway.providers.ports import NetworkInfo, NumberInfo
from gateway.providers.seams import LookupBatch
from gateway.providers.verifying import Verification, VerifyStatus

STATUS_BY_STATE: Final[Mapping[State, str]] = {
    State.ACCEPTED: "queued",
    State.SCHEDULED: "queued",
    State.QUEUED: "queued",
    State.SENDING: "queued",
    State.IN_DOUBT: "queued",
    State.SUBMITTED: "sent",
    State.ENROUTE: "sent",
    State.DELIVERED: "delivered",
    State.EXPIRED: "undelivered",
    State.DELETED: "undelivered",
    State.UNDELIVERABLE: "undelivered",
    State.UNKNOWN: "undelivered",
    State.REJECTED: "rejected",
    State.FAILED: "failed",
}

TYPE_BY_KIND: Final[Mapping[str, str]] = {
    "mobile": "mobile",
    "fixed_line": "landline",
    "fixed_line_or_mobile": "mobile_or_landline",
    "toll_free": "toll_free",
    "premium_rate": "premium_rate",
    "shared_cost": "shared_cost",
    "voip": "voip",
    "personal": "personal_number",
    "pager": "pager",
    "uan": "uan",
    "voicemail": "voicemail",
}
MOBILE_KINDS: Final = ("mobile", "fixed_line_or_mobile")
_MILLION: Final = 1_000_000


def done(content: object) -> WebAnswer:
    """A request that was carried out."""
    return WebAnswer(status=200, content_type=JSON, body=encode(content))


def done_without_content() -> WebAnswer:
    """... and has nothing to say."""
    return WebAnswer(status=204, content_type=JSON, body=b"")


def refused(code: int, *, http_status: int = 0) -> WebAnswer:
    """A row of the error table."""
    error = spec.ERRORS[code]
    body = encode({"code": code, "error": error.text})
    return WebAnswer(status=http_status or error.http_status, content_type=JSON, body=body)


def failed(http_status: int) -> WebAnswer:
    """A fault of ours: the document has a status for it, and no code."""
    body = encode({"code": 0, "error": spec.HTTP_STATUSES[http_status]})
    return WebAnswer(status=http_status, content_type=JSON, body=body)


# Numbers.


def number_info(info: NumberInfo) -> dict[str, object]:
    """The six fields that stand for a number in many answers."""
    return {
        "country_code": info.country_code,
        "country_iso_code": info.country,
        "carrier": info.carrier,
        "is_mobile": info.kind in MOBILE_KINDS,
        "e164_format": info.e164,
        "formatting": info.international,
    }


def description(info: NumberInfo) -> str:
    """Country and carrier: FR - Orange."""
    return " - ".join(part for part in (info.country, info.carrier) if part)


def look_up(lookup_id: str, info: NumberInfo) -> dict[str, object]:
    """What a number says by itself."""
    return {
        "id": lookup_id,
        "cost": 0,
        "phone_number": info.e164,
        "number_type": TYPE_BY_KIND.get(info.kind, "unknown"),
        "timezone": info.time_zones[0] if info.time_zones else "",
        "format": {
            "e164": info.e164,
            "international": info.international,
            "national": info.national,
            "rfc3966": info.rfc3966,
        },
        "original_network": {
            "country_iso2": info.country,
            "country_prefix": info.country_code,
            "country_name": info.country_name,
            "area": info.area or None,
            "network_name": info.carrier or None,
        },
    }


def network_look_up(method: str, parsed: NumberInfo, asked: NetworkInfo) -> dict[str, object]:
    """What the network says of it."""
    content = look_up(asked.id, parsed)
    content["processing_status"] = asked.status if asked.status in spec.LOOKUP_PROCESSING else "completed"
    content["imsi"] = asked.imsi or None
    content["current_network"] = _network(asked.current_network, parsed)
    if method == "hlr":
        content["is_ported"] = asked.is_ported
        content["reachable"] = _reachability(asked)
        content["original_network"] = _network(asked.original_network, parsed)
    else:
        del content["original_network"]
    return content


def _reachability(asked: NetworkInfo) -> str:
    said = asked.raw.get("reachable")
    if isinstance(said, str) and said in spec.REACHABILITY:
        return said
    return {True: "connected", False: "absent", None: "inconclusive"}[asked.is_reachable]


def _network(network: Mapping[str, str], parsed: NumberInfo) -> dict[str, object]:
    mcc, mnc = network.get("mcc", ""), network.get("mnc", "")
    is_known = bool(network)
    return {
        "country_iso2": network.get("country") or (parsed.country if is_known else None),
        "country_prefix": parsed.country_code if is_known else None,
        "country_name": parsed.country_name if is_known else None,
        "area": network.get("area") or None,
        "mccmnc": mcc + mnc or None,
        "mcc": mcc or None,
        "mnc": mnc or None,
        "network_name": network.get("name") or None,
    }


# Messages and verifications.


def charge(message: Message) -> dict[str, object]:
    """What a message cost, and of how many parts it is; each only where it is known."""
    content: dict[str, object] = {}
    charged = message.price - message.refunded
    if charged and message.part_count:
        content["charged_amount"] = charged / _MILLION
        content["charged_rate"] = charged / _MILLION / message.part_count
    if message.part_count:
        content["units"] = message.part_count
    return content


def message_record(message: Message) -> dict[str, object]:
    """/sms/{id}."""
    return {
        "to": "+" + message.recipient,
        "request_date": int(message.created_at),
        "description": message.origin,
        "status": STATUS_BY_STATE[message.state],
        **charge(message),
    }


def validation(verification: Verification, charged: Decimal) -> dict[str, object]:
    """/validation/status, and the answer to a pin."""
    is_validated = verification.status is VerifyStatus.VERIFIED
    return {
        "number": "+" + verification.number,
        "validated": is_validated,
        "validation_date": int(verification.verified_at) if is_validated else None,
        "charged_amount": float(charged) if charged else 0,
    }


# Callbacks.


def receipt_callback(message: Message) -> Callback | None:
    """What became of a message; nothing before it left."""
    status = STATUS_BY_STATE[message.state]
    if status == "queued" or not message.callback_url:
        return None
    content = {
        "id": message.id,
        "to": "+" + message.recipient,
        "description": message.origin,
        "status": status,
        **charge(message),
    }
    return _callback(message.callback_url, content)


def validation_callback(verification: Verification) -> Callback | None:
    """A number that was validated."""
    if not verification.callback_url:
        return None
    content = {
        "key": verification.id,
        "number": "+" + verification.number,
        "description": verification.extra.get("description", ""),
    }
    return _callback(verification.callback_url, content)


def lookup_callbacks(batch: LookupBatch) -> list[Callback]:
    """The answers of a bulk look-up, in one request; and those that failed, in another."""
    callbacks = []
    content: dict[str, object]
    answers = {one.number: network_look_up(batch.method, batch.parsed[one.number], one) for one in batch.answers}
    answers |= {number: look_up(f"{batch.job}-{number}", batch.parsed[number]) for number in batch.unasked}
    if answers:
        results = [
            {"original_msisdn": written, **answer}
            for number, answer in answers.items()
            for written in batch.written.get(number, (number,))
        ]
        content = {"lookup_method": batch.method, "error": None, "results": results}
        callbacks.append(_callback(batch.callback_url, content))
    if batch.failed:
        affected = [written for number in batch.failed for written in batch.written.get(number, (number,))]
        error = {"error": 18, "description": batch.error, "affected_numbers": affected}
        content = {"lookup_method": batch.method, "error": error, "results": None}
        callbacks.append(_callback(batch.callback_url, content))
    return callbacks


def _callback(url: str, content: object) -> Callback:
    return Callback(
        id="", account="", url=url, method="POST", content_type=JSON, body=encode(content), dialect=spec.NAME
    )
