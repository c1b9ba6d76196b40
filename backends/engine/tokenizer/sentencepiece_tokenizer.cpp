#include <fmt/format.h>

#include <utility>

#include "backends/engine/tokenizer/end_of_generation.h"
#include "backends/engine/tokenizer/huggingface_model.h"
#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/loaders.h"
#include "backends/engine/tokenizer/sentencepiece_model.h"
#include "core/io/file.h"

namespace sizeup {
namespace {

constexpr size_t kMaxModelBytes = 256u << 20;

}  // namespace

// SentencePiece itself adds nothing to a text. Without tokenizer_config.json the rule is that of the models
// which come as such a file: BPE (Llama, Gemma) begins with BOS, Unigram (T5) ends with EOS.
Result<std::unique_ptr<Tokenizer>> load_sentencepiece_tokenizer(const TokenizerFiles& files) {
  const std::string place = files.tokenizer.string();
  const auto bytes = read_file(files.tokenizer, kMaxModelBytes);
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  auto model = parse_sentencepiece_model(*bytes, place);
  if (!model) return forward_error(model);
  const bool bpe = model->algorithm == SentencePieceModel::Algorithm::bpe;
  auto parts = sentencepiece_parts(std::move(*model), place);
  if (!parts) return forward_error(parts);
  const auto config = read_companion(files, "tokenizer_config.json");
  if (!config) return tl::unexpected<Error>(config.error());
  SpecialTokens& special = parts->special;
  const SpecialTokens of_model = special;
  if (auto read = read_special_tokens(files, *parts); !read) return forward_error(read);
  if (!special.bos) special.bos = of_model.bos;
  if (!special.eos) special.eos = of_model.eos;
  std::vector<Token> ends = special.end_of_generation;
  if (special.eos) ends.push_back(*special.eos);
  special.end_of_generation = end_of_generation(*parts->vocabulary, std::move(ends));
  special.add_bos = special.bos && json_flag(*config, "add_bos_token", bpe);
  special.add_eos = special.eos && json_flag(*config, "add_eos_token", !bpe);
  if (special.add_bos) parts->prefix.push_back(*special.bos);
  if (special.add_eos) parts->suffix.push_back(*special.eos);
  return make_tokenizer(std::move(*parts));
}

}  // namespace sizeup
