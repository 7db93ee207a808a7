"""An SMSC in thirty lines: python -m examples.smsc smpp://127.0.0.1:2775"""

import asyncio
import itertools
import sys

import smpp

numbers = itertools.count(1)


def who(_session: smpp.ServerSession, bind: smpp.Bind) -> smpp.Grant | None:
    """Let in whoever knows the password, with at most four binds."""
    return smpp.Grant("SMSC", max_binds=4) if bind.password == "secret" else None


def on_submit(session: smpp.ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
    """Take messages to numbers, refuse others."""
    if not request.destination_addr.isdigit():
        raise smpp.Reject(smpp.CommandStatus.ESME_RINVDSTADR)
    print(f"{session.system_id} -> {request.destination_addr}: {request.short_message!r}")
    return smpp.SubmitSmResp(message_id=f"{next(numbers):x}")


async def main(url: str) -> None:
    """Serve until Ctrl-C."""
    async with smpp.serve(url, on_submit=on_submit, authenticate=who) as server:
        print(f"listening on port {server.ports[0]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
