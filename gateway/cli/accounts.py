"""``gateway account``: who sends, with which keys, and what they have left."""

import tomllib
from typing import Any

import click

from gateway.cli.remote import USAGE, Remote, fail, part, remote_command
from gateway.cli.tables import fields, show

ROLES = ("send", "read", "admin")


@click.group()
def account() -> None:
    """Accounts, their keys and their balance."""


@account.command("list")
@remote_command
def list_accounts(remote: Remote, as_json: bool) -> None:
    """Show the accounts."""
    answer = remote.get("/accounts")
    columns = ["name", "source", "roles", "config_keys", "stored_keys", "doors", "default_sender=SENDER", "numbers"]
    show(answer, as_json, answer["accounts"], columns)


@account.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="What its keys may do; repeatable.")
@click.option("--sender", "default_sender", help="Sender of messages that name none.")
@click.option("--callback-url", help="Where its messages are reported.")
@click.option("--inbound-url", help="Where messages to its numbers are posted.")
@click.option("--number", "numbers", multiple=True, help="A number whose inbound messages are its own; repeatable.")
@click.option(
    "--set",
    "more",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other setting of [account.NAME], its value as in the config; repeatable.",
)
@click.option("--no-key", is_flag=True, help="Make no key.")
@remote_command
def add_account(remote: Remote, as_json: bool, name: str, roles: tuple[str, ...], **given: Any) -> None:
    """Add an account while the gateway runs, and make a key for it."""
    more, no_key = given.pop("more"), given.pop("no_key")
    table = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value}
    if roles:
        table["roles"] = list(roles)
    table |= _settings(more)
    answer = {"account": remote.post("/accounts", {"name": name, "settings": table}), "key": None}
    if not no_key:
        answer["key"] = remote.post(f"/accounts/{part(name)}/keys", {"roles": answer["account"]["roles"]})
    if as_json:
        show(answer, True, (), ())
        return
    click.echo(f"account {name} was added")
    if answer["key"] is not None:
        _show_key(answer["key"])


@account.command("remove")
@click.argument("name")
@remote_command
def remove_account(remote: Remote, as_json: bool, name: str) -> None:
    """Remove an account that was added so, with its keys; its messages stay."""
    remote.delete(f"/accounts/{part(name)}")
    show({"removed": name}, True, (), ()) if as_json else click.echo(f"account {name} was removed")


@account.command("credit")
@click.argument("name")
@click.argument("amount", metavar="AMOUNT")
@click.option("--reference", default="", help="A payment's: what is booked twice under one is booked once.")
@click.option("--note", default="", help="Why, for the account's history.")
@remote_command
def credit(remote: Remote, as_json: bool, name: str, amount: str, reference: str, note: str) -> None:
    """Add AMOUNT to what an account may spend; after --, a negative one takes away."""
    left = remote.post(f"/accounts/{part(name)}/credit", {"amount": amount, "reference": reference, "note": note})
    if as_json:
        show(left, True, (), ())
    else:
        click.echo(f"account {name} has {left['amount']} {left['currency']}".rstrip())


@account.group()
def key() -> None:
    """Keys that the store keeps; those of the config are changed there."""


@key.command("list")
@click.argument("name")
@remote_command
def list_keys(remote: Remote, as_json: bool, name: str) -> None:
    """Show an account's keys, without their texts."""
    answer = remote.get(f"/accounts/{part(name)}/keys")
    show(answer, as_json, answer["keys"], ["id", "roles", "label", "created_at", "expires_at"])


@key.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="What it may do; repeatable.")
@click.option("--label", default="", help="For people: what it is used for.")
@remote_command
def add_key(remote: Remote, as_json: bool, name: str, roles: tuple[str, ...], label: str) -> None:
    """Make a key; its text is shown this once."""
    body: dict[str, Any] = {"label": label}
    if roles:
        body["roles"] = list(roles)
    made = remote.post(f"/accounts/{part(name)}/keys", body)
    show(made, True, (), ()) if as_json else _show_key(made)


@key.command("rotate")
@click.argument("name")
@click.argument("key_id", metavar="KEY-ID")
@click.option(
    "--overlap",
    type=click.IntRange(0, 2_592_000),
    default=86_400,
    show_default=True,
    help="Seconds that the old one stays good.",
)
@remote_command
def rotate_key(remote: Remote, as_json: bool, name: str, key_id: str, overlap: int) -> None:
    """Make a key in the place of another, which ends after a while."""
    made = remote.post(f"/accounts/{part(name)}/keys/{part(key_id)}/rotate", {"overlap_seconds": overlap})
    show(made, True, (), ()) if as_json else _show_key(made)


@key.command("revoke")
@click.argument("name")
@click.argument("key_id", metavar="KEY-ID")
@remote_command
def revoke_key(remote: Remote, as_json: bool, name: str, key_id: str) -> None:
    """End a key at once."""
    remote.delete(f"/accounts/{part(name)}/keys/{part(key_id)}")
    show({"revoked": key_id}, True, (), ()) if as_json else click.echo(f"key {key_id} of {name} was revoked")


def _show_key(made: dict[str, Any]) -> None:
    click.echo(fields(made, ["id", "account", "roles", "label", "key"]))
    click.echo("The key is not shown again.")


def _settings(given: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE in the config's own notation; what is no TOML value is text."""
    table: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            fail(f"--set {item}: expected KEY=VALUE", USAGE)
        try:
            table[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            table[name.strip()] = value
    return table
