"""What a number says by itself: whether it can be one, whose it is, how it is written. No network is asked."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberFormat, PhoneNumberType, carrier, timezone
from phonenumbers.carrierdata import CARRIER_DATA, CARRIER_LONGEST_PREFIX

from gateway.providers.ports import NumberInfo
from gateway.services.operators import countries, network_of

KINDS: Final = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}

_DIALLED: Final = re.compile(r"[0-9+() ./-]+")
_PREFIXED: Final = "0"
"""What a number may begin with that is not part of it."""
_UNKNOWN_ZONE: Final = "Etc/Unknown"
_NO_REGION: Final = "001"


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    digits = number.strip().removeprefix("+")
    if digits.startswith("00"):
        digits = digits[2:]
    if len(digits) > 40 or not digits.isascii():
        return None
    try:
        return phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None


def _typed(number: str) -> tuple[phonenumbers.PhoneNumber, int, str] | None:
    """A number with its type, which is unknown also of what is none, and as E.164 writes it."""
    quick = _read_quickly(number)
    if quick is not None and (kind := phonenumbers.number_type(quick)) != PhoneNumberType.UNKNOWN:
        return quick, kind, "+" + number
    parsed = _parsed(number)
    if parsed is None:
        return None
    e164 = str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))
    return parsed, phonenumbers.number_type(parsed), e164


def _read_quickly(digits: str) -> phonenumbers.PhoneNumber | None:
    """Digits as calling code and number, where they can be nothing else if that is a number; else None.

    A third of what reading them in full takes, which looks for national prefixes and leading zeros, too.
    """
    if not digits.isdecimal() or not digits.isascii():
        return None
    for length in (1, 2, 3):
        code = int(digits[:length])
        if code in COUNTRY_CODE_TO_REGION_CODE:
            rest = digits[length:]
            if 4 <= len(rest) <= 15 and rest[0] not in _PREFIXED:
                return phonenumbers.PhoneNumber(country_code=code, national_number=int(rest))
            break
    return None


@lru_cache(maxsize=10_000)
def country_of(number: str) -> str:
    """The country of a number as ISO 3166-1 alpha-2; empty where it has none."""
    parsed = _parsed(number)
    return _region(parsed) if parsed is not None else ""


@lru_cache(maxsize=10_000)
def canonical(number: str) -> str:
    """A number as everybody writes it, digits only; what is none as it is written."""
    # Letters are digits to who dials them, and to an e-mail address they are not.
    parsed = _parsed(number) if _DIALLED.fullmatch(number) else None
    if parsed is None:
        return number.strip().lower()
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)).removeprefix("+")


@lru_cache(maxsize=10_000)
def kind_of(number: str) -> str:
    """What kind of a number it is: 'mobile', 'premium_rate' and so on, 'unknown' where it is none."""
    parsed = _parsed(number)
    return KINDS.get(phonenumbers.number_type(parsed), "unknown") if parsed is not None else "unknown"


def is_possible(number: str) -> bool:
    """Whether a number has as many digits as numbers of its country."""
    parsed = _parsed(number)
    return parsed is not None and phonenumbers.is_possible_number(parsed)


def _region(parsed: phonenumbers.PhoneNumber) -> str:
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        # Not a number of any, but its calling code still says where it would go.
        region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return "" if region in (None, _NO_REGION, "ZZ") else str(region)


def describe(number: str, *, with_area: bool = False) -> NumberInfo:
    """Everything that can be said of a number.

    Args:
        with_area: the town or state of landlines too; its tables take a second to read and 100 MB to hold.
    """
    parsed = _parsed(number)
    if parsed is None:
        return NumberInfo(number=number, is_valid=False)
    region = _region(parsed)
    country = countries().get(region)
    name = carrier.name_for_number(parsed, "en")
    network = network_of(region, name) if name else None
    is_valid = phonenumbers.is_valid_number(parsed)
    zones = timezone.time_zones_for_number(parsed) if is_valid else ()
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return NumberInfo(
        number=e164.removeprefix("+"),
        is_valid=is_valid,
        e164=e164,
        international=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
        national=phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
        rfc3966=phonenumbers.format_number(parsed, PhoneNumberFormat.RFC3966),
        kind=KINDS.get(phonenumbers.number_type(parsed), "unknown"),
        country=region,
        country_name=country.name if country else "",
        country_code=parsed.country_code or 0,
        area=_area(parsed, country.name if country else "") if with_area else "",
        time_zones=tuple(zone for zone in zones if zone != _UNKNOWN_ZONE),
        carrier=name,
        mcc=network.mcc if network else "",
        mnc=network.mnc if network else "",
    )


def outline(number: str) -> NumberInfo:
    """What `describe` says, without national forms, time zones, area and network codes: a third of its cost.

    For answers that show the number they are about, which some dialects' answers to every message do.
    """
    read = _typed(number)
    if read is None:
        return NumberInfo(number=number, is_valid=False)
    parsed, kind, e164 = read
    region = _region(parsed)
    country = countries().get(region)
    is_named = kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PAGER)
    return NumberInfo(
        number=e164.removeprefix("+"),
        is_valid=kind != PhoneNumberType.UNKNOWN,
        e164=e164,
        international=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
        kind=KINDS.get(kind, "unknown"),
        country=region,
        country_name=country.name if country else "",
        country_code=parsed.country_code or 0,
        carrier=_operator(e164[1:]) if is_named else "",
    )


def brief(number: str) -> NumberInfo:
    """What the first digits of a number say: country and network, without a look at the rest of it.

    An eightieth of what `describe` costs: for whoever needs no more, and that of every message.
    """
    digits = number.removeprefix("+")
    region, code = "", 0
    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length])) if digits[:length].isdecimal() else None
        if regions:
            region, code = regions[0], int(digits[:length])
            break
    name = _operator(digits)
    network = network_of(region, name) if name and region else None
    country = countries().get(region)
    return NumberInfo(
        number=digits,
        is_valid=bool(region),
        e164="+" + digits,
        country=region if region != _NO_REGION else "",
        country_name=country.name if country else "",
        country_code=code,
        carrier=name,
        mcc=network.mcc if network else "",
        mnc=network.mnc if network else "",
    )


def _operator(digits: str) -> str:
    for length in range(min(CARRIER_LONGEST_PREFIX, len(digits)), 0, -1):
        names = CARRIER_DATA.get(digits[:length])
        if names is not None:
            return str(names.get("en", ""))
    return ""


def load_areas() -> None:
    """Read the tables of areas, before anybody waits for them."""
    from phonenumbers import geocoder as _geocoder  # noqa: F401 -- 100 MB that few need


def _area(parsed: phonenumbers.PhoneNumber, country: str) -> str:
    from phonenumbers import geocoder

    area = str(geocoder.description_for_number(parsed, "en"))
    return "" if area == country else area
