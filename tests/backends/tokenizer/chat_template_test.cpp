#include "core/json/json.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

class ChatTemplate : public testing::Test {
 protected:
  ChatTemplate() { folder_.write("tokenizer.json", "{}"); }
  std::optional<std::string> load() const { return load_chat_template(**open_checkpoint(folder_.path())); }

  TemporaryFolder folder_;
};

TEST_F(ChatTemplate, IsAbsentWithoutAnyOfItsPlaces) {
  EXPECT_EQ(load(), std::nullopt);
  folder_.write("tokenizer_config.json", R"({"bos_token": "<s>"})");
  EXPECT_EQ(load(), std::nullopt);
  folder_.write("tokenizer_config.json", R"({"chat_template": null})");
  EXPECT_EQ(load(), std::nullopt);
}

TEST_F(ChatTemplate, ComesFromTokenizerConfig) {
  folder_.write("tokenizer_config.json", R"({"chat_template": "{{ messages }}"})");
  EXPECT_EQ(load(), "{{ messages }}");
  folder_.write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "no"},
                                            {"name": "default", "template": "yes"}]})");
  EXPECT_EQ(load(), "yes");
}

TEST_F(ChatTemplate, AFileOfItsOwnWins) {
  folder_.write("tokenizer_config.json", R"({"chat_template": "old"})");
  folder_.write("chat_template.jinja", "new\n");
  EXPECT_EQ(load(), "new\n");
}

TEST_F(ChatTemplate, ComesFromGgufMetadata) {
  GgufBuilder builder;
  builder.header(0, 1).key("tokenizer.chat_template", 8).text("{{ bos_token }}");
  EXPECT_EQ(load_chat_template(**open_checkpoint(folder_.write("a.gguf", builder.bytes()))),
            "{{ bos_token }}");
  const std::string none = GgufBuilder().header(0, 0).bytes();
  EXPECT_EQ(load_chat_template(**open_checkpoint(folder_.write("b.gguf", none))), std::nullopt);
}

}  // namespace
}  // namespace sizeup
