"""Take what the SMSC delivers, and acknowledge it only once it is safe: python -m examples.receive smpp://…?bind=rx"""

import asyncio
import sys

import smpp
from smpp.sms import decode_text


async def keep(message: smpp.DeliverSm | smpp.DataSm) -> int:
    """Write it down; the SMSC hears of it when this returns."""
    receipt = smpp.parse_receipt(message.short_message, esm_class=message.esm_class)
    text = (
        f"receipt {receipt.id} {receipt.stat}" if receipt else decode_text(message.short_message, message.data_coding)
    )
    await asyncio.to_thread(print, f"{message.source_addr}: {text}")
    return smpp.CommandStatus.ESME_ROK


async def main(url: str) -> None:
    """Stay until the SMSC closes."""
    async with smpp.connect(url, on_deliver=keep) as client:
        print(await client.closed)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
