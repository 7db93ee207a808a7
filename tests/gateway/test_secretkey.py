"""The gateway's own key."""

import stat
from pathlib import Path

import pytest

from gateway.config import parse
from gateway.errors import ConfigError
from gateway.secretkey import open_secret_key


def test_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    config = parse(f'[store]\nurl = "sqlite:{tmp_path}/data/gateway.db"')
    first, second = open_secret_key(config), open_secret_key(config)
    assert first is not None
    assert second is not None
    assert first.digest("key", "x") == second.digest("key", "x")
    file = tmp_path / "data" / "gateway.db.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["gateway.db.key"]


def test_purposes_have_keys_of_their_own() -> None:
    key = open_secret_key(parse('[node]\nsecret_key = "s3cret"'))
    assert key is not None
    assert key.digest("a", "x") != key.digest("b", "x")
    assert key.derive("a") != key.derive("b")
    assert "s3cret" not in repr(key)


def test_nodes_of_one_database_must_be_told_theirs() -> None:
    assert open_secret_key(parse('[store]\nurl = "postgresql://g@db/gateway"')) is None


def test_broken_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "gateway.db.key").write_text("abc")
    with pytest.raises(ConfigError, match=r"gateway\.db\.key"):
        open_secret_key(parse(f'[store]\nurl = "sqlite:{tmp_path}/gateway.db"'))
    assert (tmp_path / "gateway.db.key").read_text() == "abc"
