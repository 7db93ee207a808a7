"""The verdict on a chaos run: what the sender was told, held against what stands in the servers' logs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import smpp
from bench.chaos_load import Outcome, Policy, key_of
from bench.chaos_smsc import Line

_MOST_EXAMPLES: Final = 5


@dataclass(slots=True)
class Records:
    """What the servers' logs say, of all four together.

    Attributes:
        accepted: the ids under which each part was accepted, by policy and part.
        refused: refusals of each part, likewise.
        acknowledged: ids whose receipt an ESME took, and how often.
    """

    accepted: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)

    def read(self, lines: Iterable[Line]) -> None:
        """Take the lines of one log."""
        for line in lines:
            if line.is_acknowledged_receipt:
                self.acknowledged[line.message_id] += 1
            elif line.event == "submit":
                part = line.system_id, key_of(line.submitted)
                if line.message_id:
                    self.accepted[part].append(line.message_id)
                else:
                    self.refused[part] += 1


@dataclass(slots=True)
class Verdict:
    """What came out for the parts of one pool.

    Attributes:
        counts: for the table, in its order.
        violations: what must not be, and how often; with some examples.
    """

    counts: dict[str, int] = field(default_factory=dict)
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def lines(self) -> list[str]:
        """The violations for a person."""
        return [
            f"{what}: {len(which)}, such as {', '.join(which[:_MOST_EXAMPLES])}"
            for what, which in self.violations.items()
        ]


def judge(policy: Policy, book: Mapping[str, Outcome], records: Records, handed: Counter[str] | None = None) -> Verdict:
    """Hold a pool's book against the logs.

    Args:
        policy: the pool's name in the logs, and what it does with messages in doubt.
        book: what it was told of each part.
        records: what the servers saw.
        handed: which receipts its own handler took, where it has one.
    """
    verdict = Verdict()
    kinds: Counter[str] = Counter()
    for key, outcome in book.items():
        kinds[_judge_part(policy, key, outcome, records.accepted.get((policy, key), []), verdict)] += 1
    foreign = [key for name, key in records.accepted if name == policy and key not in book]
    verdict.violations["accepted by a server, unknown to the sender"] += foreign
    ids = [one for (name, _), some in records.accepted.items() if name == policy for one in some]
    unreported = [one for one in ids if not records.acknowledged[one]]
    verdict.violations["accepted, and its receipt never taken"] += unreported
    if handed is not None:
        verdict.violations["receipt acknowledged, but the handler had none"] += [
            one for one in ids if records.acknowledged[one] and not handed[one]
        ]
    verdict.violations = {what: which for what, which in verdict.violations.items() if which}
    verdict.counts = {
        "parts sent": len(book),
        "accepted, said the response": kinds["accepted"] + kinds["accepted after doubt"],
        "... of them sent again when in doubt": kinds["accepted after doubt"],
        "in doubt": kinds["in doubt, delivered"] + kinds["in doubt, not delivered"],
        "... of them delivered, by the logs": kinds["in doubt, delivered"],
        "refused for good": kinds["refused"],
        "logs: accepted once": sum(len(some) == 1 for (name, _), some in records.accepted.items() if name == policy),
        "logs: accepted more than once": sum(
            len(some) > 1 for (name, _), some in records.accepted.items() if name == policy
        ),
        "logs: throttled, and sent again": sum(n for (name, _), n in records.refused.items() if name == policy),
        "logs: receipts taken": sum(records.acknowledged[one] > 0 for one in ids),
        "logs: receipts taken again": sum(max(0, records.acknowledged[one] - 1) for one in ids),
    }
    return verdict


def _judge_part(policy: Policy, key: str, outcome: Outcome, ids: list[str], verdict: Verdict) -> str:
    """What became of a part; what must not be is noted."""
    violations = verdict.violations
    if outcome is None:
        violations["lost silently: no outcome"].append(key)
        return "lost"
    if isinstance(outcome, smpp.InDoubt):
        if policy == "again":
            violations["left in doubt, though it was to be sent again"].append(key)
        elif len(ids) > 1:
            violations["in doubt and accepted more than once"].append(key)
        return "in doubt, delivered" if ids else "in doubt, not delivered"
    if not isinstance(outcome, smpp.Submission):
        violations[f"ended with {type(outcome).__name__}"].append(f"{key} ({outcome})")
        if ids:
            violations["accepted by a server, and said to have failed"].append(key)
        return "refused"
    if not ids:
        violations["lost silently: said to be accepted, and no server has it"].append(key)
    elif outcome.message_id not in ids:
        violations["has another id than any server gave it"].append(key)
    if len(ids) > 1 + outcome.doubts:
        violations["accepted more often than it was in doubt"].append(key)
    if policy == "once" and outcome.doubts:
        violations["sent again against the policy"].append(key)
    if outcome.final is None:
        violations["its receipt never reached the sender"].append(key)
    elif outcome.final.id != outcome.message_id:
        violations["got the receipt of another message"].append(key)
    return "accepted after doubt" if outcome.doubts else "accepted"
