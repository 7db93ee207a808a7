"""Numbers as people write them, and the networks that tables know."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering import Network, NumberPlan, PrefixTable, network_table, plain_number, read_networks

UK = NumberPlan("44")
US = NumberPlan("1", trunk_prefix="", national_digits=(10,))


@pytest.mark.parametrize(
    ("written", "plan", "plain"),
    [
        ("447700900123", NumberPlan(), "447700900123"),
        ("+44 (7700) 900-123", NumberPlan(), "447700900123"),
        ("00447700900123", NumberPlan(), "447700900123"),
        ("07700900123", NumberPlan(), "07700900123"),
        ("07700 900123", UK, "447700900123"),
        ("+447700900123", UK, "447700900123"),
        ("0033612345678", UK, "33612345678"),
        ("447700900123", UK, "447700900123"),
        ("60777", UK, "60777"),
        ("(202) 555-0123", US, "12025550123"),
        ("12025550123", US, "12025550123"),
        ("0123456789", US, "10123456789"),
        ("", UK, ""),
        ("abc", UK, "abc"),
    ],
)
def test_numbers_get_the_prefix_of_their_country(written: str, plan: NumberPlan, plain: str) -> None:
    assert plain_number(written, plan) == plain


@given(st.dictionaries(st.text("0123", max_size=4), st.integers(), max_size=20), st.text("0123", max_size=8))
def test_the_longest_prefix_is_found(values: dict[str, int], number: str) -> None:
    fitting = [prefix for prefix in values if number.startswith(prefix)]
    expected = values[max(fitting, key=len)] if fitting else None
    assert PrefixTable(values).find(number) == expected


@pytest.mark.parametrize("text", ["40", "404-", "404-1", "404-1234", "4045", "abc", "404-4x", "٤٠٤"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no network"):
        Network.parse(text)


def test_networks_are_read_from_a_file_that_a_spreadsheet_wrote(tmp_path: Path) -> None:
    file = tmp_path / "networks.csv"
    file.write_bytes(b'\xef\xbb\xbfprefix,network,name\r\n9198, 404-45 ,"Airtel, Delhi"\r\n,,\r\n')
    table = network_table(read_networks(file))
    found = table.find("919812345678")
    assert found is not None
    assert (str(found), found.name) == ("404-45", "Airtel, Delhi")
