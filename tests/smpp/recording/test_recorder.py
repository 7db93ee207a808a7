"""smpp.recording.recorder: the file, continued, kept to its size, and no danger to the connection."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import smpp
from smpp.cli import main
from smpp.recording.recorder import MIN_MAX_OCTETS, recorder_of
from smpp.tools.capture import Captured, read_capture
from tests.smpp.recording.memory import BIND, CLIENT, ENQUIRE_LINK, MASKED_BIND, SERVER

NOW = 1_700_000_000.0


def pdus_in(path: Path) -> list[Captured]:
    return list(read_capture(io.BytesIO(path.read_bytes())))


def record_one(recorder: smpp.Recorder, *pieces: bytes, now: float = NOW) -> None:
    stream = recorder.stream(CLIENT, SERVER, now)
    for piece in pieces:
        stream.from_client(piece, now)
    stream.close(now)


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    stream = smpp.Recorder(path).stream(CLIENT, SERVER, NOW)
    stream.from_client(BIND, NOW + 1)
    stream.from_server(ENQUIRE_LINK, NOW + 2)
    stream.close(NOW + 3)
    first, second = pdus_in(path)
    assert (first.octets, first.source, first.destination) == (MASKED_BIND, "127.0.0.1:40000", "127.0.0.1:2775")
    assert (second.octets, second.source) == (ENQUIRE_LINK, "127.0.0.1:2775")
    assert second.time is not None and second.time.timestamp() == NOW + 2
    assert not first.note and not second.note


def test_a_file_has_an_end_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    stream = smpp.Recorder(path).stream(CLIENT, SERVER, NOW)
    stream.from_client(ENQUIRE_LINK, NOW)
    assert [pdu.octets for pdu in pdus_in(path)] == [ENQUIRE_LINK]  # the stream is still open
    stream.close(NOW)


def test_several_connections_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    recorder = smpp.Recorder(path)
    first = recorder.stream(("127.0.0.1", 1), SERVER, NOW)
    second = recorder.stream(("127.0.0.1", 2), SERVER, NOW)
    first.from_client(ENQUIRE_LINK[:10], NOW)
    second.from_client(ENQUIRE_LINK, NOW)
    first.from_client(ENQUIRE_LINK[10:], NOW)
    first.close(NOW)
    second.close(NOW)
    assert [pdu.source for pdu in pdus_in(path)] == ["127.0.0.1:2", "127.0.0.1:1"]


def test_a_recording_that_is_there_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    for minute in range(3):
        record_one(smpp.Recorder(path), ENQUIRE_LINK, now=NOW + 60 * minute)
    assert len(pdus_in(path)) == 3
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_that_was_cut_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    record_one(smpp.Recorder(path), ENQUIRE_LINK)
    path.write_bytes(path.read_bytes()[:-5])
    record_one(smpp.Recorder(path), ENQUIRE_LINK)
    assert len(pdus_in(path)) == 1
    assert len(pdus_in(tmp_path / "session.1.pcapng")) == 1


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_files_stay_within_their_size_and_number(tmp_path: Path, keep: int) -> None:
    recorder = smpp.Recorder(tmp_path / "session.pcapng", max_octets=MIN_MAX_OCTETS, keep=keep)
    stream = recorder.stream(CLIENT, SERVER, NOW)
    for _ in range(400):
        stream.from_client(ENQUIRE_LINK * 100, NOW)
    stream.close(NOW)
    names = ["session.pcapng", "session.1.pcapng", "session.2.pcapng"][: keep + 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for name in names:
        assert (tmp_path / name).stat().st_size <= MIN_MAX_OCTETS
        assert {pdu.octets for pdu in pdus_in(tmp_path / name)} == {ENQUIRE_LINK}


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not to be lost")
    with pytest.raises(smpp.RecordingError, match="no recording"):
        smpp.Recorder(path)
    assert path.read_text() == "not to be lost"


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(smpp.RecordingError, match="cannot be written: No such file or directory"):
        smpp.connect("smpp://a:b@127.0.0.1", record=tmp_path / "missing" / "session.pcapng")


def test_a_disk_that_fills_up_ends_the_recording_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = smpp.Recorder(tmp_path / "session.pcapng")
    stream = recorder.stream(CLIENT, SERVER, NOW)

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "_append", full)
    stream.from_client(ENQUIRE_LINK, NOW)
    stream.from_client(ENQUIRE_LINK, NOW)
    stream.close(NOW)
    record_one(recorder, ENQUIRE_LINK)
    assert pdus_in(recorder.path) == []


def test_limits_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_octets"):
        smpp.Recorder(tmp_path / "session.pcapng", max_octets=1000)
    with pytest.raises(ValueError, match="keep"):
        smpp.Recorder(tmp_path / "session.pcapng", keep=-1)


def test_a_recorder_is_used_as_it_is(tmp_path: Path) -> None:
    recorder = smpp.Recorder(tmp_path / "session.pcapng")
    assert recorder_of(recorder) is recorder
    assert recorder_of(None) is None
    assert isinstance(recorder_of(tmp_path / "other.pcapng"), smpp.Recorder)


def test_smpp_decode_reads_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    record_one(smpp.Recorder(path), BIND, ENQUIRE_LINK)
    done = CliRunner().invoke(main, ["decode", "--json", str(path)])
    assert done.exit_code == 0, done.output
    bind, enquire_link = (json.loads(line) for line in done.stdout.splitlines())
    assert (bind["command"], bind["fields"]["password"]) == ("bind_transceiver", "******")
    assert enquire_link["command"] == "enquire_link"
