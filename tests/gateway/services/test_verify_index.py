"""Verifications found by number, reference and time; each test runs on each store."""

from collections.abc import Sequence

import msgspec
import pytest

from gateway.config.services import VerifyConfig
from gateway.providers.ports import Verification, VerifyRequest
from gateway.services.verify_index import key_of
from gateway.store import Record, Store
from tests.gateway.services.desk import ACCOUNT, NUMBER, Bench

OTHER = "447400123499"


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store, config=VerifyConfig(per_number=0, per_prefix=0, conversion_percent=0))


async def begin(bench: Bench, name: str, *, number: str = NUMBER, reference: str = "") -> str:
    request = VerifyRequest(id=name, number=number, dialect="words", reference=reference, allow_concurrent=True)
    await bench.verify.begin(ACCOUNT, request)
    bench.clock.pass_(1)
    return name


def ids(found: Sequence[Verification]) -> list[str]:
    return [one.id for one in found]


async def test_ids_of_the_callers_own_do_not_matter_for_the_order(bench: Bench) -> None:
    for name in ("m", "z", "a", "q"):
        await begin(bench, name)
    assert ids(await bench.verify.search(ACCOUNT)) == ["q", "a", "z", "m"]
    assert ids(await bench.verify.search(ACCOUNT, number=NUMBER, limit=2)) == ["q", "a"]
    assert ids(await bench.verify.search(ACCOUNT, number=NUMBER, limit=2, before_id="a")) == ["z", "m"]
    assert ids(await bench.verify.search(ACCOUNT, before_id="m")) == []
    assert ids(await bench.verify.search(ACCOUNT, before_id="none")) == []


async def test_conditions_hold_together(bench: Bench) -> None:
    start = bench.clock.now
    for n in range(12):
        await begin(bench, f"v{n:02}", number=(NUMBER, OTHER)[n % 2], reference=f"r{n % 3}")
    assert ids(await bench.verify.search(ACCOUNT, number=OTHER, reference="r0")) == ["v09", "v03"]
    assert ids(await bench.verify.search(ACCOUNT, number=NUMBER, since=start + 4, until=start + 8)) == ["v06", "v04"]
    assert ids(await bench.verify.search(ACCOUNT, reference="r1", until=start + 4.0)) == ["v01"]
    assert ids(await bench.verify.search(ACCOUNT, since=start + 11)) == ["v11"]
    assert ids(await bench.verify.search(ACCOUNT, reference="r0", number=NUMBER, limit=1, before_id="v06")) == ["v00"]


async def test_what_is_forgotten_is_found_no_more(bench: Bench) -> None:
    await begin(bench, "v", reference="r")
    await bench.verify.cancel(ACCOUNT, "v")
    bench.clock.pass_(bench.config.keep_seconds + 1)
    await bench.verify.sweep()
    assert ids(await bench.verify.search(ACCOUNT)) == []
    for kind in ("verify", "verify_time", "verify_reference"):
        assert await bench.store.count_records(kind) == 0


async def test_one_that_was_refused_leaves_nothing_to_be_found(bench: Bench) -> None:
    await begin(bench, "v", reference="r")
    with pytest.raises(Exception, match="of this id already"):
        await begin(bench, "v", reference="r")
    assert ids(await bench.verify.search(ACCOUNT)) == ["v"]
    assert await bench.store.count_records("verify_time") == 1


async def test_the_newest_of_many_are_found_by_reading_no_more_than_them(store: Store) -> None:
    bench = Bench(store, config=VerifyConfig(per_number=0, per_prefix=0, per_account=0, conversion_percent=0))
    await begin(bench, "first", reference="r")
    (document,) = await store.records("verify")
    kept = await bench.verify._book.wanted(ACCOUNT, "first")
    records = []
    for n in range(12_000):
        # As if begun one second after the other, before it.
        older = msgspec.structs.replace(
            kept.value,
            request=msgspec.structs.replace(kept.value.request, id=f"older{n}"),
            created_at=kept.value.created_at - 1 - n,
        )
        key = key_of(older)
        value = msgspec.json.encode(older)
        records.append(msgspec.structs.replace(document, key=f"older{n}", value=value, version=0))
        for kind, tag in (("verify_time", NUMBER), ("verify_reference", "r")):
            records.append(Record(kind=kind, account=ACCOUNT, key=key, value=b"{}", tag=tag))
    for at in range(0, len(records), 5_000):
        assert all(await store.put_records(records[at : at + 5_000]))
    reads = Reads(store)
    expected = ["first", *(f"older{n}" for n in range(9))]
    assert ids(await bench.verify.search(ACCOUNT, limit=10)) == expected
    assert ids(await bench.verify.search(ACCOUNT, number=NUMBER, limit=10)) == expected
    assert ids(await bench.verify.search(ACCOUNT, reference="r", limit=10)) == expected
    assert reads.records == 30
    last = await bench.verify.search(ACCOUNT, number=NUMBER, limit=10, before_id="older11989")
    assert ids(last) == [f"older{n}" for n in range(11_990, 12_000)]


class Reads:
    """Counts the records that lists are made of."""

    def __init__(self, store: Store) -> None:
        self.records = 0
        read = store.records

        async def counted(*arguments: object, **more: object) -> list[Record]:
            found = await read(*arguments, **more)  # type: ignore[arg-type]
            self.records += len(found)
            return found

        store.records = counted  # type: ignore[method-assign]
