"""Random programs have the same bits whatever runs them: engine, threads, memory plan, runs."""

import os

import pytest
from random_programs import Program

import gemel as mx

MEMORY = ["naive", "inplace", "coshare", "both"]
# (engine, workers, threads of one kernel, memory plan, other settings)
SETTINGS = [
    ("threaded", 1, 1, "both", {}),
    ("threaded", 2, 2, "naive", {}),
    ("threaded", 8, 8, "inplace", {}),
    ("threaded", 2, 1, "coshare", {"fusion": "0"}),
    ("naive", 1, 2, "both", {}),
    ("chaos", 1, 2, "naive", {}),
    ("chaos", 1, 1, "coshare", {}),
]
OPTIONAL = {"defer": "0"}  # settings that this version may have


@pytest.fixture(autouse=True)
def as_before():
    """The process' own settings come back."""
    names = ["omp_threads", "memory_plan", "fusion"]
    before = {name: mx.runtime.get_setting(name) for name in names}
    kind, workers = mx._core.engine_configuration()
    yield
    for name, value in before.items():
        mx.runtime.set_setting(name, value)
    mx.engine.configure(kind, workers)


def outcome(number, engine, workers, threads, memory, others):
    """The outcomes of program `number` under these settings."""
    mx.runtime.set_setting("omp_threads", threads)
    mx.runtime.set_setting("memory_plan", memory)
    before = {name: mx.runtime.get_setting(name) for name in others}
    for name, value in others.items():
        mx.runtime.set_setting(name, value)
    mx.engine.configure(f"chaos:{number}" if engine == "chaos" else engine, workers)
    try:
        return Program(number).run()
    finally:
        for name, value in before.items():
            mx.runtime.set_setting(name, value)


def known_settings():
    """SETTINGS, and one more for each optional setting that there is."""
    names = {setting["name"] for setting in mx._core.settings()}
    more = [("threaded", 2, 2, "both", {name: value}) for name, value in OPTIONAL.items() if name in names]
    return SETTINGS + more


def difference(first, second):
    """Where two outcomes differ, for the message."""
    if len(first) != len(second):
        return f"{len(first)} and {len(second)} outcomes"
    for index, (a, b) in enumerate(zip(first, second)):
        if a != b:
            shown = [x if isinstance(x, str) else x[0] for x in (a, b)]
            return f"outcome {index}: {shown[0]} and {shown[1]}"
    return None


def check(numbers):
    for number in numbers:
        first = outcome(number, *SETTINGS[0])
        assert difference(outcome(number, *SETTINGS[0]), first) is None, f"program {number} differs from run to run"
        for setting in known_settings()[1:]:
            found = difference(outcome(number, *setting), first)
            assert found is None, f"program {number} under {setting}: {found}"


def test_some_programs():
    check(range(50))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_a_thousand_programs(block):
    size = int(os.environ.get("GEMEL_TEST_PROGRAMS", "1000")) // 10
    check(range(1000 + block * size, 1000 + (block + 1) * size))


def test_the_programs_do_what_they_should():
    """They compute, fail and heal: a generator that only failed would prove nothing."""
    outcomes = [o for number in range(20) for o in outcome(number, *SETTINGS[0])]
    errors = [o for o in outcomes if isinstance(o, str)]
    assert len(outcomes) - len(errors) > 150
    assert any("planted" in text for text in errors)
    assert any("[dot]" in text for text in errors)
    assert len(errors) < len(outcomes) / 2
