"""Take what the SMSC delivers, and acknowledge it only once it is safe: python -m examples.receive smpp://…?bind=rx"""

import asyncio
import sys

import smpp


async def keep(message: smpp.DeliverSm | smpp.DataSm) -> int:
    """Write it down; the SMSC hears of it when this returns."""
    receipt = smpp.receipt_of(message)
    text = f"receipt {receipt.id} {receipt.stat}" if receipt else smpp.text_of(message)
    await asyncio.to_thread(print, f"{message.source_addr}: {text}")
    return smpp.CommandStatus.ESME_ROK


async def main(url: str) -> None:
    """Stay until the SMSC closes."""
    async with smpp.connect(url, on_deliver=keep) as client:
        print(await client.closed)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
