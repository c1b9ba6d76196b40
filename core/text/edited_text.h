// A text as others may see it: bad bytes repaired, patterns masked; offsets into the original text still find
// their place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

inline constexpr std::string_view kMask = "[redacted]";

class EditedText {
 public:
  explicit EditedText(std::string_view original);

  // Replaces the bytes [begin, end) of the present text.
  struct Edit {
    size_t begin;
    size_t end;
    std::string replacement;
  };
  void apply(const std::vector<Edit>& edits);  // in ascending order, not overlapping

  const std::string& text() const { return text_; }
  bool repaired() const { return repaired_; }

  // Where a byte offset of the original lies now, in UTF-16 code units. An offset inside something that was
  // replaced moves to its start, or to its end if `is_end`.
  int64_t utf16_offset(size_t original, bool is_end) const;

 private:
  struct Step {
    std::vector<Edit> edits;
  };
  std::string text_;
  std::vector<Step> steps_;
  bool repaired_ = false;
};

// The patterns of --redact.
class Redactor {
 public:
  // PCRE2 syntax. usage error if one does not compile.
  static Result<Redactor> compile(const std::vector<std::string>& patterns);
  Redactor(Redactor&&) noexcept;
  Redactor& operator=(Redactor&&) noexcept;
  ~Redactor();

  bool active() const;
  // Masks every match. A text on which a pattern exceeds its limit of work is masked whole: better too much.
  void redact(EditedText& text) const;
  std::string redacted(std::string_view text) const;  // repaired too

 private:
  struct Pattern;
  explicit Redactor(std::vector<Pattern> patterns);
  std::vector<Pattern> patterns_;
};

}  // namespace sizeup
