"""What each service stands on, what a person vouches for in a job, and which jobs somebody stands waiting for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add them; a service that is active already stands on the job that completed last."""
    op.add_column("service", sa.Column("standing", sa.Text, nullable=True))
    op.add_column("job", sa.Column("vouched", sa.Text, nullable=False, server_default="[]"))
    op.add_column("job", sa.Column("urgency", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(
        """
        UPDATE service SET standing = (
            SELECT body FROM job WHERE job.service = service.id AND job.state = 'completed'
            ORDER BY job.updated_at DESC, job.id DESC LIMIT 1)
        WHERE state <> 'reserved'
        """
    )
