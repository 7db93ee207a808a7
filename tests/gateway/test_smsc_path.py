"""Customer → door → uplink → SMSC → receipt → the customer's deliver_sm, over real sockets."""

from pathlib import Path

from tests.gateway.smsc_path import TO, Inbox, smsc_path, submit


async def test_a_message_goes_out_and_its_receipt_comes_to_the_customer_with_our_id(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        inbox = Inbox()
        client = await path.bind(inbox)

        response = await client.submit(submit(b"Your code is 4711"))

        (receipt,) = await inbox.wait_for(1)
        assert receipt.id == response.message_id
        assert receipt.stat == "DELIVRD"
        assert receipt.text == "Your code is 4711"
        (delivered,) = inbox.received
        assert (delivered.source_addr_ton, delivered.source_addr) == (1, TO)
        assert (delivered.dest_addr_ton, delivered.destination_addr) == (5, "INFO")
        (seen,) = path.seen()
        assert (seen.short_message, seen.source_addr, seen.destination_addr) == (b"Your code is 4711", "INFO", TO)
        await path.owed(0)
