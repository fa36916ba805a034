#!/usr/bin/env python3
"""
The runs of the second part of docs/findings.md, and its tables.

    explain.py post    posts the sweeps; posting them again changes nothing
    explain.py tables  prints the tables of those that have finished, in Markdown

Both take --api http://127.0.0.1:3000/v1. Means are over seeds, with 95 % intervals of Student's t.
"""
import argparse, json, math, statistics, urllib.error, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["post", "tables"])
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
    "lenet": work("mnist", 1000, 500, {"name": "lenet"}, 60, 50, **asked),
    "resnet-8": work("cifar-10", 500, 250, {"name": "resnet", "depth": 8}, 60, 50, **asked),
}
sgd = lambda momentum: {"optimizer": {"name": "sgd", "learningRate": 0.05, "momentum": momentum}}
sweeps = [
    *({"name": f"explain {name}", "base": base, "seeds": [0, 1, 2]} for name, base in networks.items()),
    {
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
    {
        # As many examples seen: 20 epochs of 5000.
        "name": "explain batch",
        "base": {**work("mnist", 5000, 1000, fc, 400, 250), **sgd(0)},
        "vary": [
            {"name": "50", "training": {"iterations": 2000, "batchSize": 50}},
            {"name": "1000", "training": {"iterations": 100, "batchSize": 1000}},
        ],
        "seeds": [0, 1, 2, 3, 4],
    },
]


def call(path, body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(args.api + path, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(error.read().decode()) from None


def post():
    for sweep in sweeps:
        made = call("/sweeps", sweep, {"idempotency-key": f"findings {sweep['name']}".replace(" ", "-")})
        print(made["id"], sweep["name"])


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
    table("Batches of 50 and of 1000", ["explain batch"], {
        "help fraction": lambda summary: summary["splits"]["train"]["helpFractionOfMoved"],
        "waste": waste,
        "final train loss": lambda summary: summary["splits"]["train"]["loss"]["final"],
        "final validation loss": lambda summary: summary["splits"]["validation"]["loss"]["final"],
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


post() if args.what == "post" else tables()
