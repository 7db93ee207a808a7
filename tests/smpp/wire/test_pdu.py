"""The declarations against the specification's tables."""

from typing import Any

import msgspec
import pytest

from smpp.constants import RESPONSE_BIT
from smpp.status import CommandStatus
from smpp.wire.fields import fields_of
from smpp.wire.pdu import (
    MESSAGES,
    AlertNotification,
    Bind,
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    Message,
    Outbind,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
)
from smpp.wire.types import (
    CString,
    DestAddresses,
    Int,
    ShortMessage,
    Time,
    TimeKind,
    TlvBlock,
    UnsuccessSmes,
)
from tests.vectors.load import reference

COMMANDS = reference("commands")["commands"]
by_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command["name"])

COUNTS = {"sm_length", "number_of_dests", "no_unsuccess"}
"""Fields that the value behind them makes."""

OUR_NAMES = {"dest_address": "dest_addresses", "unsuccess_sme": "unsuccess_smes"}

NO_TLVS_BY_THE_BOOK = {
    # v3.4 lists none; v5.0 or the field has them.
    "submit_sm_resp", "submit_multi_resp", "deliver_sm_resp", "query_sm_resp", "replace_sm",
}  # fmt: skip


def declared(command: dict[str, Any]) -> type[Message]:
    return MESSAGES[int(command["id"], 16)]


@by_command
def test_fields_are_those_of_the_table_in_its_order(command: dict[str, Any]) -> None:
    names = [OUR_NAMES.get(field["name"], field["name"]) for field in command["mandatory"]]
    fields = [name for name in fields_of(declared(command)) if name != "tlvs"]
    assert fields == [name for name in names if name not in COUNTS]


@by_command
def test_limits_are_those_of_the_table(command: dict[str, Any]) -> None:
    fields = fields_of(declared(command))
    for row in command["mandatory"]:
        if row["name"] in COUNTS:
            continue
        field = fields[OUR_NAMES.get(row["name"], row["name"])]
        match row:
            case {"type": "integer", "size": size}:
                assert field == Int(size)
            case {"type": "c-octet", "kind": "var", "max": limit}:
                assert isinstance(field, CString)
                assert field.max_octets == limit
            case {"type": "c-octet", "name": "message_id"}:  # deliver_sm_resp: unused, filled by many peers
                assert field == CString(65)
            case {"type": "c-octet", "kind": "fixed"}:
                assert isinstance(field, Time)
                assert field.max_octets == 17
                assert (field.kind is TimeKind.REPORT) == (row["name"] == "final_date")
            case {"type": "octet", "max": limit}:
                assert field == ShortMessage(limit)
            case {"type": "list", "name": "dest_address", "max_count": limit}:
                assert field == DestAddresses(limit)
            case {"type": "list", "name": "unsuccess_sme"}:
                assert field == UnsuccessSmes()


@by_command
def test_pdu_has_a_block_of_tlvs_where_the_table_lists_any(command: dict[str, Any]) -> None:
    has_block = "tlvs" in fields_of(declared(command))
    assert has_block == (bool(command["tlvs"]) or command["name"] in NO_TLVS_BY_THE_BOOK)


@by_command
def test_request_knows_its_response(command: dict[str, Any]) -> None:
    message_type = declared(command)
    assert message_type.command_name == command["name"]
    assert message_type.is_request == (command["kind"] == "request")
    assert issubclass(message_type, Request if message_type.is_request else Response)
    if issubclass(message_type, Request):
        response = message_type.response_type
        assert (response.command_name if response else None) == command["response"]


def test_all_pdus_of_v3_4_and_the_broadcast_operations_are_declared() -> None:
    v3_4 = {int(command["id"], 16) for command in COMMANDS}
    broadcast = {command_id | bit for command_id in (0x111, 0x112, 0x113) for bit in (0, RESPONSE_BIT)}
    assert set(MESSAGES) == v3_4 | broadcast
    assert len(v3_4) == 27


def test_nothing_answers_outbind_and_alert_notification() -> None:
    assert Outbind.response_type is None
    assert AlertNotification.response_type is None


def test_block_of_tlvs_is_always_last() -> None:
    for message_type in MESSAGES.values():
        fields = list(fields_of(message_type).values())
        assert not any(isinstance(field, TlvBlock) for field in fields[:-1])


def test_fault_in_a_field_has_its_own_status() -> None:
    statuses = {
        name: field.command_status for name, field in fields_of(SubmitSm).items() if isinstance(field, CString | Time)
    }
    assert statuses == {
        "service_type": CommandStatus.ESME_RINVSERTYP,
        "source_addr": CommandStatus.ESME_RINVSRCADR,
        "destination_addr": CommandStatus.ESME_RINVDSTADR,
        "schedule_delivery_time": CommandStatus.ESME_RINVSCHED,
        "validity_period": CommandStatus.ESME_RINVEXPIRY,
    }


def test_every_message_can_be_made_without_arguments() -> None:
    for message_type in MESSAGES.values():
        assert message_type() == message_type()
        assert hash(message_type()) == hash(message_type())


def test_field_of_a_response_is_absent_until_it_is_given_but_for_deliver_sm_resp() -> None:
    assert SubmitSmResp().message_id is None
    assert DeliverSmResp().message_id == ""  # §4.6.2: unused, set to NULL


def test_message_cannot_be_changed_but_copied_with_a_change() -> None:
    message = SubmitSm(source_addr="INFO")
    with pytest.raises(AttributeError):
        message.source_addr = "OTHER"  # type: ignore[misc]
    assert msgspec.structs.replace(message, source_addr="OTHER") == SubmitSm(source_addr="OTHER")


def test_password_is_masked_wherever_a_bind_shows_itself() -> None:
    bind = BindTransceiver(system_id="esme", password="hunter2", system_type="VMA", addr_ton=1)
    assert repr(bind) == (
        "BindTransceiver(system_id='esme', password='***', system_type='VMA', interface_version=0x34, addr_ton=1, "
        "addr_npi=0, address_range='')"
    )
    assert repr(Outbind(system_id="smsc", password="hunter2")) == "Outbind(system_id='smsc', password='***')"
    for message_type in MESSAGES.values():
        if "password" in message_type.__struct_fields__:
            assert "hunter2" not in repr(message_type(password="hunter2"))
            assert "hunter2" not in f"{message_type(password='hunter2')}"
    assert issubclass(BindTransceiver, Bind)


def test_receipts_and_messages_show_what_they_carry() -> None:
    assert "esm_class=4" in repr(DeliverSm(esm_class=4))
