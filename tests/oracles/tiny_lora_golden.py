"""Makes tests/golden/tiny_lora/: LoRA adapters as PEFT saves them, and the log-probabilities that PEFT's models give
with them in float32, not merged.

Run: python tests/oracles/tiny_lora_golden.py   (torch 2.15, transformers 5.23, peft 0.21, safetensors 0.8; after
tiny_llama_golden.py and tiny_quantised_golden.py, whose models it takes)

expected.json: [{"bases": folders and GGUF files of the same weights, below golden, "adapters": [{"name", "weight"}], "sequences": as of tiny_llama}]
"""

import json
import pathlib
import shutil

import gguf
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

from tiny_llama_golden import MODELS, expected, make_model, write_gguf
from tiny_models import write_expected
from tiny_quantised_golden import SHAPE, quantise

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_lora"

ADAPTERS = {
    "attention": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"]),
    # Every linear layer and the head; ranks and scales of its own for some; alpha / sqrt(r).
    "stabilised": dict(r=6, lora_alpha=3, use_rslora=True, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj",
                       "up_proj", "down_proj", "lm_head"], rank_pattern={"k_proj": 2, "layers.1.mlp.up_proj": 3}, alpha_pattern={"up_proj": 5}),
}


def bases():
    name = "wide_heads_bf16"
    m, model = MODELS[name], make_model(MODELS[name], list(MODELS).index(name))
    write_gguf(name, model, m, gguf.GGMLQuantizationType.BF16, OUT)
    yield [f"tiny_llama/{name}", f"tiny_lora/{name}.gguf"], model, m, ""
    yield ["tiny_quantised/gptq_act_order"], quantise("gptq_act_order")[0], SHAPE, "_64"


def with_adapters(model, suffix):
    """The model with each adapter, whose matrices are random, saved."""
    adapted = None
    for seed, (name, options) in enumerate(ADAPTERS.items()):
        config = LoraConfig(task_type="CAUSAL_LM", **options)
        if adapted is None:
            adapted = get_peft_model(model, config, adapter_name=name)
        else:
            adapted.add_adapter(name, config)
        torch.manual_seed(40 + seed)
        with torch.no_grad():
            for key, p in sorted(adapted.named_parameters()):
                if f".{name}." in key:
                    p.copy_(torch.randn(p.shape) * 0.5 / p.shape[1] ** 0.5)
        save(adapted, name, suffix)
    return adapted.eval()


def save(adapted, name, suffix):
    folder = OUT / (name + suffix)
    temporary = OUT / "temporary"
    adapted.save_pretrained(temporary, selected_adapters=[name], save_embedding_layers=False)
    shutil.move(temporary / name, folder)
    shutil.rmtree(temporary)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"] = sorted(config["target_modules"])  # a set, in any order
    config["base_model_name_or_path"] = None
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")


def weigh(adapted, weights):
    """Each adapter's change times its weight; all that are named are active."""
    adapted.base_model.set_adapter(list(weights))
    for module in adapted.modules():
        if isinstance(module, LoraLayer):
            for name in module.scaling.keys() & weights.keys():
                module.scaling[name] *= weights[name]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for paths, model, m, suffix in bases():
        adapted = with_adapters(model, suffix)
        for weights in ({"attention": 1.0}, {"stabilised": 1.0}, {"attention": 0.5, "stabilised": -1.25}):
            weigh(adapted, weights)
            golden.append({"bases": paths, "adapters": [{"name": k + suffix, "weight": v} for k, v in weights.items()],
                           "sequences": expected(adapted, m, 7)})
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
