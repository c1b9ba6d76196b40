#include "tasks/text/python_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <deque>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

// PCRE2's own limit counts anew at each start position, so a quadratic search over a long text is not
// limited by it. Automatic callouts see every step of the pattern: the budget counts steps and the characters
// walked between them, over the whole search. 30 million is about half a second.
constexpr int64_t kWorkBudget = 30'000'000;
constexpr uint32_t kMatchLimit = 5'000'000;
constexpr uint32_t kHeapLimitKib = 64 * 1024;
constexpr size_t kMaxPatternBytes = 64 * 1024;

struct Work {
  int64_t spent = 0;
  size_t last_position = 0;
};

int count_work(pcre2_callout_block* block, void* data) {
  auto& work = *static_cast<Work*>(data);
  const size_t position = block->current_position;
  work.spent += 1 + static_cast<int64_t>(position > work.last_position ? position - work.last_position : 0);
  work.last_position = position;
  return work.spent > kWorkBudget ? PCRE2_ERROR_CALLOUT : 0;
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};

}  // namespace

struct PythonRegex::Code {
  std::unique_ptr<pcre2_code, FreeCode> compiled;
  uint32_t groups = 0;
};

PythonRegex::PythonRegex(std::unique_ptr<Code> code) : code_(std::move(code)) {}
PythonRegex::PythonRegex(PythonRegex&&) noexcept = default;
PythonRegex& PythonRegex::operator=(PythonRegex&&) noexcept = default;
PythonRegex::~PythonRegex() = default;

Result<PythonRegex> PythonRegex::compile(std::string_view pattern, const std::string& place) {
  if (pattern.size() > kMaxPatternBytes) {
    return bad_input(place, "the pattern is too long", fmt::format("at most {} bytes", kMaxPatternBytes));
  }
  Result<std::string> translated = translate_python_pattern(pattern, place);
  if (!translated) return forward_error(translated);
  // The newline convention and the nesting limit are choices of the library's build: Python's are set here.
  const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), 100);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_AUTO_CALLOUT, &error, &offset, context.get());
  if (code == nullptr) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(error, message, sizeof message);
    return bad_input(place, fmt::format("the pattern '{}' is not a regular expression: {}", pattern,
                                        reinterpret_cast<const char*>(message)));
  }
  auto owner = std::make_unique<Code>();
  owner->compiled.reset(code);
  pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &owner->groups);
  return PythonRegex(std::move(owner));
}

bool PythonRegex::scan(std::string_view text, const std::function<bool(const size_t*)>& visit) const {
  const std::unique_ptr<pcre2_match_data, FreeData> data(
      pcre2_match_data_create_from_pattern(code_->compiled.get(), nullptr));
  const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
  Work work;
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  pcre2_set_callout(context.get(), count_work, &work);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t position = 0;
  uint32_t options = PCRE2_NO_UTF_CHECK;
  while (position <= text.size()) {
    work.last_position = position;
    const int count = pcre2_match(code_->compiled.get(), subject, text.size(), position, options, data.get(),
                                  context.get());
    if (count == PCRE2_ERROR_NOMATCH) return true;
    if (count < 0) return false;
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data.get());
    if (!visit(offsets)) return true;
    // After an empty match Python looks for one that does not end where it starts, from the same place.
    const bool empty = offsets[0] == offsets[1];
    options = PCRE2_NO_UTF_CHECK | (empty ? PCRE2_NOTEMPTY_ATSTART : 0);
    position = offsets[1];
    if (empty && position == text.size()) return true;
  }
  return true;
}

PythonRegex::Found PythonRegex::found_at(std::string_view text, const size_t* offsets) const {
  Found found;
  for (uint32_t group = code_->groups == 0 ? 0 : 1; group <= code_->groups; ++group) {
    const size_t begin = offsets[2 * group];
    const bool set = begin != PCRE2_UNSET;
    found.push_back(set ? std::string(text.substr(begin, offsets[2 * group + 1] - begin)) : std::string());
  }
  return found;
}

std::vector<PythonRegex::Found> PythonRegex::find_all(std::string_view text) const {
  std::vector<Found> all;
  const bool finished = scan(text, [&](const size_t* offsets) {
    all.push_back(found_at(text, offsets));
    return true;
  });
  if (!finished) all.clear();
  return all;
}

std::optional<PythonRegex::Found> PythonRegex::find(std::string_view text, int index) const {
  // From the front the search stops at the match asked for; from the back only the last few are kept.
  const size_t kept = index < 0 ? static_cast<size_t>(-static_cast<int64_t>(index)) : 1;
  int64_t seen = 0;
  std::deque<Found> last;
  const bool finished = scan(text, [&](const size_t* offsets) {
    const int64_t number = seen++;
    if (index >= 0 && number < index) return true;
    last.push_back(found_at(text, offsets));
    if (last.size() > kept) last.pop_front();
    return index < 0;
  });
  if (!finished || last.empty()) return std::nullopt;
  if (index < 0 && last.size() < kept) return std::nullopt;
  return std::move(last.front());
}

std::string PythonRegex::replace_in(std::string_view text, std::string_view replacement) const {
  std::string out;
  size_t copied = 0;
  const bool finished = scan(text, [&](const size_t* offsets) {
    out += text.substr(copied, offsets[0] - copied);
    out += replacement;
    copied = offsets[1];
    return true;
  });
  if (!finished) return std::string(text);
  out += text.substr(copied);
  return out;
}

}  // namespace sizeup
