#!/usr/bin/env python3
"""The tables of docs/findings.md, from the experiments with the tag study=findings and the sweep of the tag study=freeze.

tables.py [--api http://127.0.0.1:3000/v1]; needs nothing but Python's library.
"""
import argparse, csv, io, json, statistics, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--api", default="http://127.0.0.1:3000/v1")
api = parser.parse_args().api


def get(path):
    with urllib.request.urlopen(api + path) as answer:
        return answer.read().decode()


def rows(path):
    return list(csv.DictReader(io.StringIO(get(path))))


def percent(x):
    return f"{100 * x:.1f} %"


def fractions(row):
    """Both help fractions of a layer, of what moved first."""
    moved = row["helpFractionOfMoved"]
    return f"{'' if moved is None else percent(moved)} ({percent(row['helpFractionOfAll'])})"


def per_iteration(experiment, split):
    """Of the parameters whose LCA is not 0, the fraction that helped: one number an iteration."""
    sums = {}
    for row in rows(f"/experiments/{experiment}/allocations?split={split}&by=layer&format=csv"):
        helped, hurt = sums.get(row["iteration"], (0, 0))
        sums[row["iteration"]] = (helped + int(row["helped"]), hurt + int(row["hurt"]))
    return [helped / (helped + hurt) for helped, hurt in sums.values()]


def experiments(tag):
    items = json.loads(get(f"/experiments?limit=100&tag={tag}"))["items"]
    return [item for item in items if item["status"] == "succeeded"][::-1]


print("| | loss, first → last | mean helpFractionOfMoved | median | iterations above one half |")
print("|---|---|---|---|---|")
for item in experiments("study:findings"):
    fractions = per_iteration(item["id"], "train")
    loss = item["summary"]["splits"]["train"]["loss"]
    above = sum(x > 0.5 for x in fractions) / len(fractions)
    print(
        f"| {item['name']} | {loss['initial']:.3f} → {loss['final']:.3f} | {percent(statistics.mean(fractions))} "
        f"| {percent(statistics.median(fractions))} | {percent(above)} |"
    )

for item in experiments("study:findings"):
    print(f"\n{item['name']}\n")
    print("| layer | parameters | LCA train | LCA validation | validation − train | helped of moved (of all) train | validation |")
    print("|---|---|---|---|---|---|---|")
    both = [json.loads(get(f"/experiments/{item['id']}/layers?split={split}")) for split in ("train", "validation")]
    names = [layer["layer"] for layer in both[0]["items"]] + ["all"]
    for name, train, validation in zip(names, *[[*one["items"], one["total"]] for one in both]):
        print(
            f"| {name} | {train['parameters']} | {train['lca']:+.4f} | {validation['lca']:+.4f} "
            f"| {validation['lca'] - train['lca']:+.4f} | {fractions(train)} | {fractions(validation)} |"
        )

for sweep in json.loads(get("/sweeps?limit=100"))["items"]:
    summary = rows(f"/sweeps/{sweep['id']}/summary?split=train&format=csv")
    variants = list(dict.fromkeys(row["variant"] for row in summary))
    print(f"\n{sweep['name']}: train; mean ± sd over seeds, below it the difference from {variants[0]} with its 95 % interval\n")
    print("| | " + " | ".join(variants) + " |")
    print("|---|" + "---|" * len(variants))
    kinds = dict.fromkeys((row["layer"], row["measure"]) for row in summary)
    for layer, measure in kinds:
        if layer and measure != "lca":
            continue
        cells = []
        for variant in variants:
            row = next((r for r in summary if (r["variant"], r["layer"], r["measure"]) == (variant, layer, measure)), None)
            if row is None:
                cells.append("")
                continue
            text = f"{float(row['mean']):+.3f}" + (f" ± {float(row['sd']):.3f}" if row["sd"] else "")
            if row["difference"]:
                text += f"<br>{float(row['difference']):+.3f}"
            if row["differenceLow"]:
                text += f" [{float(row['differenceLow']):+.3f}, {float(row['differenceHigh']):+.3f}]"
            cells.append(text)
        print(f"| {layer or 'network'} {'' if layer else measure} | " + " | ".join(cells) + " |")
