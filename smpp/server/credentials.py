"""Passwords compared without telling anything by the time it takes."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from smpp.server.config import Authenticate, Grant
from smpp.server.session import ServerSession
from smpp.wire.pdu import Bind

_NOBODY: Final = "nobody has this password"


def same_secret(given: str, wanted: str | None) -> bool:
    """Whether a password is right; takes as long where there is none to compare with.

    Args:
        given: what the peer sent.
        wanted: what it should be, or None where the account does not exist.
    """
    is_equal = compare_digest(given.encode(), (wanted if wanted is not None else _NOBODY).encode())
    return is_equal and wanted is not None


def credentials(passwords: Mapping[str, str], grant: Grant | None = None) -> Authenticate:
    """Lets in who has a password in a table; the table is read at each bind.

    Args:
        passwords: by system_id.
        grant: what everybody in it gets.
    """

    def authenticate(_session: ServerSession, bind: Bind) -> Grant | None:
        return (grant or Grant()) if same_secret(bind.password, passwords.get(bind.system_id)) else None

    return authenticate
