"""An SMSC for tests, demonstrations and benchmarks, which misbehaves on order."""

from smpp.errors import ScriptError
from smpp.simulator.book import StoredMessage
from smpp.simulator.chronicle import SimulatorEvent
from smpp.simulator.delivery import Delivery
from smpp.simulator.example import example_script
from smpp.simulator.forms import RECEIPT_FORMS, ReceiptForm
from smpp.simulator.outcome import Arrival, Outcome
from smpp.simulator.record import LogEntry, RateJudge
from smpp.simulator.script import BindRule, Exponential, Ids, LinkFaults, Receipts, Rule, Script
from smpp.simulator.script_file import load_script, parse_script
from smpp.simulator.servers import SimulatedServer
from smpp.simulator.simulator import Simulator
from smpp.simulator.tls import ThrowAwayTls, throw_away_tls

__all__ = [
    "RECEIPT_FORMS",
    "Arrival",
    "BindRule",
    "Delivery",
    "Exponential",
    "Ids",
    "LinkFaults",
    "LogEntry",
    "Outcome",
    "RateJudge",
    "ReceiptForm",
    "Receipts",
    "Rule",
    "Script",
    "ScriptError",
    "SimulatedServer",
    "Simulator",
    "SimulatorEvent",
    "StoredMessage",
    "ThrowAwayTls",
    "example_script",
    "load_script",
    "parse_script",
    "throw_away_tls",
]
