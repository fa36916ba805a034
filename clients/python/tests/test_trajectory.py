"""A training that no framework of ours has made: numpy's own, posted as files and as arrays, has the ledger that numpy computes."""

import numpy as np
import pytest

from loss_ledger import ApiError, ExperimentFailed

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


def numpys_step(name, weights, gradient, kept, t):
    """A step as PyTorch defines it: the weights and state after it, and what it is made of; all in float64."""
    rate, decay = (0.1 if name == "sgd" else 0.02) * (0.5 if t == 3 else 1), 0.05
    parts = {part: [] for part in ["gradient", "momentum", "l2", "decay"]}
    after, state = [], {slot: [] for slot in kept}
    for i, (w, g) in enumerate(zip(weights, gradient)):
        l2 = 0 * w if name == "adamw" else decay * w
        if name == "sgd":
            v = kept["momentum_buffer"][i]
            scale, earlier = -rate, -rate * 0.9 * v
            state["momentum_buffer"].append(0.9 * v + g + l2)
        else:
            m, s = kept["exp_avg"][i], kept["exp_avg_sq"][i]
            state["exp_avg"].append(0.9 * m + 0.1 * (g + l2))
            state["exp_avg_sq"].append(0.99 * s + 0.01 * (g + l2) ** 2)
            root = np.sqrt(state["exp_avg_sq"][i] / (1 - 0.99 ** (t + 1))) + 1e-3
            whole = -rate / (1 - 0.9 ** (t + 1)) / root
            scale, earlier = 0.1 * whole, 0.9 * whole * m
        own = {"gradient": scale * g, "momentum": earlier, "l2": scale * l2, "decay": (-rate * decay if name == "adamw" else 0) * w}
        for part, value in own.items():
            parts[part].append(value)
        after.append(w + sum(own.values()))
    return after, state, parts, rate


SETTINGS = {
    "sgd": ({"momentum": 0.9}, ["momentum_buffer"]),
    "adam": ({"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3}, ["exp_avg", "exp_avg_sq"]),
    "adamw": ({"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3, "weightDecay": 0.05}, ["exp_avg", "exp_avg_sq"]),
}


def recorded_with_state(name, x, labels):
    """Rows [weights], [state], rates of the steps to them, and what each step is made of."""
    random = np.random.default_rng(8)
    rows = [[random.normal(0, 0.5, shape) for shape in [(5, 16), (5,), (3, 5), (3,)]]]
    states = [{slot: [np.zeros_like(w) for w in rows[0]] for slot in SETTINGS[name][1]}]
    parts, rates = [], [0.0]
    for t in range(6):
        batch = np.arange(t * 15, t * 15 + 15) % 60
        _, _, gradient = loss_and_gradient(rows[-1], x[batch], labels[batch])
        weights, state, part, rate = numpys_step(name, rows[-1], gradient, states[-1], t)
        rows.append(weights)
        states.append(state)
        parts.append(part)
        rates.append(rate)
    return rows, states, rates, parts


def state_files(rows, states, rates, cut=3):
    def part(of):
        tensors = {name: np.stack([rows[t][i] for t in of]) for i, name in enumerate(NAMES)}
        for slot in states[0]:
            tensors |= {f"{name}.{slot}": np.stack([states[t][slot][i] for t in of]) for i, name in enumerate(NAMES)}
        return {**{name: one.astype("float32") for name, one in tensors.items()}, "learning_rate": np.array([rates[t] for t in of])}

    return [part(range(cut)), part(range(cut, len(rows)))]


def about_state(name):
    return {
        "dataset": {"name": "python-trajectory"},
        "architecture": {"name": "fc", "hidden": [5]},
        "optimizer": {"name": name, "learningRate": 1, **SETTINGS[name][0]},
        "layout": "torch",
        "map": {"fc_1": "0", "fc_2": "2"},
        "optimizerState": {"weightDecay": 0.05},
    }


ASKED = {"maxError": 1e6, "segmentIterations": 4, "diagnostics": {"components": True}}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_the_optimizers_state_says_what_numpys_steps_are_made_of(name, ledger, data):
    x, labels = data
    rows, states, rates, parts = recorded_with_state(name, x, labels)
    sent = ledger.upload_trajectory(about_state(name), state_files(rows, states, rates))
    assert sent["optimizerState"] is True
    spec = {"dataset": {"name": "python-trajectory"}, "training": {"trajectory": sent["id"]}, "allocation": ASKED}
    # A row of 80 bytes for each variable, step and split; no batch is gone through again.
    costs = ledger.preview(spec)["diagnostics"]["components"]
    assert (costs["rows"], costs["bytes"], costs["gradients"]) == (48, 48 * 80, 0)
    experiment = ledger.submit(spec).wait(timeout=120)
    cells = experiment.columns("diagnostics/components", split="train", by="variable")
    found = {(int(t), v): i for i, (t, v) in enumerate(zip(cells["iteration"], cells["variable"]))}
    exact = [[w.astype("float32").astype("float64") for w in row] for row in rows]
    for t, (before, after) in enumerate(zip(exact, exact[1:])):
        nodes = [before, [(a + b) / 2 for a, b in zip(before, after)], after]
        g0, g1, g2 = (loss_and_gradient(node, x, labels)[2] for node in nodes)
        for i, variable in enumerate(["fc_1/kernel", "fc_1/bias", "fc_2/kernel", "fc_2/bias"]):
            at, mean = found[t, variable], (g0[i] + 4 * g1[i] + g2[i]) / 6
            size = np.abs(mean).sum() * max(np.abs(after[i] - before[i]).max(), 1e-3)
            for part, values in parts[t].items():
                assert cells[part][at] == pytest.approx((mean * values[i]).sum(), abs=1e-4 * size), (t, variable, part)
            assert cells["lca"][at] == pytest.approx((mean * (after[i] - before[i])).sum(), abs=1e-4 * size)
            assert abs(cells["rest"][at]) <= 1e-5 * size
    figures = experiment.summary["splits"]["train"]["diagnostics"]
    assert figures["components.rest"] < 1e-3 and np.isfinite(figures["components.cosine"])
    experiment.delete()
    ledger.delete_trajectory(sent["id"])


def test_a_step_that_the_state_does_not_make_is_refused_with_its_first_layer(ledger, data):
    x, labels = data
    rows, states, rates, _ = recorded_with_state("adamw", x, labels)
    # The rate of one step is said wrong: it is of all layers, and the first is named; with components alone.
    sent = ledger.upload_trajectory(about_state("adamw"), state_files(rows, states, [*rates[:3], 0.03, *rates[4:]]))
    spec = {"dataset": {"name": "python-trajectory"}, "training": {"trajectory": sent["id"]}, "allocation": ASKED}
    with pytest.raises(ExperimentFailed, match="cannot be taken apart by components: its step 2 of fc_1/kernel differs by .* learning_rate"):
        ledger.submit(spec).wait(timeout=120)
    with pytest.raises(ApiError, match="optimizer.*must be left out with components"):
        ledger.submit({**spec, "optimizer": {"name": "sgd"}})
