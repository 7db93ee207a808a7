"""Whether an uplink that is connected also works: what its answers of late say. Pure: time comes in as an argument.

    well ──too many faults──► sick ──its pause is over──► on trial ──those who try it get through──► well
                               ▲                              │
                               └───── they fail: a longer ────┘

What counts is each answer: accepted or refused, it works; a system error, or none in time, and it does not. Between
the share at which it gets sick and the one at which it is well again lies a gap, and the pause is shortened only once
it has stayed well for long: an uplink that fails every other minute is not tried every other minute.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

import structlog

from gateway.config import HealthConfig, UplinkConfig
from gateway.metrics import Metrics
from gateway.models import Outcome

log = structlog.get_logger(__name__)

SLICES: Final = 12
"""The window slides in so many steps."""
FAULTS: Final = frozenset({Outcome.RETRY, Outcome.IN_DOUBT})
ANSWERS: Final = frozenset({Outcome.ACCEPTED, Outcome.REJECTED}) | FAULTS
"""Ends of attempts that say something: what never left and what came too fast do not."""


class HealthState(StrEnum):
    """What is thought of an uplink."""

    WELL = "well"
    SICK = "sick"
    """Left alone, where a route has another."""
    ON_TRIAL = "on_trial"
    """A few messages try it."""


class Health:
    """What is known of one uplink."""

    __slots__ = ("_config", "_left", "_pause", "_slices", "_trial", "_until", "_well_since", "state")

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self.state = HealthState.WELL
        self._slices: deque[tuple[int, int, int]] = deque()
        """Number of the slice, answers, faults."""
        self._trial = [0, 0]
        """Answers and faults since messages began to try it."""
        self._pause = config.pause_seconds
        self._until = 0.0
        self._left = 0
        """How many more may try it."""
        self._well_since: float | None = None

    def note(self, answers: int, faults: int, now: float) -> None:
        """Count answers that came."""
        config = self._config
        if not config.sick_share:
            return
        number = int(now * SLICES / config.window_seconds)
        if self._slices and self._slices[-1][0] >= number:
            last, before, worse = self._slices.pop()
            self._slices.append((last, before + answers, worse + faults))
        else:
            self._slices.append((number, answers, faults))
        if self.state is HealthState.ON_TRIAL:
            self._on_trial(answers, faults, now)
        elif self.state is HealthState.WELL:
            # Once it is sick, answers to what was under way decide nothing.
            total, failed = self.counts(now)
            if total >= config.min_answers and failed >= config.sick_share * total:
                self._leave_alone(now)

    def counts(self, now: float) -> tuple[int, int]:
        """Answers within the window, and faults among them."""
        oldest = int(now * SLICES / self._config.window_seconds) - SLICES
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()
        return sum(one[1] for one in self._slices), sum(one[2] for one in self._slices)

    def fault_share(self, now: float) -> float:
        """How much of what was answered within the window were faults."""
        answers, faults = self.counts(now)
        return faults / answers if answers else 0.0

    def admits(self, now: float) -> bool:
        """Whether a message may take it; one on trial is counted."""
        if self.state is HealthState.WELL:
            return True
        if now < self._until:
            return False
        if self.state is HealthState.SICK or not self._left:
            # Those who were to try it last may have ended elsewhere.
            self.state = HealthState.ON_TRIAL
            self._until, self._left = now, self._config.probes
            self._trial = [0, 0]
        self._left -= 1
        if not self._left:
            self._until = now + self._pause
        return True

    # --- from one state to the next ---

    def _on_trial(self, answers: int, faults: int, now: float) -> None:
        config, trial = self._config, self._trial
        trial[0] += answers
        trial[1] += faults
        if trial[0] < config.probes:
            return
        if trial[1] <= config.well_share * trial[0]:
            self.state, self._well_since = HealthState.WELL, now
            self._slices.clear()
        else:
            self._pause = min(self._pause * 2, config.pause_max_seconds)
            self._rest(now)

    def _leave_alone(self, now: float) -> None:
        config = self._config
        if self._well_since is None or now - self._well_since >= config.pause_max_seconds:
            self._pause = config.pause_seconds
        else:
            self._pause = min(self._pause * 2, config.pause_max_seconds)
        self._rest(now)

    def _rest(self, now: float) -> None:
        self.state = HealthState.SICK
        self._until, self._left, self._trial = now + self._pause, 0, [0, 0]


class HealthBook:
    """The health of every uplink, as this node finds it.

    Args:
        settings: of the uplinks, by name.
        clock: seconds since the epoch.
    """

    def __init__(self, settings: Mapping[str, UplinkConfig], metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._configs: dict[str, UplinkConfig] = {}
        self._healths: dict[str, Health] = {}
        self.reconfigure(settings)

    def reconfigure(self, settings: Mapping[str, UplinkConfig]) -> None:
        """Go by other settings; an uplink whose settings changed begins anew."""
        for name in [name for name in self._healths if name not in settings]:
            del self._healths[name], self._configs[name]
            for one in HealthState:
                self._metrics.uplink_health.remove(name, one.value)
        for name, config in settings.items():
            if self._configs.get(name) != config:
                self._configs[name], self._healths[name] = config, Health(config.health)
                self._show(name)

    def note(self, uplink: str, outcome: Outcome, count: int) -> None:
        """Count ends of attempts."""
        health = self._healths.get(uplink)
        if health is None or outcome not in ANSWERS:
            return
        now, before = self._clock(), health.state
        health.note(count, count if outcome in FAULTS else 0, now)
        if health.state is not before:
            self._changed(uplink, health, now)

    def state(self, uplink: str) -> HealthState:
        """What is thought of an uplink; of one that is not known, no ill."""
        health = self._healths.get(uplink)
        return health.state if health is not None else HealthState.WELL

    def is_well(self, uplink: str) -> bool:
        """Whether messages may take it that could take another."""
        return self.state(uplink) is HealthState.WELL

    def remark(self, uplink: str) -> str:
        """What there is to say of an uplink that is not well; empty: nothing."""
        health = self._healths.get(uplink)
        if health is None or health.state is HealthState.WELL:
            return ""
        answers, faults = health.counts(self._clock())
        return f"{health.state.value.replace('_', ' ')}: {faults} of {answers} answers of late were faults"

    def choose(self, uplinks: Iterable[str], is_available: Callable[[str], bool]) -> str | None:
        """The first uplink that is available and well, or may be tried; else the best of the sick; None: none is up."""
        now = self._clock()
        sick: list[str] = []
        for name in uplinks:
            if not is_available(name):
                continue
            health = self._healths.get(name)
            if health is None or health.state is HealthState.WELL:
                return name
            before = health.state
            if health.admits(now):
                if health.state is not before:
                    self._changed(name, health, now)
                return name
            sick.append(name)
        return min(sick, key=lambda name: self._healths[name].fault_share(now), default=None)

    def in_order(self, uplinks: Iterable[str]) -> list[str]:
        """Those that are well before the others."""
        return sorted(uplinks, key=lambda name: not self.is_well(name))

    def _changed(self, name: str, health: Health, now: float) -> None:
        answers, faults = health.counts(now)
        log.warning("health of an uplink", uplink=name, health=health.state.value, answers=answers, faults=faults)
        if health.state is HealthState.SICK:
            self._metrics.uplink_sick.labels(name).inc()
        self._show(name)

    def _show(self, name: str) -> None:
        state = self._healths[name].state
        for one in HealthState:
            self._metrics.uplink_health.labels(name, one.value).set(one is state)
