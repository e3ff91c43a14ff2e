"""What the metrics are called and what they show."""

from prometheus_client.parser import text_string_to_metric_families

from ztpd.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for one in families for each in one.samples}


def test_every_metric_has_the_name_and_labels_that_dashboards_use() -> None:
    metrics = Metrics()
    metrics.sightings.labels(source="dhcp", outcome="matched").inc()
    metrics.attempts.labels(element="olt-1", outcome="confirmed").inc()
    metrics.attempt_seconds.labels(element="olt-1").observe(1.5)
    metrics.delivery_attempts.labels(endpoint="billing", verdict="delivered").inc()
    metrics.delivery_seconds.labels(endpoint="billing").observe(0.02)
    metrics.http_requests.labels(method="GET", route="/v1/jobs", status="200").inc()
    metrics.http_request_seconds.labels(route="/v1/jobs").observe(0.01)
    metrics.acs_sessions.labels(outcome="configured").inc()
    metrics.element_up.labels(element="olt-1").set(1)
    shown = samples(metrics)
    assert shown["ztpd_sightings_total", (("outcome", "matched"), ("source", "dhcp"))] == 1
    assert shown["ztpd_attempts_total", (("element", "olt-1"), ("outcome", "confirmed"))] == 1
    assert shown["ztpd_attempt_seconds_sum", (("element", "olt-1"),)] == 1.5
    assert shown["ztpd_delivery_attempts_total", (("endpoint", "billing"), ("verdict", "delivered"))] == 1
    assert shown["ztpd_delivery_seconds_count", (("endpoint", "billing"),)] == 1
    assert shown["ztpd_http_requests_total", (("method", "GET"), ("route", "/v1/jobs"), ("status", "200"))] == 1
    assert shown["ztpd_http_request_seconds_count", (("route", "/v1/jobs"),)] == 1
    assert shown["ztpd_acs_sessions_total", (("outcome", "configured"),)] == 1
    assert shown["ztpd_element_up", (("element", "olt-1"),)] == 1


def test_what_is_stored_replaces_what_was_shown_before() -> None:
    metrics = Metrics()
    metrics.show_stored({"held": 2}, {"unknown": 3}, [{"endpoint": "billing", "state": "pending", "deliveries": 3}])
    metrics.show_stored(
        {"ready": 1}, {"duplicate-serial": 1}, [{"endpoint": "billing", "state": "delivered", "deliveries": 3}]
    )
    shown = samples(metrics)
    assert shown["ztpd_jobs", (("state", "held"),)] == 0
    assert shown["ztpd_jobs", (("state", "ready"),)] == 1
    assert shown["ztpd_quarantined", (("reason", "duplicate-serial"),)] == 1
    assert ("ztpd_quarantined", (("reason", "unknown"),)) not in shown
    assert shown["ztpd_deliveries", (("endpoint", "billing"), ("state", "delivered"))] == 3
    assert ("ztpd_deliveries", (("endpoint", "billing"), ("state", "pending"))) not in shown


def test_two_daemons_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.acs_sessions.labels("configured").inc()
    assert ("ztpd_acs_sessions_total", (("outcome", "configured"),)) not in samples(other)
