"""``make bench``: every benchmark, one after the other."""

from bench import codec, one_bind
from bench.measure import machine


def main() -> None:
    """Run them all."""
    print(machine())
    codec.main()
    one_bind.main()


if __name__ == "__main__":
    main()
