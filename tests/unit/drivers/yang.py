"""Validation of configuration and state under the real modules, by Debian's ``yanglint``."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from lxml import etree


def check(data_folder: Path, tree: etree._Element, kind: str, scratch: Path) -> None:
    """Fail with yanglint's words unless the top-level elements of ``tree`` are valid (``kind``: config or data)."""
    yanglint = shutil.which("yanglint")
    if yanglint is None:
        pytest.skip("yanglint is not installed (Debian: libyang2-tools)")
    modules = data_folder / "yang"
    if not modules.is_dir():
        pytest.skip(f"no YANG modules in {modules} (set ZTPD_DATA)")
    # Types first: the others refer to their identities before they would be implemented.
    files = sorted(
        (path for path in modules.glob("*.yang") if not path.read_text().startswith("submodule")),
        key=lambda path: ("-types@" not in path.name, path.name),
    )
    _run(yanglint, modules, files, tree, kind, scratch)


def check_in(data_folder: Path, folder: str, names: Sequence[str], tree: etree._Element, scratch: Path) -> None:
    """The same for the modules of these names in a folder of their own, types first; ``tree`` is configuration."""
    yanglint = shutil.which("yanglint")
    if yanglint is None:
        pytest.skip("yanglint is not installed (Debian: libyang2-tools)")
    modules = data_folder / folder
    if not modules.is_dir():
        pytest.skip(f"no YANG modules in {modules} (set ZTPD_DATA)")
    files = [next(iter(sorted(modules.glob(f"{name}[.@]*")))) for name in names]
    _run(yanglint, modules, files, tree, "config", scratch)


def _run(yanglint: str, modules: Path, files: Sequence[Path], tree: etree._Element, kind: str, scratch: Path) -> None:
    instance = scratch / "instance.xml"
    instance.write_bytes(b"".join(etree.tostring(child) for child in tree))
    result = subprocess.run(
        [yanglint, "-Q", "-e", "-p", str(modules), "-t", kind, *map(str, files), str(instance)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
