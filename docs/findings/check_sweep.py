#!/usr/bin/env python3
"""Recomputes a sweep's summary from the raw allocations: check_sweep.py SWEEP [--api URL]; needs numpy.

Per layer, variant and split: the LCA summed over iterations and parameters, its mean and standard deviation over seeds.
Prints the largest differences, and fails where one exceeds 1e-9.
"""
import argparse, csv, io, json, sys, urllib.request
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("sweep")
parser.add_argument("--api", default="http://127.0.0.1:3000/v1")
args = parser.parse_args()


def get(path):
    with urllib.request.urlopen(args.api + path) as answer:
        return answer.read()


sweep = json.loads(get(f"/sweeps/{args.sweep}"))
sums = {}
for member in sweep["experiments"]:
    url = f"/experiments/{member['id']}/artifacts"
    manifest = json.loads(get(f"{url}/manifest.json"))
    for split in ("train", "validation"):
        total = 0
        for segment in manifest["segments"]:
            raw = np.load(io.BytesIO(get(f"{url}/allocations/{split}/{segment['from']}-{segment['to']}.npy")))
            total = total + raw.astype(np.float64).sum(axis=0)
        layers = {"": total.sum()}
        for variable in manifest["variables"]:
            columns = slice(variable["offset"], variable["offset"] + variable["size"])
            layer = variable["name"].rpartition("/")[0]
            layers[layer] = layers.get(layer, 0) + total[columns].sum()
        for layer, lca in layers.items():
            sums.setdefault((member["variant"], split, layer), []).append(lca)

worst = {"mean": 0.0, "sd": 0.0}
rows = [row for row in csv.DictReader(io.StringIO(get(f"/sweeps/{args.sweep}/summary?format=csv").decode())) if row["measure"] == "lca"]
for row in rows:
    own = sums[row["variant"], row["split"], row["layer"]]
    assert len(own) == int(row["n"]), row
    worst["mean"] = max(worst["mean"], abs(np.mean(own) - float(row["mean"])))
    if len(own) > 1:
        worst["sd"] = max(worst["sd"], abs(np.std(own, ddof=1) - float(row["sd"])))
print(f"{len(rows)} rows, {len(sweep['experiments'])} experiments: largest difference of a mean {worst['mean']:.1e}, of an sd {worst['sd']:.1e}")
sys.exit(max(worst.values()) > 1e-9)
