"""Makes tests/golden/rotary.json: the frequencies of rotary scalings by transformers.

Run: python tests/oracles/rotary_golden.py   (torch 2.15, transformers 5.23)

Parameters are those of published models, and some made up so that every part of a formula matters.
"""

import json
import pathlib

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "rotary.json"
LLAMA3 = dict(rope_type="llama3", low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192, rope_theta=500000.0)
LONG = dict(short_factor=[1.0 + 0.07 * i for i in range(24)], long_factor=[1.0 + 1.3 * i for i in range(24)])

CASES = [
    # context, head size, parameters
    (4096, 64, dict(rope_type="linear", factor=4.0, rope_theta=10000.0)),
    (2048, 80, dict(rope_type="linear", factor=2.5, rope_theta=1000000.0)),
    (4096, 128, dict(rope_type="dynamic", factor=2.0, rope_theta=10000.0)),
    (131072, 128, dict(LLAMA3, factor=8.0)),
    (131072, 64, dict(LLAMA3, factor=32.0)),
    (131072, 128, dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768, rope_theta=1000000.0)),
    (65536, 96, dict(rope_type="yarn", factor=16.0, original_max_position_embeddings=4096, rope_theta=10000.0, beta_fast=24.0, beta_slow=2.0)),
    (65536, 64, dict(rope_type="yarn", factor=40.0, original_max_position_embeddings=4096, rope_theta=10000.0, mscale=0.707, mscale_all_dim=1.1)),
    (65536, 64, dict(rope_type="yarn", factor=32.0, original_max_position_embeddings=4096, rope_theta=150000.0, truncate=False, attention_factor=1.2)),
    (131072, 48, dict(rope_type="longrope", original_max_position_embeddings=4096, rope_theta=10000.0, **LONG)),
    (131072, 48, dict(rope_type="longrope", original_max_position_embeddings=8192, rope_theta=250000.0, factor=3.0, **LONG)),
    (131072, 48, dict(rope_type="longrope", original_max_position_embeddings=8192, rope_theta=250000.0, attention_factor=1.3, **LONG)),
]


def main():
    lines = []
    for context, head, parameters in CASES:
        config = LlamaConfig(hidden_size=head, num_attention_heads=1, head_dim=head, max_position_embeddings=context, rope_parameters=dict(parameters))
        frequencies, scale = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu")
        lines.append(json.dumps({"context": context, "head_size": head, "parameters": parameters,
                                 "frequencies": [float(f"{f:.9g}") for f in frequencies.tolist()], "scale": float(f"{scale:.9g}")}))
    OUT.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
