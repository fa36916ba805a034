#!/usr/bin/env python3
"""Posts the experiments of docs/findings.md: post.py [--api http://127.0.0.1:3000/v1]. Posting them again changes nothing."""
import argparse, json, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--api", default="http://127.0.0.1:3000/v1")
api = parser.parse_args().api


def post(path, body):
    headers = {"content-type": "application/json", "idempotency-key": f"findings {body['name']}".replace(" ", "-")}
    request = urllib.request.Request(api + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        print(json.load(answer)["id"], body["name"])


def work(dataset, train, validation, architecture, iterations, batch, **more):
    return {
        "dataset": {"name": dataset, "trainExamples": train, "validationExamples": validation},
        "architecture": architecture,
        "training": {"iterations": iterations, "batchSize": batch, "seed": 0},
        **more,
    }


sgd = {"name": "sgd", "learningRate": 0.05, "momentum": 0.9}
adam = {"name": "adam", "learningRate": 0.001}
fc = {"name": "fc", "hidden": [100, 50]}
networks = {
    "fc": work("mnist", 20_000, 5000, fc, 200, 250),
    "lenet": work("mnist", 2000, 1000, {"name": "lenet"}, 100, 100),
    "resnet-20": work("cifar-10", 1000, 500, {"name": "resnet", "depth": 20}, 60, 100),
}
for network, spec in networks.items():
    for optimizer in (sgd, adam):
        name = f"{network} {optimizer['name']}"
        post("/experiments", {"name": name, "tags": {"study": "findings"}, "optimizer": optimizer, **spec})

post("/experiments", {
    "name": "resnet-20 sgd, last frozen",
    "tags": {"study": "findings"},
    "optimizer": sgd,
    "layers": {"fc_1": {"freeze": True}},
    **networks["resnet-20"],
})

freeze = {"tags": {"study": "freeze"}, "optimizer": sgd}
last_frozen = lambda layer: [{"name": "baseline"}, {"name": "last frozen", "layers": {layer: {"freeze": True}}}]
post("/sweeps", {
    "name": "resnet-8, a layer frozen",
    "base": work("cifar-10", 1000, 500, {"name": "resnet", "depth": 8}, 80, 100, **freeze),
    "vary": last_frozen("fc_1"),
    "seeds": [0, 1, 2],
})
post("/sweeps", {
    "name": "fc, a layer frozen",
    "base": work("mnist", 5000, 1000, fc, 100, 250, **freeze),
    "vary": [*last_frozen("fc_3"), {"name": "first frozen", "layers": {"fc_1": {"freeze": True}}}],
    "seeds": [0, 1, 2],
})
