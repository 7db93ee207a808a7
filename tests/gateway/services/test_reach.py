"""Other channels and look-ups, by way of each provider; requests and answers are those of their documents."""

import hashlib
import json
from functools import partial

import msgspec
import pytest
from aiohttp import web

from gateway.providers.base import WebRequest
from gateway.providers.ports import NotOffered
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelState, Compared, LookupFailed
from tests.gateway.providers import sim_mocean
from tests.gateway.providers.sim import Taken, answer_json
from tests.gateway.services.provider_world import world


def order(channel: str, **fields: str) -> ChannelOrder:
    values = {"number": "18800000000", "text": "Your code is 4711", "code": "4711", "sender": "9180", "language": "en"}
    return ChannelOrder(id="verify/shop/v1/0", account="shop", channel=channel, **(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "channel", "path", "expected"),
    [
        (
            "lanck",
            "voice",
            "/v1/calls/p2s",
            {"number": "+18800000000", "code": "4711", "language": "en", "from": "9180"},
        ),
        ("lanck", "push", "/v1/messaging/push", {"number": "+18800000000", "text": "Your code is 4711"}),
        ("lanck", "viber", "/v1/messaging/viber", {"text": "Your code is 4711", "from": "9180"}),
        ("lanck", "rcs", "/v1/messaging/rcs", {"text": "Your code is 4711"}),
        ("checkmobi", "voice", "/v1/call", {"to": "+18800000000"}),
        ("mocean", "voice", "/rest/2/voice/dial", {"mocean-to": "18800000000", "mocean-from": "9180"}),
        ("mocean", "telegram", "/rest/2/send-message", {}),
        ("mobtexting", "voice", "/api/v2/outgoing/tts", {"bridge": "9180", "to": "18800000000"}),
        ("mobtexting", "rcs", "/api/v2/rcs/message/send", {"recipient": {"to": ["18800000000"]}}),
    ],
)
async def test_an_order_is_the_providers_call(kind: str, channel: str, path: str, expected: dict[str, object]) -> None:
    async with world(kind) as here:
        assert here.channels.is_offered("shop", channel)
        sent = await here.channels.send(order(channel))

        (taken,) = here.provider.requests
        assert taken.path == path
        assert {name: taken.content.get(name) for name in expected} == expected
        assert sent.reference


async def test_mocean_says_the_text() -> None:
    async with world("mocean") as here:
        await here.channels.send(order("voice", language="es"))

        command = json.loads(here.provider.requests[0].content["mocean-command"])
        assert command == [{"action": "say", "language": "en-US", "text": "Your code is 4711"}]


async def test_checkmobi_speaks_with_the_voice_of_the_language() -> None:
    async with world("checkmobi") as here:
        for language in ("en", "fr-CA", "pt", "xx"):
            await here.channels.send(order("voice", language=language))

        events = [taken.content["events"][0] for taken in here.provider.requests]
        assert [event["language"] for event in events] == ["en-US", "fr-CA", "pt-PT", "en-US"]
        assert [event["voice"] for event in events][2] == "MAN"
        assert events[0]["text"] == "Your code is 4711"


async def test_a_flash_call_tells_the_code_by_its_number() -> None:
    async with world("lanck") as here:

        async def call(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"requestId": "wp9RPWDGZkskBrVeTc4lgNCc4e79fc65", "from": "37282329823"})

        here.provider.instead = call
        sent = await here.channels.send(order("flash_call"))

        assert (sent.reference, sent.code) == ("wp9RPWDGZkskBrVeTc4lgNCc4e79fc65", "9823")


async def test_a_missed_call_is_a_validation_whose_pin_the_provider_keeps() -> None:
    async with world("checkmobi") as here:
        sent = await here.channels.send(order("flash_call"))

        assert here.provider.requests[0].content == {"number": "+18800000000", "type": "reverse_cli"}
        assert (sent.code, sent.keeper) == ("", "way")
        assert sent.extra == {"pin_hash": hashlib.sha1(b"823", usedforsecurity=False).hexdigest()}
        compare = partial(here.channels.compare, "shop", "way", "flash_call", sent.reference)
        assert await compare("1111", {}) is Compared.WRONG
        assert await compare("9823", {"use_server_hangup": "true"}) is Compared.RIGHT
        assert here.provider.requests[-1].content == {"id": sent.reference, "pin": "9823", "use_server_hangup": True}
        for _ in range(2):
            await compare("1111", {})
        assert await compare("9823", {}) is Compared.TOO_MANY
        assert await here.channels.compare("shop", "way", "flash_call", "RCL-9", "9823", {}) is Compared.EXPIRED
        with pytest.raises(NotOffered):
            await here.channels.compare("shop", "gone", "flash_call", sent.reference, "9823", {})


async def test_a_code_by_e_mail_is_made_and_compared_by_the_provider() -> None:
    async with world("mocean") as here:
        wanted = order("email", number="me@shop.example", brand="Shop", code="271828")
        sent = await here.channels.send(msgspec.structs.replace(wanted, validity_seconds=600))

        (taken,) = here.provider.requests
        assert taken.path == "/rest/2/verify/req/email"
        assert {name: taken.content[f"mocean-{name}"] for name in ("to", "brand", "code-length", "pin-validity")} == {
            "to": "me@shop.example",
            "brand": "Shop",
            "code-length": "6",
            "pin-validity": "600",
        }
        assert "271828" not in taken.body.decode()
        compare = partial(here.channels.compare, "shop", "way", "email")
        assert await compare(sent.reference, "000000", {}) is Compared.WRONG
        assert await compare(sent.reference, sim_mocean.CODE, {}) is Compared.RIGHT
        assert await compare("CPASS_9", sim_mocean.CODE, {}) is Compared.EXPIRED


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("checkmobi", order("flash_call", code="471100")),
        ("checkmobi", msgspec.structs.replace(order("flash_call"), is_own_code=True)),
        ("mocean", order("email", number="18800000000", brand="Shop")),
        ("mocean", order("email", number="me@shop.example")),
        ("mocean", order("email", number="me@shop.example", brand="Shop", code="47110")),
        ("mocean", msgspec.structs.replace(order("email", number="a@b", brand="Shop"), is_own_code=True)),
    ],
)
async def test_what_a_provider_cannot_send_as_it_is_never_leaves(kind: str, wanted: ChannelOrder) -> None:
    async with world(kind) as here:
        with pytest.raises(ChannelRefused) as refused:
            await here.channels.send(wanted)

        assert not refused.value.in_doubt and not here.provider.requests


@pytest.mark.parametrize("kind", ["checkmobi", "mocean"])
async def test_a_kept_code_whose_answer_is_lost_was_not_sent(kind: str) -> None:
    async with world(kind) as here:

        async def cut(_taken: Taken) -> web.StreamResponse | None:
            raise ConnectionResetError

        here.provider.instead = cut
        wanted = order("flash_call") if kind == "checkmobi" else order("email", number="a@b", brand="Shop")
        with pytest.raises(ChannelRefused) as refused:
            await here.channels.send(wanted)
        assert not refused.value.in_doubt
        with pytest.raises(ChannelRefused):
            await here.channels.compare("shop", "way", wanted.channel, "RCL-1", "9823", {})


@pytest.mark.parametrize("kind", ["checkmobi", "mocean"])
async def test_an_answer_that_says_nothing_of_a_code_is_none(kind: str) -> None:
    async with world(kind) as here:

        async def busy(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"status": 1, "code": 12, "err_msg": "throttled"}, 429)

        here.provider.instead = busy
        with pytest.raises(ChannelRefused):
            await here.channels.compare("shop", "way", "flash_call" if kind == "checkmobi" else "email", "x", "1", {})


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SENT", ChannelState.SENT),
        ("DELIVERED", ChannelState.DELIVERED),
        ("ANSWERED", ChannelState.DELIVERED),
        ("UNDELIVERED", ChannelState.FAILED),
        ("REJECTED", ChannelState.FAILED),
    ],
)
async def test_what_becomes_of_an_order_is_told(status: str, state: ChannelState) -> None:
    async with world("lanck") as here:
        await here.channels.send(order("viber"))
        relay = here.relay_id(here.provider.requests[0].content["callbackUrl"])
        report = json.dumps({"requestId": "x", "status": status}).encode()

        assert await here.ways.relay("way", relay, WebRequest(method="POST", path="/", body=report))

        assert here.states.heard == [("verify/shop/v1/0", state)]
        assert await here.owed() == []


async def test_mobtexting_tells_it_by_the_messages_id() -> None:
    async with world("mobtexting") as here:
        await here.channels.send(order("whatsapp"))
        event = {"event": "whatsapp:message:status", "payload": {"id": "wa-1", "status": "read"}}
        request = WebRequest(method="POST", path="/", body=json.dumps(event).encode())

        assert await here.ways.relay_by_reference("way", "wa-1", request)

        assert here.states.heard == [("verify/shop/v1/0", ChannelState.READ)]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({"event": "ringing"}, ChannelState.SENT),
        ({"event": "answer"}, ChannelState.DELIVERED),
        ({"event": "hangup", "duration_billed": 12}, ChannelState.DELIVERED),
        ({"event": "hangup"}, ChannelState.FAILED),
    ],
)
async def test_the_events_of_a_call_are_told(event: dict[str, object], state: ChannelState) -> None:
    async with world("checkmobi") as here:
        request = WebRequest(method="POST", path="/", body=json.dumps({"id": "CAL-1", **event}).encode())

        assert here.uplink.connector.reach.channel_state(request) is state


async def test_a_refusal_and_a_doubt_are_told_apart() -> None:
    async with world("lanck") as here:

        async def refuse(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"errorCode": 11, "errorReason": "Invalid number"}, 400)

        async def cut(_taken: Taken) -> web.StreamResponse | None:
            raise ConnectionResetError

        here.provider.instead = refuse
        with pytest.raises(ChannelRefused) as refused:
            await here.channels.send(order("viber"))
        here.provider.instead = cut
        with pytest.raises(ChannelRefused) as doubtful:
            await here.channels.send(order("viber"))

        assert (refused.value.in_doubt, doubtful.value.in_doubt) == (False, True)


async def test_a_channel_that_nobody_has_is_not_offered() -> None:
    async with world("checkmobi") as here:
        assert not here.channels.is_offered("shop", "viber")
        with pytest.raises(NotOffered):
            await here.channels.send(order("viber"))


async def test_a_channel_without_its_sender_is_refused() -> None:
    async with world("mobtexting") as here:
        with pytest.raises(ChannelRefused):
            await here.channels.send(order("whatsapp", sender=""))


# Look-ups.


async def test_lanck_asks_the_home_register() -> None:
    async with world("lanck") as here:
        info = await here.networks.ask("shop", "47463562200", "hlr")

        (taken,) = here.provider.requests
        assert (taken.method, taken.query) == ("GET", {"number": "+47463562200"})
        assert (info.id, info.is_reachable, info.status) == ("A82f588e12b54ba1b6bd9a5969d51522", True, "completed")
        assert info.current_network == {"name": "Mobile Norway", "country": "NO", "mcc": "242", "mnc": "05"}


async def test_lanck_judges_numbers() -> None:
    async with world("lanck") as here:
        info = await here.networks.ask("shop", "18800000000", "fraud")

        # The document's sample misspells it.
        assert (info.status, info.raw["mobilePrefix"]) == ("FRAUDULENT", False)


async def test_checkmobi_asks_both() -> None:
    async with world("checkmobi") as here:
        info = await here.networks.ask("shop", "40743123456", "hlr")

        assert here.provider.requests[0].path == "/v1/lookup/hlr/+40743123456"
        assert (info.is_ported, info.is_reachable, info.status) == (True, True, "completed")
        assert info.original_network == {"name": "Orange", "country": "RO", "mcc": "226", "mnc": "10"}
        assert info.current_network["mnc"] == "01"


async def test_mocean_looks_up_at_once() -> None:
    answer = {
        "status": 0,
        "msgid": "test0412143224000022.0002",
        "to": "60123456789",
        "current_carrier": {"country": "MY", "name": "U Mobile", "network_code": 50218, "mcc": "502", "mnc": "18"},
        "original_carrier": {"country": "MY", "name": "Maxis Mobile", "network_code": 50212, "mcc": "502", "mnc": "12"},
        "ported": "ported",
    }
    async with world("mocean") as here:

        async def look_up(_taken: Taken) -> web.StreamResponse | None:
            return answer_json(answer)

        here.provider.instead = look_up
        info = await here.networks.ask("shop", "60123456789", "mnp")

        assert "mocean-nl-url" not in here.provider.requests[0].content
        assert (info.id, info.is_ported) == ("test0412143224000022.0002", True)
        assert info.current_network["name"] == "U Mobile"
        assert (info.original_network["mcc"], info.original_network["mnc"]) == ("502", "12")


async def test_mobtexting_finds_the_row_of_the_number() -> None:
    row = {
        "phone": "919876543210",
        "mcc_mnc": "40445",
        "imsi": "404451234567890",
        "status": "SUCCESS",
        "original_network": {"network_name": "Airtel", "country_name": "India"},
        "ported": True,
        "ported_network": {"network_name": "Jio", "country_name": "India"},
    }
    async with world("mobtexting") as here:

        async def look_up(_taken: Taken) -> web.StreamResponse | None:
            return answer_json({"status": 200, "message": "Verified Successfully", "data": [row]})

        here.provider.instead = look_up
        info = await here.networks.ask("shop", "919876543210", "hlr")

        assert (info.is_ported, info.is_reachable, info.imsi) == (True, True, "404451234567890")
        assert info.current_network == {"name": "Jio", "country": "India", "mcc": "404", "mnc": "45"}
        with pytest.raises(LookupFailed):
            await here.networks.ask("shop", "447700900123", "hlr")


@pytest.mark.parametrize("kind", ["mocean", "mobtexting", "lanck", "checkmobi"])
async def test_an_answer_that_is_none_is_a_failure(kind: str) -> None:
    async with world(kind) as here:

        async def break_down(_taken: Taken) -> web.StreamResponse | None:
            return web.Response(status=500)

        here.provider.instead = break_down
        with pytest.raises(LookupFailed):
            await here.networks.ask("shop", "447700900123", "hlr")


async def test_a_look_up_that_nobody_does_is_not_offered() -> None:
    async with world("mocean") as here:
        assert not here.networks.is_offered("shop", "fraud")
        with pytest.raises(NotOffered):
            await here.networks.ask("shop", "447700900123", "fraud")
