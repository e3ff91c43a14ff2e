"""What CPEs tell of themselves over CWMP, what they are asked to do, and why they did not."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# SQLite gives out row ids only for INTEGER, PostgreSQL wants BIGINT.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=True)


def _of_tests() -> list[sa.Column[Any]]:
    """What a task needs that takes more than one session, or that a job waits for."""
    return [
        # How often the CPE was given something for it, and how often it began anew.
        sa.Column("turn", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tries", sa.BigInteger, nullable=False, server_default="0"),
        # The session in which it was given last: what came of it is looked for in another.
        _text("session", ""),
        _optional("expires_at"),
        # The attempt of the job that waits for it, and what its profile wants of it.
        sa.Column("attempt", sa.BigInteger, nullable=True),
        _text("terms", ""),
        # Why there is no result (``ztpd.domain.diagnostics.Trouble``).
        _text("trouble", ""),
    ]


def _transfers() -> None:
    """Upgrades of firmware (one row a device: its last), campaigns, one-time URLs, files that CPEs sent."""
    op.create_table(
        "cpe_firmware",
        sa.Column("device", sa.BigInteger, primary_key=True),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        _text("campaign"),
        _text("version"),
        _text("from_version"),
        _text("service"),
        _text("file"),
        _text("sha256"),
        sa.Column("timeout_s", sa.Float, nullable=False),
        sa.Column("succeeds_on_timeout", sa.BigInteger, nullable=False),
        # ``ztpd.domain.firmware.Upgrade``
        _text("state"),
        _text("fault", ""),
        # How many attempts at this version failed in a row, and when the next may begin.
        sa.Column("failures", sa.BigInteger, nullable=False, server_default="0"),
        _optional("retry_at"),
        # When nothing is waited for any more.
        _text("due_at"),
        _text("offered_at"),
        _optional("given_at"),
        _optional("transferred_at"),
        # The last Inform of this attempt that told of a restart.
        _optional("booted_at"),
        _optional("failed_at"),
        _optional("ended_at"),
    )
    under_way = sa.text("ended_at IS NULL")
    # The campaign that wants another version than it runs, when it informed last; '' when none does.
    op.add_column("cpe", _text("behind", ""))
    behind = sa.text("behind <> ''")
    op.create_index("cpe_behind", "cpe", ["behind"], sqlite_where=behind, postgresql_where=behind)
    op.create_index("cpe_firmware_due", "cpe_firmware", ["due_at"], sqlite_where=under_way, postgresql_where=under_way)
    op.create_index("cpe_firmware_campaign", "cpe_firmware", ["campaign", "version", "state"])
    op.create_table(
        "firmware_campaign",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        _optional("stopped_at"),
        _text("reason", ""),
        # Failures before this moment do not count; '' when all do.
        _text("counted_from", ""),
        # When CPEs were asked to inform for it last.
        _optional("woken_at"),
        _text("resumed_by", ""),
    )
    op.create_table(
        "cpe_grant",
        # SHA-256 of the token in the URL: who reads the database can fetch nothing.
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("device", sa.BigInteger, nullable=False),
        _text("command_key"),
        # 'out' to the CPE, 'in' from it.
        _text("direction"),
        _text("file"),
        sa.Column("size", sa.BigInteger, nullable=False),
        _text("sha256"),
        _text("expires_at"),
        # The address that used it first: no other may.
        _optional("peer"),
        # Why we did not send or take the file.
        _text("refused", ""),
    )
    op.create_index("cpe_grant_key", "cpe_grant", ["device", "command_key"])
    op.create_index("cpe_grant_expiry", "cpe_grant", ["expires_at"])
    op.create_table(
        "cpe_upload",
        sa.Column("id", Id, sa.Identity(always=True), primary_key=True),
        sa.Column("device", sa.BigInteger, nullable=False),
        sa.Column("task", sa.BigInteger, nullable=False, unique=True),
        _text("what"),
        _text("file"),
        sa.Column("size", sa.BigInteger, nullable=False),
        _text("sha256"),
        _text("received_at"),
    )
    op.create_index("cpe_upload_device", "cpe_upload", ["device", "id"])


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "cpe",
        sa.Column("device", sa.BigInteger, primary_key=True),
        _text("manufacturer"),
        _text("oui"),
        _text("product_class"),
        _text("serial"),
        _text("root"),
        _text("software_version"),
        _text("hardware_version"),
        _text("parameter_key"),
        _text("connection_request_url"),
        _text("udp_address"),
        _text("ip"),
        # How its last session was proven, and how far it is with a secret of its own: '', 'given', 'proven' or
        # 'refused', and since when it was given or refused.
        _text("proof"),
        _text("secret", ""),
        _text("secret_at", ""),
        # The hash of its last session's token: who shows the token goes on with the session.
        _optional("session"),
        _text("informed_at"),
        # The job that configured it last, and when it is to be looked at whether it still is as that left it.
        _text("configured", ""),
        _optional("look_at"),
        sa.Column("faulty", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index("cpe_session", "cpe", ["session"])
    op.create_table(
        "cpe_task",
        sa.Column("id", Id, sa.Identity(always=True), primary_key=True),
        sa.Column("device", sa.BigInteger, nullable=False),
        _text("kind"),
        _text("body"),
        _optional("job"),
        _text("actor"),
        # 'due', 'given' (the CPE has taken it and does it), 'done', 'failed' or 'cancelled'.
        _text("state"),
        _text("due_at"),
        _optional("given_at"),
        _optional("ended_at"),
        _text("result", "{}"),
        _text("fault", ""),
        _text("created_at"),
        *_of_tests(),
    )
    still_open = sa.text("ended_at IS NULL")
    op.create_index("cpe_task_open", "cpe_task", ["device"], sqlite_where=still_open, postgresql_where=still_open)
    op.create_index("cpe_task_device", "cpe_task", ["device", "id"])
    op.create_index("cpe_task_job", "cpe_task", ["job", "attempt"])
    op.create_index("cpe_task_expiry", "cpe_task", ["expires_at"], sqlite_where=still_open, postgresql_where=still_open)
    op.create_table(
        "cpe_fault",
        sa.Column("device", sa.BigInteger, primary_key=True),
        sa.Column("cause", sa.Text, primary_key=True),
        _text("work"),
        _text("kind", "cpe"),
        sa.Column("code", sa.BigInteger, nullable=True),
        _text("message"),
        sa.Column("times", sa.BigInteger, nullable=False),
        _text("first_at"),
        _text("last_at"),
        _text("retry_at"),
    )
    op.create_index("cpe_fault_work", "cpe_fault", ["cause", "work"])
    op.create_table(
        "cpe_model",
        sa.Column("manufacturer", sa.Text, primary_key=True),
        sa.Column("oui", sa.Text, primary_key=True),
        sa.Column("product_class", sa.Text, primary_key=True),
        sa.Column("software_version", sa.Text, primary_key=True),
        _text("instances"),
        _text("found_at"),
    )
    op.create_index("cpe_model_found", "cpe_model", ["found_at"])
    _cpe_drift()
    _cpe_waking()
    _cpe_doubts()
    _transfers()
    _coexistence()


def _cpe_drift() -> None:
    """CPEs that were found to be otherwise than their service wants, until a look finds nothing of it."""
    op.create_table(
        "cpe_drift",
        sa.Column("device", sa.BigInteger, primary_key=True),
        # 'restoring', 'restored' or 'reported' (``ztpd.store.cpe_drift``).
        _text("state"),
        # What differed at the last look, or why it could not be looked at or put right.
        _text("found", "[]"),
        _text("fault", ""),
        _text("found_at"),
        # How often in a row it was put right, when that was last, and not before when it may be again.
        sa.Column("times", sa.BigInteger, nullable=False, server_default="0"),
        _optional("restored_at"),
        _optional("restore_at"),
    )


def _cpe_waking() -> None:
    """The last time that a CPE was asked to inform: for what, the how manieth time, and what it said."""
    op.create_table(
        "cpe_waking",
        sa.Column("device", sa.BigInteger, primary_key=True),
        _text("why", ""),
        sa.Column("tries", sa.BigInteger, nullable=False, server_default="0"),
        _optional("asked_at"),
        # Not before then it is looked at again.
        _text("next_at"),
        _text("said", ""),
    )
    op.create_index("cpe_waking_why", "cpe_waking", ["why"])


def _cpe_doubts() -> None:
    """Devices that were only ever heard without proof, by when: the oldest are forgotten."""
    doubted = sa.text("reason IN ('unproven', 'identity-mismatch')")
    op.create_index("device_doubted", "device", ["last_seen_at"], sqlite_where=doubted, postgresql_where=doubted)


def _coexistence() -> None:
    """What other ACSes know of devices, what operators call them by, and CPEs that are handed over to other ACSes."""
    op.create_table(
        "cpe_import",
        sa.Column("device", sa.BigInteger, primary_key=True),
        *map(_text, ("source", "manufacturer", "oui", "product_class", "serial", "software_version")),
        *map(_text, ("hardware_version", "connection_request_url", "username", "password")),
        _optional("registered_at"),
        _optional("informed_at"),
        _text("imported_at"),
    )
    op.create_table(
        "device_tag",
        sa.Column("device", sa.BigInteger, primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
    )
    op.create_index("device_tag_tag", "device_tag", ["tag", "device"])
    op.create_table(
        "cpe_handover",
        sa.Column("device", sa.BigInteger, primary_key=True),
        sa.Column("task", sa.BigInteger, nullable=False),
        *map(_text, ("url", "username", "secret", "actor")),
        # ``ztpd.domain.handover.HandoverState``
        _text("state"),
        # How often it was told; how often it informs by itself, which it tells when it accepts.
        sa.Column("tells", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("interval_s", sa.BigInteger, nullable=True),
        _text("asked_at"),
        *map(_optional, ("told_at", "accepted_at", "silent_until", "left_at", "returned_at")),
        _text("said", ""),
    )
    waiting = sa.text("state IN ('told', 'accepted')")
    op.create_index(
        "cpe_handover_silent", "cpe_handover", ["silent_until"], sqlite_where=waiting, postgresql_where=waiting
    )
    # Whether there is a hand-over to look at when it informs.
    op.add_column("cpe", sa.Column("handover", sa.BigInteger, nullable=False, server_default="0"))
