"""What is accepted, and with which words what is not is refused."""

from typing import Any

import pytest

from gateway.config import parse
from gateway.errors import ConfigError, InvalidMessage, RateLimited
from gateway.models import Coding, Message, NewMessage
from gateway.networks import parse_networks
from gateway.policy import DATA_LIMIT, TEXT_LIMIT, Policy
from tests.gateway.fakes import NOW, new_message

ACCOUNTS = parse(
    """
[account.shop]
default_sender = "SHOP"
callback_url = "https://hooks.example/shop"
[account.strict]
senders = ["ACME", "447700900001"]
"""
).account
POLICY = Policy(ACCOUNTS)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("447700900123", "447700900123"),
        ("+447700900123", "447700900123"),
        ("00447700900123", "447700900123"),
        ("+44 (7700) 900-123", "447700900123"),
        ("44.7700.900123", "447700900123"),
        ("12345", "12345"),
    ],
)
def test_recipients_are_kept_as_digits(written: str, kept: str) -> None:
    assert POLICY.check(new_message(recipient=written), NOW).recipient == kept


def test_the_account_fills_in_what_is_missing() -> None:
    checked = POLICY.check(new_message(sender=""), NOW)
    assert (checked.sender, checked.callback_url) == ("SHOP", "https://hooks.example/shop")
    checked = POLICY.check(new_message(sender="OTHER", callback_url="https://else.example/"), NOW)
    assert (checked.sender, checked.callback_url) == ("OTHER", "https://else.example/")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "x" * TEXT_LIMIT},
        {"text": "🌍"},
        {"text": "", "data": b"\x00" * DATA_LIMIT, "coding": Coding.BINARY},
        {"text": "", "data": b"x" * 133, "udh": b"\x06\x05\x04\x0b\x84\x23\xf0"},
        {"text": "", "data": b"", "udh": b"\x03\x70\x01\x00"},
        {"text": "ÿ", "coding": Coding.LATIN_1},
        {"sender": "+447700900123"},
        {"sender": "12345"},
        {"sender": "A name. 4U!"},
        {"data_coding": 0xF5, "message_class": 0},
        {"validity_seconds": 604_800},
        {"scheduled_at": NOW - 5},
        {"priority": 3},
        {"client_reference": "x" * 255},
        {"tlvs": ((0x1400, b"x" * 100), (0xFFFF, b""))},
        {"account": "strict", "sender": "ACME"},
        {"account": "strict", "sender": "+447700900001"},
    ],
)
def test_what_may_be_is_taken_unchanged(fields: dict[str, Any]) -> None:
    message = new_message(callback_url="https://else.example/", **fields)
    assert POLICY.check(message, NOW) == message


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"account": "nobody"}, "unknown_account", "account"),
        ({"recipient": ""}, "invalid_recipient", "recipient"),
        ({"recipient": "12"}, "invalid_recipient", "recipient"),
        ({"recipient": "1" * 21}, "invalid_recipient", "recipient"),
        ({"recipient": "44770090o123"}, "invalid_recipient", "recipient"),
        ({"recipient": "٤٤٧٧٠٠٩٠٠١٢٣"}, "invalid_recipient", "recipient"),
        ({"recipient": "447700900123\n"}, "invalid_recipient", "recipient"),
        ({"recipient": "++447700900123"}, "invalid_recipient", "recipient"),
        ({"account": "strict", "sender": ""}, "missing_sender", "sender"),
        ({"account": "strict", "sender": "EVIL"}, "sender_not_allowed", "sender"),
        ({"sender": "twelve chars"}, "invalid_sender", "sender"),
        ({"sender": "Ünï"}, "invalid_sender", "sender"),
        ({"sender": "A\x00B"}, "invalid_sender", "sender"),
        ({"sender": "1" * 21}, "invalid_sender", "sender"),
        ({"text": ""}, "missing_text", "text"),
        ({"text": "x" * (TEXT_LIMIT + 1)}, "text_too_long", "text"),
        ({"text": "a\ud83d"}, "invalid_text", "text"),
        ({"text": "a\0b"}, "invalid_text", "text"),
        ({"client_reference": "a\0"}, "invalid_client_reference", "client_reference"),
        ({"group": "\udc00"}, "invalid_client_reference", "client_reference"),
        ({"text": "x", "coding": Coding.BINARY}, "missing_data", "data"),
        ({"text": "€", "coding": Coding.LATIN_1}, "invalid_text", "text"),
        ({"text": "x", "data": b"x"}, "text_and_data", "data"),
        ({"text": "", "data": b""}, "missing_data", "data"),
        ({"text": "", "data": b"x" * (DATA_LIMIT + 1)}, "data_too_long", "data"),
        ({"text": "", "data": b"x" * 137, "udh": b"\x03\x70\x01\x00"}, "data_too_long", "data"),
        ({"udh": b"\x05\x00\x03\x01\x02"}, "invalid_udh", "udh"),
        ({"udh": b"\x04\x00\x03\x01\x02"}, "invalid_udh", "udh"),
        ({"udh": b"\x01\x00"}, "invalid_udh", "udh"),
        ({"data_coding": 256}, "invalid_data_coding", "data_coding"),
        ({"data_coding": -1}, "invalid_data_coding", "data_coding"),
        ({"message_class": 4}, "invalid_message_class", "message_class"),
        ({"validity_seconds": 0}, "invalid_validity", "validity_seconds"),
        ({"validity_seconds": 604_801}, "invalid_validity", "validity_seconds"),
        ({"scheduled_at": NOW + 366 * 86_400}, "invalid_schedule", "scheduled_at"),
        ({"scheduled_at": float("nan")}, "invalid_schedule", "scheduled_at"),
        ({"priority": 4}, "invalid_priority", "priority"),
        ({"client_reference": "x" * 256}, "client_reference_too_long", "client_reference"),
        ({"tlvs": ((1, b""),) * 65}, "too_many_tlvs", "tlvs"),
        ({"tlvs": ((1, b"x" * 4097),)}, "tlvs_too_long", "tlvs"),
        ({"tlvs": ((0x10000, b""),)}, "invalid_tlv", "tlvs"),
        ({"callback_url": "http://127.0.0.1/"}, "invalid_callback_url", "callback_url"),
        ({"callback_url": "mailto:x@example.com"}, "invalid_callback_url", "callback_url"),
    ],
)
def test_what_may_not_be_is_refused_by_code_and_field(fields: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        POLICY.check(new_message(**fields), NOW)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_exempt_networks_hold_for_callbacks_of_messages() -> None:
    policy = Policy(ACCOUNTS, parse_networks(["127.0.0.0/8"]))
    policy.check(new_message(callback_url="http://127.0.0.1:9000/"), NOW)


# --- rules of accounts ---


def policy(text: str, **options: Any) -> Policy:
    return Policy.of(parse("[account.shop]\n" + text), **options)


def refused(judge: Policy, **fields: Any) -> tuple[str, str]:
    with pytest.raises(InvalidMessage) as caught:
        judge.check(new_message(**fields), NOW)
    return caught.value.code, caught.value.field


def test_national_numbers_get_the_prefix_of_the_accounts_country() -> None:
    judge = policy('[account.shop.rules]\ncountry_prefix = "44"')
    assert judge.check(new_message(recipient="07700 900123"), NOW).recipient == "447700900123"
    assert judge.check(new_message(recipient="+33 612345678"), NOW).recipient == "33612345678"


def test_senders_may_be_allowed_by_patterns() -> None:
    judge = policy('senders = ["SHOP*", "4477009000?1"]')
    for sender in ("SHOP", "SHOP-UK", "+447700900011"):
        assert judge.check(new_message(sender=sender), NOW).sender == sender
    assert refused(judge, sender="BANK") == ("sender_not_allowed", "sender")
    assert refused(judge, sender="4477009000011") == ("sender_not_allowed", "sender")


def test_an_accounts_senders_may_have_to_be_numbers() -> None:
    judge = policy('[account.shop.rules]\nsender_kind = "numeric"')
    assert judge.check(new_message(sender="+447700900011"), NOW)
    assert refused(judge, sender="SHOP") == ("sender_not_allowed", "sender")


COUNTRIES = """
[[sender_country]]
prefix = "91"
kind = "alphanumeric"
senders = ["SHOPIN"]
[[sender_country]]
prefix = "1"
kind = "numeric"
replace_with = "12025550123"
[[sender_country]]
prefix = "1204"
[[sender_country]]
prefix = "1"
account = "shop2"
[account.shop2]
"""


def test_countries_ask_for_senders_of_their_own() -> None:
    judge = policy(COUNTRIES)
    assert refused(judge, recipient="919876543210") == ("sender_not_allowed", "sender")
    assert refused(judge, recipient="919876543210", sender="12345") == ("sender_not_allowed", "sender")
    assert judge.check(new_message(recipient="919876543210", sender="SHOPIN"), NOW).sender == "SHOPIN"
    assert judge.check(new_message(recipient="12025550199"), NOW).sender == "12025550123"
    assert judge.check(new_message(recipient="12025550199", sender="12025550100"), NOW).sender == "12025550100"
    assert judge.check(new_message(recipient="12045550199"), NOW).sender == "SHOP"
    assert judge.check(new_message(recipient="12025550199", account="shop2"), NOW).sender == "SHOP"


def test_what_nobody_may_do_is_refused_to_all() -> None:
    judge = policy('[policy]\nblocked_senders = ["*bank*"]\nblocked_recipients = ["4490*"]')
    assert refused(judge, sender="MyBANK") == ("sender_blocked", "sender")
    assert refused(judge, recipient="449011111111") == ("recipient_blocked", "recipient")
    assert judge.check(new_message(), NOW)


def test_an_account_may_send_to_some_numbers_only() -> None:
    judge = policy('[account.shop.rules]\nallowed_recipients = ["44*"]\nblocked_recipients = ["44770090099?"]')
    assert judge.check(new_message(), NOW)
    assert refused(judge, recipient="33612345678") == ("recipient_not_allowed", "recipient")
    assert refused(judge, recipient="447700900999") == ("recipient_blocked", "recipient")


class Listed:
    def has(self, account: str, number: str) -> bool:
        return (account, number) == ("shop", "447700900123")


def test_who_wants_no_more_messages_gets_none() -> None:
    judge = policy("[account.other]\n[account.code]\n[account.code.rules]\nopt_outs = false", opt_outs=Listed())
    assert refused(judge, recipient="+44 7700 900123") == ("recipient_opted_out", "recipient")
    assert judge.check(new_message(recipient="447700900124"), NOW)
    assert judge.check(new_message(account="other"), NOW)


def test_priorities_are_kept_within_bounds() -> None:
    judge = policy("[account.shop.rules]\nmin_priority = 1\nmax_priority = 2")
    assert [judge.check(new_message(priority=n), NOW).priority for n in range(4)] == [1, 1, 2, 2]


# NOW is 2027-01-15 08:00 UTC, a Friday.
HOURS = '[account.shop.rules]\nhours = "09:00-21:00"\nhours_priority = 1\n'


def test_advertising_waits_for_its_hours() -> None:
    judge = policy(HOURS)
    assert judge.check(new_message(), NOW).scheduled_at == NOW + 3600
    assert judge.check(new_message(), NOW + 3600).scheduled_at is None
    assert judge.check(new_message(scheduled_at=NOW + 7200), NOW).scheduled_at == NOW + 7200
    assert judge.check(new_message(scheduled_at=NOW + 14 * 3600), NOW).scheduled_at == NOW + 25 * 3600
    assert judge.check(new_message(priority=2), NOW).scheduled_at is None


def test_advertising_is_known_by_its_service_however_urgent_it_is() -> None:
    judge = policy('[account.shop.rules]\nhours = "09:00-21:00"\nhours_service = ["promotional", "P"]')
    for service in ("promotional", "P"):
        for priority in (0, 3):
            advert = new_message(service=service, priority=priority)
            assert judge.check(advert, NOW).scheduled_at == NOW + 3600
            assert judge.postponed_until(kept(advert), NOW) == NOW + 3600
    for service in ("transactional", ""):
        assert judge.check(new_message(service=service), NOW).scheduled_at is None
        assert judge.postponed_until(kept(new_message(service=service)), NOW) is None


def kept(message: NewMessage) -> Message:
    fields = {name: getattr(message, name) for name in NewMessage.__struct_fields__}
    return Message(**fields, id="1", node="n1", created_at=NOW, updated_at=NOW)


def test_advertising_may_be_refused_outside_its_hours() -> None:
    judge = policy(HOURS + 'outside_hours = "refuse"\ntime_zone = "America/New_York"\ndays = ["fri"]')
    assert refused(judge) == ("outside_hours", "scheduled_at")
    assert judge.check(new_message(), NOW + 7 * 3600)
    assert refused(judge, scheduled_at=NOW + 86_400 + 7 * 3600) == ("outside_hours", "scheduled_at")


def test_an_account_that_is_too_fast_is_told_when_to_come_again() -> None:
    judge = policy("[account.shop.rules]\nmessages_per_second = 2\nburst_messages = 3\n[account.other]")
    for _ in range(3):
        judge.admit(new_message(), NOW)
    with pytest.raises(RateLimited) as caught:
        judge.admit(new_message(), NOW)
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 0.5)
    judge.admit(new_message(account="other"), NOW)
    judge.check(new_message(), NOW)
    judge.admit(new_message(), NOW + 0.5)
    with pytest.raises(InvalidMessage, match="3 to 20"):
        judge.admit(new_message(recipient="1"), NOW + 1)
    judge.admit(new_message(), NOW + 1)


def test_new_rules_take_effect_and_what_was_sent_still_counts() -> None:
    rules = "[account.shop.rules]\nmessages_per_second = 1\nburst_messages = {}\n"
    judge = policy(rules.format(2))
    judge.admit(new_message(), NOW)
    judge.admit(new_message(), NOW)
    judge.replace(policy(rules.format(5) + '[policy]\nblocked_senders = ["EVIL"]\n[account.new]'))
    assert refused(judge, sender="EVIL") == ("sender_blocked", "sender")
    with pytest.raises(RateLimited):
        judge.admit(new_message(), NOW)
    judge.admit(new_message(account="new"), NOW)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[account.shop.rules]\nmin_priority = 2\nmax_priority = 1", "account.shop.rules.max_priority"),
        ("[account.shop.rules]\nburst_messages = 2", "account.shop.rules.burst_messages"),
        ("[account.shop.rules]\nnational_digits = [10]", "account.shop.rules.national_digits"),
        ('[account.shop.rules]\nblocked_recipients = ["44x*"]', "account.shop.rules.blocked_recipients[0]"),
        ('[account.shop.rules]\nallowed_recipients = [""]', "account.shop.rules.allowed_recipients[0]"),
        ('[account.shop.rules]\nhours = "9-21"', "account.shop.rules.hours"),
        ('[account.shop.rules]\nhours_service = ["P"]', "account.shop.rules.hours_service"),
        (HOURS + 'hours_service = ["P"]', "account.shop.rules.hours_priority"),
        ('[account.shop.rules]\ntime_zone = "Nowhere"', "account.shop.rules.time_zone"),
        ('default_sender = "SHOP"\n[account.shop.rules]\nsender_kind = "numeric"', "account.shop.rules.sender_kind"),
        ('[policy]\nblocked_recipients = ["+44"]', "policy.blocked_recipients[0]"),
        ('[[sender_country]]\nprefix = "91"\naccount = "nobody"', "sender_country[0].account"),
        ('[[sender_country]]\nprefix = "91"\n[[sender_country]]\nprefix = "91"', "sender_country[1].prefix"),
        (
            '[[sender_country]]\nprefix = "91"\nkind = "numeric"\nreplace_with = "SHOP"',
            "sender_country[0].replace_with",
        ),
        ('[[sender_country]]\nprefix = "91"\nsenders = ["A"]\nreplace_with = "B"', "sender_country[0].replace_with"),
    ],
)
def test_rules_that_cannot_be_are_refused(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(text)
    assert caught.value.key == key
