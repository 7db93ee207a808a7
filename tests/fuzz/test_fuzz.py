"""A short look with the fuzzer; the long one is run by hand (README.md)."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.checks import DOORS, check
from tests.fuzz.seeds import seeds
from tests.interop.peers import missing

_ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("door", range(len(DOORS)), ids=[door.__name__ for door in DOORS])
def test_what_the_fuzzer_starts_from_holds(door: int) -> None:
    inputs = [seed for seed in seeds() if seed[0] == door]
    assert inputs
    for data in inputs:
        check(data)


@pytest.fixture
def _atheris() -> None:
    if importlib.util.find_spec("atheris") is None:
        missing("atheris", "it has wheels for Linux on x86-64 only")


@pytest.mark.usefixtures("_atheris")
def test_a_few_thousand_inputs_find_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.target", "--runs", "6500", "--seconds", "30", "--seed", "1"]
    done = subprocess.run(
        [*command, "--findings", str(tmp_path)], cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert " runs in " in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_atheris")
def test_an_input_that_failed_is_run_again_alone(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(next(seeds()))
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.target", str(path)], cwd=_ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
