"""When an uplink is sick though it is connected."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from gateway.settings import setting


class HealthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When an uplink counts as sick though it is connected: messages then take the next one of their route."""

    sick_share: Annotated[
        float,
        setting(
            "The share of answers that are faults of theirs (system errors, none in time) from which it is sick; 0: it"
            " never is. Refusals of a message are none, nor is being told to go slower.",
            ge=0,
            le=1,
        ),
    ] = 0.5
    well_share: Annotated[float, setting("... and up to which, of those who try it, it is well again.", ge=0, le=1)] = (
        0.1
    )
    window_seconds: Annotated[float, setting("Over how long answers are counted.", unit="seconds", ge=1, le=3_600)] = (
        60.0
    )
    min_answers: Annotated[int, setting("Fewer answers than that say nothing.", unit="answers", ge=1, le=1_000_000)] = (
        20
    )
    pause_seconds: Annotated[
        float,
        setting(
            "How long it is left alone before messages try it; it doubles while they fail.",
            unit="seconds",
            ge=0.1,
            le=3_600,
        ),
    ] = 15.0
    pause_max_seconds: Annotated[float, setting("Longest such pause.", unit="seconds", ge=0.1, le=86_400)] = 300.0
    probes: Annotated[int, setting("How many messages try it then.", unit="messages", ge=1, le=10_000)] = 5


def check_health(key: str, health: HealthConfig) -> Iterator[tuple[str, object, str]]:
    """What does not fit together."""
    if health.sick_share and health.well_share >= health.sick_share:
        yield f"{key}.well_share", health.well_share, "less than sick_share"
    if health.pause_max_seconds < health.pause_seconds:
        yield f"{key}.pause_max_seconds", health.pause_max_seconds, "no less than pause_seconds"
