#!/usr/bin/env python3
"""Trains one pocket model on the CPU (or a GPU) until a given number of minutes is over.

    python text.py                                  # tokenizer.json, once
    python train.py small --finish-samples 65000 --compile
    python train.py large --minutes 80 --compile

Hidden matrices are trained with Muon, the rest with AdamW. The learning rate follows the clock, so a run always
ends well: it warms up, stays, and falls to zero over the last part of the time. Every ten minutes the state is kept if its loss on
held-out samples of the training stream is the best so far; the test sets are looked at for the log only.
"""

import argparse
import json
import math
import pathlib
import time

import torch
import torch.nn.functional as F

import evaluate
import export
import text
from model import PAD, SHAPES, Model, Shape, parameters

ROW = 256              # tokens of a packed row; the longest sample is below it
PROMPT_WEIGHT = 0.1    # the prompt teaches the words, the answer teaches the task
ANSWER_WEIGHT = {"helpdesk": 4.0, "invoices": 1.0, "handbook": 2.0, "pocket-mmlu": 2.0, "pocket-gsm": 2.0, "pocket-code": 2.0}  # short answers count more per token
HELD_OUT_SEED, HELD_OUT = "pocket held-out text, version 2", 500
POOL = 64              # samples packed at a time: enough to fill rows to about 97 %


class Packer:
    """Packs samples of the stream into rows; each token sees its own sample only."""

    def __init__(self, tokenizer, seed, rows):
        self.tokenizer, self.seed, self.rows = tokenizer, seed, rows
        self.banned = text.training_stream.forbidden()
        self.index, self.pool = 0, []

    def _refill(self):
        while len(self.pool) < POOL:
            task, prompt, answer = text.training_stream.sample(self.seed, self.index, self.banned)
            head, tail = text.encode(self.tokenizer, prompt, answer)
            fixed = len(self.tokenizer.encode(prompt.split("\n")[0]).ids) if "\n" in prompt else 0  # the instruction is always the same: no loss on it
            self.pool.append((head + tail, [0.0] * fixed + [PROMPT_WEIGHT] * (len(head) - 1 - fixed) + [ANSWER_WEIGHT[task]] * len(tail) + [0.0]))
            self.index += 1

    def batch(self):
        """ids, next-token weights and sample numbers, each rows x ROW; a pad is sample -1."""
        ids = torch.full((self.rows, ROW), PAD)
        weights = torch.zeros(self.rows, ROW)
        owner = torch.full((self.rows, ROW), -1)
        for row in range(self.rows):
            at, number = 0, 0
            self._refill()
            self.pool.sort(key=lambda s: -len(s[0])) if row % 4 == 0 else None
            while (fit := next((i for i, s in enumerate(self.pool) if at + len(s[0]) <= ROW), None)) is not None:
                sample, weight = self.pool.pop(fit)
                end = at + len(sample)
                ids[row, at:end], weights[row, at:end], owner[row, at:end] = torch.tensor(sample), torch.tensor(weight), number
                at, number = end, number + 1
        return ids, weights, owner


def block_mask(owner):
    causal = torch.ones(ROW, ROW, dtype=torch.bool, device=owner.device).tril()
    return ((owner[:, :, None] == owner[:, None, :]) & causal)[:, None]


def orthogonal(gradient, steps=5):
    """Newton-Schulz iteration of Muon, on a stack of equal matrices."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradient.bfloat16()
    wide = x.shape[-2] > x.shape[-1]
    x = x.mT if wide else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if wide else x).float()


class Muon:
    def __init__(self, matrices, momentum=0.95, decay=0.01):
        self.groups = {}
        for p in matrices:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.state = {p: torch.zeros_like(p) for p in matrices}
        self.momentum, self.decay = momentum, decay

    @torch.no_grad()
    def step(self, rate):
        for shape, group in self.groups.items():
            updates = []
            for p in group:
                self.state[p].lerp_(p.grad, 1 - self.momentum)
                updates.append(p.grad.lerp(self.state[p], self.momentum))
            scale = rate * max(1.0, shape[0] / shape[1]) ** 0.5
            for p, update in zip(group, orthogonal(torch.stack(updates))):
                p.mul_(1 - rate * self.decay).sub_(update, alpha=scale)


def schedule(progress, decay):
    """Share of the full learning rate at a share of the time: a short rise, a plain, and a line to zero over the last `decay`."""
    return min(1.0, progress / 0.01, (1.0 - progress) / decay)


def loss_of(model, forward, batch, device, half):
    ids, weights, owner = (x.to(device) for x in batch)
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        hidden = forward(ids, block_mask(owner))
        wanted = weights[:, :-1] > 0
        logits = model.logits(hidden[:, :-1][wanted])
    losses = F.cross_entropy(logits.float(), ids[:, 1:][wanted], reduction="none")
    w = weights[:, :-1][wanted]
    return (losses * w).sum() / w.sum()


def build(size, vocabulary):
    s = SHAPES[size]
    torch.manual_seed(20240 + s.width)
    return Model(Shape(s.width, s.layers, s.heads, s.hidden, vocabulary))


def write_log(path, log):
    """Keeps the log of each size in one file."""
    logs = json.loads(path.read_text()) if path.exists() else {"seed": text.SEED}
    logs[log["size"]] = log
    path.write_text(json.dumps(logs, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SHAPES)
    parser.add_argument("--minutes", type=float, default=100.0, help="wall clock until the learning rate is zero")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--later-threads", type=float, nargs=2, metavar=("MINUTE", "N"), help="use N threads from this minute on")
    parser.add_argument("--rows", type=int, default=16, help=f"rows of {ROW} tokens in a step")
    parser.add_argument("--muon-rate", type=float, default=0.01)
    parser.add_argument("--adam-rate", type=float, default=0.002)
    parser.add_argument("--decay", type=float, default=0.7, help="share of the time over which the learning rate falls to zero")
    parser.add_argument("--resume", type=pathlib.Path, help="go on from this checkpoint: its weights, its place in the stream; momentum starts anew")
    parser.add_argument("--float32", action="store_true", help="no bfloat16 products")
    parser.add_argument("--out", type=pathlib.Path, default=text.HERE)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("checkpoints"), help="folder of the checkpoints")
    parser.add_argument("--compile", action="store_true", help="compile the model first (half a minute; needs a C++ compiler)")
    parser.add_argument("--stop-after", type=int, help="stop at this step (for measuring speed)")
    parser.add_argument("--every", type=float, default=10.0, help="minutes between evaluations")
    parser.add_argument("--finish-samples", type=int, help="end when this many samples were seen instead; --minutes is then ignored")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.work.mkdir(parents=True, exist_ok=True)
    tokenizer = text.load_tokenizer()
    model = build(args.size, tokenizer.get_vocab_size()).to(device)
    matrices = [p for b in model.blocks for p in b.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon, adam = Muon(matrices), torch.optim.AdamW(rest, lr=args.adam_rate, betas=(0.9, 0.95), weight_decay=0.0)
    forward = torch.compile(model) if args.compile else model
    packer = Packer(tokenizer, text.SEED, args.rows)
    held_out = evaluate.held_out(tokenizer, HELD_OUT_SEED, HELD_OUT)
    log = {"size": args.size, "parameters": parameters(model), "tokens_per_step": args.rows * ROW, "threads": args.threads,
           "device": device.type, "bfloat16": not args.float32, "rates": [args.muon_rate, args.adam_rate], "points": []}
    print(json.dumps({k: v for k, v in log.items() if k != "points"}), flush=True)

    begin, next_look, best, average, step, tokens, before = time.time(), args.every * 0.3, math.inf, None, 0, 0, 0.0
    if args.resume:
        saved = torch.load(args.resume, map_location=device)
        model.load_state_dict(saved["state"])
        step, tokens, packer.index, before = (saved["point"][k] for k in ("step", "tokens", "samples", "minutes"))
        log["points"] = [p for p in json.loads((args.out / "training_log.json").read_text())[args.size]["points"] if p["step"] <= step]
        log["resumed_at"] = {"step": step, "earlier_rates": saved.get("rates")}
    first_tokens = tokens
    while True:
        minutes = (time.time() - begin) / 60
        progress = packer.index / args.finish_samples if args.finish_samples else minutes / args.minutes
        done = progress >= 1.0 or (args.stop_after and step >= args.stop_after)
        if (minutes >= next_look or done) and not (args.stop_after and done):
            next_look = minutes + args.every
            point = {"minutes": round(before + minutes, 1), "step": step, "tokens": tokens, "samples": packer.index, "train_loss": round(average, 4)}
            point.update(evaluate.look(model, tokenizer, held_out, limit=None if done else 60))
            log["points"].append(point)
            print(json.dumps(point), flush=True)
            if point["held_out_loss"] < best:
                best = point["held_out_loss"]
                torch.save({"state": model.state_dict(), "size": args.size, "point": point, "rates": log["rates"]}, args.work / f"{args.size}.pt")
                export.write(model, tokenizer, args.out / f"pocket-{args.size}.gguf", args.size)
            write_log(args.out / "training_log.json", log)
        if done:
            break
        if args.later_threads and minutes >= args.later_threads[0]:
            torch.set_num_threads(int(args.later_threads[1]))
        rate = schedule(progress, args.decay)
        loss = loss_of(model, forward, packer.batch(), device, not args.float32)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        muon.step(args.muon_rate * rate)
        for group in adam.param_groups:
            group["lr"] = args.adam_rate * rate
        adam.step()
        model.zero_grad(set_to_none=True)
        step, tokens = step + 1, tokens + args.rows * ROW
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 20 == 0:
            print(f"step {step} tokens {tokens} samples {packer.index} loss {average:.4f} rate {rate:.3f} speed {(tokens - first_tokens) / (time.time() - begin):.0f}/s", flush=True)


if __name__ == "__main__":
    main()
