"""Places for requests: all of a node alone, its part of those that nodes share."""

import asyncio

from gateway.uplinks.places import Places


def test_a_node_alone_has_all() -> None:
    places = Places(3, is_shared=False)

    assert [places.take() for _ in range(places.free)] == [1, 2, 3]
    assert places.share == 1.0
    places.give_back(2)
    assert (places.free, places.take()) == (1, 2)


def test_shared_places_are_used_as_they_are_let_up() -> None:
    places = Places(4, is_shared=True)
    assert places.free == 0

    places.open(3)
    places.open(3)

    assert (places.free, places.share, places.take()) == (1, 0.25, 3)


async def test_a_place_in_use_is_waited_for() -> None:
    places = Places(2, is_shared=False)
    place = places.take()
    closing = asyncio.ensure_future(places.close(place, 10.0))
    await asyncio.sleep(0)
    assert not closing.done()

    places.give_back(place)
    await closing

    assert (places.free, places.share) == (1, 0.5)
    places.open(place)
    assert places.free == 2


async def test_one_that_is_not_in_use_is_closed_at_once_and_one_that_stays_is_given_up() -> None:
    places = Places(2, is_shared=False)
    place = places.take()

    await places.close(2, 10.0)
    await places.close(place, 0.0)

    assert (places.free, places.share) == (0, 0.0)
