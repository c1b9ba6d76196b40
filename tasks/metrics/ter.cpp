#include "tasks/metrics/ter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "core/jinja/text.h"
#include "tasks/metrics/ngrams.h"

namespace sizeup {
namespace {

// Tercom's and sacrebleu's limits of the search, which are part of the definition.
constexpr size_t kLongestShift = 10;
constexpr size_t kFarthestShift = 50;
constexpr int kMostCandidates = 1000;
constexpr double kBeam = 25.0;
// Ours: a thousand candidates of four thousand words in a beam of fifty are two hundred million steps.
constexpr size_t kMostWords = 4'000;

using Words = std::vector<uint32_t>;

enum class Edit : uint8_t { none, keep, replace, remove, insert };  // of the answer's words

// The edits of the answer that lead to the expected text, near the diagonal of their table.
class Alignment {
 public:
  explicit Alignment(const Words& expected) : expected_(expected) {}

  int64_t distance(const Words& answer) { return fill(answer, nullptr); }

  // From the front to the back of both texts.
  std::vector<Edit> edits(const Words& answer) {
    const size_t columns = expected_.size() + 1;
    std::vector<Edit> table((answer.size() + 1) * columns, Edit::none);
    std::fill_n(table.begin(), columns, Edit::insert);
    fill(answer, &table);
    std::vector<Edit> found;
    for (size_t i = answer.size(), j = expected_.size(); i > 0 || j > 0;) {
      const Edit edit = table[i * columns + j];
      found.push_back(edit);
      if (edit != Edit::insert) --i;
      if (edit != Edit::remove) --j;
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max() / 2;

  int64_t fill(const Words& answer, std::vector<Edit>* table) {
    const size_t columns = expected_.size() + 1;
    above_.resize(columns);
    row_.resize(columns);
    for (size_t j = 0; j < columns; ++j) above_[j] = static_cast<int64_t>(j);
    const double ratio =
        answer.empty() ? 1.0 : static_cast<double>(expected_.size()) / static_cast<double>(answer.size());
    // Wide enough for the beams of neighbouring rows to meet.
    const double beam = kBeam < ratio / 2.0 ? std::ceil(ratio / 2.0 + kBeam) : kBeam;
    size_t known = columns;  // where what the row above holds ends
    for (size_t i = 1; i <= answer.size(); ++i) {
      const double diagonal = std::floor(static_cast<double>(i) * ratio);
      const auto begin = static_cast<size_t>(std::max(0.0, diagonal - beam));
      const size_t end =
          i == answer.size() ? columns : std::min(columns, static_cast<size_t>(diagonal + beam));
      for (size_t j = known; j < end; ++j) above_[j] = kNever;
      if (begin > 0) row_[begin - 1] = kNever;
      for (size_t j = begin; j < end; ++j) {
        const auto [cost, edit] = best(answer[i - 1], j);
        row_[j] = cost;
        if (table != nullptr) (*table)[i * columns + j] = edit;
      }
      known = end;
      std::swap(above_, row_);
    }
    return above_.back();
  }

  // Of equal costs the first.
  std::pair<int64_t, Edit> best(uint32_t word, size_t j) const {
    if (j == 0) return {above_[0] + 1, Edit::remove};
    const bool equal = word == expected_[j - 1];
    std::pair found = {above_[j - 1] + (equal ? 0 : 1), equal ? Edit::keep : Edit::replace};
    if (above_[j] + 1 < found.first) found = {above_[j] + 1, Edit::remove};
    if (row_[j - 1] + 1 < found.first) found = {row_[j - 1] + 1, Edit::insert};
    return found;
  }

  const Words& expected_;
  std::vector<int64_t> above_;
  std::vector<int64_t> row_;
};

// What an alignment says about single words.
struct Errors {
  std::vector<bool> answer;
  std::vector<bool> expected;
  std::vector<size_t> place;  // expected word -> number of answer words up to its counterpart

  explicit Errors(const std::vector<Edit>& edits) {
    for (const Edit edit : edits) {
      const bool wrong = edit != Edit::keep;
      if (edit != Edit::insert) answer.push_back(wrong);
      if (edit == Edit::remove) continue;
      expected.push_back(wrong);
      place.push_back(answer.size());
    }
  }
};

bool any(const std::vector<bool>& flags, size_t begin, size_t length) {
  const auto first = flags.begin() + static_cast<ptrdiff_t>(begin);
  return std::find(first, first + static_cast<ptrdiff_t>(length), true) !=
         first + static_cast<ptrdiff_t>(length);
}

// The words from `start` taken out and put before `target`; a target among them is counted from their end.
Words shifted(Words words, size_t start, size_t length, size_t target) {
  const auto at = [&](size_t index) {
    return words.begin() + static_cast<ptrdiff_t>(std::min(index, words.size()));
  };
  if (target < start) {
    std::rotate(at(target), at(start), at(start + length));
  } else {
    std::rotate(at(start), at(start + length), at(target > start + length ? target : target + length));
  }
  return words;
}

class ShiftSearch {
 public:
  explicit ShiftSearch(const Words& expected) : expected_(expected), alignment_(expected) {}

  int64_t edits(Words answer) {
    int64_t shifts = 0;
    while (shift(answer)) ++shifts;
    return shifts + alignment_.distance(answer);
  }

 private:
  // Moves the words whose move saves most; false if none does, or the search has become too long.
  bool shift(Words& answer) {
    best_ = {0, 0, 0, 0};
    found_ = false;
    before_ = alignment_.distance(answer);
    const Errors errors(alignment_.edits(answer));
    visit_pairs(answer, errors);
    if (candidates_ >= kMostCandidates || !found_ || std::get<0>(best_) <= 0) return false;
    answer = best_words_;
    return true;
  }

  // All runs of words that both texts have, not too far apart.
  void visit_pairs(const Words& answer, const Errors& errors) {
    for (size_t i = 0; i < answer.size(); ++i) {
      const size_t first = i < kFarthestShift ? 0 : i - kFarthestShift;
      const size_t end = std::min(expected_.size(), i + kFarthestShift + 1);
      for (size_t j = first; j < end; ++j) {
        for (size_t length = 1;
             length <= kLongestShift && i + length <= answer.size() && j + length <= expected_.size() &&
             answer[i + length - 1] == expected_[j + length - 1];
             ++length) {
          try_shift(answer, errors, i, j, length);
          if (candidates_ >= kMostCandidates) return;
        }
      }
    }
  }

  void try_shift(const Words& answer, const Errors& errors, size_t start, size_t expected, size_t length) {
    // Only words that are wrong here and missed there, and not within themselves.
    if (!any(errors.answer, start, length) || !any(errors.expected, expected, length)) return;
    const size_t place = errors.place[expected];
    if (place > start && place <= start + length) return;
    size_t tried = std::numeric_limits<size_t>::max();
    for (size_t offset = 0; offset <= length; ++offset) {
      const size_t word = expected + offset;  // one after the expected word that it is put behind
      if (word > errors.place.size()) break;
      const size_t target = word == 0 ? 0 : errors.place[word - 1];
      if (target == tried) continue;
      tried = target;
      ++candidates_;
      Words words = shifted(answer, start, length, target);
      // The largest gain, the longest run, from and to as far ahead as can be.
      const std::tuple rank(before_ - alignment_.distance(words), static_cast<int64_t>(length),
                            -static_cast<int64_t>(start), -static_cast<int64_t>(target));
      if (found_ && rank <= best_) continue;
      found_ = true;
      best_ = rank;
      best_words_ = std::move(words);
    }
  }

  const Words& expected_;
  Alignment alignment_;
  int candidates_ = 0;
  int64_t before_ = 0;
  bool found_ = false;
  std::tuple<int64_t, int64_t, int64_t, int64_t> best_;
  Words best_words_;
};

}  // namespace

int64_t translation_edits(std::string_view expected, std::string_view answer) {
  const std::string wanted_text = jinja::to_lower(expected);
  const std::string given_text = jinja::to_lower(answer);
  WordNumbers vocabulary;
  Words wanted = vocabulary.numbers(jinja::split_words(wanted_text, -1));
  Words given = vocabulary.numbers(jinja::split_words(given_text, -1));
  if (wanted.empty()) return static_cast<int64_t>(given.size());
  const size_t longest = std::max(wanted.size(), given.size());
  wanted.resize(std::min(wanted.size(), kMostWords));
  given.resize(std::min(given.size(), kMostWords));
  const size_t rest = longest - std::min(longest, kMostWords);
  return ShiftSearch(wanted).edits(std::move(given)) + static_cast<int64_t>(rest);
}

void score_ter(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  if (input.sample.accepted.empty()) return;
  int64_t least = std::numeric_limits<int64_t>::max();
  double words = 0.0;
  for (const std::string& accepted : input.sample.accepted) {
    least = std::min(least, translation_edits(accepted, input.answer));
    words += static_cast<double>(jinja::split_words(accepted, -1).size());
  }
  out.number("ter_edits", static_cast<double>(least));
  out.number("ter_words", words / static_cast<double>(input.sample.accepted.size()));
}

double aggregate_ter(const ScoredSet& set) {
  if (set.size() == 0) return std::numeric_limits<double>::quiet_NaN();
  const double edits = set.sum("ter_edits");
  const double words = set.sum("ter_words");
  if (words == 0.0) return edits == 0.0 ? 0.0 : 100.0;
  return 100.0 * edits / words;
}

}  // namespace sizeup
