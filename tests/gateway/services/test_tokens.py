"""Tokens for a while: for one account, one dialect, one key, and no longer than they say."""

import jwt
import pytest

from gateway.accounts import Account
from gateway.errors import Unauthorized
from gateway.providers.ports import NotOffered
from gateway.secretkey import SecretKey
from gateway.services.tokens import AccountTokens

SHOP = Account("shop", frozenset({"send"}))


def tokens(now: list[float], key: bytes = b"key") -> AccountTokens:
    return AccountTokens(SecretKey(key), {"shop": SHOP}.get, clock=lambda: now[0])


def test_a_token_stands_for_its_account_until_its_time_is_over() -> None:
    now = [1_000.0]
    made = tokens(now).issue("shop", "mobtexting", 3_600)
    assert tokens(now).account_of(made, "mobtexting") is SHOP
    now[0] += 3_600
    with pytest.raises(Unauthorized):
        tokens(now).account_of(made, "mobtexting")


def test_tokens_of_others_are_strangers() -> None:
    now = [1_000.0]
    made = tokens(now).issue("shop", "mobtexting", 3_600)
    unsigned = jwt.encode({"sub": "shop", "aud": "mobtexting", "exp": 9_999}, "", algorithm="none")
    gone = tokens(now).issue("gone", "mobtexting", 3_600)
    for token, dialect in ((made, "lanck"), (unsigned, "mobtexting"), (gone, "mobtexting"), ("a.b.c", "mobtexting")):
        with pytest.raises(Unauthorized):
            tokens(now).account_of(token, dialect)
    with pytest.raises(Unauthorized):
        tokens(now, b"another").account_of(made, "mobtexting")


def test_without_a_key_there_are_none() -> None:
    keyless = AccountTokens(None, {"shop": SHOP}.get)
    with pytest.raises(NotOffered):
        keyless.issue("shop", "mobtexting", 1)
    with pytest.raises(Unauthorized):
        keyless.account_of("a.b.c", "mobtexting")


def test_tokens_outlive_another_key_while_theirs_is_known() -> None:
    clock = [1_000.0]
    made = tokens(clock, b"old").issue("shop", "mobtexting", 3_600)
    both = AccountTokens(SecretKey(b"new", [b"old"]), {"shop": SHOP}.get, clock=lambda: clock[0])
    assert both.account_of(made, "mobtexting") is SHOP
    assert tokens(clock, b"new").account_of(both.issue("shop", "mobtexting", 3_600), "mobtexting") is SHOP
    with pytest.raises(Unauthorized):
        tokens(clock, b"new").account_of(made, "mobtexting")
    clock[0] += 3_600
    with pytest.raises(Unauthorized):
        both.account_of(made, "mobtexting")
