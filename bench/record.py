#!/usr/bin/env python3
"""What record() costs a step of PyTorch, without the upload: record.py [--blocks N] [--state]; needs torch.

Blocks of steps with and without recording take turns; printed are medians over blocks of seconds of the wall and of the
processor (all threads), and their ratios.
"""
import argparse, statistics, sys, time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "clients/python/src"))
import torch
from torch import nn

from loss_ledger import record
from loss_ledger.torch_network import modules_with_weights

parser = argparse.ArgumentParser()
parser.add_argument("--blocks", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--state", action="store_true", help="with what the optimizer keeps")
args = parser.parse_args()
torch.set_num_threads(args.threads)


class Nobody:
    """Stands for the API: knows a layer for each module, and takes what is posted without looking."""

    def __init__(self, model):
        self.names = [name for name, _ in modules_with_weights(model)]

    def preview(self, spec):
        return {"variables": [{"layer": name, "name": f"{name}/kernel"} for name in self.names]}

    def upload_trajectory(self, about, parts, probe=None):
        return {"id": "nobody's"}


def measure(name, model, images, labels, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def block():
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        return (time.perf_counter() - wall) / steps, (time.process_time() - processor) / steps

    block()
    plain, recorded = [], []
    for _ in range(args.blocks):
        plain.append(block())
        about = {"dataset": {"name": "x"}, "architecture": {"name": "x"}, "optimizer_state": args.state}
        with record(model, optimizer, ledger=Nobody(model), **about):
            recorded.append(block())
    parameters = sum(p.numel() for p in model.parameters())
    for i, what in enumerate(["wall", "processor"]):
        a, b = (statistics.median(one[i] for one in some) for some in (plain, recorded))
        print(f"{name}, {parameters} parameters: {what} {1e3 * a:.3f} ms a step, recorded {1e3 * b:.3f} ms, {100 * (b / a - 1):+.0f} %", flush=True)


torch.manual_seed(0)
mlp = nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
measure("MLP 784-100-50-10, batch 250", mlp, torch.rand(250, 1, 28, 28), torch.randint(10, (250,)), 250)
cnn = nn.Sequential(
    nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 40, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(640, 400), nn.ReLU(), nn.Linear(400, 10),
)
measure("LeNet, batch 100", cnn, torch.rand(100, 1, 28, 28), torch.randint(10, (100,)), 45)
