"""What each of Mocean's calls takes."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.providers.fields import Field
from gateway.providers.mocean import spec, verify
from gateway.providers.mocean.account import DELIMITERS, OTHER_TYPES, PRICED

_FORMAT: Final = Field("mocean-resp-format", allowed=("xml", "json"), note="xml unless it says otherwise")
_MEDIUM: Final = Field("mocean-medium", note="which SDK it is; heeded by nobody")
_COMMON: Final = (_FORMAT, _MEDIUM)

_SMS: Final = (
    Field("mocean-from", is_required=True, high=16, note="11 characters, or 16 digits"),
    Field("mocean-to", is_required=True, note="up to 500, between blanks or commas"),
    Field("mocean-text", is_required=True, note="hexadecimal where the coding is 2"),
    Field("mocean-udh", "hex", note="makes the coding 2 where that is not given"),
    Field("mocean-coding", allowed=(spec.CODING_7BIT, spec.CODING_8BIT, spec.CODING_UCS2)),
    Field("mocean-dlr-mask", allowed=("0", "1")),
    Field("mocean-dlr-url", "url", note="needed where the mask is 1"),
    Field("mocean-schedule", "time", note="in Malaysia's time"),
    Field("mocean-mclass", allowed=("0", "1", "2", "3", "4"), note="counted from 1; 1 is flash"),
    Field("mocean-alt-dcs", allowed=("0", "1")),
    Field("mocean-charset", allowed=tuple(name for name in spec.CHARSETS if name)),
    Field("mocean-validity", "whole", low=1, high=spec.MAX_VALIDITY_SECONDS, note="seconds"),
    *_COMMON,
)

_TO: Final = Field("mocean-to", "number", is_required=True)
_BRAND: Final = Field("mocean-brand", is_required=True, low=1, high=verify.MAX_BRAND)
_LENGTH: Final = Field("mocean-code-length", allowed=verify.CODE_LENGTHS)
_VALIDITY: Final = Field(
    "mocean-pin-validity", "whole", low=verify.VALIDITY_SECONDS.start, high=verify.VALIDITY_SECONDS.stop - 1
)
_WAIT: Final = Field(
    "mocean-next-event-wait", "whole", low=verify.WAIT_SECONDS.start, high=verify.WAIT_SECONDS.stop - 1
)
_FROM: Final = Field("mocean-from")
_TEMPLATE: Final = Field("mocean-template", note="with {code}")
_REQUEST_ID: Final = Field("mocean-reqid", is_required=True)
_MESSAGE_ID: Final = Field("mocean-msgid", is_required=True)
_CODE: Final = Field("mocean-code", is_required=True)
_COMMAND: Final = Field("mocean-command", is_required=True, note="a list of commands, as JSON")
_EVENT: Final = Field("mocean-event-url", "url")
_CALL: Final = Field("mocean-call-uuid", is_required=True)

FIELDS: Final[Mapping[tuple[str, str], Sequence[Field]]] = {
    ("POST", "/rest/2/sms"): _SMS,
    ("POST", "/rest/1/sms"): _SMS,
    ("GET", "/rest/2/report/message"): (_MESSAGE_ID, *_COMMON),
    ("POST", "/rest/2/conversion"): (
        _MESSAGE_ID,
        Field("mocean-delivered", is_required=True, allowed=("true", "false")),
        Field("mocean-timestamp", "time"),
        *_COMMON,
    ),
    ("GET", "/rest/2/account/balance"): _COMMON,
    ("GET", "/rest/2/account/pricing"): (
        Field("mocean-mcc", note="and mocean-mnc with it"),
        Field("mocean-mnc"),
        Field("mocean-delimiter", allowed=DELIMITERS),
        Field("mocean-type", allowed=(PRICED, *OTHER_TYPES)),
        Field("mocean-resp-format", allowed=("xml", "json", "csv")),
        _MEDIUM,
    ),
    ("POST", "/rest/2/verify/req"): (_TO, _BRAND, _FROM, _LENGTH, _VALIDITY, _WAIT, _TEMPLATE, *_COMMON),
    ("POST", "/rest/2/verify/req/sms"): (_TO, _BRAND, _FROM, _LENGTH, _VALIDITY, _TEMPLATE, *_COMMON),
    ("POST", "/rest/2/verify/resend/sms"): (_REQUEST_ID, *_COMMON),
    ("POST", "/rest/2/verify/check"): (_REQUEST_ID, _CODE, *_COMMON),
    ("POST", "/rest/2/verify/req/telegram"): (
        Field("mocean-from", is_required=True, note="the bot"),
        Field("mocean-to", is_required=True, note="the chat"),
        _BRAND,
        _LENGTH,
        _VALIDITY,
        *_COMMON,
    ),
    ("POST", "/rest/2/verify/req/email"): (
        Field("mocean-to", is_required=True, note="an address of e-mail"),
        _BRAND,
        _LENGTH,
        _VALIDITY,
        *_COMMON,
    ),
    ("POST", "/rest/2/nl"): (_TO, Field("mocean-nl-url", "url", note="the answer is put there"), *_COMMON),
    ("POST", "/rest/2/voice/dial"): (_TO, _COMMAND, _FROM, _EVENT, *_COMMON),
    ("POST", "/rest/2/voice/hangup"): (_CALL, *_COMMON),
    ("GET", "/rest/2/voice/rec"): (_CALL, *_COMMON),
    ("POST", "/rest/2/send-message"): (_COMMAND, _EVENT, *_COMMON),
    ("POST", "/rest/2/send-message/whatsapp"): (_FROM, _TO, Field("mocean-content"), _EVENT),
    ("GET", "/rest/2/media/whatsapp"): (Field("mocean-media-id"),),
}
