from math import inf

from smpp.correlator.ids import IdRule
from smpp.correlator.parking import Parked, ParkingLot


def parked(number: int, *keys: str) -> Parked[int]:
    return Parked(tuple((IdRule.AS_IS, key) for key in keys), keys[0], ("91", ""), number, True, float(number))


def test_receipts_wait_in_the_order_they_came_and_are_found_by_each_of_their_keys() -> None:
    lot: ParkingLot[int] = ParkingLot(10.0, 3)
    receipts = [parked(1, "a"), parked(2, "b", "a"), parked(3, "c")]
    for one in receipts:
        lot.add(one)
    assert list(lot) == receipts
    assert [one.receipt for one in lot.by_key["a"]] == [1, 2]
    assert (len(lot), lot.oldest, lot.has_room) == (3, receipts[0], False)


def test_what_leaves_is_found_by_no_key_any_more() -> None:
    lot: ParkingLot[int] = ParkingLot(10.0, 3)
    one, other = parked(1, "a", "b"), parked(2, "b")
    lot.add(one)
    lot.add(other)
    lot.remove(one)
    assert lot.by_key == {"b": [other]}
    assert (one.still, other.still) == (False, True)
    assert lot.has_room


def test_the_oldest_is_due_first() -> None:
    lot: ParkingLot[int] = ParkingLot(10.0, 3)
    assert (lot.next_deadline(), lot.overdue(inf)) == (inf, None)
    one, other = parked(1, "a"), parked(2, "b")
    lot.add(one)
    lot.add(other)
    assert (lot.next_deadline(), lot.overdue(10.9), lot.overdue(11.0)) == (11.0, None, one)
    lot.remove(one)
    assert (lot.next_deadline(), lot.overdue(11.0)) == (12.0, None)
