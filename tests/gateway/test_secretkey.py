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


def test_other_keys_are_known_and_make_nothing() -> None:
    text = '[node]\nsecret_key = "new"\nother_secret_keys = ["old", "new", "older"]'
    key = open_secret_key(parse(text))
    assert key is not None
    old = open_secret_key(parse('[node]\nsecret_key = "old"'))
    new = open_secret_key(parse('[node]\nsecret_key = "new"'))
    assert old is not None
    assert new is not None
    assert key.derive("x") == new.derive("x")
    assert [one.name for one in key.all[:2]] == [new.name, old.name]
    assert len(key.all) == 3


def test_key_that_a_node_has_made_stays_known_when_the_config_has_one(tmp_path: Path) -> None:
    store = f'[store]\nurl = "sqlite:{tmp_path}/gateway.db"\n'
    made = open_secret_key(parse(store))
    assert made is not None
    key = open_secret_key(parse(store + '[node]\nsecret_key = "new"'))
    assert key is not None
    assert [one.name for one in key.others] == [made.name]
    (tmp_path / "gateway.db.key").unlink()
    key = open_secret_key(parse(store + '[node]\nsecret_key = "new"'))
    assert key is not None
    assert key.others == ()
    assert list(tmp_path.iterdir()) == []


def test_name_of_a_key_tells_nothing_of_it() -> None:
    one, other = (open_secret_key(parse(f'[node]\nsecret_key = "{text}"')) for text in ("s3cret", "s3cret2"))
    assert one is not None
    assert other is not None
    assert len(one.name) == 8
    assert one.name != other.name
    assert one.name not in (one.derive("sealing").hex(), one.derive("fingerprints").hex())


@pytest.mark.parametrize(
    "node",
    ['other_secret_keys = ["old"]', 'secret_key = "new"\nother_secret_keys = ["old", ""]', 'other_secret_keys = "old"'],
)
def test_keys_that_cannot_be_are_refused(node: str) -> None:
    with pytest.raises(ConfigError, match=r"node\.") as caught:
        parse(f'[store]\nurl = "postgresql://g@db/gateway"\n[node]\n{node}')
    assert "old" not in str(caught.value)
