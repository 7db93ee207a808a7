"""SMPP v3.4: codec, sans-IO session, asyncio client and server, pool, receipts, simulator."""
