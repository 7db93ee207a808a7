"""Talks to the admin listener of the gateway that runs."""

import http.client
import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec
from urllib.parse import quote, urlencode, urlsplit

import click

from gateway import config as settings
from gateway.errors import ConfigError

REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
PREFIX: Final = "/api/v1"

P = ParamSpec("P")
CONFIG_FILE: Final = click.Path(exists=False, dir_okay=False, path_type=Path)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, and end."""
    click.echo(f"gateway: {message}", err=True)
    sys.exit(code)


def load_config(file: Path) -> settings.Config:
    """The settings of a file; ends the command where they cannot be."""
    try:
        return settings.load(file)
    except ConfigError as error:
        fail(str(error), USAGE)


class Remote:
    """The running gateway.

    Args:
        url: of its admin listener: http://host:port.
        key: of an account with the role admin.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 60.0) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            fail(f"{url!r} is no address of an admin listener: expected http://host:port", USAGE)
        made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._connection = made(parts.hostname, parts.port, timeout=timeout)
        self._key = key

    def get(self, path: str, **query: Any) -> Any:
        """Ask for something; parameters that are None or empty are left out."""
        given = {name.rstrip("_"): _text(value) for name, value in query.items() if value not in (None, "")}
        return self._request("GET", path + ("?" + urlencode(given) if given else ""))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Have something done."""
        return self._request("POST", path, body if body is not None else {})

    def delete(self, path: str) -> Any:
        """Have something removed."""
        return self._request("DELETE", path)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"X-API-Key": self._key, "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            self._connection.request(method, PREFIX + path, body=data, headers=headers)
            response = self._connection.getresponse()
            read = response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            fail(f"the gateway's admin listener at {self.url} cannot be reached: {reason}", UNREACHABLE)
        finally:
            self._connection.close()
        try:
            answer = json.loads(read) if read else None
        except ValueError:
            fail(f"{self.url} does not answer as a gateway does (status {response.status})", UNREACHABLE)
        if response.status >= 400:
            told = answer.get("error", {}) if isinstance(answer, dict) else {}
            fail(told.get("message") or f"{self.url} answered {response.status}", REFUSED)
        return answer


def part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def remote_command(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the running gateway as its first argument, and the options that say where it is."""

    @click.option(
        "--config",
        "config_file",
        type=CONFIG_FILE,
        envvar="GATEWAY_CONFIG",
        help="Where url and key are taken from unless given: admin.listen, and an account with the role admin."
        "  [env: GATEWAY_CONFIG; default: gateway.toml where there is one]",
    )
    @click.option("--url", envvar="GATEWAY_URL", help="The admin listener: http://host:port.  [env: GATEWAY_URL]")
    @click.option(
        "--key-file",
        type=CONFIG_FILE,
        help="A file with a key of an account with the role admin; or set GATEWAY_KEY.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
    @wraps(command)
    def run(config_file: Path | None, url: str | None, key_file: Path | None, **options: Any) -> None:
        command(find_remote(config_file, url, key_file), **options)

    return run


def find_remote(config_file: Path | None, url: str | None, key_file: Path | None) -> Remote:
    """The gateway that the options, the environment or the config tell of."""
    key = os.environ.get("GATEWAY_KEY", "")
    if key_file is not None:
        try:
            key = key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{key_file} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}", USAGE)
    if url and key:
        return Remote(url, key)
    if config_file is None and Path("gateway.toml").is_file():
        config_file = Path("gateway.toml")
    if config_file is None:
        missing = "--url" if not url else "GATEWAY_KEY or --key-file"
        fail(f"which gateway? Give --config CONFIG.toml, or {missing}", USAGE)
    config = load_config(config_file)
    return Remote(url or listening_url(config.admin.listen), key or operator_key(config, config_file))


def listening_url(listen: str) -> str:
    """Where a listener of this machine is reached."""
    host, port = settings.split_listen(listen)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not listened on, but reached
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def operator_key(config: settings.Config, file: Path) -> str:
    """The first key of an account with the role admin."""
    for account in config.account.values():
        if "admin" in account.roles and account.api_keys:
            return account.api_keys[0].reveal()
    fail(f'{file}: no account has api_keys and roles = ["admin"]; set GATEWAY_KEY or --key-file', USAGE)
