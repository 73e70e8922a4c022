"""Every vector is answered exactly as expected, in a file and alone, wrapped and bare."""

import json
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

import pytest

from duecourse import offline
from tests.offline import vectors
from tests.offline.conftest import Plan

each_file = pytest.mark.parametrize(
    "file", vectors.FILES, ids=lambda file: file.name.removesuffix(".jsonl.gz")
)


def test_every_operation_has_vectors() -> None:
    assert {vectors.operation(file) for file in vectors.FILES} == set(offline.OPERATIONS)


@each_file
def test_answers_equal_the_vectors(plan: Plan, file: Path) -> None:
    cases = vectors.cases(file)
    lines = [json.dumps({"id": case["id"], "input": case["input"]}).encode() for case in cases]
    expected = [{"id": case["id"], "output": case["expected"]} for case in cases]
    assert plan(vectors.operation(file), lines) == expected


@each_file
def test_a_line_is_answered_alone_as_among_others(
    plan: Plan, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "CHUNK_LINES", 1)
    cases = vectors.cases(file)[::10]
    lines = [json.dumps(case["input"]).encode() for case in cases]
    expected = [{"id": None, "output": case["expected"]} for case in cases]
    assert plan(vectors.operation(file), lines) == expected


def test_a_thousand_lines_take_seconds(plan: Plan) -> None:
    backfills = [file for file in vectors.FILES if vectors.operation(file) == "backfill"]
    lines = [json.dumps(case).encode() for file in backfills for case in vectors.cases(file)]
    started = perf_counter()
    assert len(plan("backfill", islice(cycle(lines), 1000))) == 1000
    assert perf_counter() - started < 10
