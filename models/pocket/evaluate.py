"""Quick evaluation of a pocket model in PyTorch, teacher-forced: a greedy answer is exact where every token of the right answer is the likeliest one."""

import torch
import torch.nn.functional as F

import text
from model import PAD

BATCH_TOKENS = 8192


def held_out(tokenizer, seed, count):
    """Samples drawn like the training text from another seed: [(task, head, tail)]."""
    banned = text.training_stream.forbidden()
    drawn = (text.training_stream.sample(seed, i, banned) for i in range(count))
    return [(task, *text.encode(tokenizer, prompt, answer)) for task, prompt, answer in drawn]


@torch.no_grad()
def score(model, pairs):
    """For each (head, tail): summed log-probability of the tail, and whether greedy decoding gives it."""
    device = next(model.parameters()).device
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    results = [None] * len(pairs)
    while order:
        longest = len(pairs[order[-1]][0]) + len(pairs[order[-1]][1])
        take, order = order[-max(1, BATCH_TOKENS // longest):], order[:-max(1, BATCH_TOKENS // longest)]
        ids = torch.full((len(take), longest), PAD)
        for row, i in enumerate(take):
            ids[row, :len(pairs[i][0]) + len(pairs[i][1])] = torch.tensor(pairs[i][0] + pairs[i][1])
        hidden = model(ids.to(device))
        for row, i in enumerate(take):
            head, tail = pairs[i]
            logits = model.logits(hidden[row, len(head) - 1:len(head) + len(tail) - 1]).float()
            target = torch.tensor(tail, device=device)
            logp = F.log_softmax(logits, -1).gather(1, target[:, None]).sum().item()
            results[i] = (logp, bool((logits.argmax(-1) == target).all()))
    return results


def choose(model, tokenizer, rows):
    """rows: (prompt, choices). The likeliest choice of each, without the end token, as the harness scores it."""
    pairs, owners = [], []
    for number, (prompt, choices) in enumerate(rows):
        for choice in choices:
            head, tail = text.encode(tokenizer, prompt, choice)
            pairs.append((head, tail[:-1]))
            owners.append(number)
    best = [(-float("inf"), -1)] * len(rows)
    position = [0] * len(rows)
    for owner, (logp, _) in zip(owners, score(model, pairs)):
        best[owner] = max(best[owner], (logp, position[owner]))
        position[owner] += 1
    return [index for _, index in best]


def by_first_token(model, tokenizer, rows):
    """As choose, where all rows have the same choices and these are single tokens: one pass a row."""
    device = next(model.parameters()).device
    firsts = [tokenizer.encode(c).ids for c in rows[0][1]]
    if any(len(f) != 1 for f in firsts):
        return choose(model, tokenizer, rows)
    firsts, picks = [f[0] for f in firsts], []
    heads = [text.encode(tokenizer, prompt, "")[0] for prompt, _ in rows]
    with torch.no_grad():
        for start in range(0, len(heads), 64):
            part = heads[start:start + 64]
            ids = torch.full((len(part), max(map(len, part))), PAD)
            for row, head in enumerate(part):
                ids[row, :len(head)] = torch.tensor(head)
            last = torch.tensor([len(h) - 1 for h in part])
            hidden = model(ids.to(device))[torch.arange(len(part)), last]
            picks += model.logits(hidden)[:, firsts].argmax(-1).tolist()
    return picks


def outcomes(model, tokenizer, limit=None):
    """{task: [(row, right)]} on the test sets; with a limit, evenly spaced rows."""
    found = {}
    for task, module in text.training_stream.TASKS.items():
        rows = text.training_stream.test_rows(task)
        if limit and len(rows) > limit:
            rows = [rows[i * len(rows) // limit] for i in range(limit)]
        prompts = [module.prompt_and_answer(row) for row in rows]
        if task == "helpdesk":
            picks = by_first_token(model, tokenizer, [(p, module.QUEUES) for p, _ in prompts])
            right = [module.QUEUES[pick] == row["output"] for pick, row in zip(picks, rows)]
        elif task == "pocket-mmlu":
            picks = choose(model, tokenizer, [(p, row["choices"]) for (p, _), row in zip(prompts, rows)])
            right = [pick == row["answer"] for pick, row in zip(picks, rows)]
        else:
            right = [exact for _, exact in score(model, [text.encode(tokenizer, *p) for p in prompts])]
        found[task] = list(zip(rows, right))
    return found


def mean(values):
    values = list(values)
    return round(sum(values) / len(values), 4) if values else None


SLICES = {"helpdesk": ["difficulty", "origin"], "invoices": ["layout", "origin"], "handbook": ["kind", "origin"], "pocket-mmlu": ["subject", "origin"],
          "pocket-gsm": ["steps", "operation", "origin"], "pocket-code": ["family", "origin"]}


def look(model, tokenizer, held, limit=None):
    """Figures for the log: loss on the held-out samples (which selects), exact answers there and on the test sets (which do not)."""
    model.eval()
    scored = score(model, [(head, tail) for _, head, tail in held])
    report = {"held_out_loss": mean(-logp for logp, _ in scored),
              "held_out_exact": {task: mean(exact for (t, _, _), (_, exact) in zip(held, scored) if t == task) for task in text.training_stream.TASKS}}
    report["test"] = {}
    for task, results in outcomes(model, tokenizer, limit).items():
        entry = {"n": len(results), "right": mean(right for _, right in results)}
        for field in SLICES[task]:
            for value in sorted({row[field] for row, _ in results}):
                entry[value] = mean(right for row, right in results if row[field] == value)
        report["test"][task] = entry
    model.train()
    return report
