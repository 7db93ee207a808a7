"""Send one text and wait for its receipt: python -m examples.send_one smpp://demo:secret@127.0.0.1:2775"""

import asyncio
import sys

import smpp


async def main(url: str) -> None:
    """Send it."""
    async with smpp.connect(url) as client:
        sent = await client.send(sender="INFO", to="919876543210", text="Your code is 4711")
        receipt = await sent.receipt(timeout=60)
        print(f"{', '.join(sent.message_ids)}: {receipt.stat}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
