"""What does it cost to make, encode and decode a PDU, beside the other implementations in the same process?"""

from bench.measure import Row, best_nanoseconds, print_table
from bench.peers import aiosmpplib_peer, smpp34_peer, smppkit_peer, smpplib_peer
from bench.peers.smppkit_peer import make_submit
from bench.work import DESTINATION, SOURCE, TEXT
from smpp import SubmitSm, SubmitSmResp, Tlvs, decode, dlt, encode

PEERS = {
    "smppkit": smppkit_peer.codec,
    "smpplib": smpplib_peer.codec,
    "smpp34": smpp34_peer.codec,
    "aiosmpplib": aiosmpplib_peer.codec,
}


def make_dlt_submit() -> SubmitSm:
    """The usual message with India's three TLVs."""
    return SubmitSm(
        source_addr_ton=5,
        source_addr=SOURCE,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=DESTINATION,
        registered_delivery=1,
        short_message=TEXT,
        tlvs=Tlvs.of(dlt.pe_id("1101000010000012345"), dlt.template_id("1107161234567890123"), dlt.tm_id("1102")),
    )


def beside_peers(*, slices: int = 60) -> dict[str, tuple[float, float]]:
    """Nanoseconds of each implementation: make and encode, decode and read every field; interleaved."""
    codecs = {name: codec() for name, codec in PEERS.items()}
    candidates = {(name, 0): one.make_and_encode for name, one in codecs.items()}
    candidates |= {(name, 1): one.decode_and_read for name, one in codecs.items()}
    best = best_nanoseconds({f"{name} {index}": call for (name, index), call in candidates.items()}, slices=slices)
    return {name: (best[f"{name} 0"], best[f"{name} 1"]) for name in codecs}


def ours(*, slices: int = 60) -> dict[str, float]:
    """Nanoseconds of each step of ours."""
    submit, with_tlvs, response = make_submit(), make_dlt_submit(), SubmitSmResp("17a9c0de")
    octets, tlv_octets, response_octets = encode(submit, 1), encode(with_tlvs, 1), encode(response, 1)
    return best_nanoseconds(
        {
            "submit_sm: make": make_submit,
            "submit_sm: encode": lambda: encode(submit, 1),
            "submit_sm: decode": lambda: decode(octets),
            "submit_sm: decode, strict": lambda: decode(octets, strict=True),
            "submit_sm with 3 DLT TLVs: encode": lambda: encode(with_tlvs, 1),
            "submit_sm with 3 DLT TLVs: decode": lambda: decode(tlv_octets),
            "submit_sm_resp: encode": lambda: encode(response, 1),
            "submit_sm_resp: decode": lambda: decode(response_octets),
        },
        slices=slices,
    )


def main() -> None:
    """Print the tables."""
    peers = beside_peers()
    encoding, decoding = peers["smppkit"]
    print_table(
        "submit_sm, nanoseconds (best of interleaved slices); ratio: theirs to ours",
        ("make and encode", "ratio", "decode and read", "ratio"),
        [
            Row(name, (f"{one:,.0f}", f"{one / encoding:.2f}x", f"{other:,.0f}", f"{other / decoding:.2f}x"))
            for name, (one, other) in peers.items()
        ],
    )
    steps = ours()
    print_table(
        "Ours by steps, nanoseconds", ("ns",), [Row(what, (f"{figure:,.0f}",)) for what, figure in steps.items()]
    )
    to_encode = steps["submit_sm with 3 DLT TLVs: encode"] / steps["submit_sm: encode"]
    to_decode = steps["submit_sm with 3 DLT TLVs: decode"] / steps["submit_sm: decode"]
    print(f"DLT TLVs cost {to_encode:.2f}x to encode, {to_decode:.2f}x to decode")


if __name__ == "__main__":
    main()
