"""The notebooks run from their first to their last cell: by nbconvert where there is a kernel, else cell by cell in here."""

import ast
import json
import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook, ledger, url, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas", reason="no pandas")
    pytest.importorskip("matplotlib", reason="no matplotlib")
    monkeypatch.setenv("LEDGER_URL", url)
    # A run of minutes, as a reader has it, is one of seconds here.
    monkeypatch.setenv("GROKKING", "small")
    document = json.loads(notebook.read_text())
    # Kept without what it said to whoever ran it last.
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    try:
        import ipykernel  # noqa: F401
        import nbformat
        from nbconvert.preprocessors import ExecutePreprocessor
    except ImportError:
        run_cells(code, notebook.name)
    else:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(notebook.parents[1] / "src"), os.environ.get("PYTHONPATH", "")])
        ExecutePreprocessor(timeout=200).preprocess(nbformat.reads(notebook.read_text(), 4), {"metadata": {"path": str(tmp_path)}})


def run_cells(code, name):
    """Every cell in one namespace; what it ends with is shown as a notebook would, as HTML or a picture or text."""
    names: dict = {}
    for number, cell in enumerate(code):
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{name}[{number}]", "exec"), names)
        if last is None:
            continue
        shown = eval(compile(ast.Expression(last.value), f"{name}[{number}]", "eval"), names)
        if hasattr(shown, "savefig"):
            shown.canvas.draw()
        elif shown is not None:
            assert getattr(shown, "_repr_html_", shown.__repr__)()
