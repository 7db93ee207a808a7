"""Mocean over HTTP: paths, bodies and charsets as they come in from the wire."""

import json

import pytest
from yarl import URL as Address

from gateway.models import Coding
from tests.gateway.web.fakes import Behind, Client

LOGIN = "mocean-api-key=KEY&mocean-api-secret=SECRET&mocean-resp-format=json"
PLAIN = f"{LOGIN}&mocean-from=63001&mocean-to=60123456789"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
URL = "/mocean/rest/2/sms"


async def test_form_is_sent(client: Client, behind: Behind) -> None:
    response = await client.post(URL, data=f"{PLAIN}&mocean-text=Hello+World%21", headers=FORM)
    assert response.status == 202
    assert await response.json() == {"messages": [{"status": 0, "receiver": "60123456789", "msgid": "m1"}]}
    assert behind.intake.last.text == "Hello World!"


async def test_query_is_sent(client: Client, behind: Behind) -> None:
    response = await client.get(Address(f"{URL}?{PLAIN}&mocean-text=5%25+%26+more", encoded=True))
    assert response.status == 202
    assert behind.intake.last.text == "5% & more"


async def test_octets_of_a_charset_survive_the_query(client: Client, behind: Behind) -> None:
    query = f"{PLAIN}&mocean-charset=ISO-8859-1&mocean-text=%E9t%E9%2B"
    assert (await client.get(Address(f"{URL}?{query}", encoded=True))).status == 202
    assert (behind.intake.last.text, behind.intake.last.coding) == ("\u00e9t\u00e9+", Coding.GSM)


async def test_five_hundred_receivers_fit_in_a_query(client: Client, behind: Behind) -> None:
    receivers = ",".join(str(60_000_000_000 + index) for index in range(499))
    response = await client.get(Address(f"{URL}?{PLAIN},{receivers}&mocean-text=x", encoded=True))
    assert response.status == 202
    assert len(behind.intake.accepted) == 500


async def test_body_over_the_limit_has_the_error_shape(client: Client, behind: Behind) -> None:
    response = await client.post(f"{URL}?mocean-resp-format=json", data=b"x" * 30_000, headers=FORM)
    assert response.status == 413
    assert (await response.json())["messages"][0]["status"] == 29
    assert behind.intake.calls == 0


@pytest.mark.parametrize("path", ["/mocean/rest/2/verify/none", "/mocean/", "/mocean/rest/2/sms/more", "/mocean/%0A"])
async def test_unknown_path_has_the_error_shape_in_xml(client: Client, path: str) -> None:
    response = await client.post(path, data="", headers=FORM)
    assert response.status == 404
    assert response.content_type == "application/xml"
    assert b"<result><status>34</status><err_msg>Unknown request</err_msg></result>" in await response.read()


async def test_fault_of_ours_is_a_system_error_without_internals(client: Client, behind: Behind) -> None:
    behind.intake.fail = RuntimeError("/secret/path")
    response = await client.post(URL, data=f"{PLAIN}&mocean-text=x", headers=FORM)
    assert response.status == 500
    assert json.loads(await response.read()) == {
        "messages": [{"status": 45, "err_msg": "System error, please try again"}]
    }


async def test_bearer_token_of_the_header_is_enough(client: Client, behind: Behind) -> None:
    data = "mocean-from=63001&mocean-to=60123456789&mocean-text=x"
    response = await client.post(URL, data=data, headers={**FORM, "Authorization": "Bearer apit-xyz"})
    assert response.status == 202
    assert behind.authenticator.seen[-1].token == "apit-xyz"
