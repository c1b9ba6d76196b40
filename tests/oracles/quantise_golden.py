"""Makes tests/golden/formats/quantise.json: the mean squared errors of llama.cpp's reference quantisers (without
importance matrix) on fixed data, which ours must not exceed.

    python tests/oracles/quantise_golden.py

The data are made from a counter, so that the test makes the same: value i of seed s is Box and Muller's of the
uniform numbers 2i and 2i+1 of splitmix64, times exp(spread * the normal value i of seed s + 1000).

{"rows", "columns", "cases": [{"type", "seed", "spread", "mean_squared_error"}]}
"""

import ctypes
import importlib.util
import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

OUT = Path(__file__).resolve().parent.parent / "golden" / "formats"
ROWS, COLUMNS = 128, 1024
TYPES = [Type.Q8_0, Type.Q4_0, Type.Q4_K, Type.Q5_K, Type.Q6_K]


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def normal(seed, count):
    uniform = ((splitmix(seed, 2 * count) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.sqrt(-2 * np.log(uniform[0::2])) * np.cos(2 * np.pi * uniform[1::2])


def values(seed, spread):
    count = ROWS * COLUMNS
    data = normal(seed, count) * np.exp(spread * normal(seed + 1000, count))
    return data.astype(np.float32).reshape(ROWS, COLUMNS)


# llama.cpp's own library, as a Python extension that exports its C functions.
def reference_quantiser():
    folder = Path(importlib.util.find_spec("xllamacpp").origin).parent
    library = ctypes.CDLL(str(next(folder.glob("xllamacpp*.so"))))
    function = library.ggml_quantize_chunk
    function.restype = ctypes.c_size_t
    count = ctypes.c_int64
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, count, count, count, ctypes.c_void_p]
    return function


def main():
    quantise = reference_quantiser()
    cases = []
    for kind in TYPES:
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        for seed, spread in [(1, 0.0), (2, 0.0), (3, 0.5)]:
            data = values(seed, spread)
            out = np.zeros((ROWS, COLUMNS // elements * size), dtype=np.uint8)
            written = quantise(int(kind), data.ctypes.data, out.ctypes.data, 0, ROWS, COLUMNS, None)
            assert written == out.nbytes
            difference = gguf.quants.dequantize(out, kind).astype(np.float64) - data
            error = float(np.mean(difference**2))
            cases.append({"type": kind.name, "seed": seed, "spread": spread, "mean_squared_error": error})
    golden = {"rows": ROWS, "columns": COLUMNS, "cases": cases}
    (OUT / "quantise.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
