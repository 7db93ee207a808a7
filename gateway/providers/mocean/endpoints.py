"""Every call of Mocean's document, and who answers it here."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from gateway.providers.base import WebAnswer
from gateway.providers.endpoints import Endpoint
from gateway.providers.mocean import account, codes, command, lookup, verify
from gateway.providers.mocean.asked import Asked
from gateway.providers.mocean.codes import Words

Handler = Callable[[Asked], Awaitable[WebAnswer]]


async def _pass_sent(asked: Asked) -> WebAnswer:
    return await asked.passed(asked.caller("send").name)


async def _pass_read(asked: Asked) -> WebAnswer:
    return await asked.passed(asked.caller("read").name)


class Served(NamedTuple):
    """How a path is answered."""

    methods: tuple[str, ...]
    words: Words
    handle: Handler
    takes_json: bool = False
    """Whether parameters may come as a JSON object."""


_ANY: Final = ("GET", "POST")
"""The document names one method; its own clients and Kannel's take either."""

SERVED: Final[Mapping[str, Served]] = {
    "/account/balance": Served(_ANY, codes.BALANCE, account.balance),
    "/account/pricing": Served(_ANY, codes.PRICING, account.pricing),
    "/report/message": Served(_ANY, codes.REPORT, account.report),
    "/conversion": Served(_ANY, codes.CONVERSION, account.conversion),
    "/verify/req": Served(_ANY, codes.VERIFY, verify.request_conversion),
    "/verify/req/sms": Served(_ANY, codes.VERIFY, verify.request_sms),
    "/verify/req/telegram": Served(_ANY, codes.VERIFY, verify.request_elsewhere),
    "/verify/req/email": Served(_ANY, codes.VERIFY, verify.request_elsewhere),
    "/verify/resend/sms": Served(_ANY, codes.VERIFY, verify.resend_sms),
    "/verify/check": Served(_ANY, codes.VERIFY, verify.check),
    "/nl": Served(_ANY, codes.LOOKUP, lookup.look_up),
    "/voice/dial": Served(_ANY, codes.VOICE, _pass_sent),
    "/voice/hangup": Served(_ANY, codes.VOICE, _pass_sent),
    "/voice/rec": Served(_ANY, codes.VOICE, _pass_read),
    "/send-message": Served(_ANY, codes.VOICE, command.execute),
    "/send-message/whatsapp": Served(("POST",), codes.WHATSAPP, _pass_sent, takes_json=True),
    "/media/whatsapp": Served(("GET",), codes.MEDIA, _pass_read),
}
"""All but /sms, which the dialect answers itself."""

ENDPOINTS: Final = (
    Endpoint("POST", "/rest/2/sms", "own", "send to up to 500 receivers"),
    Endpoint("POST", "/rest/1/sms", "own", "the same, for old clients"),
    Endpoint("GET", "/rest/2/report/message", "local", "what became of a message"),
    Endpoint(
        "POST",
        "/rest/2/conversion",
        "local",
        "whether a code did its work",
        "told to Mocean where the message left by it",
    ),
    Endpoint("GET", "/rest/2/account/balance", "local", "what the account has left here"),
    Endpoint("GET", "/rest/2/account/pricing", "local", "the account's prices here", "of SMS only"),
    Endpoint("POST", "/rest/2/verify/req", "own", "a code, paid for when it succeeds", "the call needs an uplink"),
    Endpoint("POST", "/rest/2/verify/req/sms", "own", "a code by SMS"),
    Endpoint("POST", "/rest/2/verify/resend/sms", "own", "a fresh code"),
    Endpoint("POST", "/rest/2/verify/check", "own", "compare a code"),
    Endpoint("POST", "/rest/2/verify/req/telegram", "pass", "a code by Telegram"),
    Endpoint("POST", "/rest/2/verify/req/email", "pass", "a code by e-mail"),
    Endpoint("POST", "/rest/2/nl", "pass", "look a number up, at once or by callback"),
    Endpoint("POST", "/rest/2/voice/dial", "pass", "call"),
    Endpoint("POST", "/rest/2/voice/hangup", "pass", "end a call"),
    Endpoint("GET", "/rest/2/voice/rec", "pass", "a recording"),
    Endpoint("POST", "/rest/2/send-message", "own", "commands", "lists with anything but send-sms are passed on"),
    Endpoint("POST", "/rest/2/send-message/whatsapp", "pass", "WhatsApp"),
    Endpoint("GET", "/rest/2/media/whatsapp", "pass", "what came by WhatsApp"),
)
