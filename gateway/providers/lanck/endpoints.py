"""Every call of Lanck's document, and who answers it here."""

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.endpoints import Endpoint
from gateway.providers.lanck.request import Asked

Handler = Callable[[Asked], Awaitable[WebAnswer]]

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/sms", "own", "send a message"),
    Endpoint("POST", "/v1/verify", "own", "send a code", "by voice or call through an uplink"),
    Endpoint("POST", "/v1/verify/check", "own", "compare a code"),
    Endpoint("POST", "/v1/verify/info", "own", "what is known of a verification"),
    Endpoint("GET", "/v1/requests/{id}", "local", "what became of a request"),
    Endpoint("POST", "/v1/requests/{id}", "local", "set a goal", "told to Lanck where the message left by it"),
    Endpoint("GET", "/v1/insight/hlr", "pass", "ask the network about a number"),
    Endpoint("POST", "/v1/insight/hlr", "pass", "the same, as the document's sample has it"),
    Endpoint("POST", "/v1/insight/fraudcheck", "pass", "whether a number is known for fraud"),
    Endpoint("POST", "/v1/messaging/push", "pass", "push notification"),
    Endpoint("POST", "/v1/messaging/viber", "pass", "Viber"),
    Endpoint("POST", "/v1/messaging/rcs", "pass", "RCS"),
    Endpoint("POST", "/v1/messaging/whatsapp", "pass", "WhatsApp, which the document only names"),
    Endpoint("POST", "/v1/messaging/failover", "own", "one channel after the other", "steps but SMS through an uplink"),
    Endpoint("POST", "/v1/calls/flash", "pass", "a call whose number is the code"),
    Endpoint("POST", "/v1/calls/p2s", "pass", "a call that speaks a code"),
    Endpoint("POST", "/v1/calls/t2s", "pass", "a call that speaks a text"),
)
