"""CheckMobi's look-ups, and what it knows of numbers, countries and the account."""

import json
from decimal import Decimal

import pytest

from gateway.providers.checkmobi.dialect import Checkmobi
from gateway.providers.checkmobi.endpoints import ENDPOINTS
from gateway.providers.ports import NetworkInfo, Price
from gateway.providers.seams import LookupBatch
from tests.gateway.providers.checkmobi.asking import CALLBACK, INFO, NUMBER, SMS, refused, said
from tests.gateway.providers.fakes import World


@pytest.mark.parametrize("written", ["+40743123456", "40743123456"])
async def test_number_says_what_it_can_by_itself(world: World, written: str) -> None:
    status, content = await said(world, f"/lookup/verify/{written}", method="GET")
    assert (status, len(content.pop("id"))) == (200, 36)
    assert content == {
        "cost": 0,
        "phone_number": "+40743123456",
        "number_type": "mobile",
        "timezone": "Europe/Bucharest",
        "format": {
            "e164": "+40743123456",
            "international": "+40743123456",
            "national": "40743123456",
            "rfc3966": "tel:+40743123456",
        },
        "original_network": {
            "country_iso2": "RO",
            "country_prefix": 40,
            "country_name": "Romania",
            "area": None,
            "network_name": "Orange",
        },
    }


async def test_network_is_asked_by_way_of_the_provider(world: World) -> None:
    network = {"name": "Orange", "country": "RO", "mcc": "226", "mnc": "10", "area": "RO"}
    world.numbers.networks["40743123456"] = NetworkInfo(
        id="c08c", number="40743123456", is_ported=False, is_reachable=True, imsi="226100000000000",
        current_network=network, original_network=network, status="completed",
    )  # fmt: skip
    _, content = await said(world, "/lookup/hlr/+40743123456", method="GET")
    assert (content["reachable"], content["is_ported"], content["processing_status"]) == (
        "connected",
        False,
        "completed",
    )
    assert content["current_network"] == {
        "country_iso2": "RO",
        "country_prefix": 40,
        "country_name": "Romania",
        "mccmnc": "22610",
        "mcc": "226",
        "mnc": "10",
        "area": "RO",
        "network_name": "Orange",
    }
    _, ported = await said(world, "/lookup/mnp/+40743123456", method="GET")
    assert "original_network" not in ported and "reachable" not in ported


@pytest.mark.parametrize("method", ["hlr", "mnp"])
async def test_network_without_an_uplink_is_no_route(world: World, method: str) -> None:
    world.numbers.is_offered = False
    assert await refused(world, f"/lookup/{method}/+40743123456", method="GET") == 18
    assert await refused(world, f"/lookup/{method}", {"numbers": ["40743123456"], **CALLBACK}) == 18


async def test_many_numbers_are_looked_up_by_callback(world: World) -> None:
    fields = {"numbers": ["+40743123456", "nobody", 40743123457], **CALLBACK}
    assert await said(world, "/lookup/hlr", fields) == (
        200,
        {
            "total_count": 3,
            "accepted_count": 2,
            "rejected_count": 1,
            "rejected": ["nobody"],
            "notification_callback": "https://app.example/hook",
        },
    )
    assert world.numbers.jobs == [(("40743123456", "40743123457"), "hlr", "https://app.example/hook")]


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/lookup/sim", {"numbers": ["1"], **CALLBACK}, 17),
        ("/lookup/hlr", {"numbers": ["40743123456"]}, 9),
        ("/lookup/hlr", {"numbers": [], **CALLBACK}, 7),
        ("/lookup/hlr", {"numbers": ["40743123456"] * 1001, **CALLBACK}, 7),
        ("/lookup/hlr", {"numbers": [None], **CALLBACK}, 7),
    ],
)
async def test_look_up_of_many_says_what_is_wrong(world: World, path: str, fields: object, code: int) -> None:
    assert await refused(world, path, fields) == code


async def test_numbers_are_reported_as_they_were_written(world: World) -> None:
    written = ["+40743123456", "40743123456", "40743123457", 40743123458, "nobody"]
    _, content = await said(world, "/lookup/hlr", {"numbers": written, **CALLBACK})
    assert (content["total_count"], content["accepted_count"], content["rejected"]) == (5, 4, ["nobody"])
    ((asked, _, _),) = world.numbers.jobs
    assert asked == ("40743123456", "40743123457", "40743123458")
    assert world.numbers.written == {
        "40743123456": ("+40743123456", "40743123456"),
        "40743123457": ("40743123457",),
        "40743123458": ("40743123458",),
    }
    info = World().numbers.parse
    batch = LookupBatch(
        job="j",
        account="shop",
        method="hlr",
        callback_url=CALLBACK["notification_callback"],
        answers=(NetworkInfo(id="a1", number="40743123456"),),
        unasked=("40743123457",),
        parsed={one: info(one) for one in asked},
        failed=("40743123458",),
        written={"40743123456": ("+40743123456", "40743123456"), "40743123458": ("+40743123458",)},
    )
    good, bad = (json.loads(callback.body) for callback in Checkmobi().lookup_callbacks(batch))
    assert [one["original_msisdn"] for one in good["results"]] == ["+40743123456", "40743123456", "40743123457"]
    # Of a landline no network is asked: it has what the free look-up has.
    assert ["reachable" in one for one in good["results"]] == [True, True, False]
    assert bad["error"]["affected_numbers"] == ["+40743123458"]


async def test_look_up_of_one_says_what_is_wrong(world: World) -> None:
    assert await refused(world, "/lookup/sim/+40743123456", method="GET") == 17
    assert await refused(world, "/lookup/verify/nobody", method="GET") == 2


async def test_number_is_checked_with_the_price_of_its_prefix(world: World) -> None:
    world.ledger.list = [
        Price(prefix="", amount=Decimal("0.09"), currency="USD"),
        Price(prefix="40", amount=Decimal("0.03"), currency="USD"),
        Price(prefix="44", amount=Decimal("0.01"), currency="USD"),
    ]
    _, content = await said(world, "/checknumber", NUMBER)
    assert content["validation_methods"]["sms"] == {"available": True, "min_rate": 0.03, "max_rate": 0.03}
    assert {name: content[name] for name in INFO} == INFO


async def test_countries_and_their_codes(world: World) -> None:
    _, countries = await said(world, "/countries", method="GET")
    assert countries[0] == {"iso2": "RO", "name": "Romania", "prefix": "40", "flag_32": "", "flag_128": ""}
    assert (await said(world, "/prefixes", method="GET"))[1][1] == {
        "iso2": "GB",
        "name": "United Kingdom",
        "prefix": 44,
    }


async def test_account_tells_balance_and_count(world: World) -> None:
    await said(world, "/sms/send", SMS)
    _, content = await said(world, "/my-account", method="GET")
    assert (content["credit_balance"], content["subscription"]["name"]) == (100.0, "Big Business")


async def test_every_row_of_the_table_of_calls_is_answered(world: World) -> None:
    for row in ENDPOINTS:
        path = row.path.removeprefix("/v1").format(id="m1", number="+40743123456")
        status, content = await said(world, path, method=row.method)
        assert status < 500, row
        assert status != 404 or "{id}" in row.path, (row, content)
