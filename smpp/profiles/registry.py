"""Profiles by the name that a config gives: ``profile = "mobtexting"``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from smpp.profiles.mobtexting import MOBTEXTING
from smpp.profiles.profile import STANDARD_PROFILE, Profile

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {profile.name: profile for profile in (STANDARD_PROFILE, MOBTEXTING)}
)


def find_profile(name: str) -> Profile:
    """The profile of this name.

    Raises:
        ValueError: there is none; names those there are.
    """
    profile = PROFILES.get(name.strip().lower())
    if profile is None:
        raise ValueError(f"{name!r} is no profile: expected one of {', '.join(PROFILES)}")
    return profile
