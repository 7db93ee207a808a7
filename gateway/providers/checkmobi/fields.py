"""What each of CheckMobi's calls takes."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.providers.checkmobi import spec
from gateway.providers.fields import Field

_NUMBER: Final = Field("number", "number", is_required=True)
_TO: Final = Field("to", "number", is_required=True)
_CALLBACK: Final = Field(spec.CALLBACK_FIELD, "url", high=spec.MAX_CALLBACK_URL)
_PLATFORM: Final = Field("platform", allowed=spec.PLATFORMS)
_LANGUAGE: Final = Field("language", note="ISO 639-1; of calls, a language that is spoken")
_NUMBERS: Final = (
    Field("numbers", "list", is_required=True, low=1, high=spec.MAX_BULK_NUMBERS),
    Field(spec.CALLBACK_FIELD, "url", is_required=True, high=spec.MAX_CALLBACK_URL),
)

FIELDS: Final[Mapping[tuple[str, str], Sequence[Field]]] = {
    ("POST", "/v1/validation/request"): (
        _NUMBER,
        Field("type", is_required=True, allowed=spec.VALIDATION_TYPES),
        _LANGUAGE,
        _CALLBACK,
        _PLATFORM,
        Field("android_app_hash", low=11, high=11),
    ),
    ("POST", "/v1/validation/verify"): (
        Field("id", is_required=True),
        Field("pin", is_required=True),
        Field("use_server_hangup", "flag", note="of missed calls"),
    ),
    ("POST", "/v1/validation/remote-config"): (
        _NUMBER,
        Field("platform", is_required=True, allowed=spec.PLATFORMS),
        _LANGUAGE,
    ),
    ("POST", "/v1/sms/send"): (
        _TO,
        Field("text", is_required=True, low=1),
        Field("from", high=16),
        Field("is_transactional", "flag"),
        _CALLBACK,
        _PLATFORM,
    ),
    ("POST", "/v1/call"): (
        _TO,
        Field("events", "objects", is_required=True, low=1),
        Field("from"),
        Field("ring_timeout", "whole", low=1, high=120),
        _CALLBACK,
        _PLATFORM,
    ),
    ("POST", "/v1/lookup/hlr"): _NUMBERS,
    ("POST", "/v1/lookup/mnp"): _NUMBERS,
    ("POST", "/v1/checknumber"): (_NUMBER,),
}
