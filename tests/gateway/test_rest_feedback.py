"""What an app says of a message that left by a provider is told to that provider, in whose words it was said."""

import base64
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.gateway.providers.sim import Taken, answer_json
from tests.gateway.rest_path import RestPath, rest_path

APPS = """
[account.shop.lanck]
user = "app-user"
password = "app-password"
"""
BASIC = {"Authorization": "Basic " + base64.b64encode(b"app-user:app-password").decode()}
LOGIN = {"mocean-api-key": "mkey", "mocean-api-secret": "msecret", "mocean-resp-format": "json"}
SMS = {"mocean-from": "ME", "mocean-to": "60123456789", "mocean-text": "Hi"}


async def mocean(path: RestPath, call: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
    url = f"http://{path.gateway.addresses[0]}/mocean/rest/2{call}"
    async with aiohttp.ClientSession() as http, http.post(url, data={**LOGIN, **fields}) as answer:
        return answer.status, await answer.json()


async def lanck(path: RestPath, call: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
    url = f"http://{path.gateway.addresses[0]}/lanck/v1{call}"
    async with aiohttp.ClientSession(headers=BASIC) as http, http.post(url, data=fields) as answer:
        return answer.status, await answer.json()


async def sent_by_mocean(path: RestPath) -> str:
    _, sent = await mocean(path, "/sms", SMS)
    message_id: str = sent["messages"][0]["msgid"]
    await path.state(message_id, "delivered")
    return message_id


def told(path: RestPath, call: str) -> list[dict[str, Any]]:
    return [one.content for one in path.provider.requests if one.method == "POST" and one.path.startswith(call)]


async def test_a_conversion_is_told_to_the_provider_by_its_own_id(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        message_id = await sent_by_mocean(path)
        fields = {"mocean-msgid": message_id, "mocean-delivered": "false", "mocean-timestamp": "2026-01-31 12:00:00"}

        assert await mocean(path, "/conversion", fields) == (200, {"status": 0})

        (conversion,) = told(path, "/rest/2/conversion")
        assert conversion["mocean-msgid"] == path.provider.messages[0].id != message_id
        assert conversion["mocean-delivered"] == "false"
        assert conversion["mocean-timestamp"] == "2026-01-31 12:00:00"
        assert conversion["mocean-api-key"] != "mkey"


async def test_a_provider_that_is_busy_has_the_app_tell_it_again(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path) as path:
        fields = {"mocean-msgid": await sent_by_mocean(path), "mocean-delivered": "true"}
        answers = [
            answer_json({"status": 32, "err_msg": "Message throttled"}, 429),
            answer_json({"status": 25, "err_msg": "Invalid message id"}, 400),
        ]

        async def answer(_taken: Taken) -> web.StreamResponse | None:
            if not answers:
                raise ConnectionResetError
            return answers.pop(0)

        path.provider.instead = answer
        assert await mocean(path, "/conversion", fields) == (429, {"status": 32, "err_msg": "Message throttled"})
        # What it does not know any more is kept here all the same.
        assert await mocean(path, "/conversion", fields) == (200, {"status": 0})
        status, said = await mocean(path, "/conversion", fields)
        assert (status, said["status"]) == (503, 40)


async def test_a_conversion_stays_here_where_the_operator_passes_nothing_on(tmp_path: Path) -> None:
    async with rest_path("mocean", tmp_path, uplink="pass_through = false") as path:
        fields = {"mocean-msgid": await sent_by_mocean(path), "mocean-delivered": "true"}

        assert await mocean(path, "/conversion", fields) == (200, {"status": 0})
        assert not told(path, "/rest/2/conversion")


async def test_a_conversion_of_what_left_by_another_provider_stays_here(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path) as path:
        fields = {"mocean-msgid": await sent_by_mocean(path), "mocean-delivered": "true"}

        assert await mocean(path, "/conversion", fields) == (200, {"status": 0})
        assert not told(path, "/v1/requests")


async def test_a_goal_is_told_to_the_provider_once(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, more=APPS) as path:
        _, sent = await lanck(path, "/sms", {"number": "+60123456789", "from": "ME", "text": "Hi"})
        await path.state(sent["requestId"], "delivered")

        for _ in range(2):
            status, content = await lanck(path, f"/requests/{sent['requestId']}", {"goal": "LINK_OPENED"})
            assert (status, content["goals"]) == (200, ["LINK_OPENED"])

        theirs = f"/v1/requests/{path.provider.messages[0].id}"
        assert told(path, theirs) == [{"goal": "LINK_OPENED"}]


async def test_the_goal_of_a_code_is_told_of_its_message(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, more=APPS) as path:
        _, begun = await lanck(path, "/verify", {"number": "+60123456789", "method": "sms"})
        await path.provider.wait_until(lambda: bool(path.provider.messages))
        await submitted(path)

        status, _ = await lanck(path, f"/requests/{begun['requestId']}", {"goal": "NUMBER_VERIFIED"})

        assert status == 200
        assert told(path, f"/v1/requests/{path.provider.messages[0].id}") == [{"goal": "NUMBER_VERIFIED"}]


async def test_a_goal_that_a_busy_provider_did_not_take_is_told_again(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, more=APPS) as path:
        _, sent = await lanck(path, "/sms", {"number": "+60123456789", "from": "ME", "text": "Hi"})
        await path.state(sent["requestId"], "delivered")

        async def busy(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"errorCode": 4, "errorReason": "Too many requests"}, 429)

        path.provider.instead = busy
        status, said = await lanck(path, f"/requests/{sent['requestId']}", {"goal": "LINK_OPENED"})
        assert (status, said["errorCode"]) == (429, 4)
        path.provider.instead = None
        status, said = await lanck(path, f"/requests/{sent['requestId']}", {"goal": "LINK_OPENED"})
        assert (status, said["goals"]) == (200, ["LINK_OPENED"])
        assert len(told(path, "/v1/requests")) == 2


async def submitted(path: RestPath) -> None:
    """Wait until the one message has the provider's id."""
    (message,) = await path.gateway.store.find_messages("shop")
    await path.state(message.id, "delivered")
