// Equality with Hugging Face tokenizers and SentencePiece on 10,000 generated texts for each kind of
// tokenizer; made by tests/oracles/tokenizers_generated.py.
#include <sstream>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "core/text/utf8.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = 50;

fs::path generated() {
  return golden_folder() / "tokenizers" / "generated";
}

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::vector<std::string> read_texts() {
  std::vector<std::string> texts;
  std::istringstream lines(read_packed(generated() / "texts.jsonl.gz"));
  for (std::string line; std::getline(lines, line);) {
    const Json row = *parse_json(line, "texts.jsonl");
    texts.push_back(row.is_string() ? row.get<std::string>() : from_hex(row["bytes"].get<std::string>()));
  }
  return texts;
}

std::string id_line(const std::vector<Token>& ids) {
  std::string line;
  for (size_t i = 0; i < ids.size(); ++i) line += (i > 0 ? " " : "") + std::to_string(ids[i]);
  return line + "\n";
}

// The libraries write U+FFFD once for each byte that is no text or for each part, by the kind of tokenizer.
std::string with_single_replacements(const std::string& text) {
  const std::string mark = "\xEF\xBF\xBD";
  std::string result;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, mark.size(), mark) != 0) {
      result += text[i++];
      continue;
    }
    if (!result.ends_with(mark)) result += mark;
    i += mark.size();
  }
  return result;
}

// Compares the hashes of blocks of rows, and names the blocks that differ.
void expect_digests(const std::vector<std::string>& rows, const Json& digests, const char* what) {
  ASSERT_EQ((rows.size() + kBlock - 1) / kBlock, digests.size());
  for (size_t block = 0; block < digests.size(); ++block) {
    std::string joined;
    for (size_t i = block * kBlock; i < std::min(rows.size(), (block + 1) * kBlock); ++i) joined += rows[i];
    EXPECT_EQ(sha256_hex(joined).substr(0, 16), digests[block].get<std::string>())
        << what << " of the texts from " << block * kBlock << " on";
  }
}

void compare(const Tokenizer& tokenizer, const std::string& name) {
  const Json golden = *parse_json(read_whole(generated() / (name + ".json")), name);
  const std::vector<std::string> texts = read_texts();
  ASSERT_EQ(texts.size(), 10'000u);
  std::vector<std::string> plain_rows;
  std::vector<std::string> special_rows;
  std::vector<std::string> decoded;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<Token> ids = plain(tokenizer, texts[i]);
    if (i < golden["first"].size()) {
      EXPECT_EQ(ids, golden["first"][i].get<std::vector<Token>>()) << i << ": " << to_line(Json(texts[i]));
    }
    plain_rows.push_back(id_line(ids));
    special_rows.push_back(id_line(tokenizer.encode(texts[i], {.add_special = true, .parse_special = true})));
    decoded.push_back(with_single_replacements(replace_invalid_utf8(tokenizer.decode(ids, false))) + '\0');
  }
  // Ties that only the last bit of a float decides; all other texts must agree.
  EXPECT_LE(golden["left_out"].size(), 1u);
  for (const Json& index : golden["left_out"]) {
    for (auto* rows : {&plain_rows, &special_rows, &decoded}) (*rows)[index.get<size_t>()].clear();
  }
  expect_digests(plain_rows, golden["plain"], "ids");
  expect_digests(decoded, golden["decoded"], "decoded texts");
  if (golden.contains("special")) expect_digests(special_rows, golden["special"], "ids with special tokens");
}

// The tokenizer of one of our files, which may be packed.
OpenTokenizer open_packed(const fs::path& path, const TemporaryFolder& folder) {
  if (path.extension() != ".gz") return open_tokenizer(path);
  return open_tokenizer(folder.write(path.stem().string(), read_packed(path)));
}

class GeneratedTexts : public testing::TestWithParam<const char*> {};

TEST_P(GeneratedTexts, EncodeAndDecodeAsTheOriginal) {
  const std::string name = GetParam();
  fs::path path = golden_folder() / "tokenizers" / name;
  for (const char* ending : {".tokenizer.json.gz", ".model.gz"}) {
    if (fs::exists(generated() / (name + ending))) path = generated() / (name + ending);
  }
  const TemporaryFolder folder;
  const OpenTokenizer opened = open_packed(path, folder);
  ASSERT_EQ(opened.error, "");
  compare(*opened.tokenizer, name);
}

std::string name_of(const testing::TestParamInfo<const char*>& test) {
  return test.param;
}

INSTANTIATE_TEST_SUITE_P(Bpe, GeneratedTexts,
                         testing::Values("gpt2", "gpt2_prefix", "llama3", "llama2", "metaspace",
                                         "metaspace_split", "gemma", "bpe_suffix", "bpe_prefix",
                                         "bpe_prefix_fused", "bpe_words"),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Words, GeneratedTexts, testing::Values("bert", "bert_cased", "word_level"), name_of);
INSTANTIATE_TEST_SUITE_P(Unigram, GeneratedTexts,
                         testing::Values("unigram", "unigram_bytes", "unigram_precompiled"), name_of);
INSTANTIATE_TEST_SUITE_P(SentencePiece, GeneratedTexts,
                         testing::Values("spm_bpe", "spm_bpe_unused", "spm_unigram", "spm_unigram_bytes",
                                         "spm_suffix"),
                         name_of);

struct RealVocabulary {
  const char* name;
  const char* file;  // under ../shared/tokenizers
};

class GeneratedTextsReal : public testing::TestWithParam<RealVocabulary> {};

TEST_P(GeneratedTextsReal, EncodeAndDecodeAsTheOriginal) {
  const fs::path path = shared_folder() / "tokenizers" / GetParam().file;
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not here";
  const TemporaryFolder folder;
  const OpenTokenizer opened = open_packed(path, folder);
  ASSERT_EQ(opened.error, "");
  compare(*opened.tokenizer, GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(Shared, GeneratedTextsReal,
                         testing::Values(RealVocabulary{"shared_gpt-2", "ggml-vocab-gpt-2.gguf"},
                                         RealVocabulary{"shared_qwen2", "ggml-vocab-qwen2.gguf.gz"},
                                         RealVocabulary{"shared_gpt-neox-20b", "gpt-neox-20b/tokenizer.json"},
                                         RealVocabulary{"shared_llama3", "llama3/tokenizer.json.gz"},
                                         RealVocabulary{"shared_llama2", "llama2/tokenizer.model"}),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace sizeup
