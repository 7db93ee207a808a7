"""Wireshark's reading of the PDUs that other implementations wrote, beside ours."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from smpp.errors import DecodeError
from smpp.wire import Pdu, decode
from smpp.wire.pdu import MESSAGES, SubmitMulti
from smpp.wire.time import RelativePeriod, parse_time
from smpp.wire.tlv import STANDARD
from tests.vectors.load import Row, conformance_rows

# broadcast_sm that ends in the middle: nothing to compare.
ROWS = [
    row
    for row in conformance_rows()
    if row.get("tshark") and int(row["hex"][8:16], 16) in MESSAGES and row["id"] != "gosmpp2-0007"
]

# Where Wireshark reads something else than what is there.
UNLIKE_WIRESHARK = {
    "aio-0013": {"validity_period"},  # 76 quarter hours behind UTC are no time
    "aio-0046": {"validity_period"},
    "c34-0083": {"opt_param_tag", "opt_param_len", "ms_validity"},  # a TLV beyond the end of the PDU
    "cloudhopper-0020": {"opt_param_tag", "opt_param_len", "receipted_message_id"},  # the same
    "gosmpp2-0018": {"opt_param_tag", "opt_param_len"},  # the same
    "cloudhopper-0028": {"sm_length"},  # 16, with 8 octets behind it
    "npm-0028": {"source_telematics_id"},  # 2 octets, of which Wireshark reads 1
    "rusmpp-0017": {"source_telematics_id"},
    "rs34-0096": {"ms_validity"},  # 4 octets, of which Wireshark reads 1
    "perl-0067": {"destination_addr"},  # Wireshark leaves an empty one out
    "rs34-0044": {"message_payload"},  # cut short in the row
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_octets_decode_as_wireshark_reads_them(row: Row) -> None:
    left_out = UNLIKE_WIRESHARK.get(row["id"], set()) | WITHOUT_VALUE
    octets = bytes.fromhex(row["hex"])
    found = as_wireshark_shows(decode(octets))
    found["command_length"] = [len(octets)]
    for key, shown in row["tshark"].items():
        if key in left_out:
            continue
        assert key in found, f"nothing of ours corresponds to {key}"
        assert found[key] == [reading(key)(item) for item in (shown if isinstance(shown, list) else [shown])], key


WITHOUT_VALUE = {
    "callback_num",  # shown without its value
    "callback_num_atag",
}
TEXTS = {
    "system_id", "password", "system_type", "address_range", "service_type", "source_addr", "destination_addr",
    "esme_addr", "message_id", "dl_name", "additional_status_info_text", "receipted_message_id", "source_network_id",
    "dest_network_id",
}  # fmt: skip
OCTETS = {
    "message", "message_payload", "billing_id", "dest_addr_np_info", "dest_node_id", "source_node_id",
    "dest_subaddress", "source_subaddress", "reserved_op", "vendor_op",
}  # fmt: skip
TIMES = {"schedule_delivery_time", "validity_period", "final_date"}


def reading(key: str) -> Callable[[str], object]:
    """How to read what Wireshark shows under a key."""
    if key == "service_type":
        return lambda shown: "" if shown == "(Default)" else shown
    if key in TEXTS or key in TIMES or key == "alert_on_message_delivery_null":
        return str
    if key in OCTETS:
        return lambda shown: shown.replace(":", "")
    if key.endswith("_r"):
        return float
    return lambda shown: int(shown, 0)


def as_wireshark_shows(pdu: Pdu) -> dict[str, list[object]]:
    """Our reading of a PDU under Wireshark's names."""
    message, shown = pdu.message, Shown()
    shown.add("command_id", message.command_id)
    shown.add("command_status", pdu.command_status)
    shown.add("sequence_number", pdu.sequence_number)
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if value is None or name == "tlvs":
            continue
        if name in TIMES:
            shown.add_time(name, value)
        elif name == "esm_class":
            shown.add("esm.submit.msg_mode", value & 3)
            shown.add("esm.submit.msg_type", value >> 2 & 15)
            shown.add("esm.submit.features", value >> 6)
        elif name == "registered_delivery":
            shown.add("regdel.receipt", value & 3)
            shown.add("regdel.acks", value >> 2 & 3)
            shown.add("regdel.notif", value >> 4 & 1)
        elif name == "short_message":
            shown.add("sm_length", len(value))
            shown.add("message", value.hex())
        elif name in ("dest_addresses", "unsuccess_smes"):
            for item in value:
                for part in item.__struct_fields__:
                    shown.add(part, getattr(item, part))
        else:
            shown.add(name, value)
    for tag, value in getattr(message, "tlvs", ()):
        shown.add_tlv(tag, value)
    if isinstance(message, SubmitMulti):
        # Wireshark gives both empty times of a submit_multi one name.
        shown["schedule_delivery_time_r"] += shown.pop("validity_period_r", [])
    return shown


class Shown(dict[str, list[object]]):
    """Values by name; a name may have several."""

    def add(self, name: str, value: object) -> None:
        self.setdefault(name, []).append(value)

    def add_time(self, name: str, text: str) -> None:
        try:
            time = parse_time(text)
        except DecodeError:
            return
        match time:
            case None:
                self.add(f"{name}_r", 0.0)
            case RelativePeriod(_, _, days, hours, minutes, seconds):  # Wireshark forgets years and months
                self.add(f"{name}_r", float(days * 86_400 + hours * 3600 + minutes * 60 + seconds))
            case datetime() as moment:
                utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
                self.add(name, f"{utc:%b} {utc.day:2} {utc:%Y %H:%M:%S.%f}000 UTC".replace(f" {utc:%Y}", f", {utc:%Y}"))

    def add_tlv(self, tag: int, value: bytes) -> None:
        self.add("opt_param_tag", tag)
        self.add("opt_param_len", len(value))
        name = STANDARD.names.get(tag, "")
        number = int.from_bytes(value)
        match name:
            case "":
                self.add("vendor_op" if 0x1400 <= tag <= 0x3FFF else "reserved_op", value.hex())
            case "sc_interface_version":
                self.add("SC_interface_version", number)
            case "network_error_code":
                self.add("network_error.type", value[0])
                self.add("network_error.code", int.from_bytes(value[1:3]))
            case "its_session_info":
                self.add("its_session.number", value[0])
                self.add("its_session.sequence", value[1] >> 1)
                self.add("its_session.ind", value[1] & 1)
            case "ms_msg_wait_facilities":
                self.add("msg_wait.ind", number >> 7)
                self.add("msg_wait.type", number & 3)
            case "callback_num_pres_ind":
                self.add("callback_num.pres", number >> 2 & 3)
                self.add("callback_num.scrn", number & 3)
            case "alert_on_message_delivery":
                self.add(*(("alert_on_message_delivery_type", number) if value else (f"{name}_null", "")))
            case "billing_identification":
                self.add("billing_id", value.hex())
            case "dest_addr_np_information":
                self.add("dest_addr_np_info", value.hex())
            case _ if name in TEXTS:
                self.add(name, value.rstrip(b"\0").decode())
            case _ if name in OCTETS:
                self.add(name, value.hex())
            case _:
                self.add(name, number)
