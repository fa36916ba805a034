"""What pip installs: everything that is needed, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent


def test_a_wheel_has_the_package_with_its_types(tmp_path):
    pytest.importorskip("hatchling", reason="no hatchling to build a wheel with")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=FOLDER, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        (metadata,) = [packed.read(name).decode() for name in names if name.endswith("METADATA")]
    modules = [f"loss_ledger/{file.name}" for file in (FOLDER / "src/loss_ledger").iterdir() if file.is_file()]
    assert "loss_ledger/py.typed" in names and set(modules) <= set(names)
    assert [name for name in names if not name.startswith(("loss_ledger/", "loss_ledger-"))] == []
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line]
    assert sorted(line.split()[1].split(">")[0] for line in needed) == ["httpx", "numpy"]


def test_types_hold():
    pytest.importorskip("mypy", reason="no mypy")
    # Kept: what takes long are the types of numpy, which are as they were.
    cache = str(FOLDER.parents[1] / ".ledger" / "mypy")
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", cache, "src"], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
