"""`[acs.handover]`: what is made of it, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from ztpd import parts
from ztpd.config import ConfigError, load
from ztpd.domain.handover import HandoverTerms
from ztpd.lab.stage import Stage, stage


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, ROOT / "config") as made:
        yield made


def configure(scene: Stage, *lines: str) -> None:
    scene.config.write_text("\n".join([scene.config.read_text(), "[acs.handover]", *lines]))


def secret(scene: Stage, text: str, mode: int = 0o600) -> None:
    scene.secret("other.password").touch(mode)
    scene.secret("other.password").write_text(text)


def test_nothing_written_is_no_other_acs(scene: Stage) -> None:
    assert parts.handover(load(scene.config)) == HandoverTerms({}, 3, 86_400)


def test_what_is_written_is_what_is_made(scene: Stage) -> None:
    secret(scene, "other-S3NT1NEL\n")
    configure(scene, 'secrets = { other = "secrets/other.password" }', "intervals = 2", "interval_s = 600")
    terms = parts.handover(load(scene.config))
    assert terms == HandoverTerms({"other": "other-S3NT1NEL"}, 2, 600)
    assert "S3NT1NEL" not in repr(terms)


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        ("", 0o600, "is empty"),
        ("x" * 257, 0o600, "is no password of at most 256 printable characters"),
        ("two\nlines", 0o600, "is no password of at most 256 printable characters"),
        ("S3NT1NEL", 0o644, "is open to everybody"),
    ],
)
def test_a_file_that_holds_no_password_is_told_with_its_key(scene: Stage, text: str, mode: int, problem: str) -> None:
    secret(scene, text, mode)
    scene.secret("other.password").chmod(mode)
    configure(scene, 'secrets = { other = "secrets/other.password" }')
    with pytest.raises(ConfigError, match=problem) as caught:
        parts.require(load(scene.config))
    assert "acs.handover.secrets.other" in str(caught.value)
    assert "S3NT1NEL" not in str(caught.value)


@pytest.mark.parametrize("line", ["intervals = 0", "interval_s = 0", 'secrets = { "a b" = "f" }', 'url = "http://x/"'])
def test_what_cannot_be_is_refused(scene: Stage, line: str) -> None:
    configure(scene, line)
    with pytest.raises(ConfigError, match=r"acs\.handover"):
        load(scene.config)
