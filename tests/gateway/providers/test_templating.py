"""Texts with variables."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.templating import VARIABLE_LIMIT, fill, pieces_of, variable_names, variables_of


def test_variables_are_found_in_both_spellings() -> None:
    template = "Dear {{name}}, {#var#} of {{ amount }} {{}}"
    assert variable_names(template) == ("name", "var", "amount", "")
    assert pieces_of(template) == ["Dear ", ", ", " of ", " ", ""]
    assert fill(template, {"name": "Ann", "amount": 5}) == "Dear Ann, {#var#} of 5 {{}}"


@pytest.mark.parametrize(
    ("template", "text", "variables"),
    [
        ("Hello", "Hello", ()),
        ("Hello", "hello", None),
        ("Hi {#var#}!", "Hi Ann!", ("Ann",)),
        ("Hi {#var#}!", "Hi !", ("",)),
        ("Hi {#var#}!", "Hi Ann", None),
        ("Hi {{a}}{{b}}", "Hi Ann", ("", "Ann")),
        ("{{a}} {{b}}", "x y z", ("x", "y z")),
        ("{{a}}.", "1.5.", ("1.5",)),
        ("{{a}}", "x" * VARIABLE_LIMIT, ("x" * VARIABLE_LIMIT,)),
        ("{{a}}", "x" * (VARIABLE_LIMIT + 1), None),
        ("{{a}}{{b}}", "x" * (VARIABLE_LIMIT + 1), ("x", "x" * VARIABLE_LIMIT)),
        ("{{a}} – {{b}}", "é – 🎉", ("é", "🎉")),
        ("{{a}}\n{{b}}", "1\n2", ("1", "2")),
    ],
)
def test_a_text_is_taken_apart_by_its_template(template: str, text: str, variables: tuple[str, ...] | None) -> None:
    found = variables_of(template, text)
    assert (found is None) == (variables is None)
    if found is not None and variables is not None:
        assert "".join(a + b for a, b in zip(pieces_of(template), (*found, ""), strict=True)) == text
        assert len(found) == len(variables)
        assert all(len(one) <= VARIABLE_LIMIT for one in found)


_TEXTS = st.text(alphabet="ab ", max_size=8)


@given(st.lists(_TEXTS, min_size=1, max_size=5), st.lists(_TEXTS, min_size=4, max_size=4), st.integers(0, 8))
def test_what_was_filled_in_is_found_again(pieces: list[str], values: list[str], limit: int) -> None:
    template = "{{v}}".join(pieces)
    used = values[: len(pieces) - 1]
    text = "".join(a + b for a, b in zip(pieces, [*used, ""], strict=True))
    found = variables_of(template, text, limit=limit)
    assert variables_of(template, text, limit=None) is not None
    if all(len(one) <= limit for one in used):
        assert found is not None


@given(st.text(alphabet="ab", max_size=10), st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=4))
def test_it_says_what_a_regular_expression_would(text: str, pieces: list[str]) -> None:
    for limit in (None, 0, 1, 3):
        hole = ".*" if limit is None else f".{{0,{limit}}}"
        expected = re.fullmatch(f"({hole})".join(re.escape(one) for one in pieces), text)
        found = variables_of("{{v}}".join(pieces), text, limit=limit)
        assert (found is None) == (expected is None)
        if found is not None:
            assert "".join(a + b for a, b in zip(pieces, (*found, ""), strict=True)) == text
            assert limit is None or all(len(one) <= limit for one in found)


def test_texts_made_to_be_tried_for_ever_are_not() -> None:
    # A regular expression would not come back from either.
    template = "a{{v}}" * 60 + "b"
    assert variables_of(template, "a" * 1_500 + "c") is None
    assert variables_of(template, "a" * 1_500 + "c", limit=None) is None
