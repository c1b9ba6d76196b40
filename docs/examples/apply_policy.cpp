// Which requests go on to the large model, by a policy that `sizeup route --policy` wrote. Needs
// nlohmann/json and nothing of sizeup; apply_policy.py beside it is the same in Python and describes the
// lines it reads.
//
//   apply_policy policy.json < requests.jsonl
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

using Json = nlohmann::json;

bool was_found(const Json& request, const std::string& reason) {
  const Json found = request.value("found", Json::array());
  return std::find(found.begin(), found.end(), reason) != found.end();
}

// The number of that name; nothing where it is unknown.
std::optional<double> feature(const std::string& name, const Json& request) {
  const bool confident = request.contains("confidence");
  if (name == "confidence_missing") return confident ? 0.0 : 1.0;
  if (name == "confidence_logit") {
    if (!confident) return 0.0;
    const double kept = std::clamp(request["confidence"].get<double>(), 1e-6, 1.0 - 1e-6);
    return std::log(kept / (1.0 - kept));
  }
  if (name == "confidence") {
    if (!confident) return std::nullopt;
    return request["confidence"].get<double>();
  }
  if (name == "log_input_tokens" || name == "log_output_tokens") {
    const std::string member = name.substr(4);
    if (!request.contains(member)) return std::nullopt;
    return std::log1p(request[member].get<double>());
  }
  if (name.rfind("task:", 0) == 0) return request.value("task", "") == name.substr(5) ? 1.0 : 0.0;
  if (name.rfind("slice:", 0) == 0) {
    if (!request.contains("slices")) return std::nullopt;
    const size_t equals = name.find('=');
    const Json value = request["slices"].value(name.substr(6, equals - 6), Json());
    return value == name.substr(equals + 1) ? 1.0 : 0.0;
  }
  return was_found(request, name) ? 1.0 : 0.0;
}

bool goes_on(const Json& policy, const Json& request) {
  for (const Json& reason : policy["send_on_if"]) {
    if (was_found(request, reason)) return true;
  }
  if (policy["threshold"].is_null()) return true;
  const Json& score = policy["score"];
  double z = score["intercept"];
  for (const auto& [name, weight] : score["weights"].items()) {
    const std::optional<double> value = feature(name, request);
    if (!value) return true;
    z += weight.get<double>() * *value;
  }
  if (score["link"] == "logistic") z = 1.0 / (1.0 + std::exp(-z));
  return z < policy["threshold"].get<double>();
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: apply_policy policy.json < requests.jsonl\n";
    return 2;
  }
  const Json policy = Json::parse(std::ifstream(argv[1]));
  for (std::string line; std::getline(std::cin, line);)
    std::cout << (goes_on(policy, Json::parse(line)) ? "large" : "small") << '\n';
}
