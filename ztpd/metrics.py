"""What one daemon counts and measures, for Prometheus.

Names and units follow the Prometheus guide ("Metric and label naming"): base units, ``_total`` for counters. Labels
take values from small fixed sets (states, configured names, route templates), never what a peer chose to send.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ztpd.domain.lifecycle import JobState

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
"""Of what ``Metrics.exposition`` answers."""

REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
DELIVERY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ATTEMPT_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)


class Metrics:
    """One registry with every counter, histogram and gauge of a daemon; two of them share nothing."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sightings = self._counter("ztpd_sightings", "Sightings recorded", "source", "outcome")
        self.hints = self._counter("ztpd_hints", "Traps and lines of syslog received", "source", "outcome")
        self.attempts = self._counter("ztpd_attempts", "Provisioning attempts ended", "element", "outcome")
        self.attempt_seconds = self._histogram(
            "ztpd_attempt_seconds", "Duration of a provisioning attempt", ATTEMPT_SECONDS, "element"
        )
        self.delivery_attempts = self._counter(
            "ztpd_delivery_attempts", "Events posted to an endpoint", "endpoint", "verdict"
        )
        self.delivery_seconds = self._histogram(
            "ztpd_delivery_seconds", "From the post of an event to its answer", DELIVERY_SECONDS, "endpoint"
        )
        self.http_requests = self._counter("ztpd_http_requests", "API requests answered", "method", "route", "status")
        self.http_request_seconds = self._histogram(
            "ztpd_http_request_seconds", "From an API request's header to its answer", REQUEST_SECONDS, "route"
        )
        self.acs_sessions = self._counter("ztpd_acs_sessions", "TR-069 sessions ended", "outcome")
        self.connection_requests = self._counter(
            "ztpd_connection_requests", "CPEs asked to inform, by how far the request got", "outcome"
        )
        self.cpe_files = self._counter(
            "ztpd_cpe_files", "Files that CPEs fetched and sent, and what was refused", "outcome"
        )
        self.element_up = self._gauge("ztpd_element_up", "1 while the element answers, else 0", "element")
        self.element_away = self._gauge(
            "ztpd_element_away", "1 while no job is begun on the element because it does not answer, else 0", "element"
        )
        self.element_mode = self._gauge("ztpd_element_mode", "1 for what ztpd may do there", "element", "mode")
        self._decisions = self._gauge(
            "ztpd_shadow_decisions",
            "Jobs decided on in shadow, by what became of the last decision",
            "element",
            "verdict",
        )
        self._jobs = self._gauge("ztpd_jobs", "Jobs by state", "state")
        self._quarantined = self._gauge("ztpd_quarantined", "Devices in quarantine that nobody silenced", "reason")
        self._deliveries = self._gauge("ztpd_deliveries", "Deliveries by endpoint and state", "endpoint", "state")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def show_stored(
        self,
        jobs: Mapping[str, int],
        quarantined: Mapping[str, int],
        deliveries: Iterable[Mapping[str, Any]],
        decisions: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Set the gauges of what is stored now.

        Jobs by state, quarantined devices by reason, rows of ``endpoint``, ``state`` and ``deliveries``, and rows of
        ``element``, ``verdict`` and ``decisions``.
        """
        self.forget_stored()
        for state in JobState:
            self._jobs.labels(state).set(jobs.get(state, 0))
        for reason, devices in quarantined.items():
            self._quarantined.labels(reason).set(devices)
        for row in deliveries:
            self._deliveries.labels(row["endpoint"], row["state"]).set(row["deliveries"])
        for row in decisions:
            self._decisions.labels(row["element"], row["verdict"]).set(row["decisions"])

    def forget_stored(self) -> None:
        """Show no gauge of what is stored: better none than an old one while the database cannot be read."""
        self._jobs.clear()
        self._quarantined.clear()
        self._deliveries.clear()
        self._decisions.clear()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format (``CONTENT_TYPE``)."""
        return generate_latest(self.registry)
