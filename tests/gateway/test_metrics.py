"""What is counted, and that labels stay few."""

from gateway.metrics import CONTENT_TYPE, Metrics


def test_the_exposition_has_what_was_counted() -> None:
    metrics = Metrics()
    metrics.accepted.labels("shop", "native").inc()
    metrics.results.labels("a", "accepted").inc(3)
    metrics.on_commit(0.004, 17)
    text = metrics.render().decode()
    assert 'gateway_messages_accepted_total{account="shop",door="native"} 1.0' in text
    assert 'gateway_results_total{outcome="accepted",uplink="a"} 3.0' in text
    assert "gateway_commit_seconds_count 1.0" in text
    assert "gateway_commit_rows_total 17.0" in text
    assert CONTENT_TYPE.startswith("text/plain")


def test_no_label_can_hold_an_id_a_number_or_a_secret() -> None:
    allowed = {"account", "door", "code", "uplink", "outcome", "group", "state", "claimed", "work", "purpose"}
    for metric in vars(Metrics()).values():
        assert set(getattr(metric, "_labelnames", ())) <= allowed


def test_two_gateways_in_a_process_do_not_share_counters() -> None:
    first, second = Metrics(), Metrics()
    first.orphans.inc()
    assert "gateway_receipts_orphaned_total 0.0" in second.render().decode()
