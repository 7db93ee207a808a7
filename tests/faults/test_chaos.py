"""The chaos run in short, and that its judge would notice."""

from collections import Counter
from typing import Any

import pytest

import smpp
from bench.chaos import run
from bench.chaos_judge import Records, judge
from bench.chaos_load import Outcome, Policy, key_of
from bench.chaos_smsc import Line

KEY = "447000000001"
RECEIPT = smpp.parse_receipt(b"id:17 submit date:2608010000 done date:2608010001 stat:DELIVRD err:000", esm_class=4)


async def test_no_message_is_lost_or_doubled_by_servers_that_die_freeze_and_refuse() -> None:
    report = await run(8.0, rate=150, seed=5, pause_seconds=0.4)
    assert report.violations == []
    assert sum(report.faults.values()) > 10
    for verdict in report.verdicts.values():
        assert verdict.counts["accepted, said the response"] > 300


# The judge


def submission(message_id: str = "17", *, doubts: int = 0, has_receipt: bool = True) -> smpp.Submission:
    one = smpp.Submission(message_id, KEY, smpp.SubmitSmResp(message_id), "a#0", doubts=doubts)
    if has_receipt:
        assert RECEIPT is not None
        one.add(RECEIPT)
    return one


def records(policy: str, *ids: str, acknowledged: bool = True) -> Records:
    """Accepted under these ids."""
    found = Records()
    octets = smpp.encode(smpp.SubmitSm(destination_addr=KEY, short_message=b"x"), 1).hex()
    found.read(Line("submit", 0.0, message_id, 0, policy, octets) for message_id in ids)
    if acknowledged:
        found.read(Line("message", 0.0, message_id, 0) for message_id in ids)
    return found


TIMEOUT = smpp.ResponseTimeout(4, 1, "no response")

FINE: list[tuple[Policy, Outcome, Records]] = [
    ("once", submission(), records("once", "17")),
    ("once", TIMEOUT, records("once", "17")),
    ("once", TIMEOUT, records("once")),
    ("again", submission(doubts=1), records("again", "16", "17")),
    ("again", submission(doubts=1), records("again", "17")),
]

WRONG: list[tuple[str, Policy, Outcome, Records]] = [
    ("no outcome", "once", None, records("once")),
    ("no server has it", "once", submission(), records("once")),
    ("another id", "once", submission(), records("once", "18")),
    ("accepted more often", "once", submission(), records("once", "16", "17")),
    ("accepted more often", "again", submission(doubts=1), records("again", "15", "16", "17")),
    ("in doubt and accepted more than once", "once", TIMEOUT, records("once", "16", "17")),
    ("left in doubt", "again", TIMEOUT, records("again")),
    ("against the policy", "once", submission(doubts=1), records("once", "17")),
    ("said to have failed", "once", smpp.NotSent(4, 0, "lost"), records("once", "17")),
    ("ended with NotSent", "once", smpp.NotSent(4, 0, "lost"), records("once")),
    ("never reached the sender", "once", submission(has_receipt=False), records("once", "17")),
    ("never taken", "once", submission(), records("once", "17", acknowledged=False)),
    ("receipt of another message", "once", submission("18"), records("once", "18")),
]


@pytest.mark.parametrize(("policy", "outcome", "seen"), FINE)
def test_judge_finds_nothing_where_all_is_well(policy: Policy, outcome: Outcome, seen: Records) -> None:
    verdict = judge(policy, {KEY: outcome}, seen)
    assert verdict.violations == {}
    assert verdict.counts["parts sent"] == 1


@pytest.mark.parametrize(("what", "policy", "outcome", "seen"), WRONG)
def test_judge_finds_what_must_not_be(what: str, policy: Policy, outcome: Outcome, seen: Records) -> None:
    assert any(what in line for line in judge(policy, {KEY: outcome}, seen).lines())


def test_judge_finds_messages_that_nobody_sent_and_receipts_that_the_handler_never_had() -> None:
    stranger = judge("again", {}, records("again", "17"))
    assert any("unknown to the sender" in line for line in stranger.lines())
    unkept = judge("again", {KEY: submission()}, records("again", "17"), Counter[str]())
    assert any("the handler had none" in line for line in unkept.lines())


@pytest.mark.parametrize(
    ("options", "key"),
    [({}, KEY), ({"esm_class": 0x40, "short_message": b"\x05\x00\x03\x07\x03\x02part"}, f"{KEY}/2")],
)
def test_parts_are_told_apart(options: dict[str, Any], key: str) -> None:
    assert key_of(smpp.SubmitSm(destination_addr=KEY, **options)) == key
