// Exact equality with token ids that others published for real vocabularies: llama.cpp's own test files
// (.inp, .out), vectors made with Hugging Face tokenizers and SentencePiece (vectors.jsonl.gz), and those of
// the stories260K model.
#include <sstream>

#include "core/json/json.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

fs::path tokenizers() {
  return shared_folder() / "tokenizers";
}

// Texts, separated by a line of their own.
std::vector<std::string> read_inputs(const fs::path& path) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string content = read_whole(path);
  std::vector<std::string> texts;
  size_t start = 0;
  for (size_t end = content.find(separator); end != std::string::npos; end = content.find(separator, start)) {
    texts.push_back(content.substr(start, end - start));
    start = end + separator.size();
  }
  return texts;
}

std::vector<std::vector<Token>> read_outputs(const fs::path& path) {
  std::vector<std::vector<Token>> lists;
  std::istringstream lines(read_whole(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    std::vector<Token> ids;
    for (Token id; numbers >> id;) ids.push_back(id);
    lists.push_back(ids);
  }
  return lists;
}

class LlamaCppVectors : public testing::TestWithParam<const char*> {};

TEST_P(LlamaCppVectors, GiveTheSameIds) {
  const fs::path path = tokenizers() / (std::string("ggml-vocab-") + GetParam() + ".gguf");
  if (!fs::exists(path.string() + ".inp")) GTEST_SKIP() << path << ".inp is not here";
  const Unpacked unpacked(path);
  ASSERT_EQ(unpacked.opened.error, "");
  const auto texts = read_inputs(path.string() + ".inp");
  const auto expected = read_outputs(path.string() + ".out");
  ASSERT_GT(texts.size(), 40u);
  ASSERT_EQ(texts.size(), expected.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(plain(*unpacked.opened.tokenizer, texts[i]), expected[i]) << i << ": " << texts[i];
    EXPECT_EQ(unpacked.opened.tokenizer->decode(expected[i], false), texts[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, LlamaCppVectors,
                         testing::Values("gpt-2", "llama-spm", "phi-3", "llama-bpe", "qwen2"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

struct VectorSource {
  const char* key;     // in vectors.jsonl.gz
  const char* file;    // under tokenizers/
  bool parse_special;  // SentencePiece does not know special tokens in texts
};

class PublishedVectors : public testing::TestWithParam<VectorSource> {};

TEST_P(PublishedVectors, GiveTheSameIds) {
  const VectorSource source = GetParam();
  const fs::path vectors = tokenizers() / "vectors.jsonl.gz";
  if (!fs::exists(vectors)) GTEST_SKIP() << vectors << " is not here";
  const Unpacked unpacked(tokenizers() / source.file);
  ASSERT_EQ(unpacked.opened.error, "");
  std::istringstream lines(read_packed(vectors));
  int compared = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json row = *parse_json(line, "vectors.jsonl");
    if (row[source.key].is_null()) continue;
    const auto text = row["text"].get<std::string>();
    const EncodeOptions options{.add_special = false, .parse_special = source.parse_special};
    EXPECT_EQ(unpacked.opened.tokenizer->encode(text, options), row[source.key].get<std::vector<Token>>())
        << text;
    const std::string decoded = std::string(source.key) + "_dec";
    if (row.contains(decoded)) {
      EXPECT_EQ(unpacked.opened.tokenizer->decode(row[source.key].get<std::vector<Token>>(), false),
                row[decoded].get<std::string>());
    }
    ++compared;
  }
  EXPECT_GT(compared, 25);
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, PublishedVectors,
                         testing::Values(VectorSource{"gpt-neox-20b", "gpt-neox-20b/tokenizer.json", true},
                                         VectorSource{"llama3", "llama3/tokenizer.json", true},
                                         VectorSource{"llama3", "ggml-vocab-llama-bpe.gguf", true},
                                         VectorSource{"qwen2", "ggml-vocab-qwen2.gguf", true},
                                         VectorSource{"llama2", "ggml-vocab-llama-spm.gguf", false},
                                         VectorSource{"llama2", "llama2/tokenizer.model", false}),
                         [](const auto& test) {
                           std::string name = test.param.file;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

TEST(StoriesVectors, GiveTheSameIds) {
  const fs::path models = shared_folder() / "models";
  if (!fs::exists(models / "tok512.vectors.json")) GTEST_SKIP() << models << " has no tok512.vectors.json";
  const OpenTokenizer opened = open_tokenizer(models / "stories260K-F32.gguf");
  ASSERT_EQ(opened.error, "");
  const Json rows = *parse_json(read_whole(models / "tok512.vectors.json"), "tok512.vectors.json");
  for (const Json& row : rows) {
    const auto text = row["text"].get<std::string>();
    const auto ids = row["ids"].get<std::vector<Token>>();
    EXPECT_EQ(plain(*opened.tokenizer, text), ids) << text;
    EXPECT_EQ(opened.tokenizer->decode(ids, true), text);
  }
  const SpecialTokens& special = opened.tokenizer->special();
  EXPECT_EQ(special.bos, 1);
  EXPECT_EQ(special.eos, 2);
  EXPECT_TRUE(special.add_bos);
  EXPECT_FALSE(special.add_eos);
  EXPECT_EQ(special.end_of_generation, std::vector<Token>{2});
  EXPECT_EQ(opened.tokenizer->kind(), "SentencePiece BPE");
  EXPECT_EQ(opened.tokenizer->vocabulary(), 512);
}

}  // namespace
}  // namespace sizeup
