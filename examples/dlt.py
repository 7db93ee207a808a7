"""A message with India's DLT ids, and any other PDU by hand: python -m examples.dlt smpp://demo:secret@127.0.0.1:2775"""

import asyncio
import sys

import smpp
from smpp import dlt


async def main(url: str) -> None:
    """Submit, then ask for its state."""
    async with smpp.connect(url) as client:
        submission = await client.submit(
            smpp.SubmitSm(
                source_addr_ton=smpp.Ton.ALPHANUMERIC,
                source_addr="VM-SHOPIN",
                dest_addr_ton=smpp.Ton.INTERNATIONAL,
                dest_addr_npi=smpp.Npi.ISDN,
                destination_addr="919876543210",
                short_message=b"Your order has left.",
                tlvs=smpp.Tlvs.of(dlt.pe_id("1101000010000012345"), dlt.template_id("1107161234567890123")),
            )
        )
        answer = await client.request(smpp.QuerySm(submission.message_id, 5, 0, "VM-SHOPIN"))
        print(submission.message_id, answer)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
