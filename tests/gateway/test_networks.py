"""Where a callback may go."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidMessage
from gateway.networks import check_url, is_allowed, literal_address, parse_networks

REFUSED = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "192.88.99.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::",
    "2001:0:1::1",
]
ALLOWED = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address))


def test_the_operator_may_exempt_a_network_and_no_more() -> None:
    exempt = parse_networks(["10.1.0.0/16", "::1/128"])
    assert is_allowed(ip_address("10.1.2.3"), exempt)
    assert is_allowed(ip_address("::ffff:10.1.2.3"), exempt)
    assert is_allowed(ip_address("::1"), exempt)
    assert not is_allowed(ip_address("10.2.0.1"), exempt)
    assert not is_allowed(ip_address("127.0.0.1"), exempt)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://127.0.1/x",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost/",
        "http://LOCALHOST.:8080/",
        "http://app.localhost/",
        "https://169.254.169.254/latest/meta-data",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "example.com/x",
        "http://",
        "http:///x",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://[::1",
        "http://exa mple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\r\nx: y",
        "http://example.com/" + "x" * 2100,
        "",
    ],
)
def test_urls_that_cannot_be_called_are_refused(url: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        check_url(url)
    assert (caught.value.code, caught.value.field) == ("invalid_callback_url", "callback_url")


@pytest.mark.parametrize(
    "url", ["https://example.com/x?y=z", "http://example.com:8080", "https://8.8.8.8/", "http://[2606:4700::1111]:81/"]
)
def test_urls_that_may_be_public_are_taken(url: str) -> None:
    check_url(url)


def test_an_exempt_network_lets_its_literal_addresses_and_localhost_in() -> None:
    exempt = parse_networks(["127.0.0.0/8"])
    check_url("http://127.0.0.1:9000/x", exempt)
    check_url("http://localhost:9000/x", exempt)
    with pytest.raises(InvalidMessage):
        check_url("http://10.0.0.1/", exempt)


@given(st.ip_addresses(v=4))
def test_the_old_ways_to_write_an_address_mean_the_same(address: object) -> None:
    value = int(ip_address(str(address)))
    for text in (str(value), hex(value), f"{value >> 24}.{value & 0xFFFFFF}", f"0{value >> 24:o}.{value & 0xFFFFFF}"):
        assert str(literal_address(text)) == str(address)


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(address: object) -> None:
    inner = ip_address(str(address))
    low, high = int(inner) & 0xFFFF, int(inner) >> 16
    for text in (f"::ffff:{inner}", f"64:ff9b::{high:x}:{low:x}", f"2002:{high:x}:{low:x}::1"):
        assert is_allowed(ip_address(text)) == is_allowed(inner)
