"""What the documents say of Python runs as it stands, one block after the other."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# What differs from what a reader runs: where the API is, and a tenth of the examples.
HERE = {'"trainExamples": 2000, "validationExamples": 500': '"trainExamples": 200, "validationExamples": 50'}


@pytest.mark.parametrize("document", ["README.md", "docs/python.md", "clients/python/README.md"])
def test_blocks_of_python_run(document, ledger, url, tmp_path, monkeypatch):
    pytest.importorskip("pandas", reason="no pandas")
    pytest.importorskip("matplotlib", reason="no matplotlib")
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.S | re.M)
    assert blocks, f"{document} has no Python any more"
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks:
        for said, meant in {"http://127.0.0.1:3000": url, **HERE}.items():
            block = block.replace(said, meant)
        exec(compile(block, document, "exec"), names)
    if "mine" in names:
        ledger.delete_dataset(names["mine"]["name"])
    for one in os.listdir(tmp_path):
        assert os.path.getsize(one) > 0
