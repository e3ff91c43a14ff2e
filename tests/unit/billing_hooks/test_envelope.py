"""What an event looks like on the wire, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from billing_hooks.envelope import cloud_event
from billing_hooks.errors import InvalidAttribute

EVENT: dict[str, object] = {
    "event_id": "evt_01",
    "event_type": "service.activated",
    "source": "/ztpd/edge-1",
    "subject": "SVC-1",
    "time": datetime(2025, 3, 1, 13, 0, 0, 250, tzinfo=timezone(timedelta(hours=1))),
    "service": "SVC-1",
    "sequence": 7,
    "correlation": "JOB-1",
    "data": {"rx_power_dbm": -19.5},
}


def encoded(**changes: object) -> bytes:
    return cloud_event(**(EVENT | changes))  # type: ignore[arg-type]


def test_the_envelope_is_a_cloudevent() -> None:
    assert orjson.loads(encoded()) == {
        "specversion": "1.0",
        "id": "evt_01",
        "type": "service.activated",
        "source": "/ztpd/edge-1",
        "subject": "SVC-1",
        "service": "SVC-1",
        "correlationid": "JOB-1",
        "time": "2025-03-01T12:00:00.000250Z",
        "sequence": "00000000000000000007",
        "datacontenttype": "application/json",
        "data": {"rx_power_dbm": -19.5},
    }


def test_the_same_event_has_the_same_bytes() -> None:
    assert encoded() == encoded(time=datetime(2025, 3, 1, 12, 0, 0, 250, tzinfo=UTC))


def test_what_an_event_has_not_is_left_out() -> None:
    event = orjson.loads(encoded(service=None, correlation=None))
    assert not {"service", "correlationid"} & event.keys()


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"event_id": ""}, "id"),
        ({"event_id": "evt.1"}, "id"),
        ({"event_id": "evt\r\nwebhook-id: 2"}, "id"),
        ({"event_type": "service."}, "type"),
        ({"event_type": "service activated"}, "type"),
        ({"source": ""}, "source"),
        ({"source": "edge 1"}, "source"),
        ({"source": "/ztpd/%zz"}, "source"),
        ({"subject": "a\x1b[2J"}, "subject"),
        ({"service": ""}, "service"),
        ({"correlation": "\ud800"}, "correlationid"),
        ({"time": datetime(2025, 3, 1)}, "time"),  # noqa: DTZ001
        ({"sequence": -1}, "sequence"),
        ({"sequence": 10**20}, "sequence"),
        ({"data": {"at": object()}}, "data"),
        ({"data": {"much": 2**70}}, "data"),
    ],
)
def test_what_breaks_the_specification_is_refused_by_name(changes: dict[str, object], attribute: str) -> None:
    with pytest.raises(InvalidAttribute) as caught:
        encoded(**changes)
    assert caught.value.attribute == attribute
    assert "must be" in str(caught.value)
