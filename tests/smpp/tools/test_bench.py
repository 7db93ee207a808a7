"""`smpp bench`: counts, latencies, errors, and what it says when something is wrong."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from smpp.cli import main
from smpp.simulator import Rule, Script, Simulator
from smpp.tools import plot
from smpp.tools.histogram import Histogram


async def bench(*arguments: str) -> Result:
    """Call the tool in a thread of its own: it has its own loop."""
    return await asyncio.to_thread(call, *arguments)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", *arguments], env={"SMPP_PASSWORD": None})


async def test_json_is_one_object_with_rate_percentiles_and_settings() -> None:
    async with Simulator() as simulator:
        url = simulator.url(0, "demo", "s3cret")
        result = await bench(url, "--count", "500", "--window", "10", "--binds", "2", "--json")
        assert len(simulator.log) == 500
    assert (result.exit_code, result.stderr) == (0, "")
    shown = json.loads(result.stdout)
    assert shown["rate"] > 0
    latencies = shown["latency_ms"]
    assert 0 < latencies["p50"] <= latencies["p90"] <= latencies["p99"] <= latencies["max"]
    assert shown["errors"] == {}
    assert sum(bind["accepted"] for bind in shown["binds"]) == 500
    assert (shown["settings"]["window"], shown["settings"]["binds"]) == (10, 2)
    assert "s3cret" not in result.output


@pytest.mark.parametrize(("option", "loop"), [((), "asyncio"), (("--uvloop",), "uvloop")])
async def test_the_loop_is_the_one_that_was_asked_for(option: tuple[str, ...], loop: str) -> None:
    async with Simulator() as simulator:
        result = await bench(simulator.url(0, "demo", "x"), "--count", "10", "--json", *option)
    assert json.loads(result.stdout)["settings"]["loop"] == loop


async def test_uvloop_that_is_not_there_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smpp.tools.bench.has_uvloop", lambda: False)
    result = await bench("smpp://demo:x@127.0.0.1:1", "--uvloop")
    assert result.exit_code == 2
    assert "pip install 'smppkit[uvloop]'" in result.stderr


async def test_a_table_has_the_percentiles_and_each_bind() -> None:
    async with Simulator() as simulator:
        result = await bench(simulator.url(0, "demo", "x"), "--count", "50", "--text", "x" * 200)
        assert len(simulator.log) == 100
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("50 messages accepted (100 parts) in ")
    assert "\np99 " in result.stdout
    assert f"127.0.0.1:{simulator.ports[0]}#0" in result.stdout


async def test_receipts_are_waited_for() -> None:
    async with Simulator(receipt_delay=0.05) as simulator:
        result = await bench(simulator.url(0, "demo", "x"), "--count", "100", "--receipts", "--json")
    assert json.loads(result.stdout)["receipts"] == {"expected": 100, "received": 100, "DELIVERED": 100}


async def test_errors_are_counted_by_status() -> None:
    script = Script(rules=(Rule(every=4, status="ESME_RINVDSTADR"),))
    async with Simulator(script=script) as simulator:
        result = await bench(simulator.url(0, "demo", "x"), "--count", "100", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["errors"] == {"ESME_RINVDSTADR": 25}


async def test_a_rate_is_kept() -> None:
    async with Simulator() as simulator:
        result = await bench(simulator.url(0, "demo", "x"), "--count", "100", "--rate", "400", "--json")
    assert 0.2 < json.loads(result.stdout)["seconds"] < 2


async def test_ctrl_c_ends_it_with_the_figures_so_far() -> None:
    async with Simulator() as simulator:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smpp", "bench", simulator.url(0, "demo", "x"), "--rate", "50", "--json",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await simulator.wait_until(lambda: len(simulator.log) >= 5)
        os.kill(process.pid, signal.SIGINT)
        stdout, _ = await asyncio.wait_for(process.communicate(), 20)
        shown = json.loads(stdout)
        assert shown["is_interrupted"]
        assert shown["parts"]["accepted"] == shown["parts"]["sent"] == len(simulator.log)
    assert process.returncode == 0


async def test_a_plot_is_a_png(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    async with Simulator() as simulator:
        result = await bench(simulator.url(0, "demo", "x"), "--count", "50", "--plot", str(tmp_path / "plot.png"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_library_a_plot_exits_with_2_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "is_available", lambda: False)
    result = call("smpp://demo:x@127.0.0.1:1", "--plot", "plot.png")
    assert result.exit_code == 2
    assert result.stderr == "smpp bench: --plot draws with Pillow, which is not there: pip install 'smppkit[bench]'\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["http://x"], "URL scheme is 'http'"),
        (["smpp://127.0.0.1"], "names no system_id"),
        (["smpp://demo:x@127.0.0.1?bind=rx"], "a receiver sends nothing"),
        (["smpp://demo:s3cretpassword@127.0.0.1"], "password holds at most 8"),
        (["smpp://demo:x@127.0.0.1", "--to", "1" * 30], "destination_addr"),
        (["smpp://demo:x@127.0.0.1", "--count", "0"], "--count"),
    ],
)
def test_bad_usage_exits_with_2(arguments: list[str], expected: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "s3cret" not in result.output


async def test_a_refused_bind_exits_with_1() -> None:
    async with Simulator(credentials={"demo": "right"}) as simulator:
        result = await bench(simulator.url(0, "demo", "s3cret"))
    assert result.exit_code == 1
    assert result.stderr.startswith("smpp bench: bind_transceiver: ")
    assert "s3cret" not in result.output


@given(st.lists(st.floats(1e-6, 3600), min_size=1, max_size=200), st.sampled_from([1, 50, 90, 99, 100]))
def test_percentiles_are_right_within_two_percent(values: list[float], percent: int) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]
    assert abs(histogram.percentile(percent) - exact) <= max(exact * 0.02, 1.1e-6)
    assert (histogram.smallest, histogram.largest) == (min(values), max(values))
