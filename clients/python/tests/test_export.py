"""What trackers show of an experiment: written by their own libraries, and read back from what these wrote."""

import json
import struct
import sys

import numpy as np
import pytest

from loss_ledger import LedgerError
from loss_ledger.__main__ import main
from loss_ledger.export import export, flattened, run_of


@pytest.fixture(scope="module")
def run(experiment):
    return run_of(experiment)


def test_what_is_exported_is_what_the_tables_have(experiment, run):
    steps = dict(run.steps)
    assert list(steps) == list(range(13))
    for split in ("train", "validation"):
        rows = experiment.columns("iterations", split=split)
        assert [steps[t][f"loss/{split}"] for t in range(12)] == list(rows["loss"])
        assert steps[12][f"loss/{split}"] == rows["lossAfter"][-1] == run.figures[f"final loss/{split}"]
        assert steps[12][f"accuracy/{split}"] == experiment.summary["splits"][split]["accuracy"]["final"]
        layers = experiment.columns("layers", split=split)
        for layer, lca in zip(layers["layer"], layers["lca"]):
            assert sum(steps[t][f"lca_{split}/{layer}"] for t in range(12)) == pytest.approx(lca, rel=1e-12)
    assert steps[3]["lca/train"] == pytest.approx(steps[3]["lca_train/fc_1"] + steps[3]["lca_train/fc_2"], rel=1e-12)
    params = dict(flattened(run.spec))
    assert params["optimizer.learningRate"] == 0.1 and params["architecture.hidden"] == "[8]" and run.tags == {"study": "python"}
    # Whoever is told of it is nobody else's business.
    assert "notify" not in run.spec
    coarse = dict(run_of(experiment, bucket=4).steps)
    assert coarse[4]["lca_train/fc_1"] == pytest.approx(sum(steps[t]["lca_train/fc_1"] for t in range(4, 8)), rel=1e-12)


def test_what_is_missing_or_wrong_is_said(experiment, tmp_path, monkeypatch, capsys, url):
    with pytest.raises(ValueError, match="there are tensorboard, mlflow, wandb-offline"):
        export(experiment, "paper", tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(LedgerError, match="pip install mlflow"):
        export(experiment, "mlflow", tmp_path / "none")
    assert main(["--url", url, "export", experiment.id, "--to", "mlflow", str(tmp_path / "none")]) == 2
    assert "pip install mlflow" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_tensorboard_shows_it(experiment, run, tmp_path, capsys, url):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="no tensorboard")
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    assert main(["--url", url, "export", experiment.id, "--to", "tensorboard", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / experiment.id)
    shown = accumulator.EventAccumulator(str(tmp_path / experiment.id)).Reload()
    found = {tag: {one.step: one.value for one in shown.Scalars(tag)} for tag in shown.Tags()["scalars"]}
    for step, values in run.steps:
        for name, value in values.items():
            assert found[name][step] == np.float32(value)
    assert sum(map(len, found.values())) == sum(len(values) for _, values in run.steps)
    content = shown.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hparams = HParamsPluginData.FromString(content).session_start_info.hparams
    assert hparams["optimizer.learningRate"].number_value == 0.1 and hparams["tag.study"].string_value == "python"
    assert b'"learningRate": 0.1' in shown.Tensors("spec/text_summary")[0].tensor_proto.string_val[0]
    with pytest.raises(FileExistsError, match="is there already"):
        export(experiment, "tensorboard", tmp_path)


def test_what_is_interrupted_leaves_nothing(experiment, run, tmp_path, monkeypatch):
    writers = pytest.importorskip("tensorboard.summary.writer.event_file_writer", reason="no tensorboard")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writers.EventFileWriter, "add_event", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export(experiment, "tensorboard", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wandb_has_it_offline(experiment, run, tmp_path):
    pytest.importorskip("wandb", reason="no wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    made = export(experiment, "wandb-offline", tmp_path)
    history, config, summary, tags = {}, {}, {}, []
    for record in map(Record.FromString, logged((made / f"run-{experiment.id}.wandb").read_bytes())):
        for item in record.history.item:
            key = item.key or item.nested_key[0]
            history.setdefault(record.history.step.num, {})[key] = json.loads(item.value_json)
        config |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
        summary |= {one.key or one.nested_key[0]: json.loads(one.value_json) for one in record.summary.update}
        tags += record.run.tags
    assert {t: {k: v for k, v in one.items() if k[0] != "_"} for t, one in history.items()} == dict(run.steps)
    assert config["optimizer"]["learningRate"] == 0.1 and "study:python" in tags
    assert summary["final loss/train"] == run.figures["final loss/train"]
    with pytest.raises(FileExistsError, match="is there already"):
        export(experiment, "wandb-offline", tmp_path)


def logged(file):
    """The records of a .wandb file: blocks of 32 KiB as LevelDB's log has them (a crc, a length, whether it is whole, first,
    middle or last), behind seven bytes of its own."""
    at, whole = 7, b""
    while at + 7 <= len(file):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
        size, kind = struct.unpack_from("<HB", file, at + 4)
        whole += file[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield whole
            whole = b""


def test_mlflow_has_it(experiment, run, tmp_path):
    tracking = pytest.importorskip("mlflow.tracking", reason="no mlflow")
    file = export(experiment, "mlflow", tmp_path)
    client = tracking.MlflowClient(tracking_uri=f"sqlite:///{file}")
    (found,) = client.search_runs([client.get_experiment_by_name("loss-ledger").experiment_id])
    assert found.info.status == "FINISHED" and found.data.tags["study"] == "python"
    assert found.data.params["optimizer.learningRate"] == "0.1"
    assert found.data.metrics["final loss/train"] == run.figures["final loss/train"]
    losses = {one.step: one.value for one in client.get_metric_history(found.info.run_id, "loss/train")}
    assert losses == {t: values["loss/train"] for t, values in run.steps}
    with pytest.raises(FileExistsError, match="already"):
        export(experiment, "mlflow", tmp_path)
