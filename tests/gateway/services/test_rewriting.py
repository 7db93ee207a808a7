"""Requests that are passed on: what has to change changes, all else stays octet for octet."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers.forms import parse_form
from gateway.services import rewriting


class Keep:
    """Changes nothing."""

    def drops(self, name: str) -> bool:
        return False

    def change(self, name: str, value: str) -> str | None:
        return value


class Change:
    """As a provider's token and callbacks would be changed."""

    def drops(self, name: str) -> bool:
        return name == "token"

    def change(self, name: str, value: str) -> str | None:
        if name == "commands":
            return rewriting.json_text(value, self)
        return "https://ours.example/x?y=1&z" if name == "url" else value


keep, change = Keep(), Change()


def test_a_form_keeps_its_octets_where_nothing_changes() -> None:
    form = b"a=%e9+x&b&c=~%2f&a=2"

    assert rewriting.form(form, keep, {}) == form


def test_fields_of_a_form_are_left_out_changed_and_added() -> None:
    form = b"token=secret&url=http%3A%2F%2Fapp&a=%e9&filter[x]=1"

    assert (
        rewriting.form(form, change, {"key": "k&"})
        == b"url=https%3A%2F%2Fours.example%2Fx%3Fy%3D1%26z&a=%E9&filter[x]=1&key=k%26"
    )


def test_json_keeps_its_octets_where_nothing_changes() -> None:
    body = b'{"b": 1.10, "a" : ["\\u00e9"]}'

    assert rewriting.json_body(body, keep, {}) == body


def test_fields_of_json_change_however_deep() -> None:
    body = json.dumps({"token": "t", "channels": [{"meta": {"url": "http://app", "n": None}}], "big": 2**70})

    changed = json.loads(rewriting.json_body(body.encode(), change, {"key": "k"}))

    assert changed == {
        "channels": [{"meta": {"url": "https://ours.example/x?y=1&z", "n": None}}],
        "big": 2**70,
        "key": "k",
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        rewriting.json_body(body, keep, {})


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_are_json_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        rewriting.json_body(body, change, {"key": "k"})


@pytest.mark.parametrize("value", ["t", 17, None, ["t"], {"a": "t"}, True])
def test_a_secret_is_left_out_of_json_whatever_it_is_written_as(value: object) -> None:
    body = json.dumps({"token": value, "a": 1}).encode()

    assert rewriting.json_body(body, change, {}) == b'{"a": 1}'


def test_json_that_is_the_text_of_a_field_is_rewritten_too() -> None:
    form = b"commands=%5B%7B%22url%22%3A%22http%3A%2F%2Fapp%22%2C%22a%22%3A1%7D%5D&commands=%5B"

    changed = dict(parse_form(rewriting.form(form, change, {}).partition(b"&commands=%5B")[0]))

    assert json.loads(changed["commands"]) == [{"url": "https://ours.example/x?y=1&z", "a": 1}]
    assert rewriting.form(form, change, {}).endswith(b"&commands=%5B")
