"""A number's first digits say the same as the whole of it."""

import phonenumbers
import pytest

from gateway.services.numbers import brief, describe, outline


@pytest.mark.parametrize("number", ["919876543210", "40743123456", "60123456789", "12025550123", "33612345678"])
def test_the_brief_look_agrees_with_the_whole_one(number: str) -> None:
    short, whole = brief(number), describe(number)
    assert (short.country, short.country_name, short.country_code) == (
        whole.country,
        whole.country_name,
        whole.country_code,
    )
    assert (short.carrier, short.mcc, short.mnc, short.e164) == (whole.carrier, whole.mcc, whole.mnc, whole.e164)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_outline_agrees_with_the_whole_look(region: str) -> None:
    for kind in range(11):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for written in (number, number[:-1], number + "0"):
            short, whole = outline(written), describe(written)
            for name in ("number", "is_valid", "e164", "international", "kind", "country", "country_code", "carrier"):
                assert getattr(short, name) == getattr(whole, name), (written, name)


@pytest.mark.parametrize("number", ["", "0", "000", "88299999999", "999", "x"])
def test_the_brief_look_takes_what_is_no_number(number: str) -> None:
    assert not brief(number).carrier
