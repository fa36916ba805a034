"""The figures of the report, with matplotlib. Each is a function of tables of the API."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InvalidArgument, UnbalancedWarning

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .experiment import Experiment
    from .sweep import Sweep

# Okabe and Ito (2008), without black and the yellow that white paper swallows: apart for every kind of colour vision.
FEW = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"]
HELP, HURT, INK = "#0072b2", "#d55e00", "#1f2933"
SPLITS = {"train": "#0072b2", "validation": "#d55e00"}
ALARM = "#b91c1c"
# More points than a figure has pixels say nothing more.
MOST_POINTS = 400


def experiment_figure(experiment: Experiment, figure: str, split: str | None) -> Figure:
    """The figure of that name. Raises InvalidArgument for another, and where nothing is allocated yet."""
    drawn = {"ledger": _ledger, "loss": _loss, "layers": _layers, "residuals": _residuals}
    if figure not in drawn:
        raise InvalidArgument(f"there is no figure {figure!r}; there are {', '.join(drawn)}")
    with warnings.catch_warnings():
        # The figure says so itself.
        warnings.simplefilter("ignore", UnbalancedWarning)
        return drawn[figure](experiment, split)


def _figure(height: float, rows: int = 1, columns: int = 1, **more: Any) -> tuple[Figure, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("figures want matplotlib: pip install 'loss-ledger[all]'") from error
    # Without pyplot: nothing stays open that nobody shows; notebooks show what a cell returns.
    figure = Figure(figsize=(10, height), layout="constrained")
    axes = figure.subplots(rows, columns, **more)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _titled(figure: Figure, title: str, about: str, unbalanced: str | None) -> Figure:
    figure.suptitle(f"{title}\n{about}", x=0.01, ha="left", fontsize=10)
    if unbalanced is not None:
        figure.supxlabel(f"Not to be believed: {unbalanced}", color=ALARM, fontsize=8, wrap=True)
    return figure


def _about(experiment: Experiment) -> str:
    spec = experiment.spec
    optimizer = spec["optimizer"]
    return (
        f"{spec['architecture']['name']} on {spec['dataset']['name']}, {optimizer['name']} "
        f"{optimizer['learningRate']:g}, {spec['training']['iterations']} iterations, seed {spec['training']['seed']}"
    )


def _colours(n: int) -> list[Any]:
    if n <= len(FEW):
        return list(FEW[:n])
    from matplotlib import colormaps

    return [colormaps["cividis"](0.95 * i / (n - 1)) for i in range(n)]


def _ledger(experiment: Experiment, split: str | None) -> Figure:
    """Which layer lowered the loss, and when: LCA per iteration, and what it adds up to."""
    split = split or experiment.splits[0]
    bucket = math.ceil(experiment.spec["training"]["iterations"] / MOST_POINTS)
    table = experiment.allocations(split, bucket=bucket)
    if table.empty:
        raise InvalidArgument(f"experiment {experiment.id} is {experiment.status}: nothing of it is allocated yet")
    layers = list(dict.fromkeys(table["layer"]))
    lca = table.pivot(index="iteration", columns="layer", values="lca")[layers]
    widths = table.drop_duplicates("iteration").set_index("iteration")["iterations"].to_numpy()
    starts = lca.index.to_numpy()
    ends = starts + widths
    values = lca.to_numpy().T
    figure, (above, below) = _figure(7, 2, sharex=True)
    rates = values / widths
    running = np.concatenate([np.zeros((len(layers), 1)), values.cumsum(axis=1)], axis=1)
    times = np.concatenate([starts[:1], ends])
    palette = _colours(len(layers))
    for (low, high), colour in zip(_diverging(rates), palette):
        above.bar(starts, high - low, widths, low, align="edge", color=colour, linewidth=0)
    for i, (low, high) in enumerate(_diverging(running)):
        below.fill_between(times, low, high, color=palette[i], alpha=0.88, linewidth=0, label=layers[i])
    below.plot(times, running.sum(axis=0), color=INK, linewidth=1.4, label=f"all {running[:, -1].sum():.3g}")
    above.set_ylabel("LCA per iteration" if bucket == 1 else f"LCA per iteration, means over {bucket}")
    below.set(xlabel="iteration", ylabel="cumulative LCA")
    for axes in (above, below):
        axes.axhline(0, color="#616e7c", linewidth=0.8)
    figure.legend(loc="outside right upper", fontsize=8 if len(layers) < 30 else 5, ncols=math.ceil(len(layers) / 40))
    return _titled(figure, f"Who lowered the loss, and when: LCA per layer, {split}", _about(experiment), table.attrs["unbalanced"])


def _diverging(rows: np.ndarray[Any, Any]) -> list[tuple[Any, Any]]:
    """Rows stacked away from zero: positive values upwards, negative ones downwards."""
    up, down = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    stacked = []
    for row in rows:
        base = np.where(row < 0, down, up)
        stacked.append((base, base + row))
        up, down = up + np.maximum(row, 0), down + np.minimum(row, 0)
    return stacked


def _chosen(experiment: Experiment, split: str | None) -> list[str]:
    return experiment.splits if split is None else [split]


def _loss(experiment: Experiment, split: str | None) -> Figure:
    """The loss on every split, by iteration."""
    figure, axes = _figure(4.5)
    for one in _chosen(experiment, split):
        table = experiment.iterations(one, points=2000)
        times = [*table["iteration"], *(table["iteration"].iloc[-1:] + 1)]
        loss = [*table["loss"], *table["lossAfter"].iloc[-1:]]
        axes.plot(times, loss, color=SPLITS[one], label=one)
    axes.set(xlabel="iteration", ylabel="mean loss over the whole split", ylim=(0, None))
    axes.legend()
    # The loss is what it is, whatever became of its allocation.
    return _titled(figure, "Loss", _about(experiment), None)


def _layers(experiment: Experiment, split: str | None) -> Figure:
    """What helped, what hurt and what is left of every layer, and the share of its moved parameters that helped."""
    splits = _chosen(experiment, split)
    found = {one: experiment.layers(one) for one in splits}
    names = list(found[splits[0]]["layer"])
    figure, (left, right) = _figure(1.6 + 0.35 * len(names) * len(splits), 1, 2, sharey=True)
    step = 0.8 / len(splits)
    for s, one in enumerate(splits):
        table = found[one]
        y = np.arange(len(names)) + (s + 0.5) * step - 0.4
        left.barh(y, table["helping"], step * 0.9, color=HELP, alpha=0.28)
        left.barh(y, table["hurting"], step * 0.9, color=HURT, alpha=0.28)
        left.barh(y, table["lca"], step * 0.6, color=np.where(table["lca"] < 0, HELP, HURT))
        right.plot(100 * table["helpFractionOfMoved"], y, "o", color=SPLITS[one], label=f"{one}, of what moved")
        right.plot(100 * table["helpFractionOfAll"], y, "o", color=SPLITS[one], fillstyle="none", label=f"{one}, of all")
    left.set_yticks(np.arange(len(names)), names)
    left.invert_yaxis()
    left.axvline(0, color=INK, linewidth=0.8)
    left.set_xlabel("LCA: what helped (left), hurt (right), their balance (solid)")
    right.axvline(50, color=INK, linewidth=0.8)
    right.set_xlabel("helped, %")
    right.legend(fontsize=8)
    words = "; ".join(f"{one}: {t.attrs['unbalanced']}" for one, t in found.items() if t.attrs["unbalanced"])
    return _titled(figure, "What each layer did", _about(experiment), words or None)


def _residuals(experiment: Experiment, split: str | None) -> Figure:
    """How far the books are from balancing, iteration by iteration, against what the spec allows."""
    figure, axes = _figure(4.5)
    unbalanced = []
    for one in _chosen(experiment, split):
        table = experiment.iterations(one, points=2000)
        axes.plot(table["iteration"], table["residual"].abs(), ".", color=SPLITS[one], alpha=0.75, label=one)
        unbalanced += [table.attrs["unbalanced"]] if table.attrs["unbalanced"] else []
    axes.axhline(experiment.spec["allocation"]["maxError"], color=INK, linestyle="--", label="maxError")
    axes.set(yscale="log", xlabel="iteration", ylabel="|change of the loss − sum of all allocations|")
    axes.legend()
    return _titled(figure, "Residuals: do the books balance?", _about(experiment), "; ".join(unbalanced) or None)


def sweep_figure(sweep: Sweep, split: str) -> Figure:
    """How much each variant differs from the baseline, layer by layer. Raises InvalidArgument where there is nothing to compare."""
    table = sweep.summary(split, "lca")
    others = [label for label in sweep.variants if label != sweep.baseline and label in set(table["variant"])]
    if not others:
        raise InvalidArgument(f"sweep {sweep.id} has nothing to compare with {sweep.baseline!r} yet")
    layers = [*dict.fromkeys(table["layer"].dropna()), None]
    figure, axes = _figure(1.4 + len(layers) * (0.25 + 0.18 * len(others)))
    for v, (label, colour) in enumerate(zip(others, _colours(len(others)))):
        rows = table[table["variant"] == label].set_index("layer")
        found = [(i, rows[rows.index.isna()] if name is None else rows[rows.index == name]) for i, name in enumerate(layers)]
        points = [(i, *row.iloc[0][["difference", "differenceLow", "differenceHigh"]]) for i, row in found if len(row)]
        y, difference, low, high = (np.array(column, dtype=float) for column in zip(*points))
        y = y + (v - (len(others) - 1) / 2) * 0.8 / len(others)
        axes.errorbar(difference, y, xerr=[difference - low, high - difference], fmt="o", color=colour, label=label)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(np.arange(len(layers)), [name or "whole network" for name in layers])
    axes.invert_yaxis()
    axes.set_xlabel("difference of LCA: ← helps more, helps less or hurts →")
    axes.legend(fontsize=8)
    return _titled(figure, f"Change of LCA against “{sweep.baseline}”, {split}", sweep.data.get("name") or "", None)
