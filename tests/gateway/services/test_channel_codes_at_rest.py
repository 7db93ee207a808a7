"""Codes that leave over a provider's channels: read out, written over other networks, in a number that calls."""

import json
import logging
import re
from pathlib import Path

import pytest

from gateway.services import codes
from tests.gateway.providers import sim_checkmobi
from tests.gateway.rest_path import PROVIDERS, RestPath, rest_path
from tests.gateway.services.code_apps import holds, unseen_codes

NUMBER = "447400123456"
CHANNELS = [
    (kind, channel)
    for kind in PROVIDERS
    for channel in ("voice", "whatsapp", "telegram", "viber", "flash_call", "missed_call")
]


CALLERS = {"checkmobi": sim_checkmobi.CALLER, "lanck": "37282329823"}
"""Numbers that missed calls come from: they end in the code."""


def code_that_left(path: RestPath, kind: str, channel: str, length: int) -> str:
    """As its reader has it: in what the provider was given; or in the number that it calls from."""
    if channel in ("flash_call", "missed_call"):
        return CALLERS[kind][-length:]
    given = json.dumps([taken.content for taken in path.provider.requests], default=str)
    found = re.search(rf"(?<!\d)\d{{{length}}}(?!\d)", given)
    assert found is not None
    return found.group()


@pytest.mark.parametrize(("kind", "channel"), CHANNELS)
async def test_a_code_over_a_channel_is_in_no_log_and_not_in_the_database(
    kind: str,
    channel: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(codes, "make_code", unseen_codes())
    async with rest_path(kind, tmp_path) as path:
        # A provider that makes the code itself says how long it is.
        length = 4 if kind == "checkmobi" and channel != "voice" else 10
        wanted = {"to": NUMBER, "from": "INFO", "code_length": length, "steps": [{"channel": channel}]}
        async with path.http.post("/api/v1/verifications", json=wanted) as answer:
            begun = await answer.json()
            if answer.status == 501:
                return  # not over this provider
            assert answer.status == 201, begun
        code = code_that_left(path, kind, channel, length)
        kept = [octets(tmp_path)]
        wrong = {"code": code[:-1] + str((int(code[-1]) + 1) % 10)}
        async with path.http.post(f"/api/v1/verifications/{begun['id']}/check", json=wrong) as answer:
            assert answer.status == 422
        async with path.http.post(f"/api/v1/verifications/{begun['id']}/check", json={"code": code}) as answer:
            assert (await answer.json())["status"] == "verified"
    kept.append(octets(tmp_path))
    printed = capfd.readouterr()
    logged = f"{printed.out}{printed.err}{caplog.text}".encode()
    assert b"request" in logged
    for searched in (*kept, logged):
        assert not holds(searched, code)
    for searched in kept:
        assert NUMBER.encode() in searched
        assert b"pin_hash" not in searched
        assert not any(caller.encode() in searched for caller in CALLERS.values())


def octets(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.glob("gateway.db*")) if file.suffix != ".key")
