#!/usr/bin/env python3
"""
The runs of docs/interventions.md, its tables and its figures.

    interventions.py post      posts the sweeps, waits for the trainings that branches begin with, and posts those; again, it
                               changes nothing
    interventions.py wait      waits until all have ended
    interventions.py tables    prints the tables of those that have finished, in Markdown
    interventions.py figures   writes interventions-fc.svg and interventions-resnet-8.svg beside docs/interventions.md

All take --api http://127.0.0.1:3000/v1. Differences are of runs of the same seed; intervals are 95 %, of Student's t over seeds.
"""
import argparse, json, math, pathlib, statistics, time, urllib.error, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["post", "wait", "tables", "figures"])
parser.add_argument("--api", default="http://127.0.0.1:3000/v1")
args = parser.parse_args()

seeds = [0, 1, 2]
fc = {"name": "fc", "hidden": [50, 20]}
resnet = {"name": "resnet", "depth": 8, "width": 8}


def work(dataset, train, validation, architecture, iterations, batch):
    return {
        "dataset": {"name": dataset, "trainExamples": train, "validationExamples": validation},
        "architecture": architecture,
        "optimizer": {"name": "sgd", "learningRate": 0.05, "momentum": 0.9},
        "training": {"iterations": iterations, "batchSize": batch},
        # What is asked here are losses; the interventions have a judge of their own.
        "allocation": {"method": "trapezoid", "maxSplits": 1, "segmentIterations": 1000},
        "keep": [],
    }


networks = {
    "fc": work("mnist", 2000, 1000, fc, 100, 50),
    "resnet-8": work("cifar-10", 250, 250, resnet, 40, 50),
}
updates, judges, groups = ["helpers", "hurters", "random", "shrink"], ["train", "validation"], ["parameter", "unit"]
variants = [
    {
        "name": f"{update}, {judge}, by {by}",
        "training": {"intervention": {"update": update, "by": by, "judge": {"split": judge}}},
    }
    for by in groups
    for judge in judges
    for update in updates
]
sweeps = {
    name: {"name": f"act {name}", "base": base, "vary": [{"name": "plain"}, *variants], "seeds": seeds}
    for name, base in networks.items()
}
# Freezing as branches: the same first quarter, and then a layer is frozen or none.
begun = {
    "fc": {**work("mnist", 2000, 1000, fc, 25, 50), "keep": ["weights"]},
    "resnet-8": {**work("cifar-10", 250, 250, resnet, 10, 50), "keep": ["weights"]},
}
frozen = {"fc": ["fc_1", "fc_2", "fc_3"], "resnet-8": ["conv_1", "fc_1"]}


def call(path, body=None, key=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **({"idempotency-key": key.replace(" ", "-")} if key else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(args.api + path, data, headers)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(error.read().decode()) from None


def all_runs():
    found, cursor = [], ""
    while True:
        page = call(f"/experiments?limit=200&tag=study:act{cursor}")
        found += page["items"]
        if not page.get("nextCursor"):
            return found
        cursor = f"&cursor={page['nextCursor']}"


def wait(ids=None):
    while True:
        runs = [run for run in all_runs() if ids is None or run["id"] in ids]
        failed = [f"{run['name']}: {run['error']}" for run in runs if run["status"] in ("failed", "cancelled")]
        if failed:
            raise SystemExit("\n".join(failed))
        left = sum(run["status"] != "succeeded" for run in runs)
        if left == 0:
            return
        print(f"{left} of {len(runs)} are still to end", flush=True)
        time.sleep(10)


def post():
    tagged = {"tags": {"study": "act"}}
    parents = {}
    for network, spec in begun.items():
        for seed in seeds:
            body = {**spec, **tagged, "name": f"act {network} begun {seed}", "training": {**spec["training"], "seed": seed}}
            parents[network, seed] = call("/experiments", body, body["name"])["id"]
    for network, sweep in sweeps.items():
        call("/sweeps", {**sweep, "base": {**sweep["base"], **tagged}}, sweep["name"])
    wait(set(parents.values()))
    for (network, seed), parent in parents.items():
        spec = networks[network]
        at = begun[network]["training"]["iterations"]
        initial = {"experiment": parent, "iteration": at, "state": True}
        training = {**spec["training"], "iterations": spec["training"]["iterations"] - at, "seed": seed, "initial": initial}
        for layer in [None, *frozen[network]]:
            name = f"act {network} branch {layer or 'plain'} {seed}"
            layers = {layer: {"freeze": True}} if layer else {}
            call("/experiments", {**spec, **tagged, "name": name, "training": training, "layers": layers}, name)


# Student's t for 95 %, by degrees of freedom.
quantile = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}


def interval(values):
    return statistics.mean(values), quantile[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))


def shown(values):
    values = [value for value in values if value is not None]
    if len(values) < 2:
        return "–"
    mean, half = interval(values)
    return f"{mean:.3f} ± {half:.2g}"


def final(summary, split):
    return summary["splits"][split]["loss"]["final"]


def figure(summary, name):
    return summary["splits"]["train"]["diagnostics"].get(f"interventions.{name}")


def results(network):
    """By variant, the summaries by seed."""
    found = next((sweep for sweep in call("/sweeps?limit=200")["items"] if sweep["name"] == f"act {network}"), None)
    by_variant = {}
    items = call(f"/experiments?sweep={found['id']}&limit=200&field=spec.training.seed")["items"] if found else []
    for run in items:
        if run["summary"]:
            by_variant.setdefault(run["variant"], {})[run["values"]["spec.training.seed"]] = run["summary"]
    return by_variant


def difference(own, plain, split):
    return [final(own[seed], split) - final(plain[seed], split) for seed in own if seed in plain]


def tables():
    for network in networks:
        found = results(network)
        plain = found.get("plain", {})
        print(f"\n### {network}\n")
        print("| what is taken | final train loss | − plain | final validation loss | − plain | promised Σ | came Σ | came / promised |")
        print("|---|---|---|---|---|---|---|---|")
        for name in ["plain", *(variant["name"] for variant in variants)]:
            own = found.get(name)
            if not own:
                continue
            cells = []
            for split in ("train", "validation"):
                cells += [shown([final(summary, split) for summary in own.values()]), shown(difference(own, plain, split)) if name != "plain" else ""]
            for one in ("predicted", "change", "kept"):
                cells.append(shown([figure(summary, one) for summary in own.values()]) if name != "plain" else "")
            print(f"| {name} | {' | '.join(cells)} |")
    runs = {run["name"]: run["summary"] for run in all_runs() if run["summary"]}
    print("\n### Freezing, from a common start\n")
    print("| network | frozen | final train loss | − the branch without | final validation loss | − the branch without |")
    print("|---|---|---|---|---|---|")
    for network in networks:
        at = lambda layer: {seed: runs[f"act {network} branch {layer} {seed}"] for seed in seeds if f"act {network} branch {layer} {seed}" in runs}
        for layer in ["plain", *frozen[network]]:
            own = at(layer)
            cells = [
                cell
                for split in ("train", "validation")
                for cell in (
                    shown([final(summary, split) for summary in own.values()]),
                    shown(difference(own, at("plain"), split)) if layer != "plain" else "",
                )
            ]
            print(f"| {network} | {'nothing' if layer == 'plain' else layer} | {' | '.join(cells)} |")


def figures():
    colours = {"train": "#3b6ea8", "validation": "#c2622d"}
    for network in networks:
        found = results(network)
        if "plain" not in found:
            continue
        points = [
            (name, split, *interval(difference(found[name], found["plain"], split)))
            for name in (variant["name"] for variant in variants)
            # Hurters lie far outside; the table has them.
            if not name.startswith("hurters") and len(found.get(name, {})) > 1
            for split in colours
        ]
        low = min(0, *(mean - half for _, _, mean, half in points))
        high = max(0, *(mean + half for _, _, mean, half in points))
        width, left, right, row, top = 720, 200, 20, 22, 40
        x = lambda value: left + (value - low) / (high - low) * (width - left - right)
        names = list(dict.fromkeys(name for name, *_ in points))
        height = top + row * len(names) + 40
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
            f"<title>{network}: final loss less that of the plain run</title>",
            f'<rect width="{width}" height="{height}" fill="white"/>',
            f'<text x="{left}" y="18">{network}: final loss less that of the plain run, 95 % over {len(seeds)} seeds</text>',
        ]
        for i, (split, colour) in enumerate(colours.items()):
            parts.append(f'<text x="{left + 110 * i}" y="33" fill="{colour}">● {split} loss</text>')
        bottom = top + row * len(names)
        step = 10 ** math.floor(math.log10((high - low) / 3))
        step *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * step) <= 7)
        tick = math.ceil(low / step) * step
        while tick <= high + 1e-9:
            parts.append(f'<path d="M{x(tick):.1f} {top}V{bottom}" stroke="{"#888" if abs(tick) < step / 2 else "#ddd"}"/>')
            parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:.3g}</text>')
            tick += step
        for name, split, mean, half in points:
            y = top + row * (names.index(name) + 0.5) + (-3.5 if split == "train" else 3.5)
            colour = colours[split]
            parts.append(f'<path d="M{x(mean - half):.1f} {y:.1f}H{x(mean + half):.1f}" stroke="{colour}" stroke-width="1.5"/>')
            parts.append(f'<circle cx="{x(mean):.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        for i, name in enumerate(names):
            parts.append(f'<text x="{left - 8}" y="{top + row * (i + 0.5) + 4:.1f}" text-anchor="end">{name}</text>')
        parts.append("</svg>")
        path = pathlib.Path(__file__).parent.parent / f"interventions-{network}.svg"
        path.write_text("\n".join(parts) + "\n")
        print(path)


{"post": post, "wait": wait, "tables": tables, "figures": figures}[args.what]()
