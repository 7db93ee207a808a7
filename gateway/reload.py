"""What another config changes, and what of it can be put in force while the gateway runs. Pure.

old, new ──plan──► Plan: the config in force from now on, uplinks that come, go or are replaced, what needs a restart
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from gateway.config import AccountConfig, Config, UplinkConfig
from gateway.config.checks import check
from gateway.errors import ConfigError

FIXED: Final = ("http", "admin", "smpp", "node", "store", "pipeline")
"""Settings that were built into what runs: sockets, the store, this node's name. They take effect at the next start."""

OF_ROUTING: Final = frozenset({"costs", "validity_seconds", "in_doubt", "in_doubt_limit", "health"})
"""Settings of an uplink that its connections do not know of."""

STORED: Final = "(store)"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    config: Config
    """In force from now on."""
    changed: tuple[str, ...]
    restart_needed: tuple[str, ...]
    new_uplinks: tuple[str, ...]
    replaced_uplinks: tuple[str, ...]
    removed_uplinks: tuple[str, ...]


def plan(old: Config, new: Config) -> Plan:
    """What it takes to get from one config to another."""
    restart_needed = tuple(
        key for group in FIXED for key in _differing(group, getattr(old, group), getattr(new, group))
    )
    effective = msgspec.structs.replace(new, **{group: getattr(old, group) for group in FIXED})
    return Plan(
        config=effective,
        changed=tuple(_changed(old, effective)),
        restart_needed=restart_needed,
        new_uplinks=tuple(name for name in new.uplink if name not in old.uplink),
        replaced_uplinks=tuple(
            name
            for name, uplink in new.uplink.items()
            if name in old.uplink and _connection(uplink) != _connection(old.uplink[name])
        ),
        removed_uplinks=tuple(name for name in old.uplink if name not in new.uplink),
    )


def with_accounts(
    declared: Config, stored: Mapping[str, AccountConfig], problems: list[ConfigError] | None = None
) -> Config:
    """The config together with the accounts that the store has; those of the file go before.

    Args:
        problems: gets what is wrong with accounts that are left out; None: then none is.

    Raises:
        ConfigError: together they cannot be.
    """
    more = {name: account for name, account in stored.items() if name not in declared.account}
    if not more:
        return declared
    try:
        return _together(declared, more)
    except ConfigError:
        if problems is None:
            raise
    together = declared
    for name, account in more.items():
        try:
            together = _together(together, {name: account})
        except ConfigError as error:
            problems.append(error)
    return together


def _together(config: Config, more: Mapping[str, AccountConfig]) -> Config:
    together = msgspec.structs.replace(config, account={**config.account, **more})
    check(together, STORED)
    return together


def _connection(uplink: UplinkConfig) -> dict[str, object]:
    return {name: getattr(uplink, name) for name in uplink.__struct_fields__ if name not in OF_ROUTING}


def _differing(key: str, old: msgspec.Struct, new: msgspec.Struct) -> Iterator[str]:
    for name in old.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if isinstance(before, msgspec.Struct) and isinstance(after, msgspec.Struct):
            yield from _differing(f"{key}.{name}", before, after)
        else:
            yield f"{key}.{name}"


def _changed(old: Config, new: Config) -> Iterator[str]:
    for group in old.__struct_fields__:
        before, after = getattr(old, group), getattr(new, group)
        if before == after:
            continue
        if isinstance(before, dict):
            names = [*after, *(name for name in before if name not in after)]
            yield from (f"{group}.{name}" for name in names if before.get(name) != after.get(name))
        else:
            yield group
