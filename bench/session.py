"""What does the state machine cost without any I/O? Two sessions in memory, a window full at a time."""

from bench.measure import Row, best_nanoseconds, print_table
from bench.peers.smppkit_peer import make_submit
from smpp import BindMode, Role, SessionConfig, SubmitSmResp
from smpp.session import RequestReceived, Session

WINDOW = 100


def bound() -> tuple[Session, Session]:
    """An ESME and an SMSC."""
    esme = Session(SessionConfig(window=WINDOW), 0.0)
    smsc = Session(SessionConfig(role=Role.SMSC, window=WINDOW), 0.0)
    esme.bind(BindMode.TRANSCEIVER, now=0.0, system_id="demo")
    smsc.receive_data(esme.data_to_send(), 0.0)
    smsc.accept_bind("SMSC", 0.0)
    esme.receive_data(smsc.data_to_send(), 0.0)
    smsc.take_events()
    esme.take_events()
    return esme, smsc


def main() -> None:
    """Print the table."""
    esme, smsc = bound()
    message, response = make_submit(), SubmitSmResp("17a9c0de")

    def exchange() -> None:
        for _ in range(WINDOW):
            esme.send_request(message, 0.0)
        smsc.receive_data(esme.data_to_send(), 0.0)
        for event in smsc.take_events():
            if isinstance(event, RequestReceived):
                smsc.send_response(response, event.sequence_number)
        esme.receive_data(smsc.data_to_send(), 0.0)
        assert len(esme.take_events()) == WINDOW

    best = best_nanoseconds({"exchange": exchange})["exchange"] / WINDOW
    print_table(
        f"Two sessions in memory, window {WINDOW}: request, decode, answer, match (both sides)",
        ("ns a message", "messages/s"),
        [Row("submit_sm and its response", (f"{best:,.0f}", f"{1e9 / best:,.0f}"))],
    )


if __name__ == "__main__":
    main()
