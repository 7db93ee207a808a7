"""Many messages over many binds of several servers: python -m examples.send_many 1000 smpp://… smpps://…"""

import asyncio
import sys
from collections import Counter

import smpp


async def main(count: int, servers: list[str]) -> None:
    """Keep every window full, and count how each message ended."""
    messages = (
        smpp.SubmitSm(
            source_addr_ton=smpp.Ton.ALPHANUMERIC,
            source_addr="INFO",
            dest_addr_ton=smpp.Ton.INTERNATIONAL,
            dest_addr_npi=smpp.Npi.ISDN,
            destination_addr=f"9198765{number:05d}",
            short_message=b"Hello",
        )
        for number in range(count)
    )
    outcomes: Counter[str] = Counter()
    async with smpp.Pool(servers, binds_per_server=2) as pool:
        async for _message, outcome in pool.submit_all(messages):
            outcomes[type(outcome).__name__] += 1  # a Submission, or the error that ended it
    print(dict(outcomes))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
