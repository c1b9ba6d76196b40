"""Makes tests/golden/formats/: one small GGUF and one small safetensors file with a tensor of every element type
that the engine reads, and the values that the `gguf` and `safetensors` packages read from them.

    python tests/oracles/formats_golden.py

tiny.gguf, tiny.safetensors  the files
tiny.json                    {"gguf": {name: {"type", "shape", "bits"}}, "safetensors": {...}, "half_sha256"}:
                             bits are the float32 values as hexadecimal little-endian bytes; shapes are outermost
                             first; half_sha256 is of all 2^16 float16 bit patterns as float32, NaNs as 0
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
    from_safetensors = write_safetensors(OUT / "tiny.safetensors", random)
    values = {"gguf": from_gguf, "safetensors": from_safetensors, "half_sha256": half_hash()}
    (OUT / "tiny.json").write_text(json.dumps(values, indent=1) + "\n")
    (OUT / "metadata.json").write_text(json.dumps(metadata, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
