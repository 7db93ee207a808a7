"""The short way to read a number says what the long one does."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services import numbers

EXAMPLES = [
    str(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)).removeprefix("+")
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in range(11)
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]


@given(example=st.sampled_from(EXAMPLES), tail=st.text("0123456789", max_size=9), is_longer=st.booleans())
def test_what_is_read_quickly_is_what_is_read_in_full(example: str, tail: str, is_longer: bool) -> None:
    digits = example + tail if is_longer else example[: len(example) - len(tail)] + tail

    with pytest.MonkeyPatch.context() as patch:
        quick = numbers.outline(digits)
        patch.setattr(numbers, "_read_quickly", lambda _digits: None)
        assert quick == numbers.outline(digits)


@pytest.mark.parametrize(
    "written", ["", "+447911123456", "4479", "44 7911 123456", "٤٤٧٩١١١٢٣٤٥٦", "999123456789", "390612345678"]
)
def test_what_needs_a_closer_look_gets_it(written: str) -> None:
    assert numbers._read_quickly(written) is None
