"""The statuses against the tables of the specification."""

import pytest

from smpp.status import VENDOR_STATUSES, CommandStatus, describe_status, status_name
from tests.vectors.load import reference

CODES = reference("status")["codes"]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code["name"])
def test_status_has_the_number_and_the_meaning_of_the_table(code: dict[str, str]) -> None:
    status = CommandStatus(int(code["code"], 16))  # type: ignore[call-arg]  # a look-up takes the number alone
    assert status.name == code["name"]
    assert status.description == code["description"]


def test_there_is_no_status_that_the_table_lacks() -> None:
    assert len(CommandStatus) == len(CODES)


def test_status_is_a_plain_number_to_everybody() -> None:
    number: int = 0x58
    by_number: dict[int, str] = {CommandStatus.ESME_RTHROTTLED: "throttled"}
    assert number == CommandStatus.ESME_RTHROTTLED
    assert f"{CommandStatus.ESME_RTHROTTLED:d}" == "88"
    assert by_number[number] == "throttled"


@pytest.mark.parametrize(
    ("status", "name", "line"),
    [
        (0x00, "ESME_ROK", "0x00000000 ESME_ROK (No Error)"),
        (0x0B, "ESME_RINVDSTADR", "0x0000000B ESME_RINVDSTADR (Invalid Dest Addr)"),
        (0x50, "ESME_RINVDSTTON", "0x00000050 ESME_RINVDSTTON (Invalid Destination address TON)"),
        (0x400, "0x00000400", "0x00000400 (vendor specific)"),
        (0x4FF, "0x000004FF", "0x000004FF (vendor specific)"),
        (0x500, "0x00000500", "0x00000500 (not in the specification)"),
        (0x55F, "0x0000055F", "0x0000055F (not in the specification)"),
        (0xFFFFFFFF, "0xFFFFFFFF", "0xFFFFFFFF (not in the specification)"),
    ],
)
def test_status_is_shown_to_a_person_with_its_number(status: int, name: str, line: str) -> None:
    assert status_name(status) == name
    assert describe_status(status) == line


def test_vendor_statuses_are_those_of_the_table() -> None:
    assert range(0x400, 0x500) == VENDOR_STATUSES
