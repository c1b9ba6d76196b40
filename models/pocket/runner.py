"""Runs a completion of pocket-code against its tests, in a process of its own with bounds. For answers of the bundled models only: this is no sandbox."""

import resource
import subprocess
import sys
import tempfile

SECONDS, MEMORY = 3, 512 << 20
STOPS = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]  # HumanEval's


def _bounds():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))


def cut(completion):
    """The completion up to the first stop string."""
    return completion[:min((at for stop in STOPS if (at := completion.find(stop)) >= 0), default=len(completion))]


def passes(row, completion):
    """Whether prompt, completion and tests run to their end."""
    program = f"{row['prompt']}{cut(completion)}\n{row['test']}\ncheck({row['entry_point']})\nprint('passed')\n"
    with tempfile.TemporaryDirectory() as scratch:
        try:
            done = subprocess.run([sys.executable, "-I", "-c", program], cwd=scratch, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * SECONDS, preexec_fn=_bounds)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and done.stdout.endswith(b"passed\n")
