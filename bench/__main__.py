"""``make bench``: every benchmark, one after the other; ``make bench ARGS=--full`` for longer runs and more sizes.

Single ones by name, with what they take: ``python -m bench chaos --seconds 60``; ``python -m bench --help`` names them.
"""

import argparse
import sys
import time

from bench import (
    binds,
    chaos,
    codec,
    compare,
    csv_send,
    dialects,
    gateway,
    gateway_kill,
    growth,
    gsm,
    limits,
    one_bind,
    outstanding,
    receipts,
    routing,
    server,
    session,
    store_growth,
    tls,
    webhooks,
)
from bench.measure import how_busy, machine

ALWAYS = (codec, gsm, routing, session, one_bind, server, receipts, binds, tls, outstanding, limits, csv_send, compare)
FULL_ONLY = (growth, store_growth, chaos, gateway, dialects, webhooks, gateway_kill)
BY_NAME = {question.__name__.removeprefix("bench."): question for question in ALWAYS + FULL_ONLY}


def main() -> None:
    """Run them all, or one."""
    if len(sys.argv) > 1 and sys.argv[1] in BY_NAME:
        BY_NAME[sys.argv.pop(1)].main()
        return
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measures smppkit, alone and beside other stacks.",
        epilog="\n".join(["by name:", *(f"  {name:12} {_question(name)}" for name in BY_NAME)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--full", action="store_true", help="longer runs, more sizes, growth by window and binds, chaos"
    )
    parser.add_argument("name", nargs="?", choices=list(BY_NAME), metavar="NAME", help="one of them alone")
    is_full = parser.parse_args().full
    started = time.monotonic()
    print(machine())
    print(how_busy())
    failed = []
    for question in ALWAYS + (FULL_ONLY if is_full else ()):
        try:
            question.main()
        except SystemExit as asked:  # a limit that does not hold, a lost message
            if asked.code:
                failed.append(question.__name__.removeprefix("bench."))
    print(f"\n{time.monotonic() - started:.0f} s; {how_busy()}")
    if failed:
        sys.exit(f"not as it should be: {', '.join(failed)}")


def _question(name: str) -> str:
    return (BY_NAME[name].__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    main()
