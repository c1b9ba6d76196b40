"""Which requests go on to the large model, by a policy that `sizeup route --policy` wrote.

    python apply_policy.py policy.json < requests.jsonl

A line holds what is known of a request once the small model has answered it; what is unknown is left out:

    {"confidence": 0.83, "input_tokens": 41, "output_tokens": 7, "task": "helpdesk",
     "slices": {"language": "de"}, "found": ["truncated"]}

Prints "small" or "large" for each.
"""
import json
import math
import sys


def feature(name, request):
    """The number of that name, or None where it is unknown."""
    confidence = request.get("confidence")
    if name == "confidence":
        return confidence
    if name == "confidence_logit":
        if confidence is None:
            return 0.0
        kept = min(max(confidence, 1e-6), 1 - 1e-6)
        return math.log(kept / (1 - kept))
    if name == "confidence_missing":
        return float(confidence is None)
    if name in ("log_input_tokens", "log_output_tokens"):
        tokens = request.get(name[len("log_"):])
        return None if tokens is None else math.log1p(tokens)
    if name.startswith("task:"):
        return float(request.get("task") == name[len("task:"):])
    if name.startswith("slice:"):
        field, value = name[len("slice:"):].split("=", 1)
        return None if "slices" not in request else float(request["slices"].get(field) == value)
    return float(name in request.get("found", []))


def goes_on(policy, request):
    if any(reason in request.get("found", []) for reason in policy["send_on_if"]):
        return True
    if policy["threshold"] is None:
        return True
    score = policy["score"]["intercept"]
    for name, weight in policy["score"]["weights"].items():
        value = feature(name, request)
        if value is None:
            return True
        score += weight * value
    if policy["score"]["link"] == "logistic":
        score = 1 / (1 + math.exp(-score)) if score > -700 else 0.0
    return score < policy["threshold"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        policy = json.load(file)
    for line in sys.stdin:
        print("large" if goes_on(policy, json.loads(line)) else "small")


if __name__ == "__main__":
    main()
