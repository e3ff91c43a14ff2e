"""How hard the properties are tried: a little with every ``make test``, a great deal with ``make fuzz``.

``HYPOTHESIS_PROFILE=fuzz`` runs many examples of each property, counts them, and fails when they were fewer than
``LEAST_EXAMPLES`` or when one took over ``MOST_SECONDS`` of the processor's time. Hypothesis' own deadline is not used:
it goes by the clock on the wall, and fails on a machine that has more to do.
"""

import functools
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

LEAST_EXAMPLES = 200_000
EXAMPLES_EACH = 12_000
MOST_SECONDS = 0.1
_COUNTED = "ztpd_examples"

settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=EXAMPLES_EACH,
    suppress_health_check=[HealthCheck.too_slow],  # of making the examples, which is not what is timed
)
FUZZING = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
if FUZZING:
    settings.load_profile("fuzz")

_ran: Counter[str] = Counter()  # of this process, and in the end of its workers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count and time each example that a property of this folder runs."""
    if not FUZZING:
        return
    for item in items:
        handle = getattr(getattr(item, "obj", None), "hypothesis", None)
        if handle is not None and not hasattr(handle.inner_test, _COUNTED):
            handle.inner_test = _counted(handle.inner_test, item.path.stem)


def _counted(test: Callable[..., None], module: str) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*arguments: Any, **keywords: Any) -> None:
        _ran[module] += 1
        seconds = _seconds(test, *arguments, **keywords)
        if seconds > MOST_SECONDS:  # once more: Python may have collected its garbage in the meantime
            seconds = min(seconds, _seconds(test, *arguments, **keywords))
        assert seconds <= MOST_SECONDS, f"an example took {seconds:.3f} s of the processor"

    setattr(run, _COUNTED, True)
    return run


def _seconds(test: Callable[..., None], *arguments: Any, **keywords: Any) -> float:
    began = time.thread_time()
    test(*arguments, **keywords)
    return time.thread_time() - began


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells its counts; whoever has all of them fails the run that tried too little."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_COUNTED] = dict(_ran)
    elif FUZZING and _ran.total() < LEAST_EXAMPLES and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker ran."""
    _ran.update(getattr(node, "workeroutput", {}).get(_COUNTED, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many examples ran, of which module."""
    if not FUZZING:
        return
    for module, examples in sorted(_ran.items()):
        terminalreporter.write_line(f"{examples:>9,} examples of {module}")
    verdict = "" if _ran.total() >= LEAST_EXAMPLES else f", which is under {LEAST_EXAMPLES:,}"
    terminalreporter.write_line(f"{_ran.total():>9,} examples in all{verdict}")
