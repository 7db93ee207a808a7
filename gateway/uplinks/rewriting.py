"""How addresses are written for one uplink: types and plans, and senders and recipients put another way. Pure."""

import re
from typing import NamedTuple

from gateway.config import SenderRuleConfig, UplinkConfig
from gateway.patterns import compile_pattern


class Address(NamedTuple):
    """An address as it goes out."""

    ton: int
    npi: int
    digits: str
    """Or a name."""


class Addresses:
    """The rules of one uplink."""

    def __init__(self, config: UplinkConfig) -> None:
        self._source = config.source
        self._destination = config.destination
        self._senders = [(compile_pattern(rule.match), rule) for rule in config.sender_rules]
        self._recipients = config.recipient_rules

    def source(self, sender: str, recipient: str) -> Address:
        """The sender of a message to a recipient, which is as it was kept: not rewritten."""
        rule, found = self._sender_rule(sender, recipient)
        if rule is not None and found is not None and rule.sender:
            sender = _filled(rule.sender, found)
        rules = self._source
        digits = sender.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            ton, npi, digits = rules.alphanumeric_ton, rules.alphanumeric_npi, sender
        elif len(digits) <= rules.short_code_max_length and digits == sender:
            ton, npi = rules.short_code_ton, rules.short_code_npi
        else:
            ton, npi = rules.international_ton, rules.international_npi
        if rule is not None:
            ton = rule.ton if rule.ton >= 0 else ton
            npi = rule.npi if rule.npi >= 0 else npi
        return Address(ton, npi, digits)

    def _sender_rule(self, sender: str, recipient: str) -> tuple[SenderRuleConfig | None, re.Match[str] | None]:
        for pattern, rule in self._senders:
            if recipient.startswith(rule.recipient) and (found := pattern.fullmatch(sender)) is not None:
                return rule, found
        return None, None

    def destination(self, recipient: str) -> Address:
        """The recipient."""
        rules = self._destination
        ton, npi = rules.ton, rules.npi
        for rule in self._recipients:
            if recipient.startswith(rule.prefix) and len(recipient) <= rule.max_digits:
                ton = rule.ton if rule.ton >= 0 else ton
                npi = rule.npi if rule.npi >= 0 else npi
                if rule.new_prefix != "-":
                    recipient = rule.new_prefix + recipient.removeprefix(rule.prefix)
                break
        if rules.strip_prefix and recipient.startswith(rules.strip_prefix):
            recipient = recipient.removeprefix(rules.strip_prefix)
        return Address(ton, npi, rules.add_prefix + recipient)


def _filled(template: str, found: re.Match[str]) -> str:
    """A sender with what the first run of stars stood for in its stars' place."""
    groups = found.groups()
    return template.replace("*", groups[0] if groups else "")
