"""A training that no framework of ours has made: numpy's own, posted as files and as arrays, has the ledger that numpy computes."""

import numpy as np
import pytest

from loss_ledger import ApiError

NAMES = ["0.weight", "0.bias", "2.weight", "2.bias"]


def loss_and_gradient(theta, x, labels):
    """Mean cross-entropy of dense, ReLU, dense, weights [out, in] as PyTorch has them; and its gradient, in float64."""
    w1, b1, w2, b2 = theta
    z = x @ w1.T + b1
    h = np.maximum(z, 0)
    logits = h @ w2.T + b2
    logits = logits - logits.max(1, keepdims=True)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(x)), labels]).mean()
    d = (p - np.eye(3)[labels]) / len(x)
    dz = (d @ w2) * (z > 0)
    return loss, h, [dz.T @ x, dz.sum(0), d.T @ h, d.sum(0)]


@pytest.fixture(scope="module")
def data(ledger):
    random = np.random.default_rng(5)
    images = random.integers(0, 256, (80, 4, 4)).astype("uint8")
    labels = np.stack([images[:, :2].mean((1, 2)), images[:, 2:].mean((1, 2)), np.full(80, 127.0)], 1).argmax(1)
    ledger.upload_dataset("python-trajectory", images=images[:60], labels=labels[:60], test_images=images[60:], test_labels=labels[60:])
    yield images[:60].reshape(60, 16) / 255, labels[:60]
    ledger.delete_dataset("python-trajectory")


def test_a_training_of_numpy_has_the_ledger_that_numpy_computes(ledger, data, tmp_path):
    x, labels = data
    random = np.random.default_rng(6)
    theta = [random.normal(0, 0.5, shape).astype("float32") for shape in [(5, 16), (5,), (3, 5), (3,)]]
    rows = [theta]
    for step in range(6):
        batch = np.arange(step * 15, step * 15 + 15) % 60
        _, _, gradient = loss_and_gradient([w.astype("float64") for w in rows[-1]], x[batch], labels[batch])
        rows.append([(w - 0.3 * g).astype("float32") for w, g in zip(rows[-1], gradient)])
    exact = [[w.astype("float64") for w in row] for row in rows]
    part = lambda some: {name: np.stack([row[i] for row in some]) for i, name in enumerate(NAMES)}
    np.savez(tmp_path / "rest.npz", **part(rows[3:]))
    first, h, _ = loss_and_gradient(exact[0], x, labels)
    about = {
        "dataset": {"name": "python-trajectory"},
        "architecture": {"name": "fc", "hidden": [5]},
        "optimizer": {"name": "sgd", "learningRate": 0.3},
        "layout": "torch",
        "map": {"fc_1": "0", "fc_2": "2"},
        "losses": [{"row": 0, "loss": first}, {"row": 6, "loss": loss_and_gradient(exact[6], x, labels)[0]}],
    }
    with pytest.raises(ApiError, match="lacks 2.bias"):
        ledger.upload_trajectory(about, [{name: rows[0][i][None] for i, name in enumerate(NAMES[:3])}])
    z = x @ exact[0][0].T + exact[0][1]
    probe = {"input": x[:7].astype("float32"), "fc_1": z[:7], "fc_2": (h @ exact[0][2].T + exact[0][3])[:7]}
    sent = ledger.upload_trajectory(about, [part(rows[:3]), tmp_path / "rest.npz"], probe=probe)
    assert sent["iterations"] == 6 and sent["checks"] == {"losses": 2, "probe": True}
    # One Simpson rule a step, as below.
    spec = {"dataset": about["dataset"], "training": {"trajectory": sent["id"]}, "allocation": {"maxError": 1e6, "segmentIterations": 4}}
    experiment = ledger.submit(spec).wait(timeout=120)
    cells = experiment.columns("allocations", split="train", by="variable")
    found = {(int(t), name): lca for t, name, lca in zip(cells["iteration"], cells["variable"], cells["lca"])}
    for t, (before, after) in enumerate(zip(exact, exact[1:])):
        nodes = [before, [(a + b) / 2 for a, b in zip(before, after)], after]
        g0, g1, g2 = (loss_and_gradient(node, x, labels)[2] for node in nodes)
        for i, name in enumerate(["fc_1/kernel", "fc_1/bias", "fc_2/kernel", "fc_2/bias"]):
            expected = (((g0[i] + 4 * g1[i] + g2[i]) / 6) * (after[i] - before[i])).sum()
            assert found[t, name] == pytest.approx(expected, rel=1e-4, abs=1e-7)
    experiment.delete()
    ledger.delete_trajectory(sent["id"])
