"""What a quarantined device is held for in detail, whether it was silenced, who did what by hand; devices by line."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# SQLite gives out row ids only for INTEGER, PostgreSQL wants BIGINT.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add what quarantine needs."""
    op.add_column("device", sa.Column("detail", sa.Text, nullable=False, server_default=""))
    op.add_column("device", sa.Column("ignored_at", sa.Text, nullable=True))
    op.create_table(
        "audit",
        sa.Column("id", Id, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_subject", "audit", ["subject", "id"])
    op.create_index("device_circuit_id", "device", ["circuit_id"])
    op.create_index("allocation_kind", "allocation", ["kind", "job"])
