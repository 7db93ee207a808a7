"""What must not be read where it is kept."""

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unsupported
from gateway.models import Part, PartBody
from gateway.sealing import IN_CLEAR, SealBroken, Sealer, sealed_with
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


# --- another key ---


def sealed_before_keys_had_names(key: bytes, clear: bytes, owner: str) -> bytes:
    nonce = b"0123456789ab"
    return nonce + AESGCM(SecretKey(key).derive("sealing")).encrypt(nonce, clear, owner.encode())


@given(st.binary(max_size=60), st.permutations([b"one", b"two", b"three"]))
def test_what_any_known_key_has_sealed_is_opened(clear: bytes, keys: list[bytes]) -> None:
    sealer = Sealer(SecretKey(keys[0], keys[1:]))
    for key in keys:
        assert sealer.open(Sealer(SecretKey(key)).seal(clear, "owner"), "owner") == clear
        assert sealer.open(sealed_before_keys_had_names(key, clear, "owner"), "owner") == clear
    assert Sealer(SecretKey(keys[0])).open(sealer.seal(clear, "owner"), "owner") == clear
    with pytest.raises(SealBroken):
        Sealer(SecretKey(keys[1])).open(sealer.seal(clear, "owner"), "owner")


def test_codes_are_compared_with_what_any_known_key_has_made() -> None:
    old, new = Sealer(SecretKey(b"old")), Sealer(SecretKey(b"new", [b"old"]))
    mark = old.fingerprint("code", "4711")
    assert new.matches(mark, "code", "4711")
    assert not new.matches(mark, "code", "4712")
    assert new.fingerprint("code", "4711") != mark
    assert not old.matches(new.fingerprint("code", "4711"), "code", "4711")


def test_a_document_is_opened_under_its_own_name_only() -> None:
    value, name = b'{"secret": "s"}', ("kind", "shop", "1")
    sealed = SEALER.seal_value(value, name)
    assert b"secret" not in sealed
    assert SEALER.open_value(sealed, name) == value
    assert sealed_with(sealed) == SEALER.key_name
    for other in (("kind", "shop", "2"), ("kind", "sho", "p1"), ("kin", "dshop", "1")):
        with pytest.raises(SealBroken):
            SEALER.open_value(sealed, other)


@pytest.mark.parametrize("value", [b"{}", b"[1]", b'"text"', b"null", b"1", b""])
def test_a_document_in_clear_is_as_it_is(value: bytes) -> None:
    assert SEALER.open_value(value, ("kind", "shop", "1")) == value
    assert sealed_with(value) == IN_CLEAR
