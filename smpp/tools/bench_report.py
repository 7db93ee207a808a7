"""What `smpp bench` shows: while it runs, and at the end as a table and as one JSON object."""

import asyncio
import platform
from typing import Final

from smpp.pool import BindStatus, Pool
from smpp.tools.bench_load import Load
from smpp.tools.pooling import Target
from smpp.tools.progress import bar, remaining

PERCENTILES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)

_SHOWN_BINDS: Final = 16


def line(load: Load) -> str:
    """How it goes, in one line."""
    latencies = load.latencies
    rates = f"{load.messages_per_second_now:,.0f}/s now, {load.messages_per_second:,.0f}/s mean"
    times = f"p50 {_ms(latencies.percentile(50))} ms, p99 {_ms(latencies.percentile(99))} ms"
    return f"{load.accepted:,} accepted, {rates}, {load.under_way:,} in flight, {times}, {load.errors.total():,} errors"


def picture(load: Load, pool: Pool) -> list[str]:
    """How it goes, for a terminal."""
    done = (load.accepted + load.errors.total()) / load.total
    lines = [f"{bar(done)}  ETA {remaining(done, load.seconds)}", line(load)]
    lines.append(
        f"{'bind':30} {'state':10} {'in flight':>13} {'accepted':>11} {'refused':>9} {'throttled':>9} {'lost':>5}"
    )
    binds = pool.binds
    lines += [_bind_line(bind) for bind in binds[:_SHOWN_BINDS]]
    if len(binds) > _SHOWN_BINDS:
        lines.append(f"... and {len(binds) - _SHOWN_BINDS} more")
    return lines


def _bind_line(bind: BindStatus) -> str:
    return (
        f"{bind.name:30} {bind.state.value:10} {f'{bind.in_flight:,}/{bind.window:,}':>13} {bind.submitted:>11,} "
        f"{bind.refused:>9,} {bind.throttled:>9,} {bind.reconnects:>5,}"
    )


def table(load: Load, binds: tuple[BindStatus, ...], *, receipts: bool) -> list[str]:
    """What came of it."""
    latencies = load.latencies
    parts = f" ({load.accepted:,} parts)" if len(load.parts) > 1 else ""
    lines = [
        f"{load.accepted // len(load.parts):,} messages accepted{parts} in {load.seconds:.3f} s",
        f"rate     {load.messages_per_second:>12,.1f} messages/s",
        f"our CPU  {_cpu_micros(load):>12,.1f} µs a part",
        "",
        f"{'latency':10} {'ms':>12}",
    ]
    lines += [f"p{percent:<9g} {_ms(latencies.percentile(percent)):>12}" for percent in PERCENTILES]
    lines += [f"{'max':10} {_ms(latencies.largest):>12}", f"{'mean':10} {_ms(latencies.mean):>12}", ""]
    lines += [f"{'bind':30} {'accepted':>11} {'refused':>9} {'throttled':>9} {'lost':>5}"]
    lines += [
        f"{bind.name:30} {bind.submitted:>11,} {bind.refused:>9,} {bind.throttled:>9,} {bind.reconnects:>5,}"
        for bind in binds
    ]
    lines += [f"error {name}: {count:,}" for name, count in load.errors.most_common()]
    if receipts:
        states = "".join(f", {count:,} {state}" for state, count in load.states.most_common())
        lines.append(f"receipts: {load.receipts:,} of {load.accepted:,}{states}")
    return lines


def report(
    load: Load, binds: tuple[BindStatus, ...], target: Target, *, text: str, receipts: bool, is_interrupted: bool
) -> dict[str, object]:
    """What came of it, as a JSON object."""
    latencies = load.latencies
    figures = {f"p{percent:g}": round(latencies.percentile(percent) * 1e3, 3) for percent in PERCENTILES}
    figures |= {"min": round(latencies.smallest * 1e3, 3), "max": round(latencies.largest * 1e3, 3)}
    figures |= {"mean": round(latencies.mean * 1e3, 3)}
    config = target.config
    return {
        "rate": round(load.messages_per_second, 1),
        "latency_ms": figures,
        "seconds": round(load.seconds, 3),
        "messages": load.total // len(load.parts),
        "parts": {"sent": load.sent, "accepted": load.accepted, "failed": load.errors.total()},
        "errors": dict(load.errors),
        "receipts": {"expected": load.accepted, "received": load.receipts, **load.states} if receipts else None,
        "cpu_us_per_part": round(_cpu_micros(load), 2),
        "is_interrupted": is_interrupted,
        "failure": load.failure or None,
        "binds": [
            {
                "name": bind.name,
                "accepted": bind.submitted,
                "refused": bind.refused,
                "throttled": bind.throttled,
                "lost": bind.reconnects,
            }
            for bind in binds
        ],
        "settings": {
            "servers": list(target.names),
            "system_id": target.endpoint.system_id,
            "bind_mode": target.endpoint.bind_mode.value,
            "tls": any(bind.tls for bind in binds),
            "window": config.client.session.window,
            "binds": config.binds_per_server,
            "rate": load.rate,
            "count": load.total // len(load.parts),
            "text": text,
            "parts_per_message": len(load.parts),
            "receipts": receipts,
            "python": platform.python_version(),
            "loop": type(asyncio.get_running_loop()).__module__.partition(".")[0],
        },
    }


def _cpu_micros(load: Load) -> float:
    return load.cpu_seconds / load.sent * 1e6 if load.sent else 0.0


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.3f}"
