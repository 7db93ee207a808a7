"""A simulated SMSC that behaves as a profile says: limits, idle drop, refusals, its own codes.

async with Simulator(**simulator_options(MOBTEXTING)) as simulator: ...
async with Simulator(**simulator_options(MOBTEXTING, rules=[receipt_rule(MOBTEXTING, "010", "9199*")])): ...
"""

from collections.abc import Sequence
from dataclasses import replace
from ssl import SSLContext
from typing import TypedDict

import msgspec

from smpp.constants import Role
from smpp.profiles.profile import Profile
from smpp.session import SessionConfig
from smpp.simulator import Arrival, Outcome, Rule, Script

_LARGE_WINDOW = 1000


class SimulatorOptions(TypedDict, total=False):
    """Arguments of `smpp.simulator.Simulator`."""

    urls: tuple[tuple[str, ...], ...]
    script: Script
    ssl_context: SSLContext
    session: SessionConfig
    on_submit: "ProfileHook"
    system_id: str
    default_alphabet: str


class ProfileHook:
    """Refuses what the provider would refuse; everything else is left to the rules of the script.

    Args:
        profile: whose rules count.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def __call__(self, arrival: Arrival) -> Outcome | None:
        """Decide on a message."""
        refusal = self._profile.refusal(arrival.message)
        return None if refusal is None else Outcome(command_status=refusal.command_status)


def simulator_options(
    profile: Profile,
    *,
    rules: Sequence[Rule] = (),
    script: Script | None = None,
    ssl_context: SSLContext | None = None,
    host: str = "127.0.0.1",
) -> SimulatorOptions:
    """Arguments for a `Simulator` that behaves like this provider, on free ports of this machine.

    Args:
        profile: which provider.
        rules: what shall happen to some messages; they go before its limits.
        script: the rest of what it shall do; default: nothing special.
        ssl_context: as many listeners with TLS as the provider has (`smpp.simulator.throw_away_tls`); default: plain
            ones only.
        host: where to listen.
    """
    script = script or Script()
    limits: tuple[Rule, ...] = ()
    if profile.parts_per_second_per_server:
        limits = (Rule(over_per_second=int(profile.parts_per_second_per_server), scope="server"),)
    options = SimulatorOptions(
        urls=tuple(_local(server, host, with_tls=ssl_context is not None) for server in profile.servers or _ONE),
        script=msgspec.structs.replace(
            script,
            rules=(*rules, *script.rules, *limits),
            max_binds=script.max_binds or profile.binds_per_server,
        ),
        session=_session_config(profile),
        on_submit=ProfileHook(profile),
        system_id=profile.name[:15],
        default_alphabet=profile.default_alphabet,
    )
    if ssl_context is not None:
        options["ssl_context"] = ssl_context
    return options


def receipt_rule(profile: Profile, code: str, destination: str = "*") -> Rule:
    """A rule that reports messages as this provider does with one of its codes: its word in `stat`, the code in `err`.

    Raises:
        ValueError: the provider has no such code.
    """
    error = profile.receipt_error(code)
    if error is None:
        raise ValueError(f"{code!r} is no error code of {profile.name}'s receipts")
    return Rule(destination=destination, receipt_state=error.state.name, receipt_word=error.word, error=code)


def status_rule(profile: Profile, name: str, destination: str = "*") -> Rule:
    """A rule that refuses messages with one of this provider's statuses.

    Raises:
        ValueError: the provider has no such status.
    """
    return Rule(destination=destination, status=profile.status_number(name))


_ONE = (("smpp://127.0.0.1:2775", "smpps://127.0.0.1:3550"),)


def _local(server: tuple[str, ...], host: str, *, with_tls: bool) -> tuple[str, ...]:
    schemes = [url.partition("://")[0] for url in server]
    return tuple(f"{scheme}://{host}:0" for scheme in schemes if with_tls or scheme == "smpp")


def _session_config(profile: Profile) -> SessionConfig:
    # It asks nothing by itself: silence is the peer's own.
    config = SessionConfig(role=Role.SMSC, enquire_link_seconds=0.0, window=_LARGE_WINDOW)
    return replace(
        config,
        inactivity_seconds=profile.idle_seconds,
        inactivity_counts_enquire_link=True,
        interface_version=int(profile.interface_version),
    )
