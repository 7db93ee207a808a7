"""How `IdRule.AUTO` finds out which rule an SMSC follows. Pure.

Two kinds of evidence:

- Shape. Where ids of responses have letters and those of receipts have none, or the other way round, they are
  hexadecimal on one side and decimal on the other. Shape tells which rule to try first.
- Pairs. A receipt found under exactly one rule, with the addresses agreeing, is a vote for it. With enough votes, and
  hardly any for another rule, the rule is learned and the only one tried at once.

What would match under another rule only, and shows no letter, may be chance: "16" is "10" in another base, or a
different message whose response is still on its way. It waits with the parked receipts and gets a second thought when
its time is over or when more was learned, so nothing is lost, and an SMSC that changes its ways is learned anew.
"""

from typing import Final

from smpp.correlator.ids import IdRule, Side, receipt_keys, response_key

ENOUGH_VOTES: Final = 8
"""How many pairs make a rule learned."""

CLEAR_MAJORITY: Final = 8
"""How many times as many votes as the runner-up it needs."""

TRUSTED_VOTES: Final = 4
"""How many pairs make a rule worth trying at once beside another."""

MOST_VOTES: Final = 64
"""Here all votes are halved, so that old ones fade."""

_HEX = IdRule.RESPONSE_HEX_RECEIPT_DECIMAL
_DEC = IdRule.RESPONSE_DECIMAL_RECEIPT_HEX

Keys = tuple[tuple[IdRule, str], ...]


class AutoRule:
    """What was learned about one SMSC group.

    Attributes:
        learned: the rule that the pairs so far speak for, None while that is open.
    """

    def __init__(self) -> None:
        self.learned: IdRule | None = None
        self._votes: dict[IdRule, int] = dict.fromkeys((IdRule.AS_IS, _HEX, _DEC), 0)
        self._letters = {Side.RESPONSE: False, Side.RECEIPT: False}

    def observe(self, message_id: str, side: Side) -> bool:
        """Take note of the shape of an id.

        Returns:
            Whether that changes what is tried, so that parked receipts deserve another look.
        """
        if self._letters[side]:
            return False
        text = message_id.strip()
        if not text or text.isdigit():
            return False
        self._letters[side] = True
        return self.learned is None

    def vote(self, rule: IdRule) -> bool:
        """Count a pair for a rule.

        Returns:
            Whether that changes what is tried, so that parked receipts deserve another look.
        """
        self._votes[rule] += 1
        became_trusted = self._votes[rule] == TRUSTED_VOTES
        if self._votes[rule] > MOST_VOTES:
            self._votes = {one: count // 2 for one, count in self._votes.items()}
        before = self.learned
        best, runner_up, _ = sorted(self._votes, key=lambda one: -self._votes[one])
        is_clear = self._votes[best] >= max(ENOUGH_VOTES, CLEAR_MAJORITY * self._votes[runner_up])
        self.learned = best if is_clear else None
        return became_trusted or self.learned is not before

    def learned_key(self, message_id: str) -> str:
        """The one key worth a look at once where a rule is learned, at half the cost of all keys; else empty."""
        if self.learned is None:
            return ""
        if self.learned is IdRule.AS_IS:
            return response_key(IdRule.AUTO, message_id)
        keys = receipt_keys(self.learned, message_id)
        return keys[0][1] if keys else ""

    def candidates(self, keys: Keys) -> Keys:
        """Those of a receipt's keys that are worth a look at once, the likeliest first."""
        leader = self._leader()
        first = tuple(one for one in keys if one[0] is leader)
        if self.learned is not None:
            # An id that the learned rule cannot convert is compared as it is.
            return first or keys[:1]
        return first + tuple(one for one in keys if one[0] is not leader and self._is_telling(one, keys))

    def second_thoughts(self, keys: Keys) -> Keys:
        """All keys of a receipt that found nothing in all its time, the likeliest first."""
        leader = self._leader()
        return tuple(sorted(keys, key=lambda one: (one[0] is not leader, -self._votes[one[0]])))

    def _leader(self) -> IdRule:
        if self.learned is not None:
            return self.learned
        if self._letters[Side.RESPONSE] and not self._letters[Side.RECEIPT]:
            return _HEX
        if self._letters[Side.RECEIPT] and not self._letters[Side.RESPONSE]:
            return _DEC
        return IdRule.AS_IS

    def _is_telling(self, one: tuple[IdRule, str], keys: Keys) -> bool:
        """Whether a hit under this key is hardly chance: the rule worked before, or the spelling shows a letter."""
        rule, key = one
        spelling = key if rule is _HEX else keys[0][1]
        return self._votes[rule] >= TRUSTED_VOTES or not spelling.isdigit()
