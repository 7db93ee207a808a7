"""Requests that are passed on: what has to change changes, all else stays octet for octet."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.services import rewriting


def keep(_name: str, value: str) -> str:
    return value


def change(name: str, value: str) -> str | None:
    if name == "token":
        return None
    return "https://ours.example/x?y=1&z" if name == "url" else value


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


def test_fields_of_a_multipart_form_are_left_out() -> None:
    body = (
        b'--X\r\nContent-Disposition: form-data; name="access_token"\r\n\r\nsecret\r\n'
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1,2\r\n--X--\r\n'
    )

    left = rewriting.multipart(body, 'multipart/form-data; boundary="X"', ["access_token"])

    assert left == b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1,2\r\n--X--\r\n'
    assert rewriting.multipart(body, "multipart/form-data", ["access_token"]) == body
