#include "backends/model_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/registry.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

struct ParseCase {
  std::string text, name, scheme, target;
  std::map<std::string, std::string> options;
};

class ParsedReference : public testing::TestWithParam<ParseCase> {};

TEST_P(ParsedReference, HasItsParts) {
  const auto reference = ModelReference::parse(GetParam().text);
  ASSERT_TRUE(reference.has_value()) << describe(reference.error());
  EXPECT_EQ(reference->text, GetParam().text);
  EXPECT_EQ(reference->name, GetParam().name);
  EXPECT_EQ(reference->scheme, GetParam().scheme);
  EXPECT_EQ(reference->target, GetParam().target);
  EXPECT_EQ(reference->options, GetParam().options);
}

INSTANTIATE_TEST_SUITE_P(
    ModelReference, ParsedReference,
    testing::Values(
        ParseCase{"./models/qwen.gguf", "qwen", "file", "./models/qwen.gguf", {}},
        ParseCase{"small=./qwen.gguf?device=cpu", "small", "file", "./qwen.gguf", {{"device", "cpu"}}},
        ParseCase{"./hf-dir/?dtype=float32&adapter=./lora",
                  "hf-dir",
                  "file",
                  "./hf-dir/",
                  {{"dtype", "float32"}, {"adapter", "./lora"}}},
        ParseCase{"hf:Org/Name-7B@main", "Name-7B", "hf", "Org/Name-7B@main", {}},
        ParseCase{"ollama:llama3.2:1b", "llama3.2:1b", "ollama", "llama3.2:1b", {}},
        ParseCase{"large=openai:gpt-4o-mini?base_url=http://127.0.0.1:8000/v1",
                  "large",
                  "openai",
                  "gpt-4o-mini",
                  {{"base_url", "http://127.0.0.1:8000/v1"}}},
        ParseCase{"file:model.v2.gguf", "model.v2", "file", "model.v2.gguf", {}},
        ParseCase{"./a:b=c.gguf", "a:b=c", "file", "./a:b=c.gguf", {}},  // a path, not a name or scheme
        ParseCase{
            "m.gguf?now=2026-01-01T00:00:00=x", "m", "file", "m.gguf", {{"now", "2026-01-01T00:00:00=x"}}}));

TEST(ModelReference, RefusesWhatMakesNoSense) {
  const auto message = [](std::string_view text) {
    const auto reference = ModelReference::parse(text);
    if (reference) return "parsed as " + reference->target;
    EXPECT_EQ(reference.error().kind, ErrorKind::usage);
    return reference.error().message;
  };
  EXPECT_THAT(message(""), HasSubstr("names no model"));
  EXPECT_THAT(message("name="), HasSubstr("names no model"));
  EXPECT_THAT(message("hf:"), HasSubstr("names no model"));
  EXPECT_THAT(message("?device=cpu"), HasSubstr("names no model"));
  EXPECT_THAT(message("m.gguf?device"), HasSubstr("'device' is not key=value"));
  EXPECT_THAT(message("m.gguf?"), HasSubstr("not key=value"));
  EXPECT_THAT(message("m.gguf?=cpu"), HasSubstr("not key=value"));
  EXPECT_THAT(message("m.gguf?device="), HasSubstr("not key=value"));
  EXPECT_THAT(message("m.gguf?a=1&a=2"), HasSubstr("'a' is given twice"));
  EXPECT_THAT(message("s3:bucket/model"), HasSubstr("unknown scheme 's3'"));
}

TEST(ModelReference, TakesAnOptionMore) {
  const auto with = [](std::string_view text) {
    return ModelReference::parse(text)->text_with("cpu_tier", "avx2");
  };
  EXPECT_EQ(with("m.gguf"), "m.gguf?cpu_tier=avx2");
  EXPECT_EQ(with("small=./m.gguf?dtype=float32&device=cpu"),
            "small=./m.gguf?dtype=float32&device=cpu&cpu_tier=avx2");
}

TEST(Registry, NamesWhatItLacks) {
  const auto open = [](std::string_view text) {
    const auto backend = open_backend(*ModelReference::parse(text));
    return backend ? std::string("opened") : describe(backend.error());
  };
  EXPECT_THAT(open("hf:Org/Name"), AllOf(HasSubstr("no backend for 'hf:'"), HasSubstr("available: file")));
  EXPECT_THAT(open("m.gguf?device=abacus"),
              AllOf(HasSubstr("unknown device 'abacus'"), HasSubstr("reference")));
  EXPECT_THAT(open("m.gguf?dtyp=float32"), AllOf(HasSubstr("unknown option 'dtyp'"), HasSubstr("dtype")));
  EXPECT_THAT(open("m.gguf?dtype=int3"), AllOf(HasSubstr("unknown dtype 'int3'"), HasSubstr("bfloat16")));
  EXPECT_THAT(open("/no/such/model.gguf"), HasSubstr("/no/such/model.gguf"));
}

TEST(Registry, ExamplesAreReferencesToTheirOwnEntry) {
  for (const BackendEntry& entry : backend_table()) {
    const auto reference = ModelReference::parse(entry.example);
    ASSERT_TRUE(reference.has_value());
    EXPECT_EQ(reference->scheme, entry.scheme);
    const auto device = reference->options.find("device");
    EXPECT_EQ(device == reference->options.end() ? "" : device->second, entry.device);
    EXPECT_FALSE(entry.description.empty());
  }
}

}  // namespace
}  // namespace sizeup
