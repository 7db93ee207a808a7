"""What is due when, with plain numbers."""

from typing import Any

import pytest

from smpp.session import SessionConfig
from smpp.session.timers import NEVER, Due, Timers


def timers(**settings: Any) -> Timers:
    off = {
        "enquire_link_seconds": 0.0,
        "inactivity_seconds": 0.0,
        "session_init_seconds": 0.0,
        "partial_pdu_seconds": 0.0,
    }
    return Timers(SessionConfig(**{**off, **settings}), 100.0, 100.0, 100.0)


def test_with_everything_off_nothing_is_due() -> None:
    idle = timers()
    assert idle.next_due() == NEVER
    assert idle.due(1e9) is None


def test_init_timer_runs_from_the_connection_to_the_bind() -> None:
    opened = timers(session_init_seconds=10)
    assert opened.next_due() == 110
    assert opened.due(109.9) is None
    assert opened.due(110) is Due.SESSION_INIT
    opened.bound(109)
    assert opened.due(1e9) is None


def test_enquire_link_is_due_after_silence_of_a_bound_peer() -> None:
    quiet = timers(enquire_link_seconds=30)
    assert quiet.due(1e9) is None
    quiet.bound(100)
    assert quiet.next_due() == 130
    assert quiet.due(130) is Due.SEND_ENQUIRE_LINK
    quiet.heard(120)
    assert quiet.due(149) is None
    assert quiet.due(150) is Due.SEND_ENQUIRE_LINK


def test_unanswered_enquire_link_means_silence_and_anything_heard_means_life() -> None:
    quiet = timers(enquire_link_seconds=30, response_timeout_seconds=5)
    quiet.bound(100)
    quiet.enquired(130)
    assert quiet.next_due() == 135
    assert quiet.due(134.9) is None
    assert quiet.due(135) is Due.SILENCE
    quiet.heard(131)
    assert quiet.next_due() == 161


def test_without_a_response_timeout_silence_is_still_noticed() -> None:
    quiet = timers(enquire_link_seconds=30, response_timeout_seconds=0)
    quiet.bound(100)
    quiet.enquired(130)
    assert quiet.due(160) is Due.SILENCE


def test_inactivity_counts_operations_and_not_what_is_heard() -> None:
    lazy = timers(inactivity_seconds=300)
    assert lazy.next_due() == NEVER
    lazy.bound(100)
    lazy.heard(390)
    assert lazy.due(399) is None
    assert lazy.due(400) is Due.INACTIVITY
    lazy.operated_at = 399
    assert lazy.due(400) is None


def test_an_unbind_has_its_own_limit() -> None:
    ending = timers(inactivity_seconds=300, enquire_link_seconds=30)
    ending.bound(100)
    ending.is_ending = True
    assert ending.next_due() == NEVER


def test_partial_pdu_goes_before_everything() -> None:
    begun = timers(partial_pdu_seconds=5, session_init_seconds=1)
    begun.partial_since = 100.0
    assert begun.due(110) is Due.PARTIAL_PDU


@pytest.mark.parametrize("moment", [100.0, 117.0, 129.9])
def test_nothing_is_due_before_next_due(moment: float) -> None:
    quiet = timers(enquire_link_seconds=30, inactivity_seconds=40, partial_pdu_seconds=50)
    quiet.bound(100)
    assert moment < quiet.next_due()
    assert quiet.due(moment) is None
