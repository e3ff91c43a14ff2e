"""The data models that ztpd ships: one TOML file each, read by ``ztpd.acs.model_files``.

A file says what an intent is called below one root object; a vendor's own names are overrides within it.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources

from ztpd.acs.datamodel import Model
from ztpd.acs.model_files import parse_models


@cache
def shipped() -> tuple[Model, ...]:
    """The models in this package; raises ``ModelError`` when a file is wrong."""
    return with_own(())


def with_own(files: Iterable[tuple[str, str]]) -> tuple[Model, ...]:
    """The models in this package with an operator's files (name and text) over them; raises ``ModelError``."""
    own = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".toml"))
    read = [(file.name, file.read_text("utf-8")) for file in sorted(own, key=lambda file: file.name)]
    return parse_models([*read, *files])
