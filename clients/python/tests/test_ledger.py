"""Post, wait, read back: tables, tensors, figures and errors of a live API."""

import contextlib
import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from conftest import SPEC
from loss_ledger import ApiError, ExperimentFailed, Ledger, Unreachable, compare
from loss_ledger.events import Event


def test_waits_and_says_what_came_of_it(ledger, experiment):
    assert experiment.status == "succeeded"
    assert experiment.spec["training"]["iterations"] == 12
    assert experiment.summary["splits"]["train"]["loss"]["final"] < experiment.summary["splits"]["train"]["loss"]["initial"]
    assert experiment.unbalanced is None
    # The same key is the same experiment; lists find it by its tags, and by id.
    assert ledger.submit(SPEC, idempotency_key="tests-of-the-Python-client").id == experiment.id
    assert experiment.id in [one.id for one in ledger.experiments(tags={"study": "python"}, status="succeeded")]
    assert ledger.experiment(experiment.id).data["summary"] == experiment.data["summary"]


def test_events_from_the_beginning_tell_of_every_iteration_once(experiment):
    events = list(experiment.events("0"))
    seen = [(one.data["split"], one.data["iteration"]) for one in events if one.event == "iteration"]
    assert sorted(seen) == [(split, t) for split in ("train", "validation") for t in range(12)]
    assert events[-1].event == "status" and events[-1].data["status"] == "succeeded"


def test_columns_tensors_and_summary_add_up(experiment):
    layers = experiment.columns("layers", split="train")
    assert list(layers["layer"]) == ["fc_1", "fc_2"]
    lca = experiment.lca("train")
    assert "not fetched" in repr(lca) and lca.shape == (12, experiment.summary["parameters"]) and "not fetched" in repr(lca)
    assert lca.sum() == pytest.approx(layers["lca"].sum(), rel=1e-5)
    assert isinstance(lca.array(), np.memmap)
    for layer, expected in zip(layers["layer"], layers["lca"]):
        assert lca[:, experiment.columns_of(layer)].sum(dtype="float64") == pytest.approx(expected, rel=1e-5)
    # Fetched once: what lies there is taken for what it is.
    assert experiment.lca("train").path() == lca.path()
    weights = experiment.weights
    assert weights.shape[0] == 13
    span = experiment.tensor("weights", 4, 6)
    assert np.array_equal(span, weights[4:7])
    # A segment's own file, which is hashed: its last row is the next one's first.
    assert np.array_equal(experiment.tensor("weights/0-5")[-1], experiment.tensor("weights/5-10")[0])


def test_a_damaged_file_in_the_cache_is_fetched_again(experiment):
    file = experiment.lca("validation").path()
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    assert experiment.lca("validation").path().read_bytes() == whole


def test_frames(experiment):
    pytest.importorskip("pandas", reason="no pandas")
    layers = experiment.layers("train")
    assert list(layers["layer"]) == ["fc_1", "fc_2"] and layers.attrs["unbalanced"] is None
    iterations = experiment.iterations("train", start=2, stop=7)
    assert list(iterations["iteration"]) == [2, 3, 4, 5, 6]
    allocations = experiment.allocations("train", by="variable", layer="fc_2")
    assert set(allocations["variable"]) == {"fc_2/kernel", "fc_2/bias"} and len(allocations) == 24
    assert allocations["lca"].sum() == pytest.approx(layers["lca"].iloc[1], rel=1e-9)
    assert len(experiment.neurons("train", layer="fc_1")) == 8
    assert compare([experiment], "train").iloc[0, 0] == layers["lca"].iloc[0]


def test_what_explains_the_ledger(ledger, experiment, monkeypatch):
    pd = pytest.importorskip("pandas", reason="no pandas")
    curvature = experiment.diagnostics("curvature", "train", by="variable", layer="fc_1", start=2, stop=7)
    assert set(curvature["layer"]) == {"fc_1"} and sorted(set(curvature["iteration"])) == [2, 3, 4, 5, 6]
    assert curvature["lca"].sum() == pytest.approx(experiment.allocations("train", layer="fc_1", start=2, stop=7)["lca"].sum(), rel=1e-9)
    # Without pyarrow it is the same.
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    pd.testing.assert_frame_equal(curvature, experiment.diagnostics("curvature", "train", by="variable", layer="fc_1", start=2, stop=7), check_dtype=False)
    with pytest.raises(ApiError, match="nonsense"):
        experiment.diagnostics("nonsense")
    assert all(one["statement"] and one["figures"] for one in experiment.findings())
    found = [one.id for one in ledger.experiments(where=f'tags.study = python and iterations = {experiment.data["iterations"]}', sort="-lca")]
    assert experiment.id in found
    assert experiment.id not in [one.id for one in ledger.experiments(where="iterations > 1e6")]


def test_what_breaks_off_leaves_no_file(experiment, tmp_path, monkeypatch):
    stream = experiment._http.stream

    @contextlib.contextmanager
    def breaking(*args, **kwargs):
        with stream(*args, **kwargs) as answer:
            whole = answer.iter_bytes

            def cut(size=None):
                yield next(whole(size))
                raise KeyboardInterrupt

            answer.iter_bytes = cut
            yield answer

    assert experiment.download("manifest.json", tmp_path).read_bytes().startswith(b"{")
    monkeypatch.setattr(experiment._http, "stream", breaking)
    for ask in (lambda: experiment.download("weights/0-5.npy", tmp_path), lambda: experiment.archive(tmp_path / "all.zip")):
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


def test_compares_and_extends(ledger):
    pytest.importorskip("pandas", reason="no pandas")
    spec = {**SPEC, "training": {**SPEC["training"], "iterations": 4}}
    one, other = (ledger.submit(spec).wait(progress=False) for _ in range(2))
    assert other.extend(6).wait(progress=False).data["iterations"] == 6
    found = ledger.compare([one, other.id])
    assert [row["path"] for row in found["specs"]] == ["training.iterations"]
    assert found["weights"][0]["sameUntil"] == 4 and found["weights"][0]["unknown"] is None
    curves = ledger.iterations([one, other.id], "train", stop=5)
    assert list(curves["experiment"]) == [one.id] * 4 + [other.id] * 5
    layers = ledger.compared("layers", [one, other], split="train")
    assert set(layers[layers["experiment"] == other.id]["lcaDifference"]) == {0.0}
    assert len(ledger.compared("losses", [one, other], split="train")) == 10


def test_frames_without_arrow_are_the_same(experiment, monkeypatch):
    pd = pytest.importorskip("pandas", reason="no pandas")
    first = experiment.allocations("train")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    pd.testing.assert_frame_equal(first, experiment.allocations("train"), check_dtype=False)


def test_figures(experiment, sweep, tmp_path):
    pytest.importorskip("matplotlib", reason="no matplotlib")
    pytest.importorskip("pandas", reason="no pandas")
    for figure in ("ledger", "loss", "layers", "residuals"):
        drawn = experiment.plot(figure)
        drawn.savefig(tmp_path / f"{figure}.png", dpi=40)
        assert (tmp_path / f"{figure}.png").stat().st_size > 2000
    # The running sum of what is drawn ends where the loss did.
    change = experiment.iterations("train")["lca"].sum()
    total = experiment.plot("ledger", "train").axes[1].lines[0].get_ydata()[-1]
    assert total == pytest.approx(change, rel=1e-9)
    sweep.plot("train").savefig(tmp_path / "sweep.png", dpi=40)
    with pytest.raises(ValueError, match="there are ledger, loss, layers, residuals"):
        experiment.plot("pie")


@pytest.fixture(scope="module")
def sweep(ledger):
    base = {**SPEC, "training": {"iterations": 3, "batchSize": 50}}
    vary = [{"name": "baseline"}, {"name": "last frozen", "layers": {"fc_2": {"freeze": True}}}]
    return ledger.submit_sweep({"base": base, "vary": vary, "seeds": [1, 2]}).wait(timeout=120, interval=0.2)


def test_what_training_decides_is_no_progress(experiment, monkeypatch):
    module = importlib.import_module("loss_ledger.experiment")
    queue = {"position": 3, "ahead": {"experiments": 2, "segments": 9, "seconds": None}}
    progress = {"phase": "queued", "done": 0, "total": 12}
    told = [Event("0", "status", {"status": "queued", "progress": progress, "queue": queue}), Event("1", "decision", {"iteration": 1, "decisions": []})]
    monkeypatch.setattr(module, "stream_events", lambda *_, **__: iter(told))
    shown = []
    experiment._follow(SimpleNamespace(show=lambda *words: shown.append(words), close=lambda: None), None)
    assert shown == [("queued", 0, 12, "place 3, 2 experiments before it")]


def test_sweeps(sweep):
    pytest.importorskip("pandas", reason="no pandas")
    assert sweep.data["counts"]["succeeded"] == 4
    rows = sweep.summary("train", "lca").set_index(["variant", "layer"])
    assert rows.loc[("last frozen", "fc_2"), "mean"].item() == 0
    # The summary is over its experiments.
    means = compare([one for one in sweep.experiments() if "baseline" in one.data["name"]], "train").mean(axis=1)
    assert means["fc_1"] == pytest.approx(rows.loc[("baseline", "fc_1"), "mean"].item(), rel=1e-9)


def test_every_wrong_field_is_named(ledger):
    wrong = {**SPEC, "optimizer": {"name": "sdg"}, "training": {"iterations": -1, "batch": 3}}
    with pytest.raises(ApiError) as caught:
        ledger.submit(wrong)
    assert caught.value.status == 422
    paths = [error.path for error in caught.value.errors]
    assert {"$.optimizer.name", "$.training.iterations", "$.training.batch"} <= set(paths)
    for path in paths:
        assert f"  {path}: " in str(caught.value)
    with pytest.raises(ApiError, match="there is no experiment"):
        ledger.experiment("0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d")


def test_a_failed_or_cancelled_experiment_raises(ledger):
    long = {**SPEC, "training": {"iterations": 100_000}}
    posted = ledger.submit(long)
    with pytest.raises(TimeoutError):
        posted.wait(timeout=0.5)
    posted.cancel()
    with pytest.raises(ExperimentFailed, match="cancelled"):
        posted.wait(timeout=60)
    assert posted.wait(check=False).status == "cancelled"
    posted.delete()


def test_uploads_arrays_and_files(ledger, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6)).astype("uint8")
    labels = (images.mean(axis=(1, 2)) > 127.5).astype("int64")
    np.savez(tmp_path / "same.npz", images=images, labels=labels)
    first = ledger.upload_dataset("python-arrays", images=images, labels=labels)
    second = ledger.upload_dataset("python-file", npz=tmp_path / "same.npz")
    assert first["upload"]["sha256"] == second["upload"]["sha256"]
    with pytest.raises(ApiError, match=r"\$\.images"):
        ledger.upload_dataset("python-floats", images=images / 255, labels=labels)
    for name in ("python-arrays", "python-file"):
        ledger.delete_dataset(name)


def test_targets_that_are_numbers(ledger):
    random = np.random.default_rng(3)
    x = (50 + 20 * random.standard_normal((60, 4))).astype("float32")
    y = ((x - 50) @ random.standard_normal((4, 2)) / 20).astype("float32")
    made = ledger.upload_dataset("python-regression", images=x[:50], labels=y[:50], test_images=x[50:], test_labels=y[50:], values="numbers", targets="numbers")
    assert (made["classes"], made["outputs"], made["values"]) == (None, 2, "numbers")
    spec = {
        "dataset": {"name": "python-regression", "normalization": {"name": "per-channel"}},
        "architecture": {"name": "fc", "hidden": []},
        "optimizer": {"name": "sgd", "learningRate": 0.1},
        "training": {"iterations": 20},
    }
    experiment = ledger.submit(spec).wait(timeout=120)
    mean, deviation = x[:50].astype("float64").mean(0), x[:50].astype("float64").std(0)
    found = experiment.manifest["normalization"]
    assert np.allclose(found["mean"], mean, rtol=1e-12) and np.allclose(found["deviation"], deviation, rtol=1e-12)
    theta = np.asarray(experiment.weights[20], "float64")
    for split, own in (("train", slice(0, 50)), ("validation", slice(50, 60))):
        summary = experiment.summary["splits"][split]
        assert summary["accuracy"] == {"initial": None, "final": None}
        z = (x[own] - mean) / deviation @ theta[:8].reshape(4, 2) + theta[8:]
        assert summary["loss"]["final"] == pytest.approx(((z - y[own]) ** 2).mean(), rel=1e-5)
        assert summary["loss"]["final"] - summary["loss"]["initial"] == pytest.approx(summary["lca"], rel=1e-4)
    experiment.delete()
    ledger.delete_dataset("python-regression")


def test_nobody_there():
    with pytest.raises(Unreachable, match="no answer from http://127.0.0.1:9"):
        Ledger("http://127.0.0.1:9").datasets()
    for url in ("ftp://x", "http://user:word@x", "x"):
        with pytest.raises(ValueError):
            Ledger(url)
