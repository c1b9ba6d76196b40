// Opening tokenizers for tests.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <string>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"
#include "tests/support/files.h"

namespace sizeup {

// The tokenizer of a file or folder.
struct OpenTokenizer {
  std::unique_ptr<Tokenizer> tokenizer;
  std::string error;  // empty if it is there
};

inline OpenTokenizer open_tokenizer(const std::filesystem::path& path) {
  OpenTokenizer result;
  auto tokenizer = load_tokenizer(path);
  if (tokenizer) {
    result.tokenizer = std::move(*tokenizer);
  } else {
    result.error = describe(tokenizer.error());
  }
  return result;
}

// The content of a file, unpacked where its name ends in .gz.
inline std::string read_packed(const std::filesystem::path& path) {
  std::string content;
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) return content;
  char buffer[1 << 16];
  for (int count = gzread(file, buffer, sizeof buffer); count > 0;
       count = gzread(file, buffer, sizeof buffer)) {
    content.append(buffer, static_cast<size_t>(count));
  }
  gzclose(file);
  return content;
}

// The tokenizer of a file that may be packed: NAME, or NAME.gz written to a folder of our own.
class Unpacked {
 public:
  explicit Unpacked(const std::filesystem::path& path) {
    std::filesystem::path used = path;
    if (!std::filesystem::exists(path))
      used = folder_.write(path.filename().string(), read_packed(path.string() + ".gz"));
    opened = open_tokenizer(path.filename() == "tokenizer.json" ? used.parent_path() : used);
  }

  OpenTokenizer opened;

 private:
  TemporaryFolder folder_;
};

// Text as it stands: nothing added, special tokens not parsed.
inline std::vector<Token> plain(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_special = false, .parse_special = false});
}

}  // namespace sizeup
