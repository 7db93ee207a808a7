"""`smpp send --csv`: rows, results, and going on after whatever ended a run."""

import asyncio
import csv
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smpp.cli import main
from smpp.simulator import Rule, Script, Simulator

FIRST = 447900900000
LOST = str(FIRST + 3)


async def send(*arguments: str) -> Result:
    """Call the tool in a thread of its own: it has its own loop."""
    return await asyncio.to_thread(call, *arguments)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["send", *arguments], env={"SMPP_PASSWORD": None})


def write(path: Path, rows: int, header: str = "to,from,text") -> Path:
    """A file of messages to numbers that follow each other."""
    path.write_text(header + "\n" + "".join(f"{FIRST + row},INFO,hello {row}\n" for row in range(1, rows + 1)))
    return path


def results(path: Path) -> list[dict[str, str]]:
    """The lines of a results file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def states(path: Path) -> dict[str, str]:
    """The last states of each row."""
    return {line["row"]: line["states"] for line in results(path)}


def destinations(simulator: Simulator) -> Counter[str]:
    """How often each number was submitted to."""
    return Counter(entry.message.destination_addr for entry in simulator.log)  # type: ignore[union-attr]


def url(simulator: Simulator, query: str = "") -> str:
    return simulator.url(0, "demo", "x") + query


# What rows say


async def test_rows_are_sent_and_their_ids_states_and_times_written_down(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 20)
    async with Simulator() as simulator:
        result = await send(url(simulator), "--csv", str(file))
        assert destinations(simulator) == {str(FIRST + row): 1 for row in range(1, 21)}
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("20 rows: 20 accepted\n20 parts in ")
    assert "receipts: 20 DELIVERED, 0 not come yet (" in result.stdout
    lines = results(tmp_path / "list.results.csv")
    assert [line["row"] for line in lines] == [str(row) for row in range(1, 21)]
    assert {line["ids"] for line in lines} == {str(number) for number in range(1, 21)}
    assert {line["states"] for line in lines} == {"DELIVERED"}
    assert all(line["times"].endswith("Z") and not line["error"] for line in lines)


@pytest.mark.parametrize(("delimiter", "mark"), [(",", ""), (";", "\ufeff"), ("\t", "\ufeff")])
async def test_any_delimiter_and_mark_will_do(delimiter: str, mark: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    cells = [["From", "to", "text", "PE_ID", "0x1500"], ["INFO", "+447900900001", "zażółć, ok; x", "1101", "0aff"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in cells)
    file.write_text(mark + text + "\r\n", encoding="utf-8", newline="")
    async with Simulator() as simulator:
        result = await send(url(simulator), "--csv", str(file), "--no-receipt")
        assert result.exit_code == 0, result.output
        message = simulator.log[0].message
        assert message.short_message.decode("utf-16-be") == "zażółć, ok; x"  # type: ignore[union-attr]
        assert tuple(message.tlvs) == ((0x1400, b"1101"), (0x1500, b"\x0a\xff"))
        assert message.registered_delivery == 0


async def test_long_texts_are_split_and_each_part_has_its_id(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"to\n{FIRST}\n")
    async with Simulator() as simulator:
        result = await send(url(simulator), "x" * 400, "--from", "INFO", "--csv", str(file))
    assert result.exit_code == 0, result.output
    (line,) = results(tmp_path / "list.results.csv")
    assert line["ids"].split() == ["1", "2", "3"]
    assert line["states"] == "DELIVERED DELIVERED DELIVERED"


async def test_bad_rows_are_told_counted_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    good = b"447900900001,A,hi,\n"
    bad = [b"abc,A,hi,\n", b"447900900001,A,hi\n", b"447900900001,,hi,\n", b"447900900001,A,,\n"]
    bad += [
        b"447900900001,A,\xff\xfe,\n",
        b"447900900001,A,hi,x\n",
        b'447900900001,A,"h"i,\n',
        b"447900900001," + b"A" * 30 + b",hi,\n",
    ]
    file.write_bytes(b"to,from,text,user_message_reference\n" + good + b"".join(bad) + b"\n" + good)
    async with Simulator() as simulator:
        result = await send(url(simulator), "--csv", str(file))
        assert len(simulator.log) == 2
    assert result.exit_code == 1
    lines = results(tmp_path / "list.results.csv")
    assert [line["states"] for line in lines] == ["DELIVERED", *["invalid"] * len(bad), "DELIVERED"]
    errors = [line["error"] for line in lines[1:-1]]
    assert errors[:7] == [
        "to is 'abc', expected digits, with or without + before them",
        "has 3 cells, the header 4",
        "from is empty",
        "text is empty",
        "is not UTF-8",
        "user_message_reference=x: expected a number",
        "is no CSV: ',' expected after '\"'",
    ]
    assert "source_addr" in errors[7]
    assert f"{file}: row 2 to is 'abc', expected digits" in result.stderr
    assert "10 rows: 2 accepted, 8 bad\n" in result.stdout


async def test_refused_rows_are_told_by_status_and_tried_again_by_the_next_run(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 5)
    script = Script(rules=(Rule(destination=LOST, status="ESME_RINVDSTADR"),))
    async with Simulator(script=script) as simulator:
        first = await send(url(simulator), "--csv", str(file))
        assert first.exit_code == 1
        assert "5 rows: 4 accepted, 1 refused\n" in first.stdout
        assert "ESME_RINVDSTADR: 1\n" in first.stdout
        assert states(tmp_path / "list.results.csv")["3"] == "refused"
        assert "ESME_RINVDSTADR" in results(tmp_path / "list.results.csv")[2]["error"]
        simulator.script = Script()
        second = await send(url(simulator), "--csv", str(file))
        assert second.exit_code == 0
        assert "5 rows: 1 accepted, 4 accepted by an earlier run\n" in second.stdout
        assert destinations(simulator)[LOST] == 2
        assert destinations(simulator).total() == 6
    assert set(states(tmp_path / "list.results.csv").values()) == {"DELIVERED"}


async def test_only_the_parts_that_were_refused_go_again_with_the_same_reference(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"to,from,text\n{FIRST},INFO,{'x' * 400}\n")
    script = Script(rules=(Rule(every=2, status="ESME_RINVMSGLEN"),))
    async with Simulator(script=script) as simulator:
        await send(url(simulator), "--csv", str(file))
        assert states(tmp_path / "list.results.csv") == {"1": "DELIVERED refused DELIVERED"}
        simulator.script = Script()
        assert (await send(url(simulator), "--csv", str(file))).exit_code == 0
        sent = [entry.message.short_message[:6] for entry in simulator.log]  # type: ignore[union-attr]
        assert len(sent) == 4
        assert sent[3] == sent[1]
    assert states(tmp_path / "list.results.csv") == {"1": "DELIVERED DELIVERED DELIVERED"}


async def test_rate_and_several_servers_and_json(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 40)
    async with Simulator(["smpp://127.0.0.1:0"] * 2) as simulator:
        options = ["--server", simulator.urls[1], "--rate", "100", "--binds", "2", "--json"]
        result = await send(url(simulator), "--csv", str(file), *options)
        assert sum(server.rate.total for server in simulator.servers) == 40
        assert all(server.rate.total > 0 for server in simulator.servers)
    shown = json.loads(result.stdout)
    assert shown["rows"]["accepted"] == 40
    assert shown["receipts"] == {"DELIVERED": 40}
    assert 40 / shown["sending_seconds"] < 130


async def test_the_wait_for_receipts_does_not_count_as_sending(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 5)
    async with Simulator(receipt_delay=0.5) as simulator:
        result = await send(url(simulator), "--csv", str(file), "--json")
    shown = json.loads(result.stdout)
    assert shown["receipts"] == {"DELIVERED": 5}
    assert shown["seconds"] - shown["sending_seconds"] >= 0.4
    assert shown["rate"] > 5 / shown["seconds"]


async def test_receipts_of_an_earlier_run_are_taken_by_the_next(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 2)
    async with Simulator(receipt_delay=0.3) as simulator:
        first = await send(url(simulator), "--csv", str(file), "--wait", "0")
        assert first.exit_code == 0
        assert set(states(tmp_path / "list.results.csv").values()) == {"accepted"}
        with file.open("a") as more:
            more.write(f"{FIRST + 3},INFO,one more\n")
        assert (await send(url(simulator), "--csv", str(file))).exit_code == 0
    assert set(states(tmp_path / "list.results.csv").values()) == {"DELIVERED"}


# Going on


async def test_a_run_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    file, output = write(tmp_path / "list.csv", 6), tmp_path / "out.csv"
    script = Script(rules=(Rule(destination=LOST, answer="none"),))
    async with Simulator(script=script) as simulator:
        arguments = [url(simulator, "?window=1"), "--csv", str(file), "--results", str(output), "--no-receipt"]
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "smpp", "send", *arguments)
        await simulator.wait_until(lambda: len(simulator.log) == 3)
        process.kill()
        await process.wait()
        assert results(output)[-1]["states"] == "sending"
        with output.open("ab") as torn:
            torn.write(b"4,4479")  # as a crash of the machine leaves it

        simulator.script = Script()
        second = await send(*arguments)
        assert second.exit_code == 1
        assert "6 rows: 3 accepted, 2 accepted by an earlier run, 1 in doubt\n" in second.stdout
        assert "in doubt, because the response was lost: row 3 (--resend-in-doubt" in second.stdout
        assert states(output) == {**dict.fromkeys("12456", "accepted"), "3": "in_doubt"}

        third = await send(*arguments, "--resend-in-doubt")
        assert third.exit_code == 0
        assert destinations(simulator) == {str(FIRST + row): 2 if row == 3 else 1 for row in range(1, 7)}
        assert (await send(*arguments)).stdout.startswith("6 rows: 6 accepted by an earlier run\n")
        assert len(simulator.log) == 7


async def test_ctrl_c_ends_in_order_and_the_next_run_does_the_rest(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 200)
    async with Simulator() as simulator:
        arguments = [url(simulator), "--csv", str(file), "--rate", "50"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smpp", "send", *arguments, stdout=asyncio.subprocess.PIPE
        )
        await simulator.wait_until(lambda: len(simulator.log) >= 3)
        os.kill(process.pid, signal.SIGINT)
        stdout, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1
        assert b"stopped before the end of the file" in stdout
        assert not {"sending", "in_doubt"} & set(states(tmp_path / "list.results.csv").values())
        assert (await send(*arguments[:-2])).exit_code == 0
        assert set(destinations(simulator).values()) == {1}
        assert len(simulator.log) == 200


async def test_a_lost_response_leaves_a_row_in_doubt(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 5)
    script = Script(rules=(Rule(destination=LOST, disconnect="before"),))
    async with Simulator(script=script) as simulator:
        result = await send(url(simulator, "?window=1"), "--csv", str(file))
        assert destinations(simulator)[LOST] == 1
    assert result.exit_code == 1
    assert states(tmp_path / "list.results.csv") == {**dict.fromkeys("1245", "DELIVERED"), "3": "in_doubt"}


async def test_results_of_another_file_are_refused(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one.csv", 2), write(tmp_path / "other.csv", 2, "to,from,TEXT")
    async with Simulator() as simulator:
        options = ["--results", str(tmp_path / "out.csv")]
        assert (await send(url(simulator), "--csv", str(one), *options)).exit_code == 0
        result = await send(url(simulator), "--csv", str(other), *options)
        assert len(simulator.log) == 2
    assert result.exit_code == 2
    assert "holds the results of another file than" in result.stderr
    assert result.stderr.count("\n") == 1


# What cannot be


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("to,from,text,foo\n", "column 'foo' is unknown; expected from, to, text, or a TLV by name"),
        ("from,text\n", "column 'to' is missing"),
        ("to,text\n", "column 'from' is missing"),
        ("to,from,text,to\n", "column 'to' is there twice"),
        ("", "has no header; expected from, to, text"),
        ("to,from,text,0x10000\n", "column '0x10000' is unknown"),
    ],
)
def test_a_header_that_makes_no_sense_exits_with_2_in_one_line(content: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(content)
    result = call("smpp://demo:s3cret@127.0.0.1:1", "--csv", str(file))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"smpp send: {file}: {expected}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--csv", "{dir}/none.csv"], "none.csv: No such file or directory"),
        (["--csv", "{dir}/list.csv", "--results", "{dir}/list.csv"], "is the input"),
        (["--csv", "{dir}/list.csv", "--results", "{dir}/foreign.csv"], "is no results file of smpp send"),
        (["--csv", "{dir}/list.csv", "--results", "{dir}/none/out.csv"], "out.csv: No such file or directory"),
        (["--csv", "{dir}/list.csv", "--to", "1"], "--to and --csv exclude each other"),
        (["--rate", "5", "--from", "A", "--to", "1", "hi"], "need --csv"),
        (["--from", "A", "--to", "1"], "Missing argument 'TEXT'"),
        (["hi", "--to", "1"], "Missing option '--from'"),
        (["--csv", "{dir}/list.csv", "--server", "smpp://127.0.0.1:2?window=3"], "has settings of its own"),
    ],
)
def test_bad_usage_exits_with_2(arguments: list[str], expected: str, tmp_path: Path) -> None:
    write(tmp_path / "list.csv", 1)
    (tmp_path / "foreign.csv").write_text("a,b\n")
    result = call("smpp://demo:s3cret@127.0.0.1:1", *(argument.format(dir=tmp_path) for argument in arguments))
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "s3cret" not in result.output


async def test_a_refused_bind_exits_with_1_and_the_file_may_be_sent_later(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", 2)
    async with Simulator(credentials={"demo": "right"}) as simulator:
        refused = await send(simulator.url(0, "demo", "s3cret"), "--csv", str(file))
        assert refused.exit_code == 1
        assert "ESME_R" in refused.stderr
        assert "s3cret" not in refused.output
        password = tmp_path / "password"
        password.write_text("right\n")
        result = await send(simulator.url(0, "demo"), "--csv", str(file), "--password-file", str(password))
        assert result.exit_code == 0


async def test_a_profile_refuses_what_its_provider_would(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "to,text,from,PE_ID,Template_ID,TM_ID\n919876543210,hi,INFO,1101,1107,12\n919876543210,hi,INFO,,,\n"
    )
    async with Simulator() as simulator:
        result = await send(url(simulator), "--csv", str(file), "--profile", "mobtexting", "--binds", "1")
        assert len(simulator.log) == 1
        assert simulator.log[0].message.tlvs.raw(0x1400) == b"1101\0"
    assert result.exit_code == 1
    assert "is missing" in results(tmp_path / "list.results.csv")[1]["error"]
