"""Record what passes over connections in a pcapng file that Wireshark opens.

How it works: every connection becomes a TCP stream of its own, with the ports and addresses it really has, so that
several share a file. What a TLS connection carries is recorded as it is before encryption. Octets are written as they
come, but for binds: those wait until they are whole, and their passwords are replaced by asterisks. A file that has
reached its size is put aside, and the oldest of those put aside is removed.

    async with smpp.connect(url, record="session.pcapng") as client: ...
    recorder = smpp.Recorder("smsc.pcapng", max_octets=10_000_000)    # one file for many connections

File format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
"""

from smpp.recording.recorder import Recorder, recorder_of, tapped
from smpp.recording.stream import RecordedStream, without_password

__all__ = ["RecordedStream", "Recorder", "recorder_of", "tapped", "without_password"]
