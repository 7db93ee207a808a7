"""The commands `smpp decode` and `smpp encode`, as a shell calls them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smpp.cli import main
from tests.smpp.tools.captures import connection, pcap, pcapng
from tests.vectors.load import conformance_rows

LINK = "00000010000000150000000000000001"
BIND = "00000022000000090000000000000001" + "65736d6500" + "68756e7465723200" + "00" + "340000" + "00"
BIND = f"{len(BIND) // 2:08x}{BIND[8:]}"
LINK_JSON = (
    '{"command":"enquire_link","command_status":0,"sequence_number":1,"fields":{},"tlvs":[],'
    '"hex":"00000010000000150000000000000001"}\n'
)
LINK_DUMP = """\
enquire_link #1, 16 octets (SMPP v3.4 §4.11.1)
0000  00 00 00 10              §5.1.1     command_length                  16
0004  00 00 00 15              §5.1.2     command_id                      0x00000015 enquire_link
0008  00 00 00 00              §5.1.3     command_status                  0x00000000 ESME_ROK
000c  00 00 00 01              §5.1.4     sequence_number                 1

"""


def smpp(*arguments: str, input: str | bytes = "") -> Result:  # noqa: A002 - as CliRunner calls it
    return CliRunner().invoke(main, arguments, input=input)


# decode


def test_dump_of_one_pdu() -> None:
    result = smpp("decode", LINK)
    assert (result.exit_code, result.stdout, result.stderr) == (0, LINK_DUMP, "")


def test_json_of_one_pdu() -> None:
    result = smpp("decode", "--json", LINK)
    assert (result.exit_code, result.stdout, result.stderr) == (0, LINK_JSON, "")


def test_standard_input_has_a_pdu_on_each_line() -> None:
    result = smpp("decode", "--json", "-", input=f"# two\n{LINK}\n\n{LINK.upper()}\n")
    assert result.stdout == LINK_JSON * 2


@pytest.mark.parametrize(
    "arguments",
    [(LINK, LINK), (LINK + LINK,), ("00 00 00 10 00000015 00000000 00000001", LINK), (LINK[:8], LINK[8:], LINK)],
)
def test_several_pdus_may_be_given_in_any_way(arguments: tuple[str, ...]) -> None:
    assert smpp("decode", "--json", *arguments).stdout == LINK_JSON * 2


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_capture_is_decoded_with_who_sent_what_when(tmp_path: Path, make: Callable[[list[bytes]], bytes]) -> None:
    path = tmp_path / "capture"
    path.write_bytes(make(connection((0, bytes.fromhex(LINK)))))
    heading = "2026-07-22 15:30:00.100000 10.0.0.1:40000 > 10.0.0.2:2775\n"
    assert smpp("decode", str(path)).stdout == heading + LINK_DUMP
    item = json.loads(smpp("decode", "--json", str(path)).stdout)
    assert item.pop("source") == "10.0.0.1:40000"
    assert item.pop("destination") == "10.0.0.2:2775"
    assert item.pop("time") == "2026-07-22T15:30:00.100000+00:00"
    assert item == json.loads(LINK_JSON)


def test_stream_that_is_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap(connection((0, bytes.fromhex(LINK + LINK[:20])))))
    result = smpp("decode", str(path))
    assert result.exit_code == 2
    assert "stream: the stream ends inside a PDU\n" in result.stdout
    assert result.stderr == "smpp decode: 1 PDU cannot be decoded: the stream ends inside a PDU\n"
    item = json.loads(smpp("decode", "--json", str(path)).stdout.splitlines()[1])
    assert (item["error"], item["fatal"], item["hex"]) == ("the stream ends inside a PDU", True, LINK[:20])


def test_file_of_hex_lines_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "pdus.txt"
    path.write_text(f"{LINK}\n{LINK}\n")
    assert smpp("decode", "--json", str(path)).stdout == LINK_JSON * 2


def test_profile_names_vendor_tlvs() -> None:
    pdu = "0000001680000004000000000000000100" + "140000023131"
    pdu = f"{len(pdu) // 2:08x}{pdu[8:]}"
    assert json.loads(smpp("decode", "--json", pdu).stdout)["tlvs"] == [{"tag": 5120, "name": "", "value": "3131"}]
    assert '"name":"PE_ID"' in smpp("decode", "--json", "--profile", "dlt", pdu).stdout


def test_what_cannot_be_decoded_is_an_object_and_no_failure() -> None:
    result = smpp("decode", "--json", "00000010000fffff0000000000000001", "0000")
    assert result.exit_code == 0
    assert result.stdout == (
        '{"error":"unknown command 0x000FFFFF","command_status":3,"fatal":false,'
        '"hex":"00000010000fffff0000000000000001"}\n'
        '{"error":"2 octets are no PDU: the header has 16","command_status":2,"fatal":true,"hex":"0000"}\n'
    )


def test_dump_of_what_cannot_be_decoded_ends_with_2() -> None:
    result = smpp("decode", "0010", LINK)
    assert result.exit_code == 2
    assert result.stdout.endswith(LINK_DUMP)
    assert result.stderr == "smpp decode: 1 PDU cannot be decoded: 2 octets are no PDU: the header has 16\n"


@pytest.mark.parametrize(
    ("arguments", "input_", "line"),
    [
        (("zz",), "", "smpp decode: 'zz' is neither hex nor a file\n"),
        (("nothing.pcap",), "", "smpp decode: 'nothing.pcap' is neither hex nor a file\n"),
        (("x" * 5000,), "", f"smpp decode: '{'x' * 37}...' is neither hex nor a file\n"),
        (("-",), f"{LINK}\nhello\n", "smpp decode: line 2: 'hello' is no hex\n"),
        (("--json", "-"), b"\xd4\xc3\xb2\xa1\n", "smpp decode: line 1: '����' is no hex\n"),
        (("/",), "", "smpp decode: /: Is a directory\n"),
    ],
)
def test_bad_input_of_decode_is_one_line_and_2(arguments: tuple[str, ...], input_: str | bytes, line: str) -> None:
    result = smpp("decode", *arguments, input=input_)
    assert (result.exit_code, result.stderr) == (2, line)


def test_damaged_capture_is_one_line_and_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.pcap"
    path.write_bytes(b"\xd4\xc3\xb2\xa1 too short")
    result = smpp("decode", str(path))
    assert result.exit_code == 2
    assert result.stderr == f"smpp decode: {path}: the pcap file ends inside its header\n"


def test_nothing_to_decode_is_an_error() -> None:
    result = smpp("decode")
    assert result.exit_code == 2
    assert 'Error: Give PDUs in hex, a capture file, or "-" for the standard input.' in result.stderr


# Secrets


def test_dump_masks_the_password_unless_asked() -> None:
    result = smpp("decode", BIND)
    assert result.exit_code == 0
    assert "hunter2" not in result.output
    assert "68 75 6e" not in result.output
    assert "password                        'hunter2'" in smpp("decode", "--show-secrets", BIND).stdout


def test_json_shows_the_password_and_says_so() -> None:
    result = smpp("decode", "--json", BIND)
    assert json.loads(result.stdout)["fields"]["password"] == "hunter2"
    assert result.stderr == "smpp decode: the output holds a password; --mask-secrets hides it\n"
    assert smpp("decode", "--json", "--show-secrets", BIND).stderr == ""


def test_password_that_is_masked_already_is_nothing_to_warn_of() -> None:
    masked = json.loads(smpp("decode", "--json", "--mask-secrets", BIND).stdout)["hex"]
    assert smpp("decode", "--json", masked).stderr == ""


def test_json_masks_the_password_in_field_and_hex_when_asked() -> None:
    result = smpp("decode", "--json", "--mask-secrets", BIND)
    assert "hunter2" not in result.output
    assert "68756e" not in result.output
    assert result.stderr == ""
    refused = smpp("encode", "--json", "-", input=result.stdout)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        "smpp encode: line 1: bind_transceiver.password is masked; decode with --show-secrets to get it\n"
    )


# encode


def test_object_is_encoded() -> None:
    result = smpp("encode", "--json", "-", input=LINK_JSON + "\n" + LINK_JSON)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{LINK}\n{LINK}\n", "")


def test_file_of_objects_is_encoded(tmp_path: Path) -> None:
    path = tmp_path / "pdus.jsonl"
    path.write_text(
        '{"command": "query_sm", "sequence_number": 7, "fields": {"message_id": "17é"}}\n', encoding="utf-8"
    )
    assert smpp("encode", "--json", str(path)).stdout == "00000017000000030000000000000007" + "3137e900" + "000000\n"


def test_pdus_of_other_implementations_go_through_both_commands() -> None:
    rows = [row for row in conformance_rows() if row.get("spec_bytes") == "exact"]
    decoded = smpp("decode", "--json", "-", input="\n".join(row["hex"] for row in rows))
    assert decoded.exit_code == 0
    encoded = smpp("encode", "--json", "-", input=decoded.stdout)
    assert encoded.stdout.splitlines() == [row["hex"] for row in rows]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON: Input data was truncated"),
        (b"\xff", "no JSON: JSON is malformed: invalid character (byte 0)"),
        ("[]", "a PDU is an object, not an array"),
        ('{"command": "submit"}', '"command" is \'submit\', not a command such as "submit_sm"'),
        (
            '{"command": "submit_sm", "fields": {"source_addr": "123456789012345678901"}}',
            "submit_sm.source_addr holds at most 20 characters, not 21: '123456789012345678901'",
        ),
        (
            '{"command": "bind_receiver", "fields": {"password": "much-too-long"}}',
            "bind_receiver.password holds at most 8 characters, not 13: *** (str)",
        ),
    ],
)
def test_bad_input_of_encode_is_one_line_and_2(line: str | bytes, reason: str) -> None:
    data = LINK_JSON.encode() + (line.encode() if isinstance(line, str) else line) + b"\n" + LINK_JSON.encode()
    result = smpp("encode", "--json", "-", input=data)
    assert (result.exit_code, result.stdout) == (2, f"{LINK}\n")
    assert result.stderr == f"smpp encode: line 2: {reason}\n"


def test_encode_wants_to_know_its_input() -> None:
    assert smpp("encode", "--json").exit_code == 2
    assert smpp("encode", "-").exit_code == 2


# All of it


@pytest.mark.parametrize("arguments", [("--help",), ("decode", "--help"), ("encode", "-h")])
def test_every_command_explains_itself(arguments: tuple[str, ...]) -> None:
    result = smpp(*arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


def test_help_says_what_becomes_of_passwords() -> None:
    assert "Passwords: a dump shows ***" in smpp("decode", "--help").stdout


def test_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "smpp", "decode", "--json", "-"], input=LINK, capture_output=True, text=True, check=True
    )
    assert result.stdout == LINK_JSON
