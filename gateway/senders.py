"""Who may appear as the sender: what accounts may use, what countries ask for, what nobody may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.config import AccountConfig, SenderCountryConfig
from gateway.config.policy_checks import is_of_kind
from gateway.errors import InvalidMessage
from gateway.numbering import PrefixTable
from gateway.patterns import Patterns

_KINDS: Final = {"numeric": "a number", "alphanumeric": "a name"}


@dataclass(slots=True, frozen=True)
class _Country:
    prefix: str
    kind: str
    senders: Patterns
    replace_with: str

    def takes(self, sender: str) -> bool:
        return is_of_kind(sender, self.kind) and (not self.senders or is_among(sender, self.senders))


class SenderRules:
    """The rules of the config.

    Args:
        accounts: what each may use.
        countries: what must hold for recipients of some prefixes.
        blocked: patterns of senders that nobody may use.
    """

    def __init__(
        self,
        accounts: Mapping[str, AccountConfig],
        countries: Sequence[SenderCountryConfig] = (),
        blocked: Sequence[str] = (),
    ) -> None:
        self._allowed = {name: Patterns(account.senders) for name, account in accounts.items()}
        self._kinds = {name: account.rules.sender_kind for name, account in accounts.items()}
        self._blocked = Patterns(text.casefold() for text in blocked)
        # By account and prefix: of an account before of all, whatever the length.
        by_account: dict[str, dict[str, _Country]] = {}
        for one in countries:
            country = _Country(one.prefix, one.kind, Patterns(one.senders), one.replace_with)
            by_account.setdefault(one.account, {})[one.prefix] = country
        self._countries = {name: PrefixTable(found) for name, found in by_account.items()}

    def check(self, account: str, sender: str, recipient: str) -> str:
        """The sender to send with: the same, or the one that takes its place in the recipient's country.

        Raises:
            InvalidMessage: it may not be used; the code says by whose rule.
        """
        allowed = self._allowed[account]
        if allowed and not is_among(sender, allowed):
            raise InvalidMessage("sender_not_allowed", "the account may not use this sender", "sender")
        kind = self._kinds[account]
        if kind != "any" and not is_of_kind(sender, kind):
            raise InvalidMessage("sender_not_allowed", f"the account's senders must be {_KINDS[kind]}", "sender")
        if self._blocked and sender.casefold() in self._blocked:
            raise InvalidMessage("sender_blocked", "nobody may use this sender", "sender")
        if not self._countries:
            return sender
        country = self._country(account, recipient)
        if country is None or country.takes(sender):
            return sender
        if country.replace_with:
            return country.replace_with
        wanted = f" must be {_KINDS[country.kind]}" if not is_of_kind(sender, country.kind) else " must be registered"
        raise InvalidMessage(
            "sender_not_allowed", f"senders to numbers that begin with {country.prefix}{wanted}", "sender"
        )

    def _country(self, account: str, recipient: str) -> _Country | None:
        for name in (account, ""):
            table = self._countries.get(name)
            found = table.find(recipient) if table is not None else None
            if found is not None:
                return found
        return None


def is_among(sender: str, patterns: Patterns) -> bool:
    """Whether a sender is one of these; a number with or without its plus."""
    return sender in patterns or (sender[:1] == "+" and sender[1:] in patterns)
