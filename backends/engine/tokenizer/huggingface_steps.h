// The parts of tokenizer.json that change a text, read into the pipeline's steps.
#pragma once

#include <string>

#include "backends/engine/formats/sorted_json.h"
#include "backends/engine/tokenizer/normalizer.h"
#include "backends/engine/tokenizer/piece_decoder.h"
#include "backends/engine/tokenizer/pre_tokenizer.h"

namespace sizeup {

// Each takes the value of its key (null: nothing to do) and refuses what the pipeline cannot do, by name.
Result<Normalizer> read_normalizer(const SortedJson& value, const std::string& place);
Result<PreTokenizer> read_pre_tokenizer(const SortedJson& value, const std::string& place);
Result<PieceDecoder> read_decoder(const SortedJson& value, const std::string& place);

}  // namespace sizeup
