"""What trackers show of an experiment, written in their own formats by their own libraries: losses, accuracies, LCA and help
fractions by split and layer, iteration by iteration; the spec as parameters; tags."""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import InvalidArgument, LedgerError

if TYPE_CHECKING:
    from .experiment import Experiment

PROJECT = "loss-ledger"
# What MLflow takes in one call, and of one value.
MLFLOW_METRICS, MLFLOW_PARAMS, MLFLOW_VALUE = 1000, 100, 6000
WANDB_TAG = 64


class Run(NamedTuple):
    """What is exported, whatever the format."""

    id: str
    name: str
    # Seconds since 1970: when it was posted, and when it had ended.
    started: float
    ended: float
    # As resolved, without those who are told of it: their URLs may hold secrets.
    spec: dict[str, Any]
    tags: dict[str, str]
    # Of the whole run, by names like `accuracy/validation`.
    figures: dict[str, float]
    # Iteration, and values by names like `loss/train` and `lca_train/fc_1`; those that there are none of are left out.
    steps: list[tuple[int, dict[str, float]]]


def export(experiment: Experiment, to: str, folder: str | Path, *, bucket: int = 1) -> Path:
    """Writes an experiment that has succeeded for a tracker: `to` is tensorboard, mlflow or wandb-offline. Returns where it lies
    in the folder, beside what is there already.

    bucket: iterations that LCA and help fractions of layers are summed over, at the first of them; losses have every iteration.

    What fails or is interrupted is removed again (wandb's own process may still write some of it). Raises InvalidArgument for an experiment that has not succeeded, FileExistsError
    where it has been exported to the folder before, and LedgerError where the tracker's library is not installed, with its name.
    """
    if to not in TARGETS:
        raise InvalidArgument(f"there is no format {to!r}; there are {', '.join(TARGETS)}")
    if isinstance(bucket, bool) or not isinstance(bucket, int) or bucket < 1:
        raise InvalidArgument(f"bucket must be a number of iterations from 1, got {bucket!r}")
    package, write = TARGETS[to]
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise LedgerError(f"files of {to} are written by its own library, which cannot be imported here ({error}): {sys.executable} -m pip install {package}") from error
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    return write(run_of(experiment, bucket), target)


def run_of(experiment: Experiment, bucket: int = 1) -> Run:
    """What there is to export. Raises InvalidArgument for an experiment that has not succeeded."""
    experiment.refresh()
    summary = experiment.summary
    if experiment.status != "succeeded" or summary is None:
        raise InvalidArgument(f"experiment {experiment.id} is {experiment.status}: there is something to export once it has succeeded")
    data = experiment.data
    # It becomes the name of a folder.
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", experiment.id):
        raise LedgerError(f"the API calls an experiment {experiment.id!r}, which is no id of one")
    tags = {**data.get("tags", {}), **({"unbalanced": experiment.unbalanced} if experiment.unbalanced else {})}
    about = ("loss", "accuracy")
    figures = {
        f"{name}/{split}": value
        for split, one in summary["splits"].items()
        for name, value in (
            *((f"{which} {name}", one[name][which]) for name in about for which in ("initial", "final")),
            *((name, one[name]) for name in ("lca", "helping", "hurting", "helpFractionOfMoved", "helpFractionOfAll", "worstResidual")),
        )
        if value is not None
    }
    return Run(
        id=experiment.id,
        name=data.get("name") or experiment.id,
        started=_seconds(data["createdAt"]),
        ended=_seconds(data.get("finishedAt") or data["createdAt"]),
        spec={key: value for key, value in experiment.spec.items() if key not in ("name", "tags", "notify")},
        tags=tags,
        figures=figures,
        steps=sorted(_steps(experiment, bucket).items()),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _steps(experiment: Experiment, bucket: int) -> dict[int, dict[str, float]]:
    """Values by iteration. The loss at an iteration is the one before it; behind the last, that after it."""
    steps: dict[int, dict[str, float]] = {}

    def put(iteration: float, name: str, value: float) -> None:
        if math.isfinite(value):
            steps.setdefault(int(iteration), {})[name] = float(value)

    for split in experiment.splits:
        rows = experiment.columns("iterations", split=split)
        for i, t in enumerate(rows["iteration"]):
            for name in ("loss", "lca", "residual", "helpFractionOfMoved", "helpFractionOfAll"):
                put(t, f"{name}/{split}", rows[name][i])
        put(rows["iteration"][-1] + 1, f"loss/{split}", rows["lossAfter"][-1])
        cells = experiment.columns("allocations", split=split, bucket=bucket)
        for i, (t, layer) in enumerate(zip(cells["iteration"], cells["layer"])):
            put(t, f"lca_{split}/{layer}", cells["lca"][i])
            put(t, f"helpFraction_{split}/{layer}", cells["helpFractionOfMoved"][i])
        for which, t in (("initial", 0), ("final", rows["iteration"][-1] + 1)):
            found = (experiment.summary or {})["splits"][split]["accuracy"][which]
            if found is not None:
                put(t, f"accuracy/{split}", found)
    return steps


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a spec by their paths: (`optimizer.learningRate`, 0.1); lists and what is empty are leaves, as JSON."""
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from flattened(one, f"{path}.{key}" if path else str(key))
    else:
        yield path, value if isinstance(value, (str, bool, int, float)) else json.dumps(value)


# -------------------------------------------------------------------------------------------------- the formats


def already(place: Path, run: Run) -> FileExistsError:
    return FileExistsError(f"{place} is there already: {run.id} has been exported to this folder; delete that, or choose another")


@contextlib.contextmanager
def or_undone(undo: Callable[[], object]) -> Iterator[None]:
    """Calls `undo` where what is done meanwhile fails, or Ctrl-C ends it."""
    try:
        yield
    except BaseException:
        undo()
        raise


def _tensorboard(run: Run, folder: Path) -> Path:
    """A run of TensorBoard's of its id: scalars, the spec as text, and as hyperparameters for the table of them."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    target = folder / run.id
    if target.exists():
        raise already(target, run)
    start = SessionStartInfo(group_name=run.name, start_time_secs=run.started)
    for key, value in (*flattened(run.spec), *((f"tag.{key}", value) for key, value in run.tags.items())):
        if isinstance(value, bool):
            start.hparams[key].bool_value = value
        elif isinstance(value, str):
            start.hparams[key].string_value = value
        else:
            start.hparams[key].number_value = value
    end = SessionEndInfo(status=STATUS_SUCCESS, end_time_secs=run.ended)

    def plugin(name: str, content: bytes = b"") -> Any:
        return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=name, content=content))

    def session(**info: Any) -> Any:
        return plugin("hparams", HParamsPluginData(version=0, **info).SerializeToString())

    text = f"# {run.name}\n\n```json\n{json.dumps({'tags': run.tags, **run.spec}, indent=2)}\n```"
    tensor = TensorProto(dtype="DT_STRING", string_val=[text.encode()], tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]))
    part = folder / f".{run.id}.part"
    shutil.rmtree(part, ignore_errors=True)
    with or_undone(lambda: shutil.rmtree(part, ignore_errors=True)), contextlib.closing(EventFileWriter(str(part))) as writer:
        for step, values in (
            (0, [Summary.Value(tag="_hparams_/session_start_info", metadata=session(session_start_info=start))]),
            (0, [Summary.Value(tag="spec/text_summary", metadata=plugin("text"), tensor=tensor)]),
            *((step, [Summary.Value(tag=name, simple_value=value) for name, value in found.items()]) for step, found in run.steps),
            (0, [Summary.Value(tag="_hparams_/session_end_info", metadata=session(session_end_info=end))]),
        ):
            writer.add_event(Event(wall_time=run.ended, step=step, summary=Summary(value=values)))
    # Seen whole or not at all.
    return part.rename(target)


def _mlflow(run: Run, folder: Path) -> Path:
    """A run in the folder's mlflow.db, which is what MLflow keeps runs in where nothing else is said (its older folders of files
    are no longer taken): metrics, the spec as parameters and as spec.json, tags."""
    from mlflow.tracking import MlflowClient

    file = folder.resolve() / "mlflow.db"
    client = MlflowClient(tracking_uri=f"sqlite:///{file}")
    known = client.get_experiment_by_name(PROJECT)
    within = known.experiment_id if known else client.create_experiment(PROJECT, artifact_location=(folder.resolve() / "artifacts").as_uri())
    if client.search_runs([within], filter_string=f"tags.`ledger.id` = '{run.id}'"):
        raise FileExistsError(f"{file} has a run of {run.id} already: delete that one, or export to another folder")
    started, ended = (round(1000 * seconds) for seconds in (run.started, run.ended))
    made = client.create_run(within, start_time=started, run_name=run.name, tags={**run.tags, "ledger.id": run.id}).info.run_id
    with or_undone(lambda: client.delete_run(made)):
        _log_mlflow(client, made, run, ended)
    return file


def _log_mlflow(client: Any, made: str, run: Run, ended: int) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(key, str(value)[:MLFLOW_VALUE]) for key, value in flattened(run.spec)]
    for i in range(0, len(params), MLFLOW_PARAMS):
        client.log_batch(made, params=params[i : i + MLFLOW_PARAMS])
    last = run.steps[-1][0] if run.steps else 0
    metrics = [
        *(Metric(name, value, ended, step) for step, found in run.steps for name, value in found.items()),
        *(Metric(name, value, ended, last) for name, value in run.figures.items() if name not in run.steps[-1][1]),
    ]
    for i in range(0, len(metrics), MLFLOW_METRICS):
        client.log_batch(made, metrics=metrics[i : i + MLFLOW_METRICS])
    client.log_dict(made, run.spec, "spec.json")
    client.set_terminated(made, "FINISHED", ended)


def _wandb(run: Run, folder: Path) -> Path:
    """An offline run, as `wandb sync` takes it: history, the spec as config, figures of the whole as its summary, tags.
    Nothing is sent."""
    import wandb

    found = sorted(folder.glob(f"wandb/offline-run-*-{run.id}"))
    if found:
        raise already(found[0], run)
    quiet = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True, x_disable_meta=True)
    tags = [f"{key}:{value}"[:WANDB_TAG] for key, value in run.tags.items()]

    def undo() -> None:
        for place in folder.glob(f"wandb/offline-run-*-{run.id}"):
            shutil.rmtree(place, ignore_errors=True)

    with or_undone(undo):
        made = wandb.init(
            # Of its own, beside one that may be going on in this process.
            **{"mode": "offline", "reinit": "create_new", "settings": quiet, "dir": str(folder)},
            **{"project": PROJECT, "id": run.id, "name": run.name, "config": run.spec, "tags": tags},
        )
        try:
            for step, values in run.steps:
                made.log(values, step=step)
            made.summary.update(run.figures)
        finally:
            made.finish()
            # Its service writes on after that; it is waited for where nobody else in this process needs it.
            if wandb.run is None:
                wandb.teardown()
    return Path(made.dir).parent


# What each is written by, and how.
TARGETS = {"tensorboard": ("tensorboard", _tensorboard), "mlflow": ("mlflow", _mlflow), "wandb-offline": ("wandb", _wandb)}
