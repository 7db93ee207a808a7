"""Coverage-guided fuzzing of everything that reads a peer's octets: python -m tests.fuzz.target --seconds 600

How it works: atheris (libFuzzer) counts branches in `smpp`, generated codec included, and keeps inputs that reach new
ones. A mutated PDU mostly gets its command_length put right, or nothing would get past the framing. Inputs that fail
are kept in the folder `--findings`; hand them over as arguments to see one fail again.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["smpp"]):
    from smpp.wire.codec import DECODERS, ENCODERS
    from tests.fuzz import checks

from tests.fuzz.checks import DOORS, check
from tests.fuzz.seeds import seeds

MAX_OCTETS = 2048
_WITH_LENGTH = {DOORS.index(checks.pdu): 0, DOORS.index(checks.dump): 0, DOORS.index(checks.recording): 1}
"""Doors that take one PDU, and how many octets stand before it."""


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input as libFuzzer does, then mostly put the length of its PDU right."""
    mutated = bytes(atheris.Mutate(data, max_size))
    if not mutated:
        return mutated
    before = _WITH_LENGTH.get(mutated[0] % len(DOORS))
    if before is None or len(mutated) < before + 17 or not random.Random(seed).randrange(8):
        return mutated
    start = 1 + before
    return mutated[:start] + (len(mutated) - start).to_bytes(4) + mutated[start + 4 :]


def main(arguments: list[str] | None = None) -> None:
    """Run until the time is up or something is found; libFuzzer ends the process: 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.target", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long to look (default: 60)")
    parser.add_argument("--runs", type=int, default=-1, help="how many inputs at most")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers; 0: another each time")
    parser.add_argument("--corpus", type=Path, help="folder of inputs to start from and to add to")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="folder for inputs that fail")
    parser.add_argument("inputs", nargs="*", type=Path, help="run these inputs, and nothing else")
    options = parser.parse_args(arguments)
    for path in options.inputs:
        check(path.read_bytes())
    if options.inputs:
        return

    if options.corpus is None:
        # libFuzzer ends its process; what it leaves behind is removed by this one.
        with tempfile.TemporaryDirectory() as folder:
            given = sys.argv[1:] if arguments is None else arguments
            command = [sys.executable, "-m", "tests.fuzz.target", *given, "--corpus", folder]
            sys.exit(subprocess.run(command, check=False).returncode)
    fuzz(options)


def fuzz(options: argparse.Namespace) -> None:
    """Hand over to libFuzzer."""
    for functions in (DECODERS, ENCODERS):
        table: dict[int, Any] = functions
        for function in table.values():
            atheris.instrument_func(function)
    for folder in (options.corpus, options.findings):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (options.corpus / f"seed-{number:05}").write_bytes(seed)
    flags = {
        "max_total_time": options.seconds,
        "runs": options.runs,
        "seed": options.seed,
        "max_len": MAX_OCTETS,
        "timeout": 10,
        "rss_limit_mb": 2048,
        "artifact_prefix": f"{options.findings}/",
        "print_final_stats": 1,
    }
    argv = [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(options.corpus)]
    atheris.Setup(argv, check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
