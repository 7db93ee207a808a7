"""What does coding and splitting text cost? Beside smpplib's GSM codec."""

import smpplib.gsm

from bench.measure import Row, best_nanoseconds, print_table
from smpp.sms import decode_gsm, encode_gsm, pack_septets, parse_receipt, split

PLAIN = ("Your code is 471199. Do not share it with anybody, whoever asks for it. " * 2)[:100]
ACCENTS = ("Prière d'aller à la gare de Zürich: 20 EUR, ¿qué? Ååå, Ñoño, ÄÖÜ. " * 2)[:100]
EXTENDED = ("[5] {7} 20 € ~ ^ | \\ and back again to what is plain " * 2)[:100]
LONG = PLAIN * 4
RECEIPT = (
    b"id:17a9c0de sub:001 dlvrd:001 submit date:2601021530 done date:2601021531 stat:DELIVRD err:000 "
    b"text:Your code is 471199."
)


def main() -> None:
    """Print the table."""
    plain, extended = encode_gsm(PLAIN), encode_gsm(EXTENDED)
    best = best_nanoseconds(
        {
            "encode, plain letters": lambda: encode_gsm(PLAIN),
            "encode, accents": lambda: encode_gsm(ACCENTS),
            "encode, with extension table": lambda: encode_gsm(EXTENDED),
            "decode, plain letters": lambda: decode_gsm(plain),
            "decode, with extension table": lambda: decode_gsm(extended),
            "pack into septets": lambda: pack_septets(plain),
            "split 400 characters": lambda: split(LONG, reference=7),
            "split 400 of UCS-2": lambda: split(LONG + "न", reference=7),
            "parse a receipt": lambda: parse_receipt(RECEIPT),
            "encode, plain letters smpplib": lambda: smpplib.gsm.gsm_encode(PLAIN),
            "split 400 characters smpplib": lambda: smpplib.gsm.make_parts(LONG),
        }
    )
    rows = []
    for name, nanoseconds in best.items():
        theirs = best.get(f"{name} smpplib")
        if not name.endswith("smpplib"):
            ratio = f"{theirs / nanoseconds:.1f}x" if theirs else "-"
            rows.append(Row(name, (f"{nanoseconds:,.0f}", f"{theirs:,.0f}" if theirs else "-", ratio)))
    print_table("Text of 100 characters, nanoseconds (best of interleaved slices)", ("ours", "smpplib", "faster"), rows)


if __name__ == "__main__":
    main()
