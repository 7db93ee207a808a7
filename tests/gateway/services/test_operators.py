"""Networks by the names that the number plan has for their operators."""

from collections import Counter

import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.carrierdata import CARRIER_DATA

from gateway.services.operators import countries, network_by_codes, network_of, networks_of


def country_of_prefix(prefix: str) -> str:
    """Whose prefix it is; of a calling code that countries share, by a number that begins so."""
    code = next(length for length in (1, 2, 3) if int(prefix[:length]) in COUNTRY_CODE_TO_REGION_CODE)
    regions = COUNTRY_CODE_TO_REGION_CODE[int(prefix[:code])]
    if len(regions) == 1:
        return str(regions[0])
    for digits in range(len(prefix), 16):
        for filler in "0123456789":
            national = int(prefix[code:] + filler * (digits - len(prefix)))
            number = phonenumbers.PhoneNumber(country_code=int(prefix[:code]), national_number=national)
            region = phonenumbers.region_code_for_number(number)
            if region is not None:
                return str(region)
    return str(regions[0])


@pytest.fixture(scope="module")
def names() -> Counter[tuple[str, str]]:
    """Every operator that the number plan names, with how many prefixes it has."""
    return Counter(
        (country_of_prefix(prefix), named["en"]) for prefix, named in CARRIER_DATA.items() if named.get("en")
    )


def test_most_operators_are_known_and_nearly_all_that_have_many_prefixes(names: Counter[tuple[str, str]]) -> None:
    known = [name for name in names if network_of(*name) is not None]
    assert len(known) / len(names) > 0.63
    assert sum(names[name] for name in known) / names.total() > 0.92


@pytest.mark.parametrize(
    ("country", "name", "codes"),
    [
        ("GB", "Vodafone", "234-15"),
        ("GB", "EE", "234-30"),
        ("BD", "Grameenphone", "470-01"),
        ("LT", "BITĖ", "246-02"),
        ("IS", "Síminn", "274-01"),
        ("ME", "m:tel", "297-03"),
        ("HK", "China Mobile", "454-12"),
        ("HK", "China Unicom", "454-07"),
        ("BI", "Leo", "642-82"),
        ("RU", "T2", "250-20"),
        ("IT", "3 Italia", "222-99"),
        ("IN", "Airtel", "404-10"),
        ("BG", "Yettel", "284-05"),
    ],
)
def test_names_are_found_however_they_are_written(country: str, name: str, codes: str) -> None:
    network = network_of(country, name)
    assert network is not None
    assert f"{network.mcc}-{network.mnc}" == codes


@pytest.mark.parametrize(
    ("country", "name"),
    [
        ("CL", "Industel Chile Ltda"),
        ("NL", "Private Mobility Nederland"),
        ("NZ", "Airnet New Zealand NOW"),
        ("PT", "Sumamovil Portugal"),
        ("CG", "Congo telecom"),
        ("GB", "Mobile"),
        ("GB", "(MVNO)"),
        ("GB", "-"),
        ("XX", "Vodafone"),
    ],
)
def test_what_operators_of_a_country_share_is_no_name(country: str, name: str) -> None:
    assert network_of(country, name) is None


def test_every_network_is_of_a_country_and_finds_itself() -> None:
    for iso in countries():
        for network in networks_of(iso):
            found = network_of(iso, network.operator)
            assert found is not None, network
            assert network_by_codes(network.mcc, network.mnc) is not None


def test_networks_that_only_names_lead_to_are_known_by_code(names: Counter[tuple[str, str]]) -> None:
    for country, name in names:
        network = network_of(country, name)
        if network is not None:
            assert network_by_codes(network.mcc, network.mnc) is not None
            assert (network.mcc + network.mnc).isdecimal()
            assert len(network.mcc) == 3
            assert len(network.mnc) in (2, 3)
