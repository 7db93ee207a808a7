"""The published MOBtexting client for Python, with nothing but the host it has built in led elsewhere."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from mobtexting import client as sending
from mobtexting import verify as verifying

from gateway.providers.mobtexting.dialect import Mobtexting
from tests.gateway.providers.fakes import CODE
from tests.interop.listening import DialectListener

pytestmark = pytest.mark.interop

ITS_HOST = "https://portal.mobtexting.com/"


class Led:
    """`requests`, but that its host is ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, url: str, **more: Any) -> requests.Response:
        assert url.startswith(ITS_HOST)
        return requests.get(self._url + "/" + url.removeprefix(ITS_HOST), timeout=5, **more)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[DialectListener]:
    started = DialectListener(Mobtexting())
    started.start()
    monkeypatch.setattr(sending, "requests", Led(started.url))
    monkeypatch.setattr(verifying, "api_endpoint", started.url + "/api/v2/")
    yield started
    started.stop()


def test_client_sends(gateway: DialectListener) -> None:
    answer = sending.Client("TOKEN").send(to="918921269000", _from="MOBTXT", body="Hello there", service="T")
    assert (answer.status_code, answer.json()["data"][0]["status"]) == (200, "AWAITING-DLR")
    message = gateway.world.behind.intake.last
    assert (message.recipient, message.sender, message.text) == ("918921269000", "MOBTXT", "Hello there")


def test_client_with_a_wrong_token_is_told(gateway: DialectListener) -> None:
    answer = sending.Client("wrong").send(to="918921269000", _from="MOBTXT", body="Hi")
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthenticated.")


def test_code_is_sent_and_checked(gateway: DialectListener) -> None:
    client = verifying.Verify("TOKEN")
    sent = client.send("918921269000").json()
    assert (sent["status"], sent["to"]) == ("sent", "918921269000")
    assert client.check(sent["id"], "0000").json()["status"] == "invalid"
    assert client.check(sent["id"], CODE).json()["status"] == "success"
