#!/usr/bin/env python3
"""Loss Change Allocation from Python: post an experiment, wait, read the ledger, plot it.

    npm start                                  # in another terminal
    python3 examples/lca.py                    # needs nothing but Python's own library
    pip install numpy pandas matplotlib && python3 examples/lca.py      # tables, tensors and the plot too

LEDGER_URL says where the API is (http://127.0.0.1:3000), LEDGER_API_KEY is the key, where one is needed.
"""

import http.client
import io
import json
import os
import sys
import time
import urllib.error
import urllib.request

API = os.environ.get("LEDGER_URL", "http://127.0.0.1:3000").rstrip("/") + "/v1"
if not API.startswith(("http://", "https://")):
    sys.exit(f"LEDGER_URL is {API[:-3]}: it must be http://host:port")
KEY = os.environ.get("LEDGER_API_KEY")

SPEC = {
    "name": "from Python",
    "dataset": {"name": "synthetic-digits", "trainExamples": 2000, "validationExamples": 500},
    "architecture": {"name": "fc", "hidden": [100, 50]},
    "optimizer": {"name": "sgd", "learningRate": 0.05, "momentum": 0.9},
    "training": {"iterations": 100, "batchSize": 250, "seed": 1},
}


def get(path, accept="application/json", body=None):
    """The bytes that the API answers with; a POST where there is a body. Says what the API says when it refuses."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, {"Accept": accept, "Content-Type": "application/json"})
    if KEY:
        # Not add_header: a download may be redirected to a bucket, which must not see the key (and refuses two).
        request.add_unredirected_header("Authorization", f"Bearer {KEY}")
    try:
        with urllib.request.urlopen(request) as answer:
            if answer.headers.get_content_type() == "text/html":
                sys.exit(f"what answers at {API} is a page, no API: LEDGER_URL says where that is.")
            return answer.read()
    except urllib.error.HTTPError as error:
        if error.headers.get_content_type() != "application/problem+json":
            sys.exit(f"{error.code} {error.reason} from {API}, not in the words of the API: LEDGER_URL says where that is.")
        problem = json.loads(error.read())
        fields = [f"  {field['path']}: {field['message']}" for field in problem.get("errors", [])]
        sys.exit("\n".join([f"{error.code} {problem['detail']}", *fields]))
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        sys.exit(f"no answer from {API}: {getattr(error, 'reason', error)}. Is it running? npm start starts it.")


def wait(experiment):
    """Until the experiment has ended."""
    while True:
        now = json.loads(get(f"/experiments/{experiment}"))
        progress = now["progress"]
        print(f"\r{now['status']:12}{progress['done']:5} / {progress['total']}", end="", flush=True)
        if now["status"] in ("succeeded", "failed", "cancelled"):
            print()
            return now
        time.sleep(0.5)


experiment = json.loads(get("/experiments", body=SPEC))["id"]
print(f"posted {API}/experiments/{experiment}")
done = wait(experiment)
if done["status"] != "succeeded":
    sys.exit(f"the experiment {done['status']}: {done['error']}")

for split, found in (done["summary"]["unbalanced"] or {}).items():
    print(f"{split}: {found['message']}. What follows is not to be believed.")

for row in json.loads(get(f"/experiments/{experiment}/layers?split=train"))["items"]:
    print(f"{row['layer']:8} LCA {row['lca']:+.4f}   helped {row['helpFractionOfMoved']:.1%}")

try:
    import numpy as np
except ImportError:
    sys.exit("\nWith numpy, pandas and matplotlib this goes on: pip install numpy pandas matplotlib")

# The raw tensors: one float32 for every parameter and iteration, all segments in one.
manifest = json.loads(get(f"/experiments/{experiment}/artifacts/manifest.json"))
lca = np.load(io.BytesIO(get(f"/experiments/{experiment}/artifacts/allocations/train.npy")))
loss = done["summary"]["splits"]["train"]["loss"]
print(f"\n{lca.shape[0]} iterations × {lca.shape[1]} parameters")
print(f"sum of all allocations {lca.sum(dtype='float64'):+.6f}")
print(f"change of the loss     {loss['final'] - loss['initial']:+.6f}")

# The neuron of the first layer that helped the most: columns of neurons/{split}.npy are units, layer after layer.
layer = manifest["neurons"][0]
units = np.load(io.BytesIO(get(f"/experiments/{experiment}/artifacts/neurons/train.npy")))
units = units[:, layer["offset"] : layer["offset"] + layer["units"]]
best = units.sum(axis=0).argmin()
print(f"best unit of {layer['layer']}    {best}: {units[:, best].sum():+.4f}")

try:
    import pandas as pd
except ImportError:
    sys.exit("\nWith pandas and matplotlib this goes on: pip install pandas matplotlib")

# Any table as CSV, with the layers as columns.
csv = get(f"/experiments/{experiment}/allocations?split=train&by=layer", accept="text/csv")
table = pd.read_csv(io.BytesIO(csv)).pivot(index="iteration", columns="layer", values="lca")
print(f"\n{table.describe().loc[['mean', 'std', 'min', 'max']]}")

try:
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit("\nWith matplotlib this goes on: pip install matplotlib")

# The paper's figure: who lowered the loss, and when.
figure, (above, below) = plt.subplots(2, sharex=True, figsize=(9, 6), layout="constrained")
for layer in table:
    above.plot(table[layer], label=layer)
    below.plot(table[layer].cumsum())
below.plot(table.sum(axis=1).cumsum(), color="black", label="all")
above.set_ylabel("LCA per iteration")
below.set(xlabel="iteration", ylabel="cumulative LCA")
figure.legend(loc="outside right upper")
figure.savefig("lca.png", dpi=150)
print("\nwrote lca.png")
