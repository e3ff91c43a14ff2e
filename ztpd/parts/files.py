"""Files for CPEs: where they lie, and the firmware that profiles want of them."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ztpd.acs.listening import authority
from ztpd.acs_settings import AcsSection, FilesSection
from ztpd.config import ConfigError, ConfigProblem, Configuration
from ztpd.domain.firmware import FirmwareRule
from ztpd.domain.profile import Profile
from ztpd.store.files import FileProblem, FileSettings, measure

_ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 # what cannot be told to a CPE

_LONGEST_URL = 80
"""With a token and a file's name behind it, it must fit into 256 characters (TR-069 A.3.2.8)."""


def files(configuration: Configuration) -> FileSettings | None:
    """Where files lie and how CPEs reach them; None when the ACS serves none."""
    acs = configuration.settings.acs
    section = None if acs is None else acs.files
    if acs is None or section is None:
        return None
    folder = configuration.path(section.folder)
    if not folder.is_dir():
        raise configuration.problem("acs.files.folder", f"{folder} is no folder", "Create it, or correct the key.")
    return FileSettings(
        folder=folder,
        uploads=_uploads(configuration, section, folder),
        url=_url(configuration, acs, section),
        upload_bytes=section.upload_max_bytes,
        total_bytes=section.uploads_total_bytes,
        days=section.uploads_days,
        concurrency=section.concurrency,
    )


def _uploads(configuration: Configuration, section: FilesSection, folder: Path) -> Path:
    """The folder of uploads, which may still have to be made."""
    uploads = configuration.path(section.uploads)
    ours, theirs = uploads.resolve(), folder.resolve()
    if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
        problem = f"{uploads} and the folder of files, {folder}, lie in each other"
        raise configuration.problem("acs.files.uploads", problem, "Name a folder of its own for what CPEs send.")
    there = next(path for path in (ours, *ours.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        problem = f"{uploads} cannot be written: {there} is no folder that this user may write to"
        raise configuration.problem("acs.files.uploads", problem, "Give it to the user that ztpd runs as.")
    return uploads


def _url(configuration: Configuration, acs: AcsSection, section: FilesSection) -> str:
    if section.url is not None:
        parts = urlsplit(section.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            remedy = "Write it like http://acs.example.net:7547, without a path."
            raise configuration.problem("acs.files.url", "is no address of a listener", remedy)
        if len(section.url) > _LONGEST_URL:
            raise configuration.problem("acs.files.url", f"is longer than {_LONGEST_URL} characters", "Shorten it.")
        return section.url.rstrip("/")
    if acs.host in _ANY_ADDRESS or acs.port == 0:
        remedy = "Add it: how CPEs reach the ACS, such as http://acs.example.net:7547."
        raise configuration.problem("acs.files.url", f"is missing, and {acs.host}:{acs.port} is no address", remedy)
    return f"http://{authority(acs.host, acs.port)}"


def stocked_profiles(configuration: Configuration) -> dict[str, Profile]:
    """The profiles, each firmware file of theirs checked against its SHA-256 and with its size; raises ConfigError."""
    profiles, settings = configuration.profiles, files(configuration)
    problems = list(_contradictions(configuration, profiles))
    stocked: dict[str, Profile] = {}
    for name, profile in profiles.items():
        rules = []
        for index, rule in enumerate(profile.firmware):
            try:
                rules.append(_stocked(rule, settings))
            except FileProblem as error:
                key = f"firmware.{index}"
                problems.append(ConfigProblem(_file_of(configuration, name), key, error.problem, error.remedy))
        stocked[name] = profile.model_copy(update={"firmware": tuple(rules)}) if profile.firmware else profile
    if problems:
        raise ConfigError(problems)
    return stocked


def _stocked(rule: FirmwareRule, settings: FileSettings | None) -> FirmwareRule:
    if rule.file is None:
        return rule
    if settings is None:
        raise FileProblem("no files are served", "Add [acs.files] with the folder that it is in, or give a url.")
    if rule.at_once > settings.concurrency:
        problem = f"at_once is {rule.at_once}, and no more than {settings.concurrency} files are sent at a time"
        raise FileProblem(problem, "Lower at_once, or raise concurrency in [acs.files].")
    path = settings.folder / rule.file
    size, sha256 = measure(settings.folder, rule.file)
    if rule.size not in {None, size}:
        raise FileProblem(f"{path} has {size} bytes, not {rule.size}", "Put the right file there, or correct size.")
    if sha256 != rule.sha256:
        remedy = "Put the right file there, or correct sha256 once you know that the file is the right one."
        raise FileProblem(f"the SHA-256 of {path} is {sha256}", remedy)
    return rule.model_copy(update={"size": size})


def _contradictions(configuration: Configuration, profiles: dict[str, Profile]) -> Iterator[ConfigProblem]:
    """A campaign is one: rules of the same name must be the same."""
    known: dict[str, tuple[str, FirmwareRule]] = {}
    for name, profile in profiles.items():
        for index, rule in enumerate(profile.firmware):
            first, before = known.setdefault(rule.name, (name, rule))
            if before != rule:
                problem = f"{rule.name!r} is another rule in profile {first}"
                remedy = "Make them the same: they are one campaign. Or give this one another name."
                yield ConfigProblem(_file_of(configuration, name), f"firmware.{index}.name", problem, remedy)


def _file_of(configuration: Configuration, profile: str) -> Path:
    return configuration.path(configuration.settings.profiles) / f"{profile}.toml"
