"""The API that the tests talk to is a live one, at LEDGER_URL; its results are shared by them."""

import os

import pytest

from loss_ledger import Ledger

SPEC = {
    "name": "from Python",
    "tags": {"study": "python"},
    "dataset": {"name": "synthetic-digits", "trainExamples": 300, "validationExamples": 100},
    "architecture": {"name": "fc", "hidden": [8]},
    "optimizer": {"name": "sgd", "learningRate": 0.1},
    "training": {"iterations": 12, "batchSize": 50, "seed": 3},
    "allocation": {"segmentIterations": 5},
}


@pytest.fixture(scope="session")
def url() -> str:
    found = os.environ.get("LEDGER_URL")
    if not found:
        pytest.skip("LEDGER_URL names no API", allow_module_level=True)
    return found


@pytest.fixture(scope="session")
def ledger(url, tmp_path_factory):
    os.environ["LOSS_LEDGER_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    with Ledger(url) as found:
        yield found


@pytest.fixture(scope="session")
def experiment(ledger):
    return ledger.submit(SPEC, idempotency_key="tests-of-the-Python-client").wait(timeout=120)
