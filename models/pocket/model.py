"""The pocket models: a plain Llama decoder in PyTorch, laid out as Hugging Face names and rotates it."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn

SPECIAL = ["<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"]
BEGIN, END, SYSTEM, USER, ASSISTANT, PAD = range(6)
CHAT_TEMPLATE = ("{{- bos_token -}}{%- for message in messages -%}{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
                 "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}")


@dataclasses.dataclass
class Shape:
    """Row lengths are multiples of 32, the block of Q8_0."""
    width: int
    layers: int
    heads: int
    hidden: int
    vocabulary: int = 2048
    context: int = 512
    theta: float = 10000.0
    epsilon: float = 1e-5


SHAPES = {"small": Shape(128, 4, 4, 352), "large": Shape(320, 6, 5, 864)}


def rotary_table(shape, length):
    half = shape.width // shape.heads // 2
    angle = torch.arange(length)[:, None] * shape.theta ** (-torch.arange(half) / half)
    return torch.cos(angle).repeat(1, 2), torch.sin(angle).repeat(1, 2)


def rotate(x, cos, sin):
    """Rotary positions in Hugging Face's form: the first half of a head is paired with the second."""
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], dim=-1) * sin


def masked_attention(q, k, v, mask):
    """As PyTorch's own, in three steps: rows are short, and on a CPU the gradients of this are twice as fast."""
    weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return torch.softmax(weights.masked_fill(~mask, -30000.0), -1, dtype=v.dtype) @ v


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.heads = s.heads
        self.attention_norm, self.ffn_norm = nn.RMSNorm(s.width, s.epsilon), nn.RMSNorm(s.width, s.epsilon)
        self.q, self.k, self.v, self.o = (nn.Linear(s.width, s.width, bias=False) for _ in range(4))
        self.gate, self.up, self.down = nn.Linear(s.width, s.hidden, bias=False), nn.Linear(s.width, s.hidden, bias=False), nn.Linear(s.hidden, s.width, bias=False)

    def forward(self, x, cos, sin, mask):
        rows, length, width = x.shape
        h = self.attention_norm(x)
        q, k, v = (p(h).view(rows, length, self.heads, -1).transpose(1, 2) for p in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True) if mask is None else masked_attention(q, k, v, mask)
        x = x + self.o(a.transpose(1, 2).reshape(rows, length, width))
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.epsilon)
        cos, sin = rotary_table(shape, shape.context)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for block in self.blocks:
            for name, p in block.named_parameters():
                if p.ndim == 2:
                    scale = (2 * shape.layers) ** -0.5 if name in ("o.weight", "down.weight") else 1.0
                    nn.init.normal_(p, std=scale * p.shape[1] ** -0.5 * 0.6)

    def forward(self, ids, mask=None):
        """Hidden states after the last norm; the head is the embedding (tied)."""
        x = self.embedding(ids)
        cos, sin = self.cos[:ids.shape[1]], self.sin[:ids.shape[1]]
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return self.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.weight)


def parameters(model):
    return sum(p.numel() for p in model.parameters())
