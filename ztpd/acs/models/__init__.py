"""The data models that ztpd ships: one TOML file each, read by ``ztpd.acs.datamodel``.

A file says what an intent is called below one root object; a vendor's own names are overrides within it.
"""

from importlib import resources

from ztpd.acs.datamodel import Model, parse_model


def shipped() -> tuple[Model, ...]:
    """The models in this package; raises ``ModelError`` when a file is wrong."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".toml"))
    return tuple(parse_model(file.read_text("utf-8"), file.name) for file in sorted(files, key=lambda file: file.name))
