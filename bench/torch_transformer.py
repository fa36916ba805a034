"""The full gradient of bench/works.ts's transformer in PyTorch, float32 on the CPU, with the arguments of torch_gradient.py:

    torch_transformer.py --n 4000 --chunk 250 --threads 2

prints a line of JSON: examples_per_s, the median of five passes after one to warm up. What it computes is what ours does: two
blocks of width 128, four heads, causal, norms first, GELU in its tanh form, learned positions, the loss at the last of 3 places.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY, LENGTH, WIDTH, HEADS, DEPTH = 98, 3, 128, 4, 2


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fc_1, self.fc_2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        n, length, _ = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(n, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, length, WIDTH))
        return x + self.fc_2(F.gelu(self.fc_1(self.ln_2(x)), approximate="tanh"))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.randn(LENGTH, WIDTH) / WIDTH**0.5)
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.ln, self.fc = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens):
        return self.fc(self.ln(self.blocks(self.embedding(tokens) + self.positions)[:, -1]))


parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int, required=True)
parser.add_argument("--chunk", type=int, required=True)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--arch", default="transformer", choices=["transformer"])
parser.add_argument("--data", help="unused: tokens are random")
given = parser.parse_args()
torch.set_num_threads(given.threads)
torch.manual_seed(0)
model = Transformer()
tokens = torch.randint(VOCABULARY, (given.n, LENGTH))
labels = torch.randint(VOCABULARY, (given.n,))


def full_gradient():
    model.zero_grad(set_to_none=True)
    for x, y in zip(tokens.split(given.chunk), labels.split(given.chunk)):
        (F.cross_entropy(model(x), y, reduction="sum") / given.n).backward()


seconds = []
for _ in range(6):
    start = time.perf_counter()
    full_gradient()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"examples_per_s": given.n / sorted(seconds[1:])[2]}))
