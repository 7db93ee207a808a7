"""The operator's API: who may, what is seen, what is done."""

import re
from collections.abc import AsyncIterator

import pytest

from gateway import config as settings
from gateway.models import Message, NewMessage, Outcome
from gateway.web.admin import admin_operations
from gateway.web.api import NativeApi
from tests.gateway.web.running import CONFIG, Running, running


@pytest.fixture
async def here() -> AsyncIterator[Running]:
    async with running() as one:
        yield one


async def test_every_operation_asks_for_its_role(here: Running) -> None:
    gateway = here.gateway
    doors = [
        (False, list(NativeApi(gateway._services(), gateway._outbox).operations())),
        (True, list(admin_operations(gateway._operator))),
    ]
    for admin, operations in doors:
        assert operations
        for operation in operations:
            path = re.sub(r"\{\w+\}", "x", operation.path)
            status, _ = await here.ask(operation.method, path, key="", admin=admin, json={})
            assert status == 401, operation.name
            status, _ = await here.ask(operation.method, path, key="wrong", admin=admin, json={})
            assert status == 401, operation.name
            if operation.role in ("send", "admin"):
                status, _ = await here.ask(operation.method, path, key="reader-key", admin=admin, json={})
                assert status == 403, operation.name
            if operation.role == "admin":
                status, _ = await here.ask(operation.method, path, key="shop-key", admin=admin, json={})
                assert status == 403, operation.name
    assert all(operation.role == "admin" for operation in doors[1][1])


# --- uplinks ---


async def test_binds_and_uplinks_are_shown(here: Running) -> None:
    _, body = await here.operate("GET", "/binds", params={"uplink": "spare"})
    assert [bind["bind"] for bind in body["binds"]] == ["127.0.0.1:1#0", "localhost:1#0"]
    assert {"state", "window", "rate", "last_error", "submitted"} <= body["binds"][0].keys()
    _, body = await here.operate("GET", "/uplinks")
    assert [(one["name"], one["state"], one["is_available"]) for one in body["uplinks"]] == [
        ("main", "running", False),
        ("spare", "running", False),
    ]


async def test_a_sick_uplink_is_seen_and_named_where_a_route_is_explained(here: Running) -> None:
    _, body = await here.operate("GET", "/uplinks/spare")
    assert (body["health"], body["remark"]) == ("well", "")
    here.gateway._pipeline.health.note("spare", Outcome.IN_DOUBT, 20)
    remark = "sick: 20 of 20 answers of late were faults"
    _, body = await here.operate("GET", "/uplinks/spare")
    assert (body["health"], body["remark"]) == ("sick", remark)
    _, body = await here.operate("GET", "/routes/explain", params={"to": "+919876543210", "account": "shop"})
    assert body["uplinks"] == [{"name": "spare", "note": "", "is_available": False, "health": remark}]


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("drain", "drained"), ("resume", "running")])
async def test_an_uplink_is_paused_drained_and_resumed(here: Running, verb: str, state: str) -> None:
    status, body = await here.operate("POST", f"/uplinks/main/{verb}")
    assert (status, body["state"]) == (200, state)


async def test_one_server_is_drained_and_resumed(here: Running) -> None:
    status, body = await here.operate("POST", "/uplinks/spare/servers/localhost:1/drain")
    assert (status, body["drained"]) == (200, ["localhost:1"])
    _, binds = await here.operate("GET", "/binds", params={"uplink": "spare"})
    assert binds["binds"][1]["state"] == "drained"
    _, body = await here.operate("POST", "/uplinks/spare/servers/localhost:1/resume")
    assert body["drained"] == []


@pytest.mark.parametrize(
    ("what", "name", "suspended"),
    [("servers", "localhost:1", [False, True]), ("binds", "127.0.0.1:1%230", [True, False])],
)
async def test_one_server_or_bind_is_paused_and_resumed(
    here: Running, what: str, name: str, suspended: list[bool]
) -> None:
    status, body = await here.operate("POST", f"/uplinks/spare/{what}/{name}/pause")
    assert (status, body["paused"], body["drained"]) == (200, [name.replace("%23", "#")], [])
    _, binds = await here.operate("GET", "/binds", params={"uplink": "spare"})
    assert [bind["is_suspended"] for bind in binds["binds"]] == suspended
    assert 'gateway_uplink_out_of_use{state="paused",uplink="spare"} 1.0' in here.gateway.metrics.render().decode()
    # Drained instead, and paused again: what was asked for last holds.
    _, body = await here.operate("POST", f"/uplinks/spare/{what}/{name}/drain")
    assert (body["paused"], len(body["drained"])) == ([], 1)
    _, body = await here.operate("POST", f"/uplinks/spare/{what}/{name}/pause")
    assert (len(body["paused"]), body["drained"]) == (1, [])
    _, body = await here.operate("POST", f"/uplinks/spare/{what}/{name}/resume")
    assert (body["paused"], body["drained"]) == ([], [])
    _, binds = await here.operate("GET", "/binds", params={"uplink": "spare"})
    assert [bind["is_suspended"] for bind in binds["binds"]] == [False, False]
    assert 'gateway_uplink_out_of_use{state="paused",uplink="spare"} 0.0' in here.gateway.metrics.render().decode()


async def test_one_bind_is_drained_and_resumed(here: Running) -> None:
    status, body = await here.operate("POST", "/uplinks/spare/binds/localhost:1%230/drain")
    assert (status, body["drained"]) == (200, ["localhost:1#0"])
    _, binds = await here.operate("GET", "/binds", params={"uplink": "spare"})
    assert [bind["state"] == "drained" for bind in binds["binds"]] == [False, True]
    _, body = await here.operate("POST", "/uplinks/spare/binds/localhost:1%230/resume")
    _, binds = await here.operate("GET", "/binds", params={"uplink": "spare"})
    assert (body["drained"], binds["binds"][1]["state"] == "drained") == ([], False)


@pytest.mark.parametrize(
    "path",
    [
        "/uplinks/none/pause",
        "/uplinks/spare/servers/none/drain",
        "/uplinks/spare/servers/none/pause",
        "/uplinks/spare/binds/none/pause",
        "/uplinks/spare/binds/none/drain",
        "/uplinks/none/servers/x/resume",
    ],
)
async def test_what_is_not_there_cannot_be_steered(here: Running, path: str) -> None:
    status, body = await here.operate("POST", path)
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert "none" in body["error"]["message"]


# --- the queue ---


async def test_what_waits_is_seen_rerouted_and_withdrawn(here: Running) -> None:
    ids = [await here.send() for _ in range(3)]
    await here.send(key="other-key")
    _, body = await here.operate("GET", "/queue")
    assert [(line["uplink"], line["account"], line["messages"]) for line in body["waiting"]] == [
        ("main", "other", 1),
        ("main", "shop", 3),
    ]
    which = {"account": "shop", "uplink": "main"}
    status, body = await here.operate("POST", "/queue/reroute", json={"uplink": "spare", "which": which})
    assert (status, body["done"], body["passed_over"]) == (200, 3, 0)
    _, body = await here.operate("GET", "/queue")
    assert [(line["uplink"], line["account"], line["messages"]) for line in body["waiting"]] == [
        ("main", "other", 1),
        ("spare", "shop", 3),
    ]
    status, body = await here.operate("POST", "/queue/purge", json={"which": {"ids": ids[:2]}})
    assert (status, body["done"]) == (200, 2)
    _, body = await here.operate("GET", "/messages", params={"account": "shop", "state": "deleted"})
    assert {message["id"] for message in body["messages"]} == set(ids[:2])


async def test_what_has_ended_badly_is_sent_again_as_a_new_message(here: Running) -> None:
    old = await here.send(text="once more", client_reference="r1")
    await here.operate("POST", "/queue/purge", json={"which": {"ids": [old]}})
    body = {"which": {"ids": [old]}, "states": ["deleted"]}
    status, answer = await here.operate("POST", "/queue/requeue", json=body)
    assert (status, answer["done"]) == (200, 1)
    (new,) = answer["new_ids"]
    assert new != old
    _, shown = await here.operate("GET", f"/messages/{new}")
    assert (shown["text"], shown["client_reference"], shown["state"]) == ("once more", "r1", "queued")
    _, shown = await here.operate("GET", f"/messages/{old}")
    assert shown["state"] == "deleted"


async def test_a_secret_text_is_neither_shown_nor_sent_again(here: Running) -> None:
    secret = NewMessage(account="shop", recipient="447700900123", sender="SHOP", text="4711", secret=True)
    (one,) = await here.gateway._intake.accept([secret])
    assert isinstance(one, Message)
    _, shown = await here.operate("GET", f"/messages/{one.id}")
    assert (shown["text"], "4711" in str(shown)) == (None, False)
    await here.operate("POST", "/queue/purge", json={"which": {"ids": [one.id]}})
    body = {"which": {"ids": [one.id]}, "states": ["deleted"]}
    _, answer = await here.operate("POST", "/queue/requeue", json=body)
    assert (answer["done"], answer["passed_over"]) == (0, 1)


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("purge", {"which": {}}),
        ("reroute", {"which": {}, "uplink": "main"}),
        ("requeue", {"which": {}}),
        ("requeue", {"which": {"account": "shop"}, "states": ["delivered"]}),
        ("requeue", {"which": {"account": "shop"}, "states": []}),
    ],
)
async def test_whatever_is_meant_has_to_be_said(here: Running, verb: str, body: dict[str, object]) -> None:
    await here.send()
    status, answer = await here.operate("POST", f"/queue/{verb}", json=body)
    assert (status, answer["error"]["code"]) == (409, "refused")


# --- accounts and keys ---


async def test_an_account_is_added_used_and_removed(here: Running) -> None:
    settings = {"default_sender": "ACME", "roles": ["send", "read"], "numbers": ["50505"]}
    status, body = await here.operate("POST", "/accounts", json={"name": "acme", "settings": settings})
    assert (status, body["source"], body["numbers"]) == (201, "store", ["50505"])
    status, made = await here.operate("POST", "/accounts/acme/keys", json={"label": "app"})
    assert status == 201
    one = await here.send(key=made["key"])
    _, shown = await here.ask("GET", f"/messages/{one}", key=made["key"])
    assert shown["from"] == "ACME"
    status, _ = await here.operate("DELETE", "/accounts/acme")
    assert status == 204
    status, _ = await here.ask("GET", "/accounts/me", key=made["key"])
    assert status == 401


@pytest.mark.parametrize(
    ("name", "settings", "status", "word"),
    [
        ("shop", {}, 409, "already"),
        ("acme", {"colour": "red"}, 422, "account.acme.colour"),
        ("acme", {"roles": ["king"]}, 422, "account.acme.roles"),
        ("acme", {"numbers": ["40404"]}, 422, "account.acme.numbers"),
        ("acme", {"api_keys": ["x"]}, 409, "api_keys"),
        ("acme", {"smpp": {"system_id": "x", "password": "y"}}, 409, "smpp"),
        ("acme", {"signing_secret": "x"}, 409, "signing_secret"),
        ("acme", {"callback_url": "http://10.0.0.1/x"}, 422, "account.acme.callback_url"),
    ],
)
async def test_an_account_that_cannot_be_is_not_kept(
    here: Running, name: str, settings: dict[str, object], status: int, word: str
) -> None:
    found, body = await here.operate("POST", "/accounts", json={"name": name, "settings": settings})
    assert found == status
    assert word in body["error"]["message"]
    _, body = await here.operate("GET", "/accounts")
    assert sorted(one["name"] for one in body["accounts"]) == ["ops", "other", "reader", "shop"]


async def test_an_account_that_the_file_has_by_now_is_the_files(here: Running) -> None:
    await here.operate("POST", "/accounts", json={"name": "acme", "settings": {"numbers": ["50505"]}})
    there = settings.parse(CONFIG.replace('numbers = ["40404"]', 'numbers = ["40404", "50505"]'))
    here.gateway._steering._source = lambda: there
    status, body = await here.operate("POST", "/reload")
    assert (status, body["changed"]) == (200, ["account.shop", "account.acme"])
    (problem,) = body["left_out"]
    assert "account.acme.numbers[0]" in problem
    status, _ = await here.operate("DELETE", "/accounts/acme")
    assert status == 204
    assert (await here.operate("POST", "/reload"))[1]["left_out"] == []


async def test_keys_are_made_rotated_and_revoked(here: Running) -> None:
    _, first = await here.operate("POST", "/accounts/shop/keys", json={"roles": ["read"]})
    status, _ = await here.ask("POST", "/messages", key=first["key"], json={})
    assert status == 403
    rotate = f"/accounts/shop/keys/{first['id']}/rotate"
    _, second = await here.operate("POST", rotate, json={"overlap_seconds": 0})
    for key, expected in ((first["key"], 401), (second["key"], 200)):
        status, _ = await here.ask("GET", "/accounts/me", key=key)
        assert status == expected
    _, body = await here.operate("GET", "/accounts/shop/keys")
    assert [key["id"] for key in body["keys"]] == [first["id"], second["id"]]
    assert second["key"] not in str(body)
    status, _ = await here.operate("DELETE", f"/accounts/shop/keys/{second['id']}")
    assert status == 204
    status, _ = await here.ask("GET", "/accounts/me", key=second["key"])
    assert status == 401


# --- the rest ---


async def test_routes_are_those_in_force(here: Running) -> None:
    _, body = await here.operate("GET", "/routes")
    assert [(route["name"], route["prefix"], route["uplinks"]) for route in body["routes"]] == [
        ("east", "91", ["spare"]),
        ("west", "44", ["main"]),
    ]


async def test_a_route_is_explained(here: Running) -> None:
    _, body = await here.operate("GET", "/routes/explain", params={"to": "+919876543210", "account": "shop"})
    assert (body["rule"], [one["name"] for one in body["uplinks"]]) == ("east", ["spare"])
    _, body = await here.operate("GET", "/routes/explain", params={"to": "12025550123"})
    assert body["rule"] == ""
    assert [rule["fits"] for rule in body["rules"]] == [False, False]


async def test_nodes_say_where_they_are(here: Running) -> None:
    _, body = await here.operate("GET", "/nodes")
    (node,) = body["nodes"]
    assert (node["name"], node["is_alive"]) == ("node-1", True)
    assert (node["http"], node["admin"]) == here.gateway.addresses


async def test_orphans_are_shown(here: Running) -> None:
    assert await here.operate("GET", "/orphans") == (200, {"orphans": []})


async def test_a_reload_that_changes_nothing_says_so(here: Running) -> None:
    assert await here.operate("POST", "/reload") == (200, {"changed": [], "restart_needed": [], "left_out": []})
