"""An SMSC in a process of its own that says yes to everything; prints its port and ends with its standard input."""

import asyncio
import itertools
import sys

import smpp


async def main() -> None:
    """Serve until standard input ends."""
    numbers = itertools.count(1)

    def on_submit(_session: smpp.ServerSession, _message: object) -> smpp.SubmitSmResp:
        return smpp.SubmitSmResp(f"{next(numbers):x}")

    async with smpp.serve("smpp://127.0.0.1:0", on_submit=on_submit) as server:
        print(server.ports[0], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
