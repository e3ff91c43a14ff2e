"""The first schema: orders, devices, evidence, events and deliveries.

Times are UTC text of fixed width (``2026-01-31T23:59:59.123456Z``), so they sort as they are; bodies are JSON text.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite gives out row ids only for INTEGER, PostgreSQL wants BIGINT.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, sa.Identity(always=True), primary_key=True)


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Create everything."""
    _orders()
    _devices()
    _events()


def _orders() -> None:
    op.create_table(
        "location",
        sa.Column("id", sa.Text, primary_key=True),
        _text("body"),
        _optional("technology"),
        _optional("element"),
        _optional("port"),
        _optional("circuit_id"),
        _text("updated_at"),
    )
    op.create_index("location_access", "location", ["element", "port"])
    op.create_index("location_circuit_id", "location", ["circuit_id"])
    op.create_table(
        "service",
        sa.Column("id", sa.Text, primary_key=True),
        _text("account"),
        _text("location"),
        _text("profile"),
        _text("state"),
        _optional("confirmed_at"),
        _optional("activated_at"),
        _text("created_at"),
        _text("updated_at"),
    )
    op.create_index("service_location", "service", ["location"])
    op.create_table(
        "job",
        sa.Column("id", sa.Text, primary_key=True),
        _text("service"),
        _text("location"),
        _text("profile"),
        _optional("ordered"),
        _text("body"),
        _text("state"),
        _text("failures"),
        _number("visit"),
        _number("attempt"),
        _optional("due_at"),
        _optional("owner"),
        _optional("lease_until"),
        _optional("network_confirmed_at"),
        _optional("cpe_confirmed_at"),
        _text("created_at"),
        _text("updated_at"),
    )
    op.create_index("job_state_due", "job", ["state", "due_at"])
    op.create_index("job_service", "job", ["service"])
    op.create_index("job_location", "job", ["location"])
    op.create_table(
        "allocation",
        sa.Column("job", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, primary_key=True),
        _text("value"),
        _text("since"),
    )
    op.create_index("allocation_name", "allocation", ["kind", "value"])
    op.create_table(
        "visit",
        sa.Column("job", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        _optional("technician"),
        _optional("window_start"),
        _optional("window_end"),
        _text("opened_at"),
        _optional("closed_at"),
        _optional("outcome"),
    )


def _devices() -> None:
    op.create_table(
        "device",
        _id(),
        _text("state"),
        _text("reason", ""),
        _optional("service"),
        _optional("element"),
        _optional("port"),
        _text("presence", "absent"),
        _text("raw_state", ""),
        _optional("ip"),
        _optional("circuit_id"),
        _text("first_seen_at"),
        _text("last_seen_at"),
        sqlite_autoincrement=True,  # a joined device's id must not come back as another device
    )
    op.create_index("device_ip", "device", ["ip"])
    op.create_index("device_state", "device", ["state"])
    op.create_table(
        "device_name",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        _number("device"),
        _text("source"),
        _text("first_seen_at"),
    )
    op.create_index("device_name_device", "device_name", ["device"])
    op.create_table(
        "presence",
        sa.Column("device", sa.BigInteger, primary_key=True),
        sa.Column("element", sa.Text, primary_key=True),
        sa.Column("port", sa.Text, primary_key=True),
        _text("raw_state"),
        _text("since"),
    )
    op.create_index("presence_element", "presence", ["element"])
    op.create_table(
        "sighting",
        _id(),
        _number("device"),
        _optional("job"),
        _text("source"),
        _optional("element"),
        _optional("port"),
        _text("body"),
        _text("verdict"),
        _text("heard_at"),
        _text("last_heard_at"),
        _number("times"),
    )
    op.create_index("sighting_device", "sighting", ["device", "source", "id"])
    op.create_index("sighting_job", "sighting", ["job"])


def _events() -> None:
    op.create_table(
        "evidence",
        _id(),
        _text("service"),
        _text("job"),
        _number("visit"),
        _text("kind"),
        _text("body"),
        _optional("author"),
        _text("captured_at"),
        _text("received_at"),
    )
    op.create_index("evidence_job", "evidence", ["job"])
    op.create_index("evidence_service", "evidence", ["service"])
    op.create_table(
        "event",
        _id(),
        _text("event_id"),
        _text("type"),
        _text("service"),
        _number("sequence"),
        _text("job"),
        _text("data"),
        _text("at"),
    )
    op.create_index("event_service", "event", ["service", "sequence"], unique=True)
    op.create_table(
        "delivery",
        _id(),
        _number("event"),
        _text("endpoint"),
        _text("service"),
        _text("state"),
        _number("attempts"),
        _optional("due_at"),
        _optional("owner"),
        _optional("lease_until"),
        _text("created_at"),
        _optional("done_at"),
    )
    pending = sa.text("state = 'pending'")
    op.create_index("delivery_due", "delivery", ["endpoint", "due_at"], sqlite_where=pending, postgresql_where=pending)
    op.create_index(
        "delivery_line", "delivery", ["service", "endpoint", "id"], sqlite_where=pending, postgresql_where=pending
    )
    op.create_index("delivery_event", "delivery", ["event", "endpoint"], unique=True)
    op.create_table(
        "delivery_attempt",
        sa.Column("delivery", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        _text("at"),
        sa.Column("status", sa.BigInteger),
        sa.Column("latency_ms", sa.Float, nullable=False),
        _optional("error"),
        _text("answer"),
        _text("verdict"),
    )
    op.create_table(
        "endpoint",
        sa.Column("name", sa.Text, primary_key=True),
        _optional("disabled_at"),
        _text("reason", ""),
    )
