#!/usr/bin/env python3
"""
Grokking through the ledger: the sweep of docs/findings.md, its tables and its figure.

    grokking.py post           posts the sweep; posting it again changes nothing
    grokking.py tables         prints the tables of the seeds that have finished, in Markdown
    grokking.py figure FILE    draws the first of them, as SVG

All take --api http://127.0.0.1:3000. Needs the Python package: pip install './clients/python[all]'.
"""
import argparse, io, math, re
from itertools import pairwise
from pathlib import Path

import numpy as np
from loss_ledger import Ledger

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["post", "tables", "figure"])
parser.add_argument("file", nargs="?", default="grokking.svg")
parser.add_argument("--api", default=None)
args = parser.parse_args()
ledger = Ledger(args.api)

P = 31
SWEEP = {
    "name": "grokking",
    "base": {
        "tags": {"study": "grokking"},
        "dataset": {"name": "modular-arithmetic", "p": P, "fraction": 0.5},
        "architecture": {"name": "transformer", "depth": 1, "width": 32, "heads": 4, "norm": "none", "activation": "relu"},
        "optimizer": {"name": "adamw", "learningRate": 0.003, "weightDecay": 1},
        # A batch is the whole train split.
        "training": {"iterations": 1600, "batchSize": 481},
        "allocation": {"maxError": 1e-4, "segmentIterations": 100, "diagnostics": {"components": True}},
        "keep": ["weights"],
    },
    "seeds": [1, 2, 3],
}
# The same without decay, one seed: whether it is needed.
WITHOUT = {
    **SWEEP["base"],
    "name": "grokking without decay",
    "tags": {"study": "no decay"},
    "optimizer": {**SWEEP["base"]["optimizer"], "weightDecay": 0},
    "training": {**SWEEP["base"]["training"], "seed": 1},
    "allocation": {"segmentIterations": 100},
    "keep": [],
}
SPLITS = ("train", "validation")
PHASES = ("memorising", "worse than chance", "jump", "after")


def phases(experiment):
    """The iterations where phases begin and end: the peak of the validation loss, where it is back at that of guessing
    (log p), where it is below 0.1; all of them the end of the run where that is not reached."""
    loss = experiment.columns("iterations", split="validation")["loss"]
    end = len(loss)
    peak = int(loss.argmax())
    first = lambda start, below: next((t for t in range(start, end) if loss[t] < below), end)
    chance = first(peak, math.log(P))
    return [0, peak, chance, first(chance, 0.1), end]


def summed(table, names, column, borders):
    """Sums of a column of a table of (layer, iteration) by layer and phase: [layers, phases]."""
    sums = np.zeros((len(names), len(borders) - 1))
    at = np.searchsorted(borders, table["iteration"], side="right") - 1
    np.add.at(sums, ([names.index(one) for one in table["layer"]], at), table[column])
    return sums


def heads(experiment, split, borders):
    """LCA of the heads of block1/attention_1 by phase: [heads and what they share, phases]."""
    units = experiment.columns("neurons", split=split)
    own = [i for i, layer in enumerate(units["layer"]) if layer == "block1/attention_1"]
    rows = np.asarray(experiment.tensor(f"neurons/{split}"))[:, own].astype("float64")
    return np.stack([rows[a:b].sum(axis=0) for a, b in pairwise(borders)], axis=1)


def finished():
    found = [one for one in ledger.experiments(tags={"study": "grokking"}, status="succeeded")]
    return sorted(found, key=lambda one: one.spec["training"]["seed"])


def shown(values, sign="+"):
    """Of the seeds: their mean, and what lies between the smallest and the largest."""
    low, high = min(values), max(values)
    return f"{np.mean(values):{sign}.3g} [{low:{sign}.3g}, {high:{sign}.3g}]"


def print_table(rows, values, columns):
    """values: [seeds][rows, columns]."""
    print(f"\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for r, row in enumerate(rows):
        print(f"| {row} | " + " | ".join(shown([one[r, c] for one in values]) for c in range(len(columns))) + " |")


def tables():
    runs = finished()
    borders = [phases(run) for run in runs]
    # Phases of runs that have come to the end of the jump, and of those that have not, are not to be averaged.
    has_learnt = [own[3] < own[4] for own in borders]
    print("| seed | peak | back at chance | below 0.1 | train, validation loss at the peak | at the end |\n|---|---|---|---|---|---|")
    for run, (_, peak, chance, learnt, _) in zip(runs, borders):
        loss = [run.columns("iterations", split=split) for split in SPLITS]
        at = ", ".join(f"{one['loss'][peak]:.3g}" for one in loss)
        end = ", ".join(f"{one['lossAfter'][-1]:.3g}" for one in loss)
        print(f"| {run.spec['training']['seed']} | {peak} | {chance} | {learnt} | {at} | {end} |")
    for run in ledger.experiments(tags={"study": "no decay"}, status="succeeded"):
        splits = run.summary["splits"]
        print("\nwithout decay, at the end: " + ", ".join(f"{one} {splits[one]['loss']['final']:.3g}" for one in SPLITS))
    for of, words in ((True, "that have learnt it"), (False, "that have not")):
        some = [(run, own) for run, own, has in zip(runs, borders, has_learnt) if has == of]
        if some:
            by_phase(*zip(*some), f"{len(some)} seeds {words}")


def by_phase(runs, borders, words):
    for split in SPLITS:
        each = [run.columns("allocations", split=split) for run in runs]
        names = list(dict.fromkeys(each[0]["layer"]))
        values = [summed(one, names, "lca", own) for one, own in zip(each, borders)]
        print(f"\nLCA by layer, {split}: {words}: mean [smallest, largest]")
        print_table([*names, "network"], [np.vstack([one, one.sum(axis=0)]) for one in values], PHASES)
        print(f"\nby head of block1/attention_1, {split}")
        print_table([*(f"head {h}" for h in range(4)), "shared"], [heads(run, split, own) for run, own in zip(runs, borders)], PHASES)
        parts = [run.columns("diagnostics/components", split=split, by="layer") for run in runs]
        made = ["gradient", "momentum", "decay", "rest"]
        print(f"\nby what made the step, {split}")
        print_table(made, [np.stack([summed(one, names, part, own).sum(axis=0) for part in made]) for one, own in zip(parts, borders)], PHASES)


def figure(file):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "grokking", "font.size": 9})
    from matplotlib.figure import Figure

    run = finished()[0]
    borders = phases(run)
    drawn = Figure(figsize=(8, 8), layout="constrained")
    top, *below = drawn.subplots(3, 1, sharex=True)
    for split, colour in zip(SPLITS, ("#0072b2", "#d55e00")):
        rows = run.columns("iterations", split=split, points=300)
        top.plot(rows["iteration"], rows["loss"], color=colour, label=split)
    top.set(yscale="log", ylabel="loss", title=f"addition modulo {P}, seed {run.spec['training']['seed']}")
    top.legend(loc="lower left")
    colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"]
    for split, axes in zip(SPLITS, below):
        rows = run.columns("allocations", split=split, bucket=8)
        for layer, colour in zip(dict.fromkeys(rows["layer"]), colours):
            own = rows["layer"] == layer
            ends = rows["iteration"][own] + rows["iterations"][own]
            axes.plot([0, *ends], [0, *rows["lca"][own].cumsum()], color=colour, label=layer)
        axes.set_ylabel(f"running LCA, {split}")
        axes.axhline(0, color="#616e7c", linewidth=0.6)
    for axes in (top, *below):
        axes.spines[["top", "right"]].set_visible(False)
        for border in borders[1:4]:
            axes.axvline(border, color="#9aa5b1", linewidth=0.8, linestyle=":")
    below[0].legend(ncols=2, fontsize=8, loc="center right", bbox_to_anchor=(1, 0.72))
    below[-1].set_xlabel("iteration; dotted: the peak of the validation loss, back at chance, below 0.1")
    svg = io.StringIO()
    drawn.savefig(svg, format="svg", metadata={"Date": None})
    # For screen readers.
    text = re.sub(r"(<svg\b[^>]*>)", rf"\1<title>Grokking: losses and the running LCA of each layer, addition modulo {P}</title>", svg.getvalue(), count=1)
    Path(file).write_text(text)


if args.what == "post":
    sweep = ledger.submit_sweep(SWEEP, idempotency_key="findings-grokking")
    print(sweep.id)
    print(ledger.submit(WITHOUT, idempotency_key="findings-grokking-without").id)
elif args.what == "tables":
    tables()
else:
    figure(args.file)
