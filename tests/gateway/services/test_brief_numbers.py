"""A number's first digits say the same as the whole of it."""

import pytest

from gateway.services.numbers import brief, describe


@pytest.mark.parametrize("number", ["919876543210", "40743123456", "60123456789", "12025550123", "33612345678"])
def test_the_brief_look_agrees_with_the_whole_one(number: str) -> None:
    short, whole = brief(number), describe(number)
    assert (short.country, short.country_name, short.country_code) == (
        whole.country,
        whole.country_name,
        whole.country_code,
    )
    assert (short.carrier, short.mcc, short.mnc, short.e164) == (whole.carrier, whole.mcc, whole.mnc, whole.e164)


@pytest.mark.parametrize("number", ["", "0", "000", "88299999999", "999", "x"])
def test_the_brief_look_takes_what_is_no_number(number: str) -> None:
    assert not brief(number).carrier
