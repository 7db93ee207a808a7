"""What must not be read where it is kept."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unsupported
from gateway.models import Part, PartBody
from gateway.sealing import SealBroken, Sealer
from gateway.secretkey import SecretKey
from gateway.store.memory import MemoryStore
from tests.gateway.store.rows import make_message

SEALER = Sealer(SecretKey(b"one"))
OTHER = Sealer(SecretKey(b"another"))


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_was_sealed_is_opened_for_its_owner(clear: bytes, owner: str) -> None:
    sealed = SEALER.seal(clear, owner)
    assert SEALER.open(sealed, owner) == clear
    assert sealed != SEALER.seal(clear, owner)
    for sealer, name in ((SEALER, owner + "x"), (OTHER, owner)):
        with pytest.raises(SealBroken):
            sealer.open(sealed, name)


@given(st.binary(max_size=60))
def test_what_was_not_sealed_is_not_opened(junk: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(junk, "owner")


@pytest.mark.parametrize("text", ["", "plain text", "AAAA", "é", "=" * 40])
def test_text_that_was_not_sealed_is_not_opened(text: str) -> None:
    with pytest.raises(SealBroken):
        SEALER.open_text(text, "owner")


def test_sealed_octets_cannot_be_changed_or_cut() -> None:
    sealed = SEALER.seal(b"secret", "owner")
    for changed in (sealed[:-1], sealed + b"\0", bytes([sealed[0] ^ 1]) + sealed[1:], b""):
        with pytest.raises(SealBroken):
            SEALER.open(changed, "owner")


def test_a_message_is_opened_as_itself_only() -> None:
    store = MemoryStore()
    message = make_message(store, text="Your code: 4711 🌍", secret=True)
    sealed = SEALER.seal_message(message, message.id)
    assert "4711" not in sealed.text
    assert SEALER.open_message(sealed) == message
    other = msgspec.structs.replace(sealed, id=store.ids.new(1.0))
    with pytest.raises(Unsupported):
        SEALER.open_message(other)


def test_a_part_is_opened_as_itself_only() -> None:
    bodies = [PartBody(short_message=b"one", data_coding=0), PartBody(short_message=b"two", data_coding=8)]
    sealed = SEALER.seal_bodies("m", bodies)
    parts = [Part(message_id="m", number=number, body=body) for number, body in enumerate(sealed, 1)]
    assert [SEALER.open_part(part).body for part in parts] == bodies
    with pytest.raises(SealBroken):
        SEALER.open_part(msgspec.structs.replace(parts[0], number=2))


def test_fingerprints_are_of_their_parts_and_key() -> None:
    mark = SEALER.fingerprint("a", "bc")
    assert SEALER.matches(mark, "a", "bc")
    assert not SEALER.matches(mark, "ab", "c")
    assert not OTHER.matches(mark, "a", "bc")
    assert not SEALER.matches("", "a", "bc")
