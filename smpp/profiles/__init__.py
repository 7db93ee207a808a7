"""What known operators' SMSCs are like, by name."""

from smpp.profiles.mobtexting import MOBTEXTING
from smpp.profiles.profile import SUBMIT_COMMANDS, Profile, ReceiptError, Refusal, TlvRule
from smpp.profiles.registry import PROFILES, find_profile
from smpp.profiles.simulation import SimulatorOptions, receipt_rule, simulator_options, status_rule

__all__ = [
    "MOBTEXTING",
    "PROFILES",
    "Profile",
    "ReceiptError",
    "Refusal",
    "SUBMIT_COMMANDS",
    "SimulatorOptions",
    "TlvRule",
    "find_profile",
    "receipt_rule",
    "simulator_options",
    "status_rule",
]
