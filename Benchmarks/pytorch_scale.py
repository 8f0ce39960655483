"""Steps of similarity-preserving distillation over several processes with PyTorch's DistributedDataParallel and Gloo.

The step is that of pytorch_step.py, on a rank's rows of each batch. The similarity matrices are those of the whole batch, as
Kindred's: activations are gathered, a rank's own with their gradient, times the number of ranks since DDP averages.
Prints one line of JSON with the keys of `kindred-bench scale`.
"""

import argparse
import json
import os
import statistics
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from pytorch_step import DEVIATION, GAMMA, MEAN, NAMES, build, similarity_loss


class Gathered(torch.autograd.Function):
    """The rows of all ranks; backwards a rank's own, since every rank computes the same of them."""

    @staticmethod
    def forward(context, rows):
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        context.rows = rows.shape[0]
        return torch.cat(parts)

    @staticmethod
    def backward(context, gradient):
        first = dist.get_rank() * context.rows
        return gradient[first : first + context.rows] * dist.get_world_size()


def parse():
    parser = argparse.ArgumentParser(description="Time SP distillation steps over processes in plain PyTorch.")
    parser.add_argument("--teacher", default="wrn-40-2", choices=NAMES)
    parser.add_argument("--student", default="wrn-16-2", choices=NAMES)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    size, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if size > 1:
        dist.init_process_group("gloo")
    teacher, student = build(options.teacher).eval(), build(options.student).train()
    model = DistributedDataParallel(student) if size > 1 else student
    gathered = Gathered.apply if size > 1 else lambda rows: rows
    optimiser = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    own = options.batch // size
    images = torch.randint(0, 256, (4, own, 3, 32, 32), dtype=torch.uint8)
    labels = torch.randint(0, 10, (4, own))
    seconds = []
    for number in range(options.warmup + options.steps):
        start = time.perf_counter()
        seen = (images[number % 4].float() / 255 - MEAN) / DEVIATION
        with torch.no_grad():
            taught = gathered(teacher(seen)[1][-1])
        logits, taps = model(seen)
        relations = similarity_loss(gathered(taps[-1]), taught)
        loss = torch.nn.functional.cross_entropy(logits, labels[number % 4]) + GAMMA * relations
        loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if number >= options.warmup:
            seconds.append(time.perf_counter() - start)
    if size > 1:
        dist.barrier()
        dist.destroy_process_group()
    rate = options.batch / statistics.median(seconds)
    print(json.dumps({"engine": "pytorch", "rank": rank, "processes": size, "images_per_second": rate}))


if __name__ == "__main__":
    main()
