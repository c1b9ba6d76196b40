// The tables of docs/models.md that say what was tested: made here from tests/golden, whose files the golden
// and seed tests of this program open, so that what the page says is what passes. With SIZEUP_WRITE_DOCS=1 in
// the environment the page is written, else it is compared.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "backends/engine/architectures/table.h"
#include "core/json/json.h"
#include "tests/backends/engine/seed_checkpoint.h"
#include "tests/backends/engine/seed_table.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

// What was held against an oracle for one architecture.
struct Tested {
  std::set<std::string> folders, ggufs;  // types of weights, or methods that quantised them
  std::set<std::string> goldens;         // folders of tests/golden
  int64_t logprobs = 0, greedy = 0;      // of one file each
};

// The type of the matrices: the most frequent one of those that are not norms or biases.
std::string weight_type(const Checkpoint& checkpoint) {
  std::map<std::string, int64_t> elements;
  for (const Tensor& tensor : checkpoint.tensors()) {
    if (tensor.shape.size() >= 2)
      elements[std::string(stored_format(tensor))] += tensor.rows() * tensor.columns();
  }
  std::string type;
  for (const auto& [name, count] : elements) {
    if (type.empty() || count > elements[type]) type = name;
  }
  return type;
}

// "gptq" of a folder that says how its weights were quantised.
std::string quantised_by(const std::filesystem::path& folder) {
  const Json config = parse_json(read_whole(folder / "config.json"), "config.json").value();
  const auto found = config.find("quantization_config");
  return found == config.end() ? std::string() : found->value("quant_method", "");
}

std::string hugging_face_name_of(std::string_view gguf_name) {
  for (const Architecture& architecture : architecture_table()) {
    if (architecture.gguf_name == gguf_name) return std::string(architecture.hugging_face_name);
  }
  return {};
}

// All files of an entry hold the same model; that of a folder knows its architecture best.
std::string architecture_of(const std::filesystem::path& folder, const Json& files) {
  std::string name;
  for (const Json& file : files) {
    const auto checkpoint = open_checkpoint(folder / file["path"].get<std::string>()).value();
    const Json& config = checkpoint->config();
    if (checkpoint->format() == CheckpointFormat::safetensors)
      return config["architectures"][0].get<std::string>();
    name = hugging_face_name_of(config["general.architecture"].get<std::string>());
  }
  return name;
}

void add_entry(const std::filesystem::path& folder, const Json& entry, Tested& tested) {
  for (const Json& file : entry["files"]) {
    const std::filesystem::path path = folder / file["path"].get<std::string>();
    const auto checkpoint = open_checkpoint(path).value();
    if (checkpoint->format() == CheckpointFormat::gguf) {
      tested.ggufs.insert(weight_type(*checkpoint));
    } else {
      const std::string method = quantised_by(path);
      tested.folders.insert(method.empty() ? weight_type(*checkpoint) : method);
    }
    for (const Json& sequence : entry["sequences"])
      tested.logprobs += static_cast<int64_t>(sequence["logprobs"].size());
    if (entry.contains("greedy")) tested.greedy += static_cast<int64_t>(entry["greedy"]["tokens"].size());
  }
  tested.goldens.insert(folder.filename().string());
}

// By architecture; only folders that the golden test opens count.
std::map<std::string, Tested> tested_architectures() {
  const std::string golden_test = read_whole(source_path("tests/backends/engine/golden_test.cpp"));
  std::map<std::string, Tested> all;
  for (const auto& item : std::filesystem::directory_iterator(golden_folder())) {
    const std::filesystem::path& folder = item.path();
    const bool opened = golden_test.find('"' + folder.filename().string() + '"') != std::string::npos;
    if (!opened || !std::filesystem::exists(folder / "expected.json")) continue;
    const Json entries = parse_json(read_whole(folder / "expected.json"), "expected.json").value();
    for (const Json& entry : entries) {
      if (entry.contains("files")) add_entry(folder, entry, all[architecture_of(folder, entry["files"])]);
    }
  }
  return all;
}

std::string architectures_table() {
  std::string text =
      "| `architectures` | folders | GGUF | log-probabilities | greedy tokens | made by tests/oracles/ |\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& [name, tested] : tested_architectures()) {
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", name, fmt::join(tested.folders, ", "),
                        fmt::join(tested.ggufs, ", "), tested.logprobs, tested.greedy,
                        fmt::join(tested.goldens, ", "));
  }
  return text;
}

std::string billions(int64_t count) {
  return fmt::format("{:.2f} B", static_cast<double>(count) / 1e9);
}

// What tests/oracles/seed_models_check.py has found, if it has been run for the model.
std::string run_of(const Seed& seed) {
  const std::filesystem::path file = seed_folder(seed.name) / "run.json";
  if (!std::filesystem::exists(file)) return "";
  const Json run = parse_json(read_whole(file), "run.json").value();
  return fmt::format("{} of {} layers, {} tokens: {:.1e}", run["layers"].get<int>(), seed.layers,
                     run["tokens"].get<int>(), run["greatest_difference"].get<double>());
}

std::string seeds_table() {
  std::string text =
      "| model | `architectures` | parameters | active | layers | context | random weights: greatest "
      "difference "
      "|\n|---|---|---|---|---|---|---|\n";
  for (const Seed& seed : kSeeds) {
    text += fmt::format("| {} | `{}` | {} | {} | {} | {} | {} |\n", seed.name, seed_architecture(seed.name),
                        billions(seed.parameters), billions(seed.active), seed.layers, seed.context,
                        run_of(seed));
  }
  return text;
}

// The page with the text between the two markers of that name replaced; as it is without them.
std::string with_section(const std::string& page, const std::string& name, const std::string& text) {
  const std::string begin = fmt::format("<!-- {}: made by models_page_test.cpp -->\n", name);
  const std::string end = fmt::format("<!-- end of {} -->\n", name);
  const size_t first = page.find(begin), last = page.find(end);
  if (first == std::string::npos || last == std::string::npos) return page;
  return page.substr(0, first) + begin + text + page.substr(last);
}

TEST(ModelsPage, SaysWhatIsTested) {
  const std::filesystem::path file = source_path("docs/models.md");
  const std::string page = read_whole(file);
  std::string wanted = with_section(page, "tested architectures", architectures_table());
  wanted = with_section(wanted, "seed models", seeds_table());
  if (std::getenv("SIZEUP_WRITE_DOCS") != nullptr) {
    std::ofstream(file, std::ios::binary) << wanted;
    return;
  }
  EXPECT_THAT(page, HasSubstr(architectures_table()));
  EXPECT_THAT(page, HasSubstr(seeds_table()));
  EXPECT_TRUE(page == wanted) << "run this test with SIZEUP_WRITE_DOCS=1 in the environment";
}

TEST(ModelsPage, HasEveryArchitecture) {
  const auto tested = tested_architectures();
  for (const Architecture& architecture : architecture_table())
    EXPECT_TRUE(tested.contains(std::string(architecture.hugging_face_name)))
        << architecture.hugging_face_name << " has no golden model";
}

}  // namespace
}  // namespace sizeup
