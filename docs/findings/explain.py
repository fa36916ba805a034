#!/usr/bin/env python3
"""
The runs of the second part of docs/findings.md, and its tables.

    explain.py post [NAME ...]  posts the sweeps (fc, momentum, lenet, resnet-8, batch); posting them again changes nothing
    explain.py rescale          trains and waits, posts the same weights in other coordinates as a trajectory; needs numpy
    explain.py tables           prints the tables of those that have finished, in Markdown

All take --api http://127.0.0.1:3000/v1. Means are over seeds, with 95 % intervals of Student's t.
"""
import argparse, io, json, math, statistics, time, urllib.error, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["post", "rescale", "tables"])
parser.add_argument("names", nargs="*", help="of the sweeps to post; all if absent")
parser.add_argument("--api", default="http://127.0.0.1:3000/v1")
args = parser.parse_args()


def work(dataset, train, validation, architecture, iterations, batch, **more):
    return {
        "dataset": {"name": dataset, "trainExamples": train, "validationExamples": validation},
        "architecture": architecture,
        "optimizer": {"name": "sgd", "learningRate": 0.05, "momentum": 0.9},
        "training": {"iterations": iterations, "batchSize": batch},
        "keep": [],
        **more,
    }


fc = {"name": "fc", "hidden": [100, 50]}
asked = {"allocation": {"diagnostics": {"counterfactuals": {"every": 5}, "components": True}}}
networks = {
    "fc": work("mnist", 5000, 1000, fc, 150, 100, **asked),
    "lenet": work("mnist", 1000, 0, {"name": "lenet"}, 60, 50, **asked),
    "resnet-8": work("cifar-10", 500, 0, {"name": "resnet", "depth": 8}, 60, 50, **asked),
}
sgd = lambda momentum, rate=0.05: {"optimizer": {"name": "sgd", "learningRate": rate, "momentum": momentum}}
sweeps = {
    **{name: {"name": f"explain {name}", "base": base, "seeds": [0, 1, 2]} for name, base in networks.items()},
    "momentum": {
        "name": "explain momentum",
        "base": {
            **work("mnist", 5000, 1000, fc, 150, 100, allocation={"diagnostics": {"components": True}}),
            "optimizer": {"name": "sgd", "learningRate": 0.05},
        },
        "vary": [
            *({"name": f"momentum {momentum}", **sgd(momentum)} for momentum in (0, 0.5, 0.9)),
            {"name": "adam", "optimizer": {"name": "adam", "learningRate": 0.001}},
        ],
        "seeds": [0, 1, 2, 3, 4],
    },
    "batch": {
        # As many examples seen: 20 epochs of 2500. The last scales the learning rate with the batch.
        "name": "explain batch",
        "base": {**work("mnist", 2500, 1000, fc, 1000, 50), **sgd(0)},
        "vary": [
            {"name": "50", "training": {"iterations": 1000, "batchSize": 50}},
            {"name": "500", "training": {"iterations": 100, "batchSize": 500}},
            {"name": "500, rate x10", "training": {"iterations": 100, "batchSize": 500}, **sgd(0, 0.5)},
        ],
        "seeds": [0, 1, 2, 3, 4],
    },
}


def call(path, body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(args.api + path, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(error.read().decode()) from None


def post():
    for name in args.names or sweeps:
        made = call("/sweeps", sweeps[name], {"idempotency-key": f"findings-explain-{name}"})
        print(made["id"], sweeps[name]["name"])


def finished(id):
    while (experiment := call(f"/experiments/{id}"))["status"] not in ("succeeded", "failed", "cancelled"):
        time.sleep(1)
    assert experiment["status"] == "succeeded", experiment["error"]
    return experiment


# Weights and bias of the first layer times c, the kernel that reads it by c: with ReLU between them the same function.
# A power of 2, so that not even a rounding differs.
scale = {"fc_1/kernel": 4.0, "fc_1/bias": 4.0, "fc_2/kernel": 0.25}


def rescale():
    """Trains fc, three seeds; the same weights in other coordinates as trajectories; LCA and Fisher of both by layer."""
    import numpy as np

    fisher = {"diagnostics": {"fisher": {"every": 10, "examples": 200}}}
    base = {**work("mnist", 5000, 0, fc, 60, 100, allocation=fisher), "keep": ["weights"]}
    rows = {"as trained": [], "rescaled": []}
    for seed in range(3):
        spec = {**base, "training": {**base["training"], "seed": seed}}
        trained = finished(call("/experiments", spec, {"idempotency-key": f"findings-rescale-{seed}"})["id"])["id"]
        manifest = call(f"/experiments/{trained}/artifacts/manifest.json")
        with urllib.request.urlopen(f"{args.api}/experiments/{trained}/artifacts/weights.npy") as answer:
            weights = np.load(io.BytesIO(answer.read()))
        file = io.BytesIO()
        np.savez(file, **{
            name.replace("/", "."): (weights[:, one["offset"]:one["offset"] + one["size"]] * np.float32(scale.get(name, 1)))
                .reshape(-1, *one["shape"])
            for one in manifest["variables"] for name in [one["name"]]
        })
        posted = upload(
            {
                **{key: base[key] for key in ("dataset", "architecture", "optimizer")},
                **{"layout": "own", "map": {one["name"]: one["name"].replace("/", ".") for one in manifest["variables"]}},
            },
            file.getvalue(),
        )
        other = {key: base[key] for key in ("dataset", "allocation", "keep")}
        rescaled = finished(call("/experiments", {**other, "training": {"trajectory": posted, "seed": seed}})["id"])["id"]
        for name, id in {"as trained": trained, "rescaled": rescaled}.items():
            table = call(f"/experiments/{id}/diagnostics/fisher?split=train&by=variable")["items"]
            whole = call(f"/experiments/{id}/diagnostics/fisher?split=train")["items"]
            rows[name].append((table, whole))
            print(seed, name, id, flush=True)
    share = lambda table, column, layer: sum(r[column] for r in table if r["layer"] == layer) / sum(r[column] for r in table)
    print("\n### Fisher against LCA under a rescaling\n")
    layers = ["fc_1", "fc_2", "fc_3"]
    print(f"| | {' | '.join(f'{what} of {layer}' for what in ('LCA', 'Fisher') for layer in layers)} | ρ(LCA, F) | ρ(LCA, F·Δ²) |")
    print(f"|---|{'---|' * 8}")
    for name, seeds in rows.items():
        shares = [shown([share(table, column, layer) for table, _ in seeds]) for column in ("lca", "true") for layer in layers]
        ranks = [shown([statistics.median(r[column] for r in whole) for _, whole in seeds]) for column in ("trueRank", "trueStepRank")]
        print(f"| {name} | {' | '.join(shares + ranks)} |")
    largest = max(
        abs(a["lca"] - b["lca"]) for one, other in zip(*rows.values()) for a, b in zip(one[0], other[0])
    )
    print(f"\nlargest difference of a layer's LCA in an iteration: {largest}")


def upload(trajectory, file):
    """POST /v1/trajectories, one .npz; the id."""
    mark = "a-line-that-no-array-has"
    head = f'--{mark}\r\ncontent-disposition: form-data; name="trajectory"\r\n\r\n{json.dumps(trajectory)}\r\n'
    part = f'--{mark}\r\ncontent-disposition: form-data; name="part"; filename="weights.npz"\r\n\r\n'
    data = head.encode() + part.encode() + file + f"\r\n--{mark}--\r\n".encode()
    kind = {"content-type": f"multipart/form-data; boundary={mark}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{args.api}/trajectories", data, kind)) as answer:
            return json.load(answer)["id"]
    except urllib.error.HTTPError as error:
        raise SystemExit(error.read().decode()) from None


# Student's t for 95 %, by degrees of freedom.
quantile = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262}


def shown(values):
    values = [value for value in values if value is not None and math.isfinite(value)]
    if len(values) < 2:
        return "–"
    half = quantile[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{statistics.mean(values):.4g} ± {half:.2g}"


def runs(name):
    """The summaries of a sweep's experiments, by variant."""
    found = next((sweep for sweep in call("/sweeps?limit=200")["items"] if sweep["name"] == name), None)
    by_variant = {}
    for experiment in call(f"/experiments?sweep={found['id']}&limit=200")["items"] if found else []:
        if experiment["summary"]:
            by_variant.setdefault(experiment["variant"] or "all", []).append(experiment["summary"])
    return by_variant


def waste(summary):
    train = summary["splits"]["train"]
    return (train["hurting"] - train["helping"]) / abs(train["lca"])


def table(title, names, columns):
    """A row for each variant of the sweeps, a column for each function of a summary."""
    print(f"\n### {title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in names:
        for variant, summaries in sorted(runs(name).items()):
            label = name.removeprefix("explain ") if variant == "all" or len(names) > 1 else variant
            cells = [shown([column(summary) for summary in summaries]) for column in columns.values()]
            print(f"| {label} ({len(summaries)} seeds) | {' | '.join(cells)} |")


def figure(name, split="train"):
    return lambda summary: summary["splits"][split].get("diagnostics", {}).get(name)


def tables():
    all_networks = [f"explain {name}" for name in networks]
    table("First order", all_networks, {
        "Σ F / Σ LCA": figure("curvature.firstOrder"),
        "median α": figure("curvature.alpha"),
        "overshooting": figure("curvature.overshooting"),
    })
    table("Helpers alone", all_networks, {
        "helpers: change / predicted": figure("counterfactuals.helpers"),
        "hurters: change / predicted": figure("counterfactuals.hurters"),
        "gain a step": figure("counterfactuals.gain"),
        "layers: Σ alone / together": figure("counterfactuals.layers"),
    })
    table("Oscillation, tails, synchrony", all_networks, {
        "LCA turning": figure("oscillation.lcaTurning"),
        "kurtosis": figure("tails.kurtosis"),
        "tail index": figure("tails.tailIndex"),
        "share of top 1 %": figure("tails.top1"),
        "synchrony p": figure("synchrony.p"),
    })
    table("Batches of 50 and of 500", ["explain batch"], {
        "help fraction": lambda summary: summary["splits"]["train"]["helpFractionOfMoved"],
        "waste": waste,
        "final train loss": lambda summary: summary["splits"]["train"]["loss"]["final"],
        "final validation loss": lambda summary: summary["splits"]["validation"]["loss"]["final"],
        "validation − train": lambda summary: summary["splits"]["validation"]["loss"]["final"]
            - summary["splits"]["train"]["loss"]["final"],
        "validation accuracy": lambda summary: summary["splits"]["validation"]["accuracy"]["final"],
        "median cos(Δ before, Δ)": figure("oscillation.updateCosine"),
    })
    table("Where steps come from", ["explain momentum"], {
        "batch gradient": figure("components.gradient"),
        "momentum": figure("components.momentum"),
        "cos(batch gradient, gradient)": figure("components.cosine"),
        "waste": waste,
        "final train loss": lambda summary: summary["splits"]["train"]["loss"]["final"],
    })
    table("Is helping myopic?", all_networks, {
        "help in a step": figure("windows.step"),
        "help over the run": figure("windows.run"),
        "units in a step": figure("windows.unitStep"),
        "units over the run": figure("windows.unitRun"),
    })


{"post": post, "rescale": rescale, "tables": tables}[args.what]()
