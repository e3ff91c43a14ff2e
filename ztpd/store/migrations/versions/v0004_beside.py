"""What is decided for elements that another tool configures, what became of it, and what was taken over from it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# SQLite gives out row ids only for INTEGER, PostgreSQL wants BIGINT.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    """Add what working beside other tools needs."""
    op.create_table(
        "decision",
        sa.Column("id", Id, sa.Identity(always=True), primary_key=True),
        _text("element"),
        _text("job"),
        # When the job came to the state that was decided on: once each.
        _text("job_since"),
        _text("kind"),
        _text("service"),
        _text("device"),
        _text("wanted"),
        _text("changes"),
        sa.Column("refusal", sa.Text, nullable=True),
        _text("decided_at"),
        _text("verdict"),
        _text("differences"),
        _text("unread"),
        _text("verdict_since"),
        sa.Column("closed_at", sa.Text, nullable=True),
    )
    op.create_index("decision_job", "decision", ["job", "job_since"], unique=True)
    op.create_index("decision_element", "decision", ["element", "id"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "decision_open", "decision", ["element", "id"], sqlite_where=still_open, postgresql_where=still_open
    )
    op.create_table(
        "decision_verdict",
        sa.Column("decision", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        _text("verdict"),
        _text("differences"),
        _text("unread"),
        _text("at"),
    )
    op.create_table(
        "adopted",
        sa.Column("element", sa.Text, primary_key=True),
        sa.Column("device", sa.Text, primary_key=True),
        _text("service"),
        _text("adopted_at"),
    )
    op.create_index("adopted_service", "adopted", ["service"])
    op.create_index("device_service", "device", ["service"])
