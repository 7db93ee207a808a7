"""What each of Lanck's calls takes."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.providers.fields import Field
from gateway.providers.lanck import spec, verify

_NUMBER: Final = Field("number", "number", is_required=True)
_TEXT: Final = Field("text", is_required=True, low=1)
_FROM: Final = Field("from", high=16)
_CALLBACK: Final = Field(spec.CALLBACK_FIELD, "url")
_REQUEST_ID: Final = Field("requestId", is_required=True)
_LANGUAGE: Final = Field("language", allowed=tuple(sorted(spec.LANGUAGES)))

FIELDS: Final[Mapping[tuple[str, str], Sequence[Field]]] = {
    ("POST", "/v1/sms"): (_NUMBER, _TEXT, _FROM, _CALLBACK),
    ("POST", "/v1/verify"): (
        _NUMBER,
        Field("method", is_required=True, allowed=spec.VERIFY_METHODS),
        _FROM,
        _LANGUAGE,
        Field("codeLength", "whole", allowed=spec.CODE_LENGTHS),
        Field("ip", note="the end user's address, for the guards"),
        Field("codeExpiry", "whole", low=verify.EXPIRY_SECONDS.start, high=verify.EXPIRY_SECONDS.stop - 1),
        Field("checkAttemptsAllowed", "whole", low=verify.ATTEMPTS.start, high=verify.ATTEMPTS.stop - 1),
        _CALLBACK,
    ),
    ("POST", "/v1/verify/check"): (_REQUEST_ID, Field("code", is_required=True)),
    ("POST", "/v1/verify/info"): (_REQUEST_ID,),
    ("POST", "/v1/requests/{id}"): (Field("goal", is_required=True, low=1, high=64),),
    ("GET", "/v1/insight/hlr"): (_NUMBER,),
    ("POST", "/v1/insight/hlr"): (_NUMBER,),
    ("POST", "/v1/insight/fraudcheck"): (_NUMBER,),
    ("POST", "/v1/messaging/push"): (_NUMBER, _TEXT, Field("title"), _CALLBACK),
    ("POST", "/v1/messaging/viber"): (
        _NUMBER,
        _TEXT,
        _FROM,
        Field("buttonCaption"),
        Field("buttonActionUrl", "url"),
        Field("imageUrl", "url"),
        _CALLBACK,
    ),
    ("POST", "/v1/messaging/rcs"): (_NUMBER, _TEXT, _CALLBACK),
    ("POST", "/v1/messaging/whatsapp"): (_NUMBER, _TEXT, _FROM, _CALLBACK),
    ("POST", "/v1/messaging/failover"): (
        _NUMBER,
        Field("flow", "objects", is_required=True, low=1, note="type, message, and failover but in the last"),
        _CALLBACK,
    ),
    ("POST", "/v1/calls/flash"): (_NUMBER, _FROM, Field("code"), _CALLBACK),
    ("POST", "/v1/calls/p2s"): (_NUMBER, Field("code", is_required=True), _FROM, _LANGUAGE, _CALLBACK),
    ("POST", "/v1/calls/t2s"): (
        _NUMBER,
        _TEXT,
        _FROM,
        Field("language", allowed=tuple(sorted(spec.SPEECH_LANGUAGES))),
        _CALLBACK,
    ),
}
