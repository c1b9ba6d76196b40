#include "core/text/edited_text.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>

#include "core/text/utf8.h"

namespace sizeup {

EditedText::EditedText(std::string_view original) : text_(original) {
  std::vector<Edit> repairs;
  for (size_t at = 0; at < original.size();) {
    if (static_cast<unsigned char>(original[at]) < 0x80) {  // most texts are nothing else
      ++at;
      continue;
    }
    if (const auto next = decode_utf8(original.substr(at))) {
      at += next->bytes;
      continue;
    }
    const size_t length = invalid_utf8_length(original.substr(at));
    repairs.push_back({at, at + length, "\ufffd"});
    at += length;
  }
  repaired_ = !repairs.empty();
  apply(repairs);
}

void EditedText::apply(const std::vector<Edit>& edits) {
  if (edits.empty()) return;
  std::string out;
  size_t at = 0;
  for (const Edit& edit : edits) {
    require(edit.begin >= at && edit.end >= edit.begin && edit.end <= text_.size(),
            "edits are in order and inside the text");
    out.append(text_, at, edit.begin - at);
    out += edit.replacement;
    at = edit.end;
  }
  out.append(text_, at);
  text_ = std::move(out);
  steps_.push_back({edits});
}

int64_t EditedText::utf16_offset(size_t original, bool is_end) const {
  size_t offset = original;
  for (const Step& step : steps_) {
    size_t moved = offset;
    for (const Edit& edit : step.edits) {
      if (edit.begin >= offset) break;
      if (offset >= edit.end) {
        moved = moved + edit.replacement.size() - (edit.end - edit.begin);
        continue;
      }
      // Inside this edit: everything before it has been counted already.
      moved -= offset - edit.begin;
      if (is_end) moved += edit.replacement.size();
      break;
    }
    offset = moved;
  }
  offset = std::min(offset, text_.size());
  // Never inside a character: a stored offset may be wrong, a shown one must not split a text.
  while (offset > 0 && offset < text_.size() && (static_cast<unsigned char>(text_[offset]) & 0xC0) == 0x80)
    --offset;
  return utf16_length(std::string_view(text_).substr(0, offset));
}

namespace {

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

struct Redactor::Pattern {
  std::unique_ptr<pcre2_code, FreeCode> code;
};

Redactor::Redactor(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {}
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor& Redactor::operator=(Redactor&&) noexcept = default;
Redactor::~Redactor() = default;

bool Redactor::active() const {
  return !patterns_.empty();
}

Result<Redactor> Redactor::compile(const std::vector<std::string>& patterns) {
  std::vector<Pattern> compiled;
  for (const std::string& pattern : patterns) {
    int error = 0;
    PCRE2_SIZE place = 0;
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                     PCRE2_UTF | PCRE2_UCP, &error, &place, nullptr);
    if (code == nullptr) {
      std::array<PCRE2_UCHAR, 256> message{};
      pcre2_get_error_message(error, message.data(), message.size());
      return usage_error(fmt::format("--redact '{}': {} (at character {})", pattern,
                                     reinterpret_cast<const char*>(message.data()), place),
                         "the syntax is that of Perl's regular expressions");
    }
    compiled.push_back({std::unique_ptr<pcre2_code, FreeCode>(code)});
  }
  return Redactor(std::move(compiled));
}

void Redactor::redact(EditedText& text) const {
  if (!active()) return;
  constexpr uint32_t kMostSteps = 2'000'000;  // of one search: patterns and texts may be hostile together
  const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
  require(context != nullptr, "PCRE2 has memory");
  pcre2_set_match_limit(context.get(), kMostSteps);
  for (const Pattern& pattern : patterns_) {
    const std::unique_ptr<pcre2_match_data, FreeMatch> match(
        pcre2_match_data_create_from_pattern(pattern.code.get(), nullptr));
    require(match != nullptr, "PCRE2 has memory");
    const std::string& subject = text.text();
    std::vector<EditedText::Edit> edits;
    for (size_t at = 0; at <= subject.size();) {
      const int found = pcre2_match(pattern.code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                    subject.size(), at, 0, match.get(), context.get());
      if (found == PCRE2_ERROR_NOMATCH) break;
      if (found < 0) {
        edits = {{0, subject.size(), std::string(kMask)}};
        break;
      }
      const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match.get());
      // \K in a look-ahead can end a match before it starts; what matched nothing masks nothing.
      const bool sane = ends[0] >= at && ends[1] > ends[0];
      if (sane) {
        edits.push_back({ends[0], ends[1], std::string(kMask)});
        at = ends[1];
      } else {
        const auto next = decode_utf8(
            std::string_view(subject).substr(std::min(std::max(at, size_t{ends[1]}), subject.size())));
        at = std::max(at, size_t{ends[1]}) + (next ? next->bytes : 1);
      }
    }
    text.apply(edits);
  }
}

std::string Redactor::redacted(std::string_view text) const {
  EditedText edited(text);
  redact(edited);
  return edited.text();
}

}  // namespace sizeup
