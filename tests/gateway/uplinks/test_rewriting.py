"""How addresses are written for one uplink."""

from typing import Any

import pytest

from gateway.config import ConfigError, UplinkConfig, parse
from gateway.uplinks.rewriting import Addresses

HEAD = '[uplink.a]\nservers = ["smpp://a.example:2775"]\n'


def uplink(text: str) -> UplinkConfig:
    return parse(HEAD + text).uplink["a"]


SENDERS = """
[uplink.a.destination]
strip_prefix = "44"
[[uplink.a.sender_rules]]
match = "BANK*"
recipient = "1"
sender = "12025550123"
[[uplink.a.sender_rules]]
match = "BANK-*"
sender = "B*"
ton = 5
npi = 8
[[uplink.a.sender_rules]]
match = "447700*"
sender = "0*"
ton = 2
[[uplink.a.sender_rules]]
match = "?????"
npi = 9
"""


@pytest.mark.parametrize(
    ("sender", "recipient", "address"),
    [
        ("SHOP", "447700900123", (5, 0, "SHOP")),
        ("+447600900123", "447700900123", (1, 1, "447600900123")),
        ("60777", "447700900123", (3, 9, "60777")),
        ("BANK-24", "447700900123", (5, 8, "B24")),
        ("BANK-24", "12025550199", (1, 1, "12025550123")),
        ("BANK", "447700900123", (5, 0, "BANK")),
        ("447700900999", "33612345678", (2, 1, "0900999")),
    ],
)
def test_senders_are_written_as_the_first_rule_that_fits_says(sender: str, recipient: str, address: Any) -> None:
    assert Addresses(uplink(SENDERS)).source(sender, recipient) == address


RECIPIENTS = """
[uplink.a.destination]
strip_prefix = "44"
add_prefix = "9"
[[uplink.a.recipient_rules]]
prefix = ""
max_digits = 6
ton = 3
npi = 0
[[uplink.a.recipient_rules]]
prefix = "33"
new_prefix = "0033"
ton = 2
[[uplink.a.recipient_rules]]
prefix = "1"
new_prefix = ""
"""


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        ("60777", (3, 0, "960777")),
        ("33612345678", (2, 1, "90033612345678")),
        ("12025550123", (1, 1, "92025550123")),
        ("447700900123", (1, 1, "97700900123")),
    ],
)
def test_recipients_are_written_by_rules_before_the_destination(recipient: str, address: Any) -> None:
    assert Addresses(uplink(RECIPIENTS)).destination(recipient) == address


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[uplink.a.sender_rules]]\nmatch = "A"\nsender = "B*"', "uplink.a.sender_rules[0].sender"),
        ('[[uplink.a.statuses]]\nstatus = "BROKEN"\nmeans = "retry"', "uplink.a.statuses[0].status"),
        ('[[uplink.a.statuses]]\nstatus = "0"\nmeans = "retry"', "uplink.a.statuses[0].status"),
        (
            '[[uplink.a.statuses]]\nstatus = "0x45"\nmeans = "retry"\n'
            '[[uplink.a.statuses]]\nstatus = "ESME_RSUBMITFAIL"\nmeans = "rejected"',
            "uplink.a.statuses[1].status",
        ),
        ('[[uplink.a.costs]]\nprefix = "44"\nnetwork = "234"\nprice = 1', "uplink.a.costs[0]"),
        ("[[uplink.a.costs]]\nprice = 1.0\n[[uplink.a.costs]]\nprice = 2.0", "uplink.a.costs[1]"),
    ],
)
def test_rules_that_cannot_be_are_refused(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        uplink(text)
    assert caught.value.key == key
