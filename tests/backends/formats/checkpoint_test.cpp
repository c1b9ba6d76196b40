#include "backends/engine/formats/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// One F32 tensor with one element.
std::string shard(const std::string& name, float value) {
  const std::string header = "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
  return GgufBuilder().value<uint64_t>(header.size()).raw(header).value(value).bytes();
}

std::string index_of(const std::string& file) {
  return "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"" + file + "\"}}";
}

std::string error_of(const fs::path& path) {
  const auto checkpoint = open_checkpoint(path);
  return checkpoint ? "no error" : describe(checkpoint.error());
}

std::vector<std::string> file_names(const Checkpoint& checkpoint) {
  std::vector<std::string> names;
  for (const fs::path& file : checkpoint.files()) names.push_back(file.filename().string());
  return names;
}

TEST(Checkpoint, TheThreeFormsOfOneModelHoldTheSameWeights) {
  const fs::path models = shared_folder() / "models";
  if (!fs::exists(models / "stories260K-F32.gguf")) GTEST_SKIP() << models << " has no stories260K";
  const auto gguf = open_checkpoint(models / "stories260K-F32.gguf");
  const auto quantised = open_checkpoint(models / "stories260K-Q8_0.gguf");
  const auto folder = open_checkpoint(models / "stories260K-hf");
  ASSERT_TRUE(gguf.has_value()) << describe(gguf.error());
  ASSERT_TRUE(quantised.has_value()) << describe(quantised.error());
  ASSERT_TRUE(folder.has_value()) << describe(folder.error());
  EXPECT_EQ((*gguf)->config()["general.architecture"], "llama");
  EXPECT_EQ((*folder)->config()["model_type"], "llama");
  const Tensor* a = (*gguf)->find("token_embd.weight");
  const Tensor* b = (*folder)->find("model.embed_tokens.weight");
  const Tensor* c = (*quantised)->find("token_embd.weight");
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{512, 64}));
  EXPECT_EQ(b->shape, a->shape);
  std::vector<float> left(64), right(64), approximate(64);
  for (int64_t row = 0; row < a->rows(); ++row) {
    dequantise_row(*a, row, left);
    dequantise_row(*b, row, right);
    dequantise_row(*c, row, approximate);
    ASSERT_EQ(left, right) << row;
    float largest = 0;
    for (const float value : left) largest = std::max(largest, std::abs(value));
    // Rounding to 127 steps of the block's largest weight; the scale itself is rounded to 11 bits.
    for (size_t i = 0; i < left.size(); ++i) ASSERT_NEAR(left[i], approximate[i], largest / 127 * 0.6f);
  }
  EXPECT_EQ((*gguf)->find("no such tensor"), nullptr);
}

TEST(Checkpoint, ReadsShards) {
  const TemporaryFolder folder;
  folder.write("config.json", "{\"model_type\": \"llama\"}");
  folder.write("one.safetensors", shard("a", 1.5f));
  folder.write("two.safetensors", shard("b", 2.5f));
  folder.write("model.safetensors.index.json", index_of("two.safetensors"));
  folder.write("tokenizer.json", "{}");
  folder.write("README.md", "not part of the model");
  const auto checkpoint = open_checkpoint(folder.path());
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  ASSERT_TRUE((*checkpoint)->find("a") && (*checkpoint)->find("b"));
  float value[1];
  dequantise_row(*(*checkpoint)->find("b"), 0, value);
  EXPECT_EQ(value[0], 2.5f);
  EXPECT_THAT(file_names(**checkpoint),
              testing::ElementsAre("config.json", "model.safetensors.index.json", "one.safetensors",
                                   "tokenizer.json", "two.safetensors"));
}

TEST(Checkpoint, RefusesAnIndexThatLeavesTheFolder) {
  for (const std::string name :
       {"../two.safetensors", "/etc/two.safetensors", "sub/two.safetensors", "..", "two.bin"}) {
    const TemporaryFolder folder;
    folder.write("config.json", "{}");
    folder.write("one.safetensors", shard("a", 1));
    folder.write("model.safetensors.index.json", index_of(name));
    EXPECT_THAT(error_of(folder.path()), HasSubstr("'weight_map' names the file '" + name + "'")) << name;
  }
}

TEST(Checkpoint, SaysWhatAFolderLacks) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(folder.path()), HasSubstr("config.json: file not found"));
  folder.write("config.json", "[1]");
  EXPECT_THAT(error_of(folder.path()), HasSubstr("is not a JSON object"));
  folder.write("config.json", "{}");
  folder.write("pytorch_model.bin", "x");
  EXPECT_THAT(error_of(folder.path()), HasSubstr("has no weights"));
  folder.write("model.safetensors.index.json", "{\"weight_map\": {}}");
  EXPECT_THAT(error_of(folder.path()), HasSubstr("has no 'weight_map'"));
  folder.write("model.safetensors.index.json", index_of("two.safetensors"));
  folder.write("one.safetensors", shard("a", 1));
  EXPECT_THAT(error_of(folder.path()), HasSubstr("two.safetensors: file not found"));
  folder.write("two.safetensors", shard("a", 1));
  EXPECT_THAT(error_of(folder.path()), HasSubstr("tensor 'a' is in another file, too"));
  EXPECT_THAT(error_of(folder.path() / "none.gguf"), HasSubstr("file not found"));
  EXPECT_THAT(error_of(folder.path() / "one.safetensors"), HasSubstr("pass the folder"));
}

TEST(Checkpoint, OpensAllPartsOfASplitModelFromAnyOfThem) {
  const fs::path folder = golden_folder() / "tiny_quantised";
  const auto whole = open_checkpoint(folder / "whole.gguf");
  ASSERT_TRUE(whole.has_value()) << describe(whole.error());
  for (const char* name : {"split-00001-of-00003.gguf", "split-00003-of-00003.gguf"}) {
    const auto split = open_checkpoint(folder / name);
    ASSERT_TRUE(split.has_value()) << describe(split.error());
    EXPECT_EQ((*split)->path().filename(), "split-00001-of-00003.gguf");
    EXPECT_EQ((*split)->config()["llama.context_length"], (*whole)->config()["llama.context_length"]);
    ASSERT_EQ((*split)->tensors().size(), (*whole)->tensors().size());
    for (const Tensor& expected : (*whole)->tensors()) {
      const Tensor* tensor = (*split)->find(expected.name);
      ASSERT_NE(tensor, nullptr) << expected.name;
      EXPECT_EQ(tensor->shape, expected.shape) << expected.name;
      EXPECT_TRUE(std::ranges::equal(tensor->data, expected.data)) << expected.name;
    }
  }
}

// One part; each of its tensors is a number.
std::string part(uint16_t count, uint16_t number, const std::vector<std::string>& tensors, int32_t all) {
  constexpr uint32_t kU16 = 2, kI32 = 5, kTypeF32 = 0;
  GgufBuilder builder;
  builder.header(tensors.size(), 3).key("split.count", kU16).value(count).key("split.no", kU16).value(number);
  builder.key("split.tensors.count", kI32).value(all);
  for (size_t i = 0; i < tensors.size(); ++i) builder.tensor(tensors[i], {1}, kTypeF32, 32 * i);
  return builder.align().zeros(32 * tensors.size()).bytes();
}

TEST(Checkpoint, SaysWhatASplitModelLacks) {
  const TemporaryFolder folder;
  const fs::path first = folder.write("m-00001-of-00004.gguf", part(4, 0, {"a"}, 3));
  folder.write("m-00003-of-00004.gguf", part(4, 2, {"c"}, 3));
  EXPECT_THAT(error_of(first), HasSubstr("parts m-00002-of-00004.gguf, m-00004-of-00004.gguf are missing"));
  folder.write("m-00002-of-00004.gguf", part(4, 1, {}, 3));
  folder.write("m-00004-of-00004.gguf", part(4, 1, {"d"}, 3));
  EXPECT_THAT(error_of(first), HasSubstr("m-00004-of-00004.gguf: says that it is part 2 of 4"));
  folder.write("m-00004-of-00004.gguf", part(3, 3, {"d"}, 3));
  EXPECT_THAT(error_of(first), HasSubstr("says that it is part 4 of 3"));
  folder.write("m-00004-of-00004.gguf", part(4, 3, {"a"}, 3));
  EXPECT_THAT(error_of(first), HasSubstr("tensor 'a' is in another part, too"));
  folder.write("m-00004-of-00004.gguf", part(4, 3, {}, 3));
  EXPECT_THAT(error_of(first), HasSubstr("the parts hold 2 tensors (expected: 3"));
  folder.write("m-00004-of-00004.gguf", part(4, 3, {"d"}, 3));
  EXPECT_EQ(error_of(first), "no error");
  for (const char* name : {"m.gguf", "m-1-of-00004.gguf", "00001-of-00004.gguf", "m-0000x-of-00004.gguf"}) {
    EXPECT_THAT(error_of(folder.write(name, part(4, 0, {"a"}, 3))), HasSubstr("but not named so")) << name;
  }
}

TEST(Checkpoint, OpensATokenizerWithoutAModel) {
  const TemporaryFolder folder;
  folder.write("tokenizer.json", "{}");
  const auto checkpoint = open_checkpoint(folder.path());
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  EXPECT_TRUE((*checkpoint)->tensors().empty());
}

class Fingerprint : public testing::Test {
 protected:
  Fingerprint() { setenv("XDG_CACHE_HOME", cache_.path().c_str(), 1); }
  ~Fingerprint() override { unsetenv("XDG_CACHE_HOME"); }

  static void make_old(const fs::path& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  static std::string fingerprint_of(const fs::path& path) {
    const auto checkpoint = open_checkpoint(path);
    return checkpoint ? fingerprint(**checkpoint).value_or("failed") : describe(checkpoint.error());
  }
  size_t entries() const {
    size_t count = 0;
    const fs::path cached = cache_.path() / "sizeup" / "fingerprints";
    if (fs::exists(cached)) {
      for ([[maybe_unused]] const auto& entry : fs::directory_iterator(cached)) ++count;
    }
    return count;
  }

  TemporaryFolder cache_;
  TemporaryFolder folder_;
  const std::string vocabulary_only_ = GgufBuilder().header(0, 0).bytes();
};

TEST_F(Fingerprint, OfAGgufFileIsItsHash) {
  const fs::path path = folder_.write("m.gguf", vocabulary_only_);
  EXPECT_EQ(fingerprint_of(path), sha256_hex(vocabulary_only_));
}

TEST_F(Fingerprint, OfAFolderCountsNamesAndContents) {
  folder_.write("config.json", "{}");
  folder_.write("model.safetensors", shard("a", 1));
  const std::string before = fingerprint_of(folder_.path());
  const std::string listing =
      sha256_hex("{}") + "  config.json\n" + sha256_hex(shard("a", 1)) + "  model.safetensors\n";
  EXPECT_EQ(before, sha256_hex(listing));
  folder_.write("tokenizer.json", "{}");
  EXPECT_NE(fingerprint_of(folder_.path()), before);
}

TEST_F(Fingerprint, OfASplitModelCountsAllParts) {
  const fs::path first = folder_.write("m-00001-of-00002.gguf", part(2, 0, {"a"}, 2));
  folder_.write("m-00002-of-00002.gguf", part(2, 1, {"b"}, 2));
  const std::string before = fingerprint_of(first);
  EXPECT_EQ(before, sha256_hex(sha256_hex(part(2, 0, {"a"}, 2)) + "  m-00001-of-00002.gguf\n" +
                               sha256_hex(part(2, 1, {"b"}, 2)) + "  m-00002-of-00002.gguf\n"));
  EXPECT_EQ(fingerprint_of(folder_.path() / "m-00002-of-00002.gguf"), before);
}

TEST_F(Fingerprint, IsRememberedUntilTheFileChanges) {
  const fs::path path = folder_.write("m.gguf", vocabulary_only_);
  const std::string first = fingerprint_of(path);
  EXPECT_EQ(entries(), 0u) << "a file that has just been written may still change";
  make_old(path);
  EXPECT_EQ(fingerprint_of(path), first);
  ASSERT_EQ(entries(), 1u);
  // The entry is used: a change that keeps size, time stamp and inode is not seen.
  const auto time = fs::last_write_time(path);
  const std::string changed = GgufBuilder().header(0, 0, 2).bytes();
  folder_.write("m.gguf", changed);
  fs::last_write_time(path, time);
  EXPECT_EQ(fingerprint_of(path), first);
  // And it is not used after any visible change.
  fs::last_write_time(path, time - std::chrono::seconds(5));
  EXPECT_EQ(fingerprint_of(path), sha256_hex(changed));
}

TEST_F(Fingerprint, DoesWithoutAUsableCache) {
  const fs::path path = folder_.write("m.gguf", vocabulary_only_);
  make_old(path);
  const std::string expected = sha256_hex(vocabulary_only_);
  EXPECT_EQ(fingerprint_of(path), expected);
  for (const auto& entry : fs::directory_iterator(cache_.path() / "sizeup" / "fingerprints")) {
    std::ofstream(entry.path()) << "{\"sha256\": 5}";
  }
  EXPECT_EQ(fingerprint_of(path), expected);
  const fs::path occupied = folder_.write("occupied", "a file where the cache folder should be");
  setenv("XDG_CACHE_HOME", occupied.c_str(), 1);
  EXPECT_EQ(fingerprint_of(path), expected);
}

}  // namespace
}  // namespace sizeup
