#include "tasks/metrics/likelihood.h"

#include <cmath>
#include <numbers>

#include "core/jinja/text.h"

namespace sizeup {
namespace {

// len(re.split(r"\s+", text)): runs of white space, plus one.
int64_t count_words(std::string_view text) {
  int64_t words = 1;
  bool in_space = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = jinja::decode_at(text, at);
    const bool space = jinja::is_space(next.value);
    if (space && !in_space) ++words;
    in_space = space;
    at += next.bytes;
  }
  return words;
}

}  // namespace

void score_perplexity(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.number("logprob", input.replies[0].logprob);
}

// Words and bytes of the original text, whatever the tokenizer made of it.
void score_rolling(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const Sample& sample = input.sample;
  const std::string& text = sample.counted_text ? *sample.counted_text : sample.prompt.user;
  out.number("logprob", input.replies[0].logprob);
  out.number("words", static_cast<double>(count_words(text)));
  out.number("bytes", static_cast<double>(text.size()));
}

void score_source_gain(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  if (input.replies.size() < 2) return;
  const auto mean = [&](size_t reply) {
    return input.replies[reply].logprob / static_cast<double>(input.replies[reply].tokens);
  };
  const double gain = mean(0) - mean(1);
  if (!std::isfinite(gain)) return;
  out.score(kSourceGain, gain);
  out.number("with_source", mean(0));
  out.number("without_source", mean(1));
}

double aggregate_perplexity(const ScoredSet& set) {
  return std::exp(-set.sum("logprob") / static_cast<double>(set.with("logprob")));
}

double aggregate_word_perplexity(const ScoredSet& set) {
  return std::exp(-set.sum("logprob") / set.sum("words"));
}

double aggregate_byte_perplexity(const ScoredSet& set) {
  return std::exp(-set.sum("logprob") / set.sum("bytes"));
}

double aggregate_bits_per_byte(const ScoredSet& set) {
  return -set.sum("logprob") / set.sum("bytes") / std::numbers::ln2;
}

}  // namespace sizeup
