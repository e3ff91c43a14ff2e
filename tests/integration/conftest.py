"""What the tests of real processes share: a namespace of their own, and a stage for the capture process."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.capturing import capture_stage
from tests.integration.namespaces import NoNamespace, veth_namespace
from ztpd.lab.stage import Stage


@pytest.fixture
def namespace() -> Iterator[str]:
    """This thread inside a fresh network namespace that has loopback and the veth pair ``near`` and ``far``."""
    try:
        with veth_namespace() as name:
            yield name
    except NoNamespace as problem:
        pytest.skip(str(problem))


@pytest.fixture
async def capture_scene() -> AsyncIterator[Stage]:
    """A stage on which ``ztpd capture`` hears ``near``."""
    async with capture_stage() as made:
        yield made
