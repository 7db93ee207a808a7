"""The SMPP door: customers bind to us, send, and get their receipts and messages."""

from gateway.smsc.deliveries import Deliveries
from gateway.smsc.door import SmppDoor
from gateway.smsc.reports import SmppReports

__all__ = ["Deliveries", "SmppDoor", "SmppReports"]
