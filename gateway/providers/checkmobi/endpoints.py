"""Every call of CheckMobi's document, and who answers it here."""

from typing import Final

from gateway.providers.endpoints import Endpoint

ENDPOINTS: Final = (
    Endpoint("GET", "/v1/my-account", "local", "balance and counts", "no e-mail, no subscription"),
    Endpoint("POST", "/v1/validation/request", "own", "send a pin", "ivr and reverse_cli through an uplink"),
    Endpoint("POST", "/v1/validation/verify", "own", "compare a pin"),
    Endpoint("GET", "/v1/validation/status/{id}", "own", "what is known of a validation"),
    Endpoint("POST", "/v1/validation/remote-config", "local", "in which order to try"),
    Endpoint("POST", "/v1/sms/send", "own", "send a message"),
    Endpoint("GET", "/v1/sms/{id}", "local", "what became of a message"),
    Endpoint("POST", "/v1/call", "pass", "call, and do what the events say"),
    Endpoint("GET", "/v1/call/{id}", "pass", "what became of a call"),
    Endpoint("DELETE", "/v1/call/{id}", "pass", "end a call, or a validation that calls"),
    Endpoint("GET", "/v1/lookup/verify/{number}", "local", "what a number says by itself"),
    Endpoint("GET", "/v1/lookup/hlr/{number}", "pass", "ask the network", "landlines are answered here"),
    Endpoint("GET", "/v1/lookup/mnp/{number}", "pass", "ask where it was ported", "landlines are answered here"),
    Endpoint("POST", "/v1/lookup/hlr", "pass", "ask about up to 1000, by callback"),
    Endpoint("POST", "/v1/lookup/mnp", "pass", "the same for ported numbers"),
    Endpoint("POST", "/v1/checknumber", "local", "a number and the ways to validate it"),
    Endpoint("GET", "/v1/countries", "local", "all countries", "without pictures of flags"),
    Endpoint("GET", "/v1/prefixes", "local", "their calling codes"),
)
