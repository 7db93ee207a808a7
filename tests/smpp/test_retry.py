import pytest

from smpp.retry import MESSAGE_CLASSES, BindClass, RetryClass, RetryPolicy
from smpp.status import CommandStatus as S


def test_the_table_has_every_status_of_the_specification() -> None:
    assert set(MESSAGE_CLASSES) == set(S) - {S.ESME_ROK}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.ESME_RTHROTTLED, RetryClass.THROTTLED),
        (S.ESME_RMSGQFUL, RetryClass.THROTTLED),
        (S.ESME_RSYSERR, RetryClass.RETRY_LATER),
        (S.ESME_RX_T_APPN, RetryClass.RETRY_LATER),
        (S.ESME_RINVBNDSTS, RetryClass.RETRY_LATER),
        (S.ESME_RINVDSTADR, RetryClass.PERMANENT),
        (S.ESME_RX_P_APPN, RetryClass.PERMANENT),
        (S.ESME_RSUBMITFAIL, RetryClass.PERMANENT),
        (0x40B, RetryClass.PERMANENT),
        (0x55F, RetryClass.PERMANENT),
        (0xFFFFFFFF, RetryClass.PERMANENT),
    ],
)
def test_statuses_have_their_class(status: int, expected: RetryClass) -> None:
    assert RetryPolicy().classify(status) is expected


def test_success_has_no_class() -> None:
    with pytest.raises(ValueError, match="no error"):
        RetryPolicy().classify(0)
    with pytest.raises(ValueError, match="no error"):
        RetryPolicy({0: RetryClass.PERMANENT})


def test_overrides_win_for_known_and_for_vendor_statuses() -> None:
    policy = RetryPolicy({S.ESME_RSYSERR: RetryClass.PERMANENT, 0x55F: RetryClass.THROTTLED})
    assert policy.classify(S.ESME_RSYSERR) is RetryClass.PERMANENT
    assert policy.classify(0x55F) is RetryClass.THROTTLED
    assert RetryPolicy().classify(S.ESME_RSYSERR) is RetryClass.RETRY_LATER


def test_a_config_names_statuses_by_name_or_number() -> None:
    policy = RetryPolicy.from_config(
        {"ESME_RSUBMITFAIL": "retry_later", "0x40B": "retry_later", "1375": "throttled", "esme_rinvtlvval": "throttled"}
    )
    assert policy.classify(S.ESME_RSUBMITFAIL) is RetryClass.RETRY_LATER
    assert policy.classify(0x40B) is RetryClass.RETRY_LATER
    assert policy.classify(1375) is RetryClass.THROTTLED
    assert policy.classify(S.ESME_RINVOPTPARAMVAL) is RetryClass.THROTTLED


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"ESME_RNOSUCH": "permanent"}, "'ESME_RNOSUCH' is no command_status"),
        ({"-1": "permanent"}, "'-1' is no command_status"),
        ({"0x100000000": "permanent"}, "is no command_status"),
        ({"0x58": "sometimes"}, "'sometimes' is no retry class: one of throttled, retry_later, permanent"),
        ({"0": "permanent"}, "no error"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RetryPolicy.from_config(overrides)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.ESME_RALYBND, BindClass.ALREADY_BOUND),
        (S.ESME_RSYSERR, BindClass.TEMPORARY),
        (S.ESME_RBINDFAIL, BindClass.TEMPORARY),
        (S.ESME_RINVCMDID, BindClass.UNSUPPORTED),
        (S.ESME_RINVPASWD, BindClass.REFUSED),
        (S.ESME_RINVSYSID, BindClass.REFUSED),
        (0x4FF, BindClass.TEMPORARY),
    ],
)
def test_refused_binds_have_their_class(status: int, expected: BindClass) -> None:
    assert RetryPolicy().classify_bind(status) is expected


def test_a_class_is_explained() -> None:
    policy = RetryPolicy({0x40B: RetryClass.RETRY_LATER})
    assert policy.explain(0x58).endswith(": throttled, the rate agreed upon is exceeded")
    assert policy.explain(0x40B).endswith(": retry later, by configuration")
    assert policy.explain(0x4FE).endswith(": permanent, nothing is known of it")
