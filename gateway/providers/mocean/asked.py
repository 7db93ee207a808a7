"""One request on its way through a handler, and what every handler asks of it."""

from dataclasses import dataclass

from gateway.providers.base import Caller, Services, WebAnswer, WebRequest
from gateway.providers.mocean import answers
from gateway.providers.mocean.answers import Fields, Format
from gateway.providers.mocean.codes import Words
from gateway.providers.mocean.request import Parameters, Refused, read_credentials, text_of


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
        return await self.services.pass_through.forward(account, "mocean", self.request, path=path)
