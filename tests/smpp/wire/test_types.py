"""Field annotations and the values of compound fields."""

import pytest

from smpp.status import CommandStatus
from smpp.wire.types import CString, DistributionList, Int, ShortMessage, SmeAddress, Time, TimeKind, UnsuccessSme


def test_limits_of_the_specification_are_the_defaults() -> None:
    assert ShortMessage().max_octets == 254
    assert Time(CommandStatus.ESME_RINVEXPIRY).max_octets == 17
    assert Time(CommandStatus.ESME_RINVEXPIRY).kind is TimeKind.REQUEST
    assert CString(9).command_status == CommandStatus.ESME_RINVCMDLEN


def test_annotations_are_values() -> None:
    assert Int(1) == Int(1)
    assert len({CString(9), CString(9), CString(10)}) == 2


def test_addresses_are_values_that_cannot_be_changed() -> None:
    assert SmeAddress(1, 1, "44") == SmeAddress(1, 1, "44")
    assert len({SmeAddress(1, 1, "44"), SmeAddress(1, 1, "44"), DistributionList("44")}) == 2
    with pytest.raises(AttributeError):
        UnsuccessSme().error_status_code = 1  # type: ignore[misc]


def test_addresses_show_themselves() -> None:
    assert repr(SmeAddress(1, 1, "44")) == "SmeAddress(dest_addr_ton=1, dest_addr_npi=1, destination_addr='44')"
    assert repr(DistributionList("ALL")) == "DistributionList(dl_name='ALL')"
    assert repr(UnsuccessSme(0, 0, "44", 11)) == (
        "UnsuccessSme(dest_addr_ton=0, dest_addr_npi=0, destination_addr='44', error_status_code=11)"
    )
