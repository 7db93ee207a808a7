"""What does it cost to make, encode and decode a PDU, beside smpplib and beside construct's grammar?"""

from typing import Any

import smpplib.command
import smpplib.consts
import smpplib.smpp

from bench.measure import Row, best_nanoseconds, print_table
from smpp import SubmitSm, SubmitSmResp, Tlvs, decode, dlt, encode

TEXT = b"Your code is 471199. Do not share it with anybody, whoever asks for it."


class _Numbers:
    """What smpplib wants of a client: a source of sequence numbers."""

    sequence = 0

    def next_sequence(self) -> int:
        """The next one."""
        self.sequence += 1
        return self.sequence


def make_submit() -> SubmitSm:
    """A usual message."""
    return SubmitSm(
        source_addr_ton=5,
        source_addr="INFO",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="919876543210",
        registered_delivery=1,
        short_message=TEXT,
    )


def make_dlt_submit() -> SubmitSm:
    """The same with India's three TLVs."""
    return SubmitSm(
        source_addr_ton=5,
        source_addr="INFO",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="919876543210",
        registered_delivery=1,
        short_message=TEXT,
        tlvs=Tlvs.of(dlt.pe_id("1101000010000012345"), dlt.template_id("1107161234567890123"), dlt.tm_id("1102")),
    )


def make_with_smpplib(numbers: _Numbers) -> Any:
    """The same message as smpplib makes it."""
    return smpplib.smpp.make_pdu(
        "submit_sm",
        client=numbers,
        source_addr_ton=5,
        source_addr="INFO",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="919876543210",
        registered_delivery=True,
        short_message=TEXT,
    )


def main() -> None:
    """Print the table."""
    numbers = _Numbers()
    submit, with_tlvs, response = make_submit(), make_dlt_submit(), SubmitSmResp("17a9c0de")
    octets, tlv_octets, response_octets = encode(submit, 1), encode(with_tlvs, 1), encode(response, 1)
    best = best_nanoseconds(
        {
            "make+encode": lambda: encode(make_submit(), 1),
            "make+encode smpplib": lambda: make_with_smpplib(numbers).generate(),
            "decode": lambda: decode(octets),
            "decode smpplib": lambda: smpplib.smpp.parse_pdu(octets, client=numbers),
            "make+encode tlv": lambda: encode(make_dlt_submit(), 1),
            "encode tlv": lambda: encode(with_tlvs, 1),
            "encode": lambda: encode(submit, 1),
            "decode tlv": lambda: decode(tlv_octets),
            "encode resp": lambda: encode(response, 1),
            "decode resp": lambda: decode(response_octets),
            "decode resp smpplib": lambda: smpplib.smpp.parse_pdu(response_octets, client=numbers),
        }
    )

    def row(what: str, ours: str, theirs: str = "") -> Row:
        ratio = f"{best[theirs] / best[ours]:.1f}x" if theirs else "-"
        return Row(what, (f"{best[ours]:,.0f}", f"{best[theirs]:,.0f}" if theirs else "-", ratio))

    print_table(
        "Codec, nanoseconds a PDU (best of interleaved slices)",
        ("smppkit", "smpplib", "faster by"),
        [
            row("submit_sm: make and encode", "make+encode", "make+encode smpplib"),
            row("submit_sm: encode", "encode"),
            row("submit_sm: decode", "decode", "decode smpplib"),
            row("submit_sm with 3 DLT TLVs: encode", "encode tlv"),
            row("submit_sm with 3 DLT TLVs: decode", "decode tlv"),
            row("submit_sm_resp: encode", "encode resp"),
            row("submit_sm_resp: decode", "decode resp", "decode resp smpplib"),
        ],
    )
    to_encode, to_decode = best["encode tlv"] / best["encode"], best["decode tlv"] / best["decode"]
    print(f"DLT TLVs cost {to_encode:.2f}x to encode, {to_decode:.2f}x to decode")


if __name__ == "__main__":
    main()
