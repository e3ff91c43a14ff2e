"""What tests of every level share: the two engines, the folder of recorded data, the profile that ships."""

import itertools
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgresql
from ztpd.domain.profile import Profile

ROOT = Path(__file__).resolve().parent.parent
_numbers = itertools.count()

# Examples are not timed: a busy machine fails no test. ``tests/property/conftest.py`` has the profile of `make fuzz`.
settings.register_profile("test", deadline=None)
settings.load_profile("test")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server for the whole run; skips where none can be started."""
    reason = postgresql.why_unavailable()
    if reason is not None:
        pytest.skip(reason)
    with postgresql.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database: each test runs once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ztpd.db"
        return
    server_url = request.getfixturevalue("postgresql_url")
    with postgresql.database(server_url, f"t{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(scope="session")
def residential() -> Profile:
    """The profile that ships as an example and that the demo installs."""
    text = (ROOT / "config/profiles/residential-1g.toml").read_text()
    return Profile.model_validate(tomllib.loads(text))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real modules, captures and outputs; skips where they are absent."""
    folder = Path(os.environ.get("ZTPD_DATA", ROOT.parent / "shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no recorded data in {folder} (set ZTPD_DATA)")
    return folder
