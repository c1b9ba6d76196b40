#include "backends/engine/text_windows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "backends/engine/plan/step_builder.h"
#include "core/errors/result.h"

namespace sizeup {

TextWindows::TextWindows(std::vector<Token> tokens, int length, std::optional<Token> first)
    : tokens_(std::move(tokens)), length_(length), first_(first) {
  require(length_ >= 4, "a window has a second half to score");
}

std::vector<Token> TextWindows::window(int index) const {
  require(index >= 0 && index < count(), "a window of the text");
  const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(index) * length_;
  std::vector<Token> window(begin, begin + length_);
  if (first_) window.front() = *first_;
  return window;
}

std::vector<Step> window_steps(const std::vector<Token>& window, int first_scored, const StepLimits& limits) {
  const int rows = static_cast<int>(window.size()) - 1;
  std::vector<int32_t> pages(static_cast<size_t>(pages_for(rows)));
  std::iota(pages.begin(), pages.end(), 0);
  std::vector<Step> steps;
  StepBuilder builder(limits.earlier_tokens);
  for (int position = 0; position < rows;) {
    // Up to the first scored position nothing is wanted, so that rows alone bound the step.
    const bool scored = position >= first_scored;
    const int most = scored ? std::min(limits.rows, limits.wanted) : limits.rows;
    const int end = std::min(position + std::max(1, most), scored ? rows : std::min(rows, first_scored));
    builder.clear();
    const int32_t table = builder.add_table(pages, 0);
    for (; position < end; ++position) {
      builder.add_row(window, position, table);
      if (scored) builder.want_last_row().distribution = true;
    }
    builder.set_counts(static_cast<int32_t>(pages.size()), 1);
    steps.push_back(builder.step());
  }
  return steps;
}

}  // namespace sizeup
