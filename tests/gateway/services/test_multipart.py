"""Multipart forms that pass through: fields go or change, files stay octet for octet, however the octets come."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.services.multipart import FIELD_OCTETS, HEAD_OCTETS, Fate, MultipartReader, boundary_of

SECRET = b'--X\r\nContent-Disposition: form-data; name="access_token"\r\n\r\nsecret\r\n'
HOOK = b'--X\r\nContent-Disposition: form-data; name="hook"\r\n\r\nhttp://app\r\n'
FILE = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1,2\r\n--Y\r\n\r\n--\r\n'
END = b"--X--\r\n"
FATES = {"access_token": Fate.DROP, "hook": Fate.HOLD}


def fate(name: str) -> Fate:
    return FATES.get(name, Fate.PASS)


def passed(pieces: Iterable[bytes], change: str | None = "https://ours") -> bytes:
    """What comes out, with this in the place of what is held."""
    reader, out = MultipartReader(b"X", fate), []
    for octets in pieces:
        out += [one if isinstance(one, bytes) else one.written(change) for one in reader.feed(octets)]
    out += [one if isinstance(one, bytes) else one.written(change) for one in reader.end()]
    return b"".join(out)


def split(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 4_096])
@pytest.mark.parametrize(
    ("form", "left"),
    [
        (SECRET + FILE + END, FILE + END),
        (FILE + SECRET + END, FILE + END),
        (SECRET + END, END),
        (b"before\r\n" + FILE + SECRET + END + b"after", b"before\r\n" + FILE + END + b"after"),
        (HOOK + END, HOOK.replace(b"http://app", b"https://ours") + END),
        (FILE + HOOK + SECRET + FILE + END, FILE + HOOK.replace(b"http://app", b"https://ours") + FILE + END),
        (HOOK.replace(b"http://app", b"") + END, HOOK.replace(b"http://app", b"https://ours") + END),
    ],
)
def test_fields_go_or_change_and_files_stay(form: bytes, left: bytes, size: int) -> None:
    assert passed(split(form, size)) == left


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Disposition: form-data; name=access_token",
        b'content-disposition:form-data;name="Access_Token"',
        b'Content-Type: text/plain\r\nContent-Disposition: form-data;\r\n name="access_token"',
        b'Content-Disposition: form-data; name="access_token"; filename="t.txt"',
        b"Content-Disposition: form-data; name*=utf-8''access_token",
    ],
)
def test_a_secret_goes_however_its_name_is_written(head: bytes) -> None:
    assert passed([b"--X\r\n" + head + b"\r\n\r\nsecret\r\n" + END]) == END


def test_a_held_field_may_stay_or_go() -> None:
    assert passed([HOOK + FILE + END], None) == FILE + END
    assert passed([HOOK + END], "http://app") == HOOK + END


@pytest.mark.parametrize(
    "octets",
    [
        b"--X\r\nContent-Disposition",
        HOOK.removesuffix(b"\r\n"),
        b"--X\r\n" + b"a" * (HEAD_OCTETS + 1),
        HOOK.replace(b"http://app", b"a" * (FIELD_OCTETS + 1)) + END,
    ],
)
def test_what_breaks_off_or_has_no_end_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):
        passed(split(octets, 8_192))


def test_a_form_needs_a_boundary() -> None:
    assert boundary_of('multipart/form-data; charset=utf-8; boundary="a b;c"') == b"a b;c"
    assert boundary_of("multipart/form-data; BOUNDARY=abc") == b"abc"
    for content_type in ("multipart/form-data", ""):
        with pytest.raises(ValueError):
            MultipartReader(boundary_of(content_type), fate)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([SECRET, FILE, b"--X", b"\r\n", b"--", b"x", HOOK, END]), max_size=8), st.integers(1, 9)
)
def test_it_does_not_matter_how_octets_are_cut(pieces: list[bytes], size: int) -> None:
    octets = b"".join(pieces)

    def outcome(cut: list[bytes]) -> bytes | None:
        try:
            return passed(cut)
        except ValueError:
            return None

    assert outcome(split(octets, size)) == outcome([octets])
