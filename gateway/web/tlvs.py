"""The optional parameters that a caller may put on a message, by name and by tag."""

from typing import Final, NamedTuple


class KnownTlv(NamedTuple):
    """A parameter of submit_sm."""

    tag: int
    min_octets: int
    max_octets: int


# SMPP v3.4 §4.4.1 and §5.3.2, those of submit_sm that say nothing of how the message is cut.
KNOWN_TLVS: Final = {
    "dest_addr_subunit": KnownTlv(0x0005, 1, 1),
    "source_addr_subunit": KnownTlv(0x000D, 1, 1),
    "payload_type": KnownTlv(0x0019, 1, 1),
    "ms_msg_wait_facilities": KnownTlv(0x0030, 1, 1),
    "privacy_indicator": KnownTlv(0x0201, 1, 1),
    "source_subaddress": KnownTlv(0x0202, 2, 23),
    "dest_subaddress": KnownTlv(0x0203, 2, 23),
    "user_message_reference": KnownTlv(0x0204, 2, 2),
    "user_response_code": KnownTlv(0x0205, 1, 1),
    "source_port": KnownTlv(0x020A, 2, 2),
    "destination_port": KnownTlv(0x020B, 2, 2),
    "language_indicator": KnownTlv(0x020D, 1, 1),
    "callback_num_pres_ind": KnownTlv(0x0302, 1, 1),
    "callback_num_atag": KnownTlv(0x0303, 1, 65),
    "number_of_messages": KnownTlv(0x0304, 1, 1),
    "callback_num": KnownTlv(0x0381, 4, 19),
    "more_messages_to_send": KnownTlv(0x0426, 1, 1),
    "ussd_service_op": KnownTlv(0x0501, 1, 1),
    "display_time": KnownTlv(0x1201, 1, 1),
    "sms_signal": KnownTlv(0x1203, 2, 2),
    "ms_validity": KnownTlv(0x1204, 1, 4),
    "alert_on_message_delivery": KnownTlv(0x130C, 0, 1),
    "its_reply_type": KnownTlv(0x1380, 1, 1),
    "its_session_info": KnownTlv(0x1383, 2, 2),
    # India's distributed ledger registration.
    "PE_ID": KnownTlv(0x1400, 1, 254),
    "Template_ID": KnownTlv(0x1401, 1, 254),
    "TM_ID": KnownTlv(0x1402, 1, 254),
}

# Written by us when a message is cut; a caller's own would contradict them.
RESERVED_TAGS: Final = {
    0x020C: "sar_msg_ref_num",
    0x020E: "sar_total_segments",
    0x020F: "sar_segment_seqnum",
    0x0424: "message_payload",
}

DLT_ENTITY_TAG: Final = KNOWN_TLVS["PE_ID"].tag
DLT_TEMPLATE_TAG: Final = KNOWN_TLVS["Template_ID"].tag
DLT_CHAIN_TAG: Final = KNOWN_TLVS["TM_ID"].tag

MAX_TLVS: Final = 32
MAX_TLV_OCTETS: Final = 1024

_BY_TAG: Final = {known.tag: (name, known) for name, known in KNOWN_TLVS.items()}


def check_length(tag: int, octets: int) -> str:
    """Why a value of this length cannot be; empty where it can."""
    if tag in _BY_TAG:
        name, known = _BY_TAG[tag]
        if not known.min_octets <= octets <= known.max_octets:
            return f"{name} holds {known.min_octets} to {known.max_octets} octets, not {octets}"
    if octets > MAX_TLV_OCTETS:
        return f"a value holds at most {MAX_TLV_OCTETS} octets, not {octets}"
    return ""
