"""Makes tests/golden/formats/: one small GGUF and one small safetensors file with a tensor of every element type
that the engine reads, and the values that the `gguf` and `safetensors` packages read from them.

    python tests/oracles/formats_golden.py

tiny.gguf, tiny.safetensors  the files
tiny.json                    {"gguf": {name: {"type", "shape", "bits"}}, "safetensors": {...}, "half_sha256"}:
                             bits are the float32 values as hexadecimal little-endian bytes; shapes are outermost
                             first; half_sha256 is of all 2^16 float16 bit patterns as float32, NaNs as 0
blocks.gguf                  random bytes as blocks of every quantised type, a row for each kind of scale
blocks.json                  {type: {"first_row_bits", "row_sha256"}}: the float32 values of the first row, and the
                             hash of each row's, NaNs as 7fc00000
metadata.json                what the GGUF file's metadata says, as the package reads it
"""

import hashlib
import json
import struct
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

OUT = Path(__file__).resolve().parent.parent / "golden" / "formats"


def bfloat(values):
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def bits(values):
    return np.ascontiguousarray(values, dtype="<f4").tobytes().hex()


def special_values(count, random):
    values = random.standard_normal(count).astype(np.float32)
    extremes = np.array([0.0, -0.0, 6e-8, -6e-8, 65504.0, -65504.0, 1e-5, np.inf, -np.inf, 3.0e-5], dtype=np.float32)
    values[: len(extremes)] = extremes
    return values


def write_gguf(path, random):
    expected = {}
    writer = gguf.GGUFWriter(path, "tiny")
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60000)
    writer.add_int16("test.i16", -30000)
    writer.add_uint32("test.u32", 4000000000)
    writer.add_int32("test.i32", -2000000000)
    writer.add_uint64("test.u64", 2**63 + 1)
    writer.add_int64("test.i64", -(2**62))
    writer.add_float32("test.f32", 0.1)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.true", True)
    writer.add_bool("test.false", False)
    writer.add_string("test.text", "héllo\nworld")
    writer.add_array("test.strings", ["a", "", "▁b"])
    writer.add_array("test.floats", [0.5, -1.25])
    writer.add_array("test.integers", [1, -2, 3])
    plain = special_values(3 * 64, random).reshape(3, 64)
    finite = random.standard_normal((3, 64)).astype(np.float32) * 3
    finite[1] = 0
    half = plain.astype(np.float16)
    brain = bfloat(plain)
    quantised = gguf.quants.quantize(finite, Type.Q8_0)
    # A scale that is a float16 subnormal, and all byte values.
    quantised[0, :2] = np.frombuffer(struct.pack("<H", 0x0003), dtype=np.uint8)
    quantised[0, 2:34] = np.arange(112, 144, dtype=np.uint8)
    entries = [
        ("plain.f32", plain, Type.F32),
        ("plain.f16", half, Type.F16),
        ("plain.bf16", brain.view(np.uint8), Type.BF16),
        ("block.q8_0", quantised, Type.Q8_0),
        ("three.f32", special_values(2 * 3 * 4, random).reshape(2, 3, 4), Type.F32),
        ("one.f32", np.array([1.5, -2.5, 3.5], dtype=np.float32), Type.F32),
    ]
    for name, data, kind in entries:
        writer.add_tensor(name, data, raw_dtype=None if kind in (Type.F32, Type.F16) else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    reader = gguf.GGUFReader(path)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(n) for n in reversed(tensor.shape)]
        expected[tensor.name] = {"type": tensor.tensor_type.name, "shape": shape, "bits": bits(values)}
    metadata = {}
    for key, field in reader.fields.items():
        if not key.startswith("GGUF."):
            value = field.contents()
            metadata[key] = value.item() if hasattr(value, "item") else value
    return expected, metadata


# Where a block's scales lie that are floats, and their numpy type.
BLOCK_SCALES = {
    Type.Q4_0: ([0], "<f2"),
    Type.Q4_1: ([0, 2], "<f2"),
    Type.Q5_0: ([0], "<f2"),
    Type.Q5_1: ([0, 2], "<f2"),
    Type.Q8_0: ([0], "<f2"),
    Type.Q2_K: ([80, 82], "<f2"),
    Type.Q3_K: ([108], "<f2"),
    Type.Q4_K: ([0, 2], "<f2"),
    Type.Q5_K: ([0, 2], "<f2"),
    Type.Q6_K: ([208], "<f2"),
    Type.Q8_K: ([0], "<f4"),
    Type.IQ4_NL: ([0], "<f2"),
    Type.IQ4_XS: ([0], "<f2"),
    Type.MXFP4: ([0], "u1"),
}
RANDOM_ROWS = 8
BLOCK_COLUMNS = 256


# The scales of the rows: random finite ones, then one of each special kind for all blocks of a row.
def block_scales(kind, blocks, random):
    if kind == "u1":  # powers of two: the two subnormal ones, the smallest normal ones, the largest
        special = np.array([0, 1, 2, 3, 127, 253, 254, 255], dtype=np.uint8)
        finite = random.integers(100, 150, (RANDOM_ROWS, blocks)).astype(np.uint8)
    else:
        limits = np.finfo(kind)
        special = [0.0, -0.0, limits.smallest_subnormal, -limits.smallest_normal / 3, limits.max, np.inf, -np.inf, np.nan]
        special = np.array(special).astype(kind)
        finite = random.standard_normal((RANDOM_ROWS, blocks)).astype(kind)
    return np.concatenate([finite, np.repeat(special[:, None], blocks, axis=1)])


# The package does not dequantise Q8_K, the type that activations have in llama.cpp's products.
def dequantise(data, kind):
    if kind != Type.Q8_K:
        return gguf.quants.dequantize(data, kind)
    blocks = data.reshape(data.shape[0], -1, 292)
    scales = np.ascontiguousarray(blocks[..., :4]).view("<f4")
    return (scales * blocks[..., 4:260].view(np.int8).astype(np.float32)).reshape(data.shape[0], -1)


def write_blocks(path, random):
    writer = gguf.GGUFWriter(path, "blocks")
    for kind, (places, dtype) in BLOCK_SCALES.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = BLOCK_COLUMNS // elements
        rows = len(block_scales(dtype, blocks, np.random.default_rng(0)))
        data = random.integers(0, 256, (rows, blocks, size)).astype(np.uint8)
        for place in places:
            scales = block_scales(dtype, blocks, random)[..., None].view(np.uint8)
            data[:, :, place : place + scales.shape[-1]] = scales
        writer.add_tensor(kind.name, data.reshape(rows, -1), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    expected = {}
    for tensor in gguf.GGUFReader(path).tensors:
        with np.errstate(all="ignore"):  # infinity times zero
            values = dequantise(np.array(tensor.data), tensor.tensor_type)
        values = np.where(np.isnan(values), np.uint32(0x7FC00000).view(np.float32), values)
        hashes = [hashlib.sha256(row.astype("<f4").tobytes()).hexdigest() for row in values]
        expected[tensor.name] = {"first_row_bits": bits(values[0]), "row_sha256": hashes}
    return expected


def write_safetensors(path, random):
    from safetensors import safe_open
    from safetensors.torch import save_file
    import torch

    plain = torch.from_numpy(special_values(5 * 7, random).reshape(5, 7))
    tensors = {
        "a.f32": plain.clone(),
        "b.f16": plain.to(torch.float16),
        "c.bf16": plain.to(torch.bfloat16),
        "d.scalar": torch.tensor(2.5),
        "e.empty": torch.zeros(0, 4),
        "h.0.attn.bias": torch.ones(2, 2, dtype=torch.uint8),  # a mask that the engine leaves out
    }
    save_file(tensors, path, metadata={"format": "pt"})
    expected = {}
    names = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    with safe_open(path, framework="pt") as file:
        for name in file.keys():
            tensor = file.get_tensor(name)
            if tensor.dtype in names:
                values = tensor.to(torch.float32).numpy()
                expected[name] = {"type": names[tensor.dtype], "shape": list(tensor.shape), "bits": bits(values)}
    return expected


def half_hash():
    values = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    return hashlib.sha256(np.where(np.isnan(values), np.float32(0), values).astype("<f4").tobytes()).hexdigest()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(20240601)
    from_gguf, metadata = write_gguf(OUT / "tiny.gguf", random)
    blocks = write_blocks(OUT / "blocks.gguf", np.random.default_rng(20261126))
    from_safetensors = write_safetensors(OUT / "tiny.safetensors", random)
    values = {"gguf": from_gguf, "safetensors": from_safetensors, "half_sha256": half_hash()}
    (OUT / "tiny.json").write_text(json.dumps(values, indent=1) + "\n")
    (OUT / "blocks.json").write_text(json.dumps(blocks, indent=1) + "\n")
    (OUT / "metadata.json").write_text(json.dumps(metadata, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
