"""Ourselves beside smpplib, smpp34, aiosmpplib and node's smpp: the same work in the same run.

Clients run on one core, servers on another. Peers get TCP_NODELAY where they do not set it themselves (smpplib, smpp34,
node): without it they stall at small windows. `frame` is a ceiling: framing and matching with bodies that nobody reads.

Writes a table (Markdown), the figures (JSON) and plots (PNG) into bench/results.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import plot
from bench.codec import beside_peers
from bench.measure import how_busy, machine
from bench.one_bind import loop_name, loops
from bench.runs import NODE_MODULES, Case, Figures, interleaved, missing, node_codec
from bench.scale import Scale, scale
from bench.work import Load

RESULTS = Path(__file__).parent / "results"
US = "smppkit"

CLIENTS = {US: 40_000, "node": 20_000, "smpp34": 8_000, "smpplib": 8_000, "aiosmpplib": 1_000}
"""Messages a run, by what each manages in about a second. aiosmpplib gets slower with each one it keeps."""

SERVERS = {US: 40_000, "node": 20_000, "smpp34": 6_000}


def main() -> None:
    """Measure, print, write."""
    size = scale()
    busy_before = how_busy()
    absent = {peer: reason for peer in CLIENTS if (reason := missing(peer))}
    for peer, reason in absent.items():
        print(f"{peer} is left out: {reason}")
    codec = codecs(size, absent)
    sections: dict[str, dict[str, Case]] = {
        "As a client, one bind, window 100, our server": _client_cases(size, absent),
        "As a client with one receipt a message, window 100, our server": _client_cases(size, absent, receipts=True),
        "As a client with one receipt a message, window 10, our server": _client_cases(
            size, absent, receipts=True, window=10
        ),
        "As a server, one bind, window 100, our client": _server_cases(size, absent),
        "As a server with one receipt a message, window 100, our client": _server_cases(size, absent, receipts=True),
        "Ceiling: frames alone on both sides, window 100": {
            "frame": ("frame", "frame", Load(count=size.count(400_000)), "")
        },
    }
    measured = {
        title: _run(cases, size) for title, cases in sections.items() if size.is_full or "window 10," not in title
    }
    facts = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}",
        f"{busy_before} before, {how_busy()} after; medians of {size.rounds} interleaved rounds",
        ", ".join(f"{name} {number}" for name, number in versions().items()),
        f"Command: make bench{' ARGS=--full' if size.is_full else ''} (this part alone: python -m bench.compare)",
        "Clients on one core, servers on another; plain TCP on the loopback; TCP_NODELAY on all sockets",
    ]
    text = report(facts, codec, measured)
    print(text)
    write(size, facts, text, codec, measured)


def codecs(size: Scale, absent: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Nanoseconds to make and encode, and to decode and read."""
    best = dict(beside_peers(slices=160 if size.is_full else 60))
    if "node" not in absent:
        figures = node_codec()
        best["node"] = figures["encode"], figures["decode"]
    return best


def _client_cases(size: Scale, absent: Iterable[str], *, receipts: bool = False, window: int = 100) -> dict[str, Case]:
    divisor = 2 if receipts else 1
    return {
        f"{peer}{f' ({loop_name(loop)})' if peer == US else ''}": (
            peer,
            US,
            Load(count=size.count(count // divisor), window=window, receipts=receipts),
            loop,
        )
        for peer, count in CLIENTS.items()
        if peer not in absent
        for loop in (loops() if peer == US else ("",))
    }


def _server_cases(size: Scale, absent: Iterable[str], *, receipts: bool = False) -> dict[str, Case]:
    divisor = 2 if receipts else 1
    return {
        f"{peer}{f' ({loop_name(loop)})' if peer == US else ''}": (
            US,
            peer,
            Load(count=size.count(count // divisor), receipts=receipts),
            loop,
        )
        for peer, count in SERVERS.items()
        if peer not in absent
        for loop in (loops() if peer == US else ("",))
    }


def _run(cases: Mapping[str, Case], size: Scale) -> dict[str, Figures]:
    print(f"... {', '.join(cases)}", file=sys.stderr, flush=True)
    return interleaved(cases, size.rounds)


def versions() -> dict[str, str]:
    """Of everything that was measured."""
    found = {"smppkit": version("smppkit")}
    for name in ("smpplib", "smpp34", "aiosmpplib", "uvloop", "msgspec"):
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    package = NODE_MODULES / "smpp" / "package.json"
    if package.exists():
        found["node's smpp"] = json.loads(package.read_text(encoding="utf-8"))["version"]
    return found


def report(
    facts: Iterable[str], codec: Mapping[str, tuple[float, float]], sections: Mapping[str, Mapping[str, Figures]]
) -> str:
    """The tables as Markdown."""
    lines = ["# smppkit beside its peers", "", *(f"- {fact}" for fact in facts), ""]
    lines += ["## Codec", "", "| | make and encode, ns | ratio | decode and read all fields, ns | ratio |"]
    lines += ["|---|---:|---:|---:|---:|"]
    encoding, decoding = codec[US]
    for name, (encode, decode) in codec.items():
        lines.append(f"| {name} | {encode:,.0f} | {encode / encoding:.2f} | {decode:,.0f} | {decode / decoding:.2f} |")
    lines += ["", "Ratio: how many times longer than ours."]
    for title, results in sections.items():
        lines += ["", f"## {title}", ""]
        lines += ["| | messages/s | ratio | client CPU, µs | server CPU, µs | client memory, KiB per 1000 |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        first = next(iter(results.values())).rate
        for name, one in results.items():
            lines.append(
                f"| {name} | {one.rate:,.0f} | {first / one.rate:.1f} | {one.cpu_us:.1f} | {one.server_cpu_us:.1f} "
                f"| {one.kib_per_1000:,.0f} |"
            )
        if len(results) > 1:
            lines += ["", f"Ratio: how many times faster {next(iter(results))} is."]
    return "\n".join(lines) + "\n"


def write(
    size: Scale,
    facts: Iterable[str],
    text: str,
    codec: Mapping[str, tuple[float, float]],
    sections: Mapping[str, Mapping[str, Figures]],
) -> None:
    """Table, figures and plots."""
    RESULTS.mkdir(exist_ok=True)
    stem = "compare" if size.is_full else "quick"
    (RESULTS / f"{stem}.md").write_text(text, encoding="utf-8")
    figures = {
        "facts": list(facts),
        "codec_ns": {name: {"make_and_encode": one, "decode_and_read": other} for name, (one, other) in codec.items()},
        **{title: {name: asdict(one) for name, one in results.items()} for title, results in sections.items()},
    }
    (RESULTS / f"{stem}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if not plot.can_plot():
        print("no plots: Pillow is not installed (extra `bench`)")
        return
    plot.bars(
        RESULTS / f"{stem}-codec.png",
        "submit_sm: make and encode, then decode and read, PDUs a second",
        {name: 1e9 / (one + other) for name, (one, other) in codec.items()},
        "/s",
    )
    for index, (title, results) in enumerate(sections.items(), start=1):
        if len(results) > 1:
            rates = {name: one.rate for name, one in results.items()}
            plot.bars(RESULTS / f"{stem}-{index}.png", title, rates, "/s")
    print(f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


if __name__ == "__main__":
    main()
