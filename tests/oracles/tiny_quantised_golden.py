"""Makes tests/golden/tiny_quantised/: tiny random Llama models in quantised forms, the weights that they stand for
and the log-probabilities of those in float32.

Run: python tests/oracles/tiny_quantised_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

The dequantised weights are computed with NumPy from each form's published layout. FP8 is checked against torch's
own type and transformers' Fp8Dequantize.

expected.json: as that of tiny_llama, and for each model "weights": {tensor: SHA-256 of its float32 values}.
"""

import hashlib
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import Fp8Dequantize

from tiny_llama_golden import expected, hugging_face_config, make_model, write_gguf
from tiny_models import entry, round_to_blocks, write_expected

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_quantised"
SHAPE = dict(width=64, heads=4, kv=2, head=16, ffn=96, layers=2, vocab=97, tied=False, theta=10000.0, dtype="bfloat16")


def matrices(model):
    """The linear layers without the head, which quantised checkpoints keep as it is."""
    return {k: v for k, v in model.state_dict().items() if "_proj.weight" in k}


# FP8: one sign, four exponent and three mantissa bits with bias 7; no infinities, one NaN of each sign.
def e4m3_table():
    codes = np.arange(256)
    exponent, mantissa = codes >> 3 & 15, (codes & 7).astype(np.float64)
    values = np.where(exponent == 0, mantissa / 8 * 2.0**-6, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0))
    values[(codes & 127) == 127] = np.nan
    return np.where(codes < 128, values, -values).astype(np.float32)


def spread(scale, rows, columns, shape):
    """A grid of scales over a matrix; the last blocks may be cut."""
    return np.repeat(np.repeat(scale, rows, axis=0), columns, axis=1)[: shape[0], : shape[1]]


def to_fp8(weight, rows, columns):
    """Codes and the grid of scales, of blocks of rows x columns."""
    height, width = weight.shape
    grid = np.zeros((-(-height // rows), -(-width // columns)), dtype=np.float32)
    for i, j in np.ndindex(*grid.shape):
        grid[i, j] = np.abs(weight[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]).max() / 448
    codes = torch.from_numpy(weight / spread(grid, rows, columns, weight.shape)).to(torch.float8_e4m3fn)
    return codes, grid


def fp8_values(codes, scale):
    table = e4m3_table()
    assert np.array_equal(table, torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).float().numpy(), equal_nan=True)
    return table[codes.view(torch.uint8).numpy()] * scale


def check_fp8(codes, grid, values):
    scale = torch.from_numpy(np.ascontiguousarray(grid))
    other = Fp8Dequantize(None)._dequantize_one(codes, scale, torch.float32)
    assert np.array_equal(other.numpy(), values)


def fp8_block(name, weight):
    """As DeepSeek-V3 and Qwen3-FP8; blocks that do not divide the matrices."""
    codes, grid = to_fp8(weight, 24, 40)
    return {name: codes, name + "_scale_inv": torch.from_numpy(grid)}, fp8_values(codes, spread(grid, 24, 40, weight.shape))


def fp8_kinds(name, weight):
    """Another kind of scales for each matrix of a layer."""
    height, width = weight.shape
    kind = name.split(".")[-2]
    rows = {"q_proj": height, "k_proj": height, "v_proj": 1, "o_proj": 1, "up_proj": 16}.get(kind, 1)
    columns = {"up_proj": 32, "down_proj": 32}.get(kind, width)
    codes, grid = to_fp8(weight, rows, columns)
    parts = {name: codes}
    if kind == "q_proj":  # a scalar, and the scale of inputs that static activations have
        parts[name + "_scale_inv"] = torch.from_numpy(grid).reshape(())
        parts[name.replace("weight", "activation_scale")] = torch.tensor(0.5)
    elif kind == "k_proj":
        parts[name + "_scale"] = torch.from_numpy(grid).reshape(1)
    elif kind == "v_proj":  # {rows, 1} as FBGEMM
        parts[name + "_scale"] = torch.from_numpy(grid)
    elif kind == "o_proj":  # {rows}
        grid = torch.from_numpy(grid).to(torch.bfloat16)
        parts[name + "_scale"] = grid.reshape(-1)
        grid = grid.float().numpy()
    elif kind == "down_proj":  # powers of two, as MXFP8
        powers = torch.from_numpy(grid).to(torch.float8_e8m0fnu)
        grid = powers.float().numpy()
        codes = torch.from_numpy(weight / spread(grid, 1, 32, weight.shape)).clamp(-448, 448).to(torch.float8_e4m3fn)
        parts = {name: codes, name + "_scale_inv": powers}
    else:
        parts[name + "_scale_inv"] = torch.from_numpy(grid)
    values = fp8_values(codes, spread(grid, rows, columns, weight.shape))
    check_fp8(codes, grid, values)
    return parts, values


# GPTQ (https://github.com/AutoGPTQ/AutoGPTQ, qlinear_cuda.py): code = round(w / scale + zero), packed along inputs.
def groups_of(inputs, size, order=None):
    groups = np.arange(inputs) // size
    return groups if order is None else groups[order]


def grouped_parameters(weight, groups, bits):
    """Scales in float16 and zero points of {groups, outputs}, from the least and greatest weight."""
    count = int(groups.max()) + 1
    scales = np.zeros((count, weight.shape[0]), dtype=np.float16)
    zeros = np.zeros((count, weight.shape[0]), dtype=np.int64)
    for g in range(count):
        part = weight[:, groups == g]
        least, most = np.minimum(part.min(axis=1), 0), np.maximum(part.max(axis=1), 0)
        scales[g] = (most - least) / (2**bits - 1)
        zeros[g] = np.clip(np.round(-least / scales[g].astype(np.float32)), 1, 2**bits - 1)
    return scales, zeros


def grouped_codes(weight, groups, scales, zeros, bits):
    wide = scales.astype(np.float32)[groups].T
    return np.clip(np.round(weight / wide + zeros[groups].T), 0, 2**bits - 1).astype(np.int64)


def grouped_values(codes, groups, scales, zeros):
    return scales.astype(np.float32)[groups].T * (codes - zeros[groups].T).astype(np.float32)


def pack(values, bits, axis):
    """Neighbours along the axis in one 32-bit word, the first in the lowest bits."""
    each = 32 // bits
    values = np.moveaxis(values, axis, -1)
    words = (values.reshape(*values.shape[:-1], -1, each).astype(np.uint64) << np.arange(0, 32, bits, dtype=np.uint64)).sum(axis=-1)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(words, -1, axis)).astype(np.uint32).view(np.int32))


def gptq(bits, size, offset, order_seed=None, with_index=True):
    def make(name, weight):
        inputs = weight.shape[1]
        order = None if order_seed is None else np.random.default_rng(order_seed).permutation(inputs)
        groups = groups_of(inputs, size, order)
        scales, zeros = grouped_parameters(weight, groups, bits)
        codes = grouped_codes(weight, groups, scales, zeros, bits)
        module = name.removesuffix(".weight")
        parts = {
            f"{module}.qweight": pack(codes.T, bits, axis=0), f"{module}.qzeros": pack(zeros - offset, bits, axis=1),
            f"{module}.scales": torch.from_numpy(scales),
        }
        if with_index:
            parts[f"{module}.g_idx"] = torch.from_numpy(groups.astype(np.int32))
        return parts, grouped_values(codes, groups, scales, zeros)

    return make


# AWQ (https://github.com/casper-hansen/AutoAWQ, gemm.py): packed along outputs, in this order.
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def awq(name, weight):
    groups = groups_of(weight.shape[1], 32)
    scales, zeros = grouped_parameters(weight, groups, 4)
    codes = grouped_codes(weight, groups, scales, zeros, 4)
    module = name.removesuffix(".weight")
    shuffle = lambda values: values.reshape(values.shape[0], -1, 8)[:, :, AWQ_ORDER].reshape(values.shape)
    parts = {
        f"{module}.qweight": pack(shuffle(codes.T), 4, axis=1), f"{module}.qzeros": pack(shuffle(zeros), 4, axis=1),
        f"{module}.scales": torch.from_numpy(scales),
    }
    return parts, grouped_values(codes, groups, scales, zeros)


# bitsandbytes' 4 bits: the table of https://arxiv.org/abs/2305.14314, appendix E; two codes in a byte, the first in the
# high half; a scale for each block of the flattened matrix.
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], dtype=np.float32)


def nearest(table, values):
    return np.abs(values[:, None] - table[None, :]).argmin(axis=1)


def nf4(nested):
    def make(name, weight):
        flat = weight.reshape(-1)
        scales = np.array([np.abs(flat[i : i + 64]).max() for i in range(0, flat.size, 64)], dtype=np.float32)
        state = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": list(weight.shape)}
        parts = {f"{name}.quant_map": torch.from_numpy(NF4.copy()), f"{name}.absmax": torch.from_numpy(scales)}
        if nested:  # scales less their mean, in blocks of 16, as codes into a table of 256
            offset, table = np.float32(scales.mean()), np.linspace(-1, 1, 256, dtype=np.float32)
            rest = scales - offset
            outer = np.array([np.abs(rest[i : i + 16]).max() for i in range(0, rest.size, 16)], dtype=np.float32)
            of_block = outer[np.arange(rest.size) // 16]
            codes = nearest(table, rest / of_block)
            scales = table[codes] * of_block + offset
            state |= {"nested_blocksize": 16, "nested_dtype": "float32", "nested_offset": float(offset)}
            parts |= {f"{name}.absmax": torch.from_numpy(codes.astype(np.uint8)), f"{name}.nested_absmax": torch.from_numpy(outer),
                      f"{name}.nested_quant_map": torch.from_numpy(table)}
        of_weight = scales[np.arange(flat.size) // 64]
        codes = nearest(NF4, flat / of_weight).astype(np.uint8)
        parts[name] = torch.from_numpy(codes[0::2] << 4 | codes[1::2])[:, None]
        parts[f"{name}.quant_state.bitsandbytes__nf4"] = torch.from_numpy(np.frombuffer(json.dumps(state).encode(), dtype=np.uint8).copy())
        return parts, (NF4[codes] * of_weight).reshape(weight.shape)

    return make


def int8(name, weight):
    """bitsandbytes' int8: rows of 127 steps up to their greatest weight."""
    scales = np.abs(weight).max(axis=1)
    codes = np.round(weight / scales[:, None] * 127).astype(np.int8)
    module = name.removesuffix(".weight")
    parts = {name: torch.from_numpy(codes), f"{module}.SCB": torch.from_numpy(scales),
             f"{module}.weight_format": torch.tensor(0, dtype=torch.uint8)}
    return parts, codes.astype(np.float32) * scales[:, None] * np.float32(0.007874015718698502)


FORMS = {
    # name: (what a matrix becomes, quantization_config)
    "fp8_block": (fp8_block, {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [24, 40]}),
    "fp8_kinds": (fp8_kinds, {"quant_method": "fp8", "activation_scheme": "static", "weight_block_size": None}),
    "gptq_act_order": (gptq(4, 32, 1, order_seed=3), {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True, "sym": False, "checkpoint_format": "gptq"}),
    "gptq_8bit": (gptq(8, 24, 1, with_index=False), {"quant_method": "gptq", "bits": 8, "group_size": 24, "desc_act": False, "sym": False}),
    "gptq_v2": (gptq(4, 128, 0), {"quant_method": "gptq", "bits": 4, "group_size": -1, "desc_act": False, "sym": False, "checkpoint_format": "gptq_v2", "dynamic": {"-:lm_head": {}}}),
    "awq": (awq, {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"}),
    "nf4": (nf4(False), {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}),
    "nf4_nested": (nf4(True), {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}),
    "int8": (int8, {"quant_method": "bitsandbytes", "load_in_8bit": True}),
}


def quantise(name):
    """A model with the values of its quantised matrices, what its file holds, and the matrices' hashes."""
    make, _ = FORMS[name]
    model = make_model(SHAPE, 100 + list(FORMS).index(name))
    stored = {k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}
    hashes = {}
    for key, weight in matrices(model).items():
        del stored[key]
        parts, values = make(key, weight.numpy())
        assert values.dtype == np.float32 and values.shape == tuple(weight.shape)
        stored.update({k: v.contiguous() for k, v in parts.items()})
        hashes[key] = hashlib.sha256(np.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest()
        with torch.no_grad():
            weight.copy_(torch.from_numpy(values))
    return model, stored, hashes


def write_form(name, seed):
    model, stored, hashes = quantise(name)
    folder = OUT / name
    folder.mkdir(parents=True)
    config = hugging_face_config(SHAPE, old_style=False) | {"quantization_config": FORMS[name][1]}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return entry([(name, 2e-4)], False, SHAPE["vocab"], weights=hashes, sequences=expected(model, SHAPE, seed))


def write_split(seed):
    """A GGUF model of several files, and the same in one."""
    model = make_model(SHAPE, seed)
    kind = gguf.GGMLQuantizationType.Q8_0
    write_gguf("split", model, SHAPE, kind, OUT, split_max_tensors=8)
    write_gguf("whole", model, SHAPE, kind, OUT)
    round_to_blocks(model)
    files = sorted(p.name for p in OUT.glob("split-*.gguf"))
    assert len(files) == 3, files
    return entry([(p, 1e-3) for p in [*files, "whole.gguf"]], False, SHAPE["vocab"], weights={}, sequences=expected(model, SHAPE, seed))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = [write_split(1)]
    for seed, name in enumerate(FORMS):
        golden.append(write_form(name, 100 + seed))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
