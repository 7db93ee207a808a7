"""``make bench``: every benchmark, one after the other; ``make bench ARGS=--full`` for longer runs and more sizes.

Single ones: ``python -m bench.codec`` and the like.
"""

import argparse
import time

from bench import binds, codec, compare, growth, gsm, one_bind, outstanding, receipts, server, session, tls
from bench.measure import how_busy, machine

ALWAYS = (codec, gsm, session, one_bind, server, receipts, binds, tls, outstanding, compare)


def main() -> None:
    """Run them all."""
    parser = argparse.ArgumentParser(prog="bench", description="Measures smppkit, alone and beside other stacks.")
    parser.add_argument("--full", action="store_true", help="longer runs, more sizes, growth by window and binds")
    is_full = parser.parse_args().full
    started = time.monotonic()
    print(machine())
    print(how_busy())
    for question in ALWAYS + ((growth,) if is_full else ()):
        question.main()
    print(f"\n{time.monotonic() - started:.0f} s; {how_busy()}")


if __name__ == "__main__":
    main()
