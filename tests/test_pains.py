"""The list of pains names tests that exist, and each pain has one."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PAINS = (TESTS / "PAINS.md").read_text(encoding="utf-8")
ROWS = [line for line in PAINS.splitlines() if line.startswith("| ") and not line.endswith("| tests |")]
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions)


def test_every_test_that_the_list_names_exists() -> None:
    named = NAMED.findall(PAINS)
    missing = [f"{path}::{name}" for path, name in named if not (TESTS / path).exists() or name not in names_in(path)]
    assert missing == []
    assert len(named) > 100


def test_every_pain_has_a_test() -> None:
    assert [row for row in ROWS if not NAMED.search(row)] == []
    assert len(ROWS) > 80
