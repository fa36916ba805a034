#!/usr/bin/env python3
"""Does a sample tell what the whole split has? samples.py [--api URL] [--seeds N] [--iterations T]; needs MNIST.

For every seed it allocates fc's loss over all 55,000 training examples of MNIST and over 5,500 of them, waits for both, and
counts the layers' LCA, by iteration and over the run, that lie within the sample's intervals of 95 %.
"""
import argparse, json, time, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--api", default="http://127.0.0.1:3000/v1")
parser.add_argument("--seeds", type=int, default=4)
parser.add_argument("--iterations", type=int, default=20)
args = parser.parse_args()
T_95 = 2.093  # Student's t for 19 degrees of freedom: 20 chunks


def call(path, body=None):
    request = urllib.request.Request(args.api + path, json.dumps(body).encode() if body else None)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def finished(id):
    while (experiment := call(f"/experiments/{id}"))["status"] not in ("succeeded", "failed", "cancelled"):
        time.sleep(1)
    assert experiment["status"] == "succeeded", experiment["error"]
    return experiment


def lca(id, table):
    rows = call(f"/experiments/{id}/{table}")["items"]
    return {(row.get("iteration"), row["layer"]): (row["lca"], row["standardError"]) for row in rows}


spec = {
    "dataset": {"name": "mnist"},
    "architecture": {"name": "fc"},
    "optimizer": {"name": "sgd", "learningRate": 0.05, "momentum": 0.9},
    "keep": ["weights", "allocations"],
}
seconds = {"whole": 0.0, "sample": 0.0}
hits = {"layers": [0, 0], "allocations": [0, 0]}
for seed in range(args.seeds):
    ids = {}
    for name, allocation in {"whole": {}, "sample": {"examples": 5500}}.items():
        ids[name] = call("/experiments", {
            **spec,
            "training": {"iterations": args.iterations, "seed": seed},
            "allocation": {"splits": ["train"], **allocation},
        })["id"]
        summary = finished(ids[name])["summary"]
        seconds[name] += summary["allocationSeconds"]
        print(seed, name, ids[name], f"{summary['allocationSeconds']:.1f} s", summary["gradients"], "gradients", flush=True)
    for table, count in hits.items():
        truth, found = lca(ids["whole"], table), lca(ids["sample"], table)
        for key, (estimate, error) in found.items():
            count[0] += abs(estimate - truth[key][0]) <= T_95 * error
            count[1] += 1
            if table == "layers":
                print(f"  {key[1]}: {estimate:+.4f} ± {T_95 * error:.4f}, whole {truth[key][0]:+.4f}")
print(f"allocation: {seconds['whole']:.1f} s and {seconds['sample']:.1f} s, {seconds['whole'] / seconds['sample']:.1f} times less")
for table, (inside, all) in hits.items():
    print(f"{table}: {inside} of {all} inside")
