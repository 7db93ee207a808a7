import pytest

from smpp.pool import BindState, BindStatus
from smpp.tools.csv_results import ACCEPTED, IN_DOUBT, INVALID, NOT_SENT, REFUSED, SENDING, Part, Row
from smpp.tools.csv_tally import SHOWN_ROWS, Tally


def row(*states: str, number: int = 1) -> Row:
    return Row(number, "919876543210", 1, [Part(state) for state in states])


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        ((ACCEPTED, "DELIVERED"), ACCEPTED),
        ((ACCEPTED, REFUSED), REFUSED),
        ((NOT_SENT, INVALID), INVALID),
        ((ACCEPTED, NOT_SENT), NOT_SENT),
        ((REFUSED, SENDING), IN_DOUBT),
        ((IN_DOUBT, ACCEPTED), IN_DOUBT),
    ],
    ids=str,
)
def test_a_row_counts_as_the_worst_of_its_parts(states: tuple[str, ...], kind: str) -> None:
    tally = Tally()
    tally.row_ended(row(*states))
    assert tally.rows == {kind: 1}


def test_a_run_is_complete_when_the_file_is_read_and_every_row_is_with_the_smsc() -> None:
    tally = Tally()
    tally.row_ended(row(ACCEPTED))
    tally.rows["earlier"] += 1
    told = [tally.is_complete]
    tally.is_read = True
    told.append(tally.is_complete)
    tally.row_ended(row(REFUSED))
    assert [*told, tally.is_complete] == [False, True, False]


def test_only_the_first_rows_in_doubt_are_named_and_all_are_counted() -> None:
    tally = Tally()
    for number in range(1, SHOWN_ROWS + 6):
        tally.doubt(number)
    assert tally.summary("r.csv").in_doubt == tuple(range(1, SHOWN_ROWS + 1))
    assert tally.rows[IN_DOUBT] == SHOWN_ROWS + 5


def test_a_flood_of_reasons_is_told_as_others() -> None:
    tally = Tally()
    for number in range(150):
        tally.because(f"status {number}")
    tally.because("status 0")
    assert tally.reasons.total() == 151
    assert tally.reasons["status 0"] == 2
    assert tally.reasons["others"] == 50


def test_its_line_names_receipts_to_come_and_binds_that_are_down() -> None:
    tally = Tally()
    tally.part_ended(ACCEPTED)
    tally.row_ended(row(ACCEPTED))
    tally.waiting = 1
    down = BindStatus("smpp1:2775#0", BindState.WAITING, False, 0, 10, 0, 0, 0, 0, 0, "no route")
    line = tally.line(1.0, 0, [down])
    assert line.startswith("1 rows, ")
    assert line.endswith("; 1 receipts to come; 1 binds down: no route")
    assert "receipts to come" not in tally.line(0.5, 0, [])
