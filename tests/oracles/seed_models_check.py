"""Runs models of the shapes of tests/golden/seed_models with random weights: sizeup against transformers, in float32. By hand, not in CI.

Run: python tests/oracles/seed_models_check.py [--layers N] [--tokens N] [--sizeup PROGRAM] [NAME...]   (torch 2.15, transformers 5.23)

Takes up to about 14 GB of memory and, for a moment, 6 GB of disk for each model; --layers 0 is all layers. Each model is the true
configuration with fewer layers, saved by transformers in bfloat16, with a tokenizer whose words are the ids. `sizeup score` on the cpu
device with dtype=float32 gives the log-probabilities of a random text, and so does transformers on the same weights in float32. Prints a
line for each model and keeps it as run.json beside the configuration, which docs/models.md shows. DeepSeek-MoE is held against the
forward pass in NumPy of tiny_deepseek_golden.py.
"""

import argparse
import gc
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

import tiny_deepseek_golden as deepseek

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SEEDS = ROOT / "tests" / "golden" / "seed_models"
BOUND = 1e-3
# Gemma 3n's random streams enlarge rounding: transformers' own float32 is 4e-4 from its float64 at 10 layers, where it is 3e-6 for Gemma 3.
BOUNDS = {"gemma-3n-e2b-it": 2e-3}
# By layer, or of layers.
LISTS = ("layer_types", "intermediate_size", "activation_sparsity_pattern")
DEPTHS = {"gpt2": "n_layer"}


def config_of(name, layers):
    """The configuration of its text part with so many layers (0: all), and how many it then has."""
    whole = json.loads((SEEDS / name / "config.json").read_text())
    whole.pop("quantization_config", None)
    text = whole.get("text_config", whole)
    depth = DEPTHS.get(whole["model_type"], "num_hidden_layers")
    layers = layers or text[depth]
    for key in LISTS:
        if isinstance(text.get(key), list):
            text[key] = text[key][:layers]
    if "num_kv_shared_layers" in text:  # the last layers, which use the keys of those before
        text["num_kv_shared_layers"] = text["num_kv_shared_layers"] * layers // text[depth]
    text[depth] = layers
    return transformers.CONFIG_MAPPING[whole["model_type"]].from_dict(whole).get_text_config(), layers


def make_model(config):
    torch.manual_seed(7)
    torch.set_default_dtype(torch.bfloat16)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    torch.set_default_dtype(torch.float32)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() >= 2:
                for part in p.view(-1, p.shape[-1]).split(1 << 14):  # little memory beside the weights
                    part.normal_(0.0, p.shape[-1] ** -0.5)
            else:
                p.add_(torch.randn(p.shape).to(p.dtype) * 0.1)
    return model


def write_tokenizer(folder, vocabulary):
    words = {f"t{i}": i for i in range(vocabulary)}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "t0"}}))


def ask(program, command, folder, line):
    """The answer to one line, and the seconds that the program took."""
    begin = time.monotonic()
    run = subprocess.run([program, command, f"{folder}?device=cpu&dtype=float32"], input=json.dumps(line) + "\n", text=True, capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout), time.monotonic() - begin


def score(program, folder, tokens):
    """Log-probabilities of tokens[1:], seconds until the model is loaded and has answered, prompt tokens per second."""
    words = [f"t{t}" for t in tokens]
    answer, seconds = ask(program, "score", folder, {"context": words[0], "continuation": " " + " ".join(words[1:])})
    assert answer["tokens"] == tokens[1:], answer["tokens"]
    first, _ = ask(program, "generate", folder, {"prompt": " ".join(words), "max_tokens": 1})
    return np.array(answer["token_logprobs"]), seconds, 1e3 * first["prompt_tokens"] / first["ttft_ms"]


def expected_logprobs(folder, tokens):
    """Of the saved model, opened anew: its buffers are float32 then, too."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager")
    with torch.no_grad():
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0, :-1].float()
    return torch.log_softmax(logits, -1).gather(1, torch.tensor(tokens[1:])[:, None])[:, 0].numpy()


def transformers_run(name, arguments, folder):
    config, layers = config_of(name, arguments.layers)
    model = make_model(config)
    model.save_pretrained(folder)
    parameters = sum(p.numel() for p in model.parameters())
    del model
    gc.collect()
    tokens = random_tokens(config.vocab_size, arguments.tokens)
    return tokens, config.vocab_size, layers, parameters, expected_logprobs(folder, tokens)


def numpy_run(name, arguments, folder):
    config = json.loads((SEEDS / name / "config.json").read_text())
    config["num_hidden_layers"] = arguments.layers or config["num_hidden_layers"]
    weights = deepseek.make_weights(config, "bfloat16", np.random.default_rng(7))
    (folder / "config.json").write_text(json.dumps(config))
    save_file({k: torch.from_numpy(w).bfloat16() for k, w in weights.items()}, folder / "model.safetensors")
    tokens = random_tokens(config["vocab_size"], arguments.tokens)
    logits = deepseek.Forward(config, weights).logits(np.array(tokens))[:-1]
    logits -= logits.max(axis=-1, keepdims=True)
    expected = logits[np.arange(len(tokens) - 1), tokens[1:]] - np.log(np.exp(logits).sum(axis=-1))
    return tokens, config["vocab_size"], config["num_hidden_layers"], sum(w.size for w in weights.values()), expected


def random_tokens(vocabulary, count):
    return [int(t) for t in np.random.default_rng(7).integers(0, vocabulary, count)]


def check(name, arguments, folder):
    compute = numpy_run if name.startswith("deepseek") else transformers_run
    tokens, vocabulary, layers, parameters, expected = compute(name, arguments, folder)
    gc.collect()
    write_tokenizer(folder, vocabulary)
    found, seconds, speed = score(arguments.sizeup, folder, tokens)
    return {"layers": layers, "parameters": parameters, "tokens": len(tokens), "greatest_difference": float(f"{np.abs(found - expected).max():.2g}"),
            "least_logprob": float(f"{expected.min():.3g}")}, seconds, speed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--sizeup", default=str(ROOT / "build" / "release" / "sizeup"))
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    transformers.logging.disable_progress_bar()
    for name in arguments.names or sorted(p.name for p in SEEDS.iterdir()):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="seed-"))
        try:
            run, seconds, speed = check(name, arguments, folder)
        finally:
            shutil.rmtree(folder)
        print(f"{name}: {run['layers']} layers, {run['parameters']:,} parameters, loaded and scored in {seconds:.1f} s, {speed:.0f} prompt "
              f"tokens/s, greatest difference {run['greatest_difference']:.1e} of log-probabilities from {run['least_logprob']}", flush=True)
        assert run["greatest_difference"] <= BOUNDS.get(name, BOUND), "too far"
        (SEEDS / name / "run.json").write_text(json.dumps(run) + "\n")


if __name__ == "__main__":
    main()
