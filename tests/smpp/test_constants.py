"""The specification's numbers against its tables."""

import pytest

from smpp.constants import (
    ESM_MODE_MASK,
    ESM_TYPE_MASK,
    HEADER_LENGTH,
    MAX_COMMAND_LENGTH,
    MAX_SEQUENCE_NUMBER,
    BindMode,
    CommandId,
    EsmClass,
    InterfaceVersion,
    MessageState,
    Npi,
    RegisteredDelivery,
    Ton,
    command_name,
    is_intermediate_notification,
    is_receipt,
)
from tests.vectors.load import reference

COMMANDS = reference("commands")


@pytest.mark.parametrize("command", COMMANDS["commands"], ids=lambda command: command["name"])
def test_command_has_the_number_of_the_table(command: dict[str, str]) -> None:
    assert CommandId[command["name"].upper()] == int(command["id"], 16)
    assert command_name(int(command["id"], 16)) == command["name"]


def test_commands_beyond_v3_4_are_the_broadcast_operations() -> None:
    v3_4 = {int(command["id"], 16) for command in COMMANDS["commands"]}
    beyond = {int(command_id, 16): name for command_id, name in COMMANDS["v5_only"].items()}
    responses = {command_id | 0x80000000: f"{name}_resp" for command_id, name in beyond.items()}
    assert {int(known): known.name.lower() for known in CommandId if known not in v3_4} == {**beyond, **responses}


def test_unknown_command_is_named_in_hex() -> None:
    assert command_name(0x0FFF) == "0x00000FFF"


def test_header_has_four_numbers_of_four_octets() -> None:
    assert sum(field["size"] for field in COMMANDS["header"]) == HEADER_LENGTH == 16


def test_limit_lets_the_largest_message_payload_in() -> None:
    longest_data_sm = 16 + 6 + 2 + 65 + 2 + 65 + 3 + 4 + 65_535
    assert longest_data_sm < MAX_COMMAND_LENGTH < 2 * 65_536


def test_sequence_numbers_of_requests_have_31_bits() -> None:
    assert MAX_SEQUENCE_NUMBER == 0x7FFFFFFF


def test_types_of_number_and_numbering_plans_have_the_numbers_of_the_specification() -> None:
    assert [ton.value for ton in Ton] == [0, 1, 2, 3, 4, 5, 6]
    assert [npi.value for npi in Npi] == [0, 1, 3, 4, 6, 8, 9, 10, 14, 18]
    assert (Ton.ALPHANUMERIC, Npi.ISDN) == (5, 1)


def test_interface_versions_have_the_numbers_of_the_specification() -> None:
    assert [version.value for version in InterfaceVersion] == [0x33, 0x34, 0x50]


@pytest.mark.parametrize(
    ("esm_class", "receipt", "notification"),
    [
        (0x00, False, False),
        (0x04, True, False),
        (0x44, True, False),  # with a UDH
        (0x87, True, False),  # with a reply path and a mode
        (0x08, False, False),  # a handset's acknowledgement
        (0x0C, False, False),  # reserved
        (0x20, False, True),
        (0x24, False, False),  # reserved: has both bits, is neither
        (0x3C, False, False),
        (0x40, False, False),
    ],
)
def test_receipt_is_told_by_the_whole_type_of_esm_class(esm_class: int, receipt: bool, notification: bool) -> None:
    assert is_receipt(esm_class) is receipt
    assert is_intermediate_notification(esm_class) is notification


def test_parts_of_esm_class_do_not_overlap() -> None:
    assert ESM_MODE_MASK | ESM_TYPE_MASK | EsmClass.UDHI | EsmClass.REPLY_PATH == 0xFF
    assert ESM_MODE_MASK & ESM_TYPE_MASK == 0


def test_intermediate_notification_is_bit_4_of_registered_delivery() -> None:
    assert int(RegisteredDelivery.INTERMEDIATE_NOTIFICATION) == 0x10


def test_message_states_have_the_numbers_of_the_specification() -> None:
    names = "SCHEDULED ENROUTE DELIVERED EXPIRED DELETED UNDELIVERABLE ACCEPTED UNKNOWN REJECTED SKIPPED"
    assert [state.name for state in MessageState] == names.split()
    assert [state.value for state in MessageState] == list(range(10))


def test_state_on_the_way_is_not_final() -> None:
    assert [state.name for state in MessageState if not state.is_final] == ["SCHEDULED", "ENROUTE", "ACCEPTED"]


@pytest.mark.parametrize(
    ("mode", "submits", "receives"), [("tx", True, False), ("rx", False, True), ("trx", True, True)]
)
def test_bind_mode_says_what_the_session_carries(mode: str, submits: bool, receives: bool) -> None:
    assert BindMode(mode).can_submit is submits
    assert BindMode(mode).can_receive is receives
