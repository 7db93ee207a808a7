"""Numbers, times and error codes as a person reads them."""

import pytest

from smpp.wire.meanings import shown_network_error, shown_number, shown_time


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("source_addr_ton", 5, "5 alphanumeric"),
        ("dest_addr_ton", 7, "7 reserved"),
        ("addr_npi", 18, "18 wap client id"),
        ("esm_class", 0x00, "0x00"),
        ("esm_class", 0x03, "0x03 store and forward"),
        ("esm_class", 0x04, "0x04 delivery receipt"),
        ("esm_class", 0xC4, "0xC4 delivery receipt, UDH, reply path"),
        ("esm_class", 0x0C, "0x0C reserved type"),
        ("esm_class", 0x20, "0x20 intermediate notification"),
        ("registered_delivery", 0x00, "0x00"),
        ("registered_delivery", 0x11, "0x11 receipt, intermediate notification"),
        ("registered_delivery", 0x0E, "0x0E receipt on failure, delivery acknowledgement, user acknowledgement"),
        ("data_coding", 0x00, "0x00 smsc default"),
        ("data_coding", 0x08, "0x08 UCS2"),
        ("data_coding", 0x0B, "0x0B reserved"),
        ("data_coding", 0xF0, "0xF0 GSM default, message class 0"),
        ("data_coding", 0xF5, "0xF5 8-bit data, message class 1"),
        ("data_coding", 0xC8, "0xC8 message waiting"),
        ("interface_version", 0x34, "0x34 v3.4"),
        ("sc_interface_version", 0x50, "0x50 v5.0"),
        ("interface_version", 0x01, "0x01"),
        ("message_state", 2, "2 delivered"),
        ("message_state", 10, "10 reserved"),
        ("dest_flag", 3, "3 reserved"),
        ("protocol_id", 65, "65"),
    ],
)
def test_octet_is_shown_with_its_meaning(name: str, value: int, shown: str) -> None:
    assert shown_number(name, value, 1) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("command_id", 0x80000000, "0x80000000 generic_nack"),
        ("command_id", 0x0FFF, "0x00000FFF"),
        ("command_status", 0x0B, "0x0000000B ESME_RINVDSTADR"),
        ("error_status_code", 0x55F, "0x0000055F"),
        ("sequence_number", 0xFFFFFFFF, "4294967295"),
    ],
)
def test_number_of_four_octets_is_shown_with_its_meaning(name: str, value: int, shown: str) -> None:
    assert shown_number(name, value, 4) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "''"),
        ("260722153000508+", "'260722153000508+' 2026-07-22 15:30:00.500000+02:00"),
        ("020610233429000R", "'020610233429000R' 2 years 6 months 10 days 23 hours 34 minutes 29 seconds"),
        ("000001000000000R", "'000001000000000R' 1 day"),
        ("000000000000000R", "'000000000000000R' at once"),
        ("260722083000", "'260722083000' 2026-07-22 08:30:00"),
        ("soon", "'soon' no time"),
    ],
)
def test_time_is_shown_with_what_it_stands_for(text: str, shown: str) -> None:
    assert shown_time(text) == shown


@pytest.mark.parametrize(
    ("octets", "shown"), [("030001", "GSM error 1"), ("0a0102", "network 10 error 258"), ("0300", "0300")]
)
def test_network_error_is_shown_with_its_network(octets: str, shown: str) -> None:
    assert shown_network_error(bytes.fromhex(octets)) == shown
