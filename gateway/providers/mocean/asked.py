"""One request on its way through a handler, and what every handler asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.providers.base import Caller, Services, WebAnswer, WebRequest
from gateway.providers.mocean import answers
from gateway.providers.mocean.answers import Fields, Format
from gateway.providers.mocean.codes import Words
from gateway.providers.mocean.request import FORM, Parameters, Refused, read_credentials, text_of

replace = msgspec.structs.replace

QUERIES: Final[Mapping[str, str]] = {"/rest/2/voice/rec": "GET", "/rest/2/media/whatsapp": "GET"}
"""Calls that are passed on and are no POST."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose format is settled."""

    request: WebRequest
    parameters: Parameters
    services: Services
    form: Format
    words: Words
    report_method: str

    def text(self, name: str) -> str:
        """A parameter as text; empty where it is absent."""
        return text_of(self.parameters, name)

    def required(self, name: str, status: int) -> str:
        """A parameter as text.

        Raises:
            Refused: it is absent or empty, with this status.
        """
        text = self.text(name)
        if not text:
            raise Refused(status)
        return text

    def caller(self, role: str) -> Caller:
        """Who asks.

        Raises:
            Refused: nobody, or somebody who may not.
            gateway.errors.Unauthorized: nobody has these credentials.
        """
        credentials = read_credentials(self.parameters, self.request.headers, self.request.remote)
        if credentials is None:
            raise Refused(self.words.unauthorized)
        caller = self.services.authenticator.authenticate(credentials)
        if not caller.may(role):
            raise Refused(self.words.unauthorized)
        return caller

    def success(self, fields: Fields, *, old_wrapper: str = "") -> WebAnswer:
        """The answer that says these fields."""
        return answers.success(fields, self.form, old_wrapper=old_wrapper)

    async def passed(self, account: str) -> WebAnswer:
        """The provider's own answer.

        Raises:
            gateway.providers.ports.NotOffered: no uplink leads to it.
        """
        path = self.request.path.replace("/rest/1/", "/rest/2/", 1)
        request = _by(QUERIES.get(path, "POST"), self.request)
        return await self.services.pass_through.forward(account, "mocean", request, path=path)


def _by(method: str, request: WebRequest) -> WebRequest:
    """A request by the method that the document names for its call; apps take either."""
    if request.method == method or (request.body and request.content_type not in ("", FORM)):
        return request
    fields = b"&".join(one for one in (request.query, request.body) if one)
    # Its type goes with its body.
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
    if method == "GET":
        return replace(request, method=method, query=fields, body=b"", content_type="", headers=headers)
    return replace(request, method=method, query=b"", body=fields, content_type=FORM, headers=headers)
