"""Trainings in PyTorch: recorded, posted, allocated; the ledger is what PyTorch itself computes in float64."""

import numpy as np
import pytest

from loss_ledger import ApiError, ExperimentFailed, record

torch = pytest.importorskip("torch", reason="no torch: record() is not tested")
CHUNK = 30


@pytest.fixture(scope="module")
def data(ledger):
    """120 train and 30 test images of 6×6 in 3 channels, uploaded; images as the network sees them, labels."""
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (150, 6, 6, 3)).astype("uint8")
    labels = np.stack([images[:, :3].mean((1, 2, 3)), images[:, 3:].mean((1, 2, 3)), np.full(150, 127.0)], 1).argmax(1)
    ledger.upload_dataset("recorded", images=images[:120], labels=labels[:120], test_images=images[120:], test_labels=labels[120:])
    yield torch.tensor(images[:120]).permute(0, 3, 1, 2).contiguous() / 255, torch.tensor(labels[:120])


def networks():
    from torch import nn

    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(108, 10), nn.ReLU(), nn.Linear(10, 3))
    cnn = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(36, 3),
    )
    sgd = torch.optim.SGD(mlp.parameters(), lr=0.1, momentum=0.9)
    return {"mlp": (mlp, sgd), "cnn": (cnn, torch.optim.Adam(cnn.parameters(), lr=0.01))}


def split_loss(model, images, labels):
    """Over chunks, as with batch norm it is defined; each with its own statistics, without dropout."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    losses = [
        torch.nn.functional.cross_entropy(model(x), y, reduction="sum")
        for x, y in zip(images.split(CHUNK), labels.split(CHUNK))
    ]
    return sum(losses) / len(labels)


def lca_of(model, weights, images, labels):
    """[steps, tensors]: Simpson's rule along every step, in float64."""
    model = model.double()
    parameters = list(model.parameters())

    def gradient(theta):
        with torch.no_grad():
            for parameter, value in zip(parameters, theta):
                parameter.copy_(value)
        return torch.autograd.grad(split_loss(model, images.double(), labels), parameters)

    rows = []
    for before, after in zip(weights, weights[1:]):
        before, after = [one.double() for one in before], [one.double() for one in after]
        middle = [(a + b) / 2 for a, b in zip(before, after)]
        gradients = zip(gradient(before), gradient(middle), gradient(after), before, after)
        rows.append([(((g0 + 4 * g1 + g2) / 6) * (b - a)).sum().item() for g0, g1, g2, a, b in gradients])
    return np.array(rows)


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_a_recorded_training_has_the_ledger_that_pytorch_computes(name, ledger, data):
    pytest.importorskip("pandas", reason="no pandas")
    images, labels = data
    model, optimizer = networks()[name]
    seen = [[p.detach().clone() for p in model.parameters()]]
    with record(
        model, optimizer, ledger=ledger, dataset={"name": "recorded"}, probe=images[:20],
        loss=lambda model: split_loss(model, images, labels).item(),
    ) as recording:
        for step in range(6):
            model.train()
            batch = torch.arange(step * 20, step * 20 + 20) % 120
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
            seen.append([p.detach().clone() for p in model.parameters()])
    assert recording.trajectory["iterations"] == 6 and recording.trajectory["checks"] == {"losses": 2, "probe": True}
    # One Simpson rule a step, as below.
    allocation = {"maxError": 1e6, "chunkSize": CHUNK, "segmentIterations": 4}
    experiment = recording.allocate(allocation=allocation).wait(timeout=120)
    assert experiment.spec["optimizer"]["name"] == {"mlp": "sgd", "cnn": "adam"}[name]
    found = experiment.allocations("train", by="variable").pivot(index="iteration", columns="variable", values="lca")
    found = found[[one["name"] for one in experiment.manifest["variables"]]].to_numpy()
    expected = lca_of(model, seen, images, labels)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    by_layer = experiment.layers("train").set_index("layer")["lca"]
    totals = dict(zip([one["name"] for one in experiment.manifest["variables"]], expected.sum(0)))
    for layer, lca in by_layer.items():
        assert lca == pytest.approx(sum(v for n, v in totals.items() if n.startswith(f"{layer}/")), rel=1e-4)


def test_another_network_is_refused_with_its_first_layer_that_differs(ledger, data):
    from torch import nn

    images, _ = data
    # tanh is not what architecture= says: the layer behind it is the first that differs.
    model = nn.Sequential(nn.Flatten(), nn.Linear(108, 10), nn.Tanh(), nn.Linear(10, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    claimed = {"name": "fc", "hidden": [10]}
    with record(model, optimizer, ledger=ledger, dataset={"name": "recorded"}, architecture=claimed, probe=images[:5]) as recording:
        model(images[:5]).sum().backward()
        optimizer.step()
    with pytest.raises(ExperimentFailed, match="the output of fc_2 on its probe differs"):
        recording.allocate().wait(timeout=120)


def test_what_cannot_be_recorded_says_which_module_and_why(ledger, data):
    from torch import nn

    def refuse(message, *modules, **more):
        model = nn.Sequential(*modules)
        with pytest.raises((ValueError, ApiError), match=message):
            record(model, torch.optim.SGD(model.parameters(), lr=0.1), ledger=ledger, dataset={"name": "recorded"}, **more)

    refuse(r"1 \(BatchNorm2d.*affine=True", nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2, affine=False), nn.Flatten(), nn.Linear(32, 3))
    refuse(r"0 \(Conv2d.*padding", nn.Conv2d(3, 2, 3, padding=1, stride=2), nn.Flatten(), nn.Linear(18, 3))
    refuse(r"1 \(LSTM", nn.Flatten(), nn.LSTM(4, 2))
    fc = {"architecture": {"name": "fc", "hidden": [4, 4]}}
    refuse(r"3 layers with weights .* and the model 2 modules \(1, 2\)", nn.Flatten(), nn.Linear(108, 4), nn.Linear(4, 3), **fc)
    refuse(r"map: fc_9 is no layer", nn.Flatten(), nn.Linear(108, 3), map={"fc_9": "1"})


def test_every_kth_step_and_a_training_that_fails(ledger, data):
    images, labels = data
    model, optimizer = networks()["mlp"]

    def steps(n):
        for _ in range(n):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

    with record(model, optimizer, ledger=ledger, dataset={"name": "recorded"}, every=3) as recording:
        steps(7)
    assert (recording.trajectory["iterations"], recording.trajectory["every"]) == (2, 3)
    ledger.delete_trajectory(recording.id)
    with pytest.raises(ZeroDivisionError):
        with record(model, optimizer, ledger=ledger, dataset={"name": "recorded"}) as failed:
            steps(2)
            1 / 0
    assert failed.trajectory is None


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop"])
def test_what_pytorchs_optimizer_keeps_says_what_its_steps_are_made_of(kind, ledger, data):
    from torch.optim import SGD, Adam, AdamW, RMSprop

    images, labels = data
    model, _ = networks()["mlp"]
    # As people group them: no decay on biases. And a schedule, and steps before the recording.
    weights, biases = ([p for p in model.parameters() if p.ndim == n] for n in (2, 1))
    groups = [{"params": weights, "weight_decay": 0.02}, {"params": biases, "weight_decay": 0.0}]
    made = {
        "sgd": lambda: SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
        "adam": lambda: Adam(groups, lr=0.01),
        "adamw": lambda: AdamW(groups, lr=0.01),
        "rmsprop": lambda: RMSprop(groups, lr=0.01, momentum=0.5),
    }
    optimizer = made[kind]()
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    dots = []

    def steps(first, count):
        for step in range(first, first + count):
            batch = torch.arange(step * 20, step * 20 + 20) % 120
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            full = [p.grad.clone() for p in model.parameters()]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            dots.append(sum((f * p.grad).sum().item() for f, p in zip(full, model.parameters())))
            optimizer.step()
            schedule.step()

    steps(0, 2)
    with record(model, optimizer, ledger=ledger, dataset={"name": "recorded"}, probe=images[:20], optimizer_state=True) as recording:
        steps(2, 5)
    assert recording.trajectory["optimizerState"] is True
    allocation = {"maxError": 1e6, "chunkSize": CHUNK, "segmentIterations": 3, "diagnostics": {"components": True}}
    experiment = recording.allocate(allocation=allocation).wait(timeout=120)
    found = experiment.columns("diagnostics/components", split="train", by="network")
    # The batch's gradient beside the split's: it is the one that PyTorch had.
    assert found["dot"] == pytest.approx(dots[2:], rel=1e-3)
    parts = sum(np.asarray(found[part]) for part in ["gradient", "momentum", "l2", "decay"])
    assert parts == pytest.approx(np.asarray(found["lca"]), abs=1e-4 * np.abs(found["lca"]).max())
    assert np.abs(found["decay"]).max() > 0 if kind == "adamw" else np.abs(found["l2"]).max() > 0


def test_an_optimizer_whose_state_does_not_say_it_is_refused(ledger, data):
    from torch.optim import SGD, Adagrad, Adam

    model, _ = networks()["mlp"]

    def refuse(message, optimizer, **more):
        with pytest.raises(ValueError, match=message):
            record(model, optimizer, ledger=ledger, dataset={"name": "recorded"}, optimizer_state=True, **more)

    parameters = list(model.parameters())
    refuse("every=1", SGD(parameters, lr=0.1, momentum=0.9), every=2)
    refuse("SGD, without momentum", SGD(parameters, lr=0.1))
    refuse("SGD, dampening", SGD(parameters, lr=0.1, momentum=0.9, dampening=0.1))
    refuse("Adam, amsgrad", Adam(parameters, amsgrad=True))
    refuse("Adagrad, is none", Adagrad(parameters))
    refuse("all parameters", Adam(parameters[:2]))
    half = networks()["mlp"][0].bfloat16()
    with pytest.raises(ValueError, match="half precision"):
        record(half, Adam(half.parameters()), ledger=ledger, dataset={"name": "recorded"}, optimizer_state=True)
    refuse("lr must be the same", Adam([{"params": parameters[:1], "lr": 1.0}, {"params": parameters[1:]}]))
