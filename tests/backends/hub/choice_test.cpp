#include "backends/hub/choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Result<HubChoice> choose(const std::vector<std::string>& names, const std::string& file = {},
                         HubNeed need = HubNeed::model) {
  return choose_files({"org/tiny", "main", file, need}, names);
}

std::string refusal(const std::vector<std::string>& names, const std::string& file = {}) {
  const auto choice = choose(names, file);
  return choice ? "chose something" : describe(choice.error());
}

TEST(Choice, AFolderWinsOverGgufFiles) {
  const auto choice =
      choose({"a.gguf", "config.json", "model.safetensors", "onnx/model.onnx", "tokenizer.model"});
  ASSERT_TRUE(choice.has_value());
  EXPECT_EQ(choice->gguf, "");
  EXPECT_THAT(choice->files, ElementsAre("config.json", "tokenizer.model", "model.safetensors"));
}

TEST(Choice, ANamedGgufFileWinsOverTheFolder) {
  const auto choice = choose({"config.json", "model.safetensors", "q/a.gguf"}, "q/a.gguf");
  ASSERT_TRUE(choice.has_value());
  EXPECT_EQ(choice->gguf, "q/a.gguf");
  EXPECT_THAT(choice->files, ElementsAre("q/a.gguf"));
}

TEST(Choice, TheOnlyGgufModelNeedsNoName) {
  const auto choice = choose({"README.md", "config.json", "a.gguf", "mmproj-a.gguf", "a.imatrix.gguf"});
  ASSERT_TRUE(choice.has_value()) << describe(choice.error());
  EXPECT_EQ(choice->gguf, "a.gguf");
}

TEST(Choice, SeveralGgufModelsAreListed) {
  EXPECT_THAT(refusal({"b-Q8_0.gguf", "b-Q4_K_M.gguf"}),
              AllOf(HasSubstr("2 GGUF models"), HasSubstr("?file=NAME: b-Q4_K_M.gguf, b-Q8_0.gguf")));
}

TEST(Choice, ASplitModelIsOneOfAllItsParts) {
  const std::vector<std::string> parts = {"d/a-00001-of-00003.gguf", "d/a-00002-of-00003.gguf",
                                          "d/a-00003-of-00003.gguf"};
  for (const std::string& file : {std::string(), parts[1]}) {
    const auto choice = choose(parts, file);
    ASSERT_TRUE(choice.has_value()) << describe(choice.error());
    EXPECT_EQ(choice->gguf, parts[0]);
    EXPECT_EQ(choice->files, parts);
  }
  EXPECT_THAT(refusal({parts[0], parts[2]}), HasSubstr("has no file 'd/a-00002-of-00003.gguf'"));
}

TEST(Choice, AMissingFileListsTheOthers) {
  EXPECT_THAT(refusal({"a.gguf"}, "b.gguf"),
              AllOf(HasSubstr("no file 'b.gguf'"), HasSubstr("it has a.gguf")));
}

TEST(Choice, SaysWhyNothingFits) {
  EXPECT_THAT(refusal({"config.json", "pytorch_model.bin"}), HasSubstr("convert them to safetensors"));
  EXPECT_THAT(refusal({"README.md"}), Not(HasSubstr("convert")));
}

TEST(Choice, TextNeedsATokenizerOnly) {
  const auto choice = choose({"config.json", "model.safetensors", "tokenizer.json"}, {}, HubNeed::text);
  ASSERT_TRUE(choice.has_value());
  EXPECT_THAT(choice->files, ElementsAre("config.json", "tokenizer.json"));
}

TEST(Choice, AnAdapterIsItsTwoFiles) {
  const std::vector<std::string> names = {"README.md", "adapter_config.json", "adapter_model.safetensors",
                                          "tokenizer.json"};
  const auto choice = choose(names, {}, HubNeed::adapter);
  ASSERT_TRUE(choice.has_value()) << describe(choice.error());
  EXPECT_THAT(choice->files, ElementsAre("adapter_config.json", "adapter_model.safetensors"));
  const auto none = choose({"adapter_config.json", "model.safetensors"}, {}, HubNeed::adapter);
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(describe(none.error()), HasSubstr("has no adapter_model.safetensors"));
}

}  // namespace
}  // namespace sizeup
