"""The data models: those that ship, with an operator's own files over them, and whether profiles speak their words."""

from pathlib import Path

from ztpd.acs.datamodel import Dialect, Model
from ztpd.acs.model_files import ModelError
from ztpd.acs.models import with_own
from ztpd.config import ConfigError, ConfigProblem, Configuration


def models(configuration: Configuration) -> tuple[Model, ...] | None:
    """What devices call things; None when there is no ACS. Raises ``ConfigError``."""
    section = configuration.settings.acs
    if section is None:
        return None
    own = [] if section.data_models is None else _own(configuration, section.data_models)
    try:
        return with_own((str(file), text) for file, text in own)
    except ModelError as error:
        remedy = "Correct it: docs/acs.md tells how these files are written."
        raise ConfigError([ConfigProblem(Path(error.file), error.key, error.problem, remedy)]) from None


def _own(configuration: Configuration, named: Path) -> list[tuple[Path, str]]:
    folder, key = configuration.path(named), "acs.data_models"
    if not folder.is_dir():
        raise configuration.problem(key, f"{folder} is no folder", "Create it, or remove the key.")
    texts: list[tuple[Path, str]] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            texts.append((file, file.read_text("utf-8")))
        except UnicodeDecodeError:
            raise configuration.problem(key, f"{file} is not UTF-8 text", "Save it as UTF-8.") from None
        except OSError as error:
            raise configuration.problem(key, f"{file} cannot be read: {error.strerror}", "Let the daemon.") from None
    return texts


def intents(configuration: Configuration) -> frozenset[str] | None:
    """The intents that profiles use; None when there is no ACS. Raises ``ConfigError`` for those that nothing has."""
    known = models(configuration)
    if known is None:
        return None
    folder = configuration.path(configuration.settings.profiles)
    remedy = "Correct it: docs/intents.md lists all. Your own go into a file in acs.data_models."
    unknown = [
        ConfigProblem(folder / f"{name}.toml", f"cpe.{intent}", "no data model has such an intent", remedy)
        for name, profile in configuration.profiles.items()
        for intent in profile.cpe
        if not any(_has(model, intent) for model in known)
    ]
    if unknown:
        raise ConfigError(unknown)
    return frozenset(intent for profile in configuration.profiles.values() for intent in profile.cpe)


def _has(model: Model, intent: str) -> bool:
    """Whether devices of some make have the intent."""
    return any(Dialect(model, overrides).target(intent) for overrides in ((), *((each,) for each in model.overrides)))
