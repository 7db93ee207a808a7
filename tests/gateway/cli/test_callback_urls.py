"""`gateway callback-urls`: what an operator registers in a provider's portal."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main

UPLINK = '[uplink.way]\nkind = "lanck"\nbase_url = "https://api.example/v1"\nuser = "u"\npassword = "p"\n'
HTTP = '[http]\npublic_url = "https://gw.example"\ncallback_secrets = ["a long secret of ours"]\n'


def run(tmp_path: Path, text: str) -> tuple[int, str]:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    result = CliRunner().invoke(main, ["callback-urls", str(path)])
    return result.exit_code, result.output


def test_the_address_of_each_uplink_is_printed(tmp_path: Path) -> None:
    code, output = run(tmp_path, HTTP + UPLINK)

    assert code == 0
    assert output.startswith("way  https://gw.example/callbacks/way/")


@pytest.mark.parametrize(("text", "says"), [(UPLINK, "public_url is not set"), (HTTP, "no uplink leads to a provider")])
def test_what_is_missing_is_said(tmp_path: Path, text: str, says: str) -> None:
    code, output = run(tmp_path, text)

    assert code == 1
    assert says in output
