"""`smpp send`: parts, ids, receipts, and what it says when something is wrong."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smpp.cli import main
from smpp.simulator import Ids, Receipts, Rule, Script, Simulator, throw_away_tls
from smpp.status import CommandStatus

TO = "447900900123"


async def send(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Call the tool in a thread of its own: it has its own loop."""
    return await asyncio.to_thread(_call, ["send", *arguments], env or {})


def _call(arguments: list[str], env: dict[str, str]) -> Result:
    # Signal handlers are for the main thread.
    return CliRunner().invoke(main, arguments, env={"SMPP_PASSWORD": None, **env})


async def test_parts_ids_and_receipts_are_printed() -> None:
    async with Simulator() as simulator:
        result = await send(simulator.url(0, "demo", "x"), "--from", "INFO", "--to", TO, "hello")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "part 1 of 1: id 1"
    assert lines[1].startswith("receipt for part 1: 1 DELIVERED done ")
    assert len(lines) == 2


async def test_json_has_it_all_in_one_object() -> None:
    script = Script(rules=(Rule(receipt_state="UNDELIVERABLE", error="011"),))
    async with Simulator(script=script) as simulator:
        result = await send(simulator.url(0, "demo", "x"), "--from", "INFO", "--to", TO, "x" * 200, "--json")
    shown = json.loads(result.stdout)
    assert (shown["from"], shown["to"]) == ("INFO", TO)
    assert [part["message_id"] for part in shown["parts"]] == ["1", "2"]
    receipt: dict[str, Any] = shown["parts"][1]["receipts"][0]
    assert (receipt["id"], receipt["state"], receipt["error"], receipt["is_final"]) == (
        "2",
        "UNDELIVERABLE",
        "011",
        True,
    )


async def test_tlvs_go_along_by_tag_and_by_name() -> None:
    async with Simulator() as simulator:
        options = ["--tlv", "0x1500=0aFF", "--tlv", "user_message_reference=7", "--tlv", "PE_ID=1101"]
        result = await send(simulator.url(0, "demo", "x"), "--from", "INFO", "--to", TO, "hi", "--no-receipt", *options)
        assert result.exit_code == 0
        assert simulator.log[0].octets.endswith(
            b"\x02hi"
            + bytes.fromhex("150000020aff")
            + bytes.fromhex("020400020007")
            + bytes.fromhex("1400000431313031")
        )
        assert simulator.log[0].message.registered_delivery == 0


@pytest.mark.parametrize(
    ("tlv", "expected"),
    [
        ("0x1400", "expected tag=hex (0x1400=6162) or name=value"),
        ("0x1400=xyz", "0x1400=xyz: expected hex"),
        ("0x10000=00", "0x10000: expected a tag of 0 to 0xFFFF"),
        ("no_such=1", "'no_such' is no TLV's name"),
        ("user_message_reference=x", "user_message_reference=x: expected a number"),
        ("user_message_reference=70000", "user_message_reference"),
    ],
)
def test_bad_tlvs_exit_with_2(tlv: str, expected: str) -> None:
    result = _call(["send", "smpp://demo:x@127.0.0.1:1", "--from", "A", "--to", TO, "hi", "--tlv", tlv], {})
    assert result.exit_code == 2
    assert expected in result.stderr


async def test_ids_in_hex_are_known_again_in_decimal() -> None:
    script = Script(ids=Ids(format="hex", start=0xABCD, receipt_format="decimal"))
    async with Simulator(script=script) as simulator:
        result = await send(simulator.url(0, "demo", "x"), "--from", "INFO", "--to", TO, "hi")
    assert result.stdout.startswith("part 1 of 1: id abcd\nreceipt for part 1: 43981 DELIVERED")


async def test_what_is_not_about_this_message_stays_with_the_smsc() -> None:
    script = Script(receipts=Receipts(delay=0.2, retry=60))
    async with Simulator(script=script) as simulator:
        foreign = simulator.deliver("for somebody else", source="4911", destination="12345", system_id="demo")
        await send(simulator.url(0, "demo", "x"), "--from", "INFO", "--to", TO, "hi")
        assert foreign[0].status == CommandStatus.ESME_RX_T_APPN
        assert simulator.counters["receipts_acknowledged"] == 1


async def test_a_receipt_that_does_not_come_is_said_to_be_missing() -> None:
    async with Simulator(receipt_delay=60) as simulator:
        result = await send(simulator.url(0, "demo", "x"), "--from", "A", "--to", TO, "hi", "--wait", "0.05")
    assert result.exit_code == 0
    assert result.stdout.endswith("no final receipt for part 1 within 0.05 s\n")


async def test_a_transmitter_waits_for_nothing() -> None:
    async with Simulator() as simulator:
        result = await send(simulator.url(0, "demo", "x") + "?bind=tx", "--from", "A", "--to", TO, "hi")
    assert result.stdout == "part 1 of 1: id 1\nno receipts here: a transmitter gets none (bind=trx)\n"


async def test_a_refused_part_exits_with_1_and_shows_what_went_before() -> None:
    script = Script(rules=(Rule(every=2, status="ESME_RMSGQFUL"),))
    async with Simulator(script=script) as simulator:
        result = await send(simulator.url(0, "demo", "x"), "--from", "A", "--to", TO, "x" * 400)
    assert result.exit_code == 1
    assert result.stdout == "part 1 of 3: id 1\n"
    assert "ESME_RMSGQFUL" in result.stderr
    assert result.stderr.count("\n") == 1


async def test_tls_is_verified() -> None:
    tls = throw_away_tls()
    async with Simulator(["smpps://127.0.0.1:0"], ssl_context=tls.server_context) as simulator:
        result = await send(simulator.url(0, "demo", "x"), "--from", "A", "--to", TO, "hi")
        assert result.exit_code == 1
        assert "CERTIFICATE_VERIFY_FAILED" in result.stderr


async def test_tls_trusts_the_authority_it_is_given(tmp_path: Path) -> None:
    tls = throw_away_tls()
    tls.write_ca(tmp_path / "ca.pem")
    async with Simulator(["smpps://127.0.0.1:0"], ssl_context=tls.server_context) as simulator:
        url = simulator.url(0, "demo", "x")
        result = await send(url, "--from", "A", "--to", TO, "hi", "--ca-file", str(tmp_path / "ca.pem"))
        assert result.exit_code == 0


# Passwords


@pytest.mark.parametrize("way", ["url", "variable", "file"])
async def test_the_password_may_come_from_anywhere(way: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    options = ["--password-file", str(file)] if way == "file" else []
    async with Simulator(credentials={"demo": "s3cret"}) as simulator:
        url = simulator.url(0, "demo", "s3cret" if way == "url" else "")
        env = {"SMPP_PASSWORD": "s3cret"} if way == "variable" else {}
        result = await send(url, "--from", "A", "--to", TO, "hi", *options, env=env)
    assert result.exit_code == 0, result.stderr


async def test_a_refused_bind_exits_with_1_and_keeps_the_password_to_itself() -> None:
    async with Simulator(credentials={"demo": "right"}) as simulator:
        result = await send(simulator.url(0, "demo", "s3cret"), "--from", "A", "--to", TO, "hi")
    assert result.exit_code == 1
    assert "ESME_RBINDFAIL" in result.stderr
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://demo:s3cret@127.0.0.1", "URL scheme is 'http'"),
        ("smpp://127.0.0.1", "names no system_id"),
        ("smpp://demo:s3cret@127.0.0.1?bind=rx", "a receiver sends nothing"),
        ("smpp://demo:s3cret@127.0.0.1?windo=1", "unknown option 'windo'"),
        ("smpp://demo:s3cretpassword@127.0.0.1:{port}", "password holds at most 8"),
    ],
)
async def test_bad_urls_exit_with_2_in_one_line_without_the_password(url: str, expected: str) -> None:
    async with Simulator() as simulator:
        url = url.format(port=simulator.ports[0])
        result = await send(url, "--from", "A", "--to", TO, "hi")
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert "s3cret" not in result.output


async def test_nobody_there_exits_with_1() -> None:
    async with Simulator() as simulator:
        port = simulator.ports[0]
    result = await send(f"smpp://demo:x@127.0.0.1:{port}", "--from", "A", "--to", TO, "hi")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"smpp send: 127.0.0.1:{port}: ")
