"""Callback addresses: nobody can guess them, and older ones are still known."""

from gateway.settings import Secret
from gateway.uplinks.addresses import CallbackAddresses

OLD, NEW = Secret("an old secret of ours"), Secret("a new secret of ours")


def test_an_address_names_uplink_and_token() -> None:
    addresses = CallbackAddresses("https://gw.example/base/", [NEW])

    url = addresses.address("spare")

    head, _, token = url.rpartition("/")
    assert head == "https://gw.example/base/callbacks/spare"
    assert len(token) == 32
    assert addresses.is_known("spare", token)
    assert not addresses.is_known("other", token)
    assert not addresses.is_known("spare", token[:-1] + ("a" if token[-1] != "a" else "b"))
    assert not addresses.is_known("spare", "")
    assert not addresses.is_known("spare", "é")


def test_addresses_of_an_older_secret_are_known() -> None:
    token = CallbackAddresses("https://gw.example", [OLD]).address("spare").rpartition("/")[2]

    assert CallbackAddresses("https://gw.example", [NEW, OLD]).is_known("spare", token)
    assert not CallbackAddresses("https://gw.example", [NEW]).is_known("spare", token)


def test_parts_and_relays_have_their_place() -> None:
    addresses = CallbackAddresses("https://gw.example", [NEW])

    assert addresses.address("spare", parts=3) == addresses.address("spare") + "?parts=3"
    assert addresses.address("spare", relay="abc") == addresses.address("spare") + "/abc"


def test_without_an_address_of_ours_there_is_none() -> None:
    assert CallbackAddresses("", [NEW]).address("spare") == ""
    assert not CallbackAddresses("", []).is_known("spare", "")
