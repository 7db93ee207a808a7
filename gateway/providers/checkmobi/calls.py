"""Calls are the provider's to make; what they are to do is checked before they are passed on."""

from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.checkmobi import answers, spec, validation
from gateway.providers.checkmobi.request import BAD_EVENT, BAD_PAYLOAD, Asked, Refused
from gateway.providers.forms import is_web_address

MAX_EVENTS: Final = 100
_DIGITS: Final = frozenset("0123456789*#wW")


async def place(asked: Asked) -> WebAnswer:
    """POST /call."""
    asked.number("to")
    asked.callback_url()
    asked.platform()
    ring = asked.fields.get("ring_timeout", 60)
    if isinstance(ring, bool) or not isinstance(ring, int) or not 1 <= ring <= 120:
        raise Refused(BAD_PAYLOAD)
    events = asked.fields.get("events")
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_EVENTS:
        raise Refused(BAD_PAYLOAD)
    if not all(isinstance(event, dict) and _is_event(event) for event in events):
        raise Refused(BAD_EVENT)
    return await forward(asked)


async def show(asked: Asked) -> WebAnswer:
    """GET /call/{id}."""
    return await forward(asked)


async def hang_up(asked: Asked) -> WebAnswer:
    """DELETE /call/{id}, which may also be a validation that calls."""
    if await validation.hang_up(asked):
        return answers.done_without_content()
    return await forward(asked)


async def forward(asked: Asked) -> WebAnswer:
    """The provider's own answer."""
    return await asked.services.pass_through.forward(
        asked.caller.name, spec.NAME, asked.request, path=asked.request.path
    )


def _is_event(event: dict[str, object]) -> bool:
    match event.get("action"):
        case "speak":
            return _is_speech(event)
        case "play":
            url = event.get("url")
            return isinstance(url, str) and is_web_address(url) and _is_count(event.get("loop", 1), 0)
        case "send_dtmf":
            digits = event.get("digits")
            is_right = isinstance(digits, str) and bool(digits) and set(digits) <= _DIGITS
            return is_right and isinstance(event.get("async", True), bool)
        case "wait":
            return _is_count(event.get("length", 1), 1)
        case "hangup":
            schedule = event.get("schedule")
            is_right = event.get("reason", "busy") in ("rejected", "busy")
            return is_right and (schedule is None or _is_count(schedule, 1))
    return False


def _is_speech(event: dict[str, object]) -> bool:
    text, language, voice = event.get("text"), event.get("language", "en-US"), event.get("voice", "WOMAN")
    if not (isinstance(text, str) and text and _is_count(event.get("loop", 1), 0)):
        return False
    known = spec.VOICES.get(language) if isinstance(language, str) else None
    if known is None:
        return False
    # A voice that a language lacks is replaced by the one it has, unless it was asked for.
    is_woman = voice == "WOMAN" and (known.has_woman or "voice" not in event)
    return is_woman or (voice == "MAN" and known.has_man)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
