// The parts of tokenizer.json that change a text, read into the pipeline's steps.
#pragma once

#include <string>

#include "backends/engine/formats/sorted_json.h"
#include "backends/engine/tokenizer/decoder.h"
#include "backends/engine/tokenizer/normalizer.h"
#include "backends/engine/tokenizer/pre_tokenizer.h"

namespace sizeup {

// Each takes the value of its key (null: nothing to do) and refuses what the pipeline cannot do, by name.
Result<Normalizer> read_normalizer(const SortedJson& value, const std::string& place);
Result<PreTokenizer> read_pre_tokenizer(const SortedJson& value, const std::string& place);
Result<PieceDecoder> read_decoder(const SortedJson& value, const std::string& place);

// A pattern of Split or Replace: {"Regex": "..."}, or {"String": "..."} (or the text itself) in `text`.
struct StepPattern {
  std::string text;  // not empty unless it is a regular expression
  std::optional<SplitRegex> regex;
};
Result<StepPattern> read_step_pattern(const SortedJson& owner, const std::string& place);

// The step Replace, of normalizers and of decoders.
Result<Replacement> read_replacement(const SortedJson& value, const std::string& place);

tl::unexpected<Error> step_not_supported(const std::string& place, std::string_view key,
                                         std::string_view type);

}  // namespace sizeup
