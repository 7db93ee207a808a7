"""PDUs without any connection: octets to objects and back, texts to parts: python -m examples.codec"""

import smpp
from smpp.sms import explain, split


def main() -> None:
    """Show it."""
    octets = smpp.encode(smpp.EnquireLink(), sequence_number=7)
    print(octets.hex(), smpp.decode(octets))
    print(explain("5€ for you, Łukasz"))
    for part in split("long " * 60, reference=42):
        print(part.number, part.total, part.data_coding, len(part.short_message))
    try:
        smpp.encode(smpp.SubmitSm(source_addr="much longer than 20 characters"), 1)
    except smpp.EncodeError as error:
        print(error)


if __name__ == "__main__":
    main()
