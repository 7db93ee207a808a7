"""Numbers as people write them."""

import pytest

from gateway.providers.numbers import SenderMalformed, SenderTooLong, recipient_digits, sender_address


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("919876543210", "919876543210"),
        ("+919876543210", "919876543210"),
        ("00919876543210", "919876543210"),
        ("+91 98765-43210", "919876543210"),
        (" 919876543210 ", "919876543210"),
        ("00 91 98765 43210", "919876543210"),
        ("123", "123"),
        ("123456789012345", "123456789012345"),
        ("00123456789012345", "123456789012345"),
        ("1234567890123456", None),
        ("12", None),
        ("", None),
        ("+", None),
        ("++9198", None),
        ("91+98", None),
        ("91x98", None),
        ("9198\n", None),
        ("\u0661\u0662\u0663\u0664", None),
        ("+0091987", None),
    ],
)
def test_recipient_is_reduced_to_digits(written: str, digits: str | None) -> None:
    assert recipient_digits(written) == digits


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ("INFO", "INFO"),
        (" My Shop 24 ", "My Shop 24"),
        ("ELEVENCHARS", "ELEVENCHARS"),
        ("63001", "63001"),
        ("+44 7700-900123", "447700900123"),
        ("00447700900123", "447700900123"),
        ("1234567890123456", "1234567890123456"),
        ("A&B+C", "A&B+C"),
    ],
)
def test_sender_is_digits_or_a_name(written: str, sender: str) -> None:
    assert sender_address(written) == sender


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("TWELVECHARS!", SenderTooLong),
        ("12345678901234567", SenderTooLong),
        ("", SenderMalformed),
        ("  ", SenderMalformed),
        ("00", SenderMalformed),
        ("Caf\u00e9", SenderMalformed),
        ("A\x00B", SenderMalformed),
    ],
)
def test_what_is_no_sender_says_which_way(written: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        sender_address(written)
