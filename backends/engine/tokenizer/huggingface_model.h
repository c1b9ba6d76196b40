// "model" of tokenizer.json: its vocabulary, and how words become ids.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/engine/formats/sorted_json.h"
#include "backends/engine/tokenizer/added_tokens.h"
#include "backends/engine/tokenizer/word_model.h"

namespace sizeup {

struct HuggingFaceModel {
  std::string type;                              // "BPE", "Unigram", "WordPiece", "WordLevel"
  std::unique_ptr<const Vocabulary> vocabulary;  // with the added tokens
  std::unique_ptr<const WordModel> words;
  bool cut_before_marks = false;  // cutting words before SentencePiece's marks changes nothing
};

Result<HuggingFaceModel> read_huggingface_model(const SortedJson& model, const std::vector<AddedToken>& added,
                                                const std::string& place);

bool is_token_id(const SortedJson& value);

}  // namespace sizeup
