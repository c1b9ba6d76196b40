// Tasks without files. "choice": three letters, the right one is row % 3. "write": the right answer is "0" or
// "1"; set metric "share_of_ones". "read": a rolling text.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/io/sha256.h"
#include "tasks/task.h"

namespace sizeup {

class ListReader : public SampleReader {
 public:
  explicit ListReader(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  Result<std::optional<Sample>> next() override {
    if (read_ == samples_.size()) return std::optional<Sample>();
    return std::optional(std::move(samples_[read_++]));
  }

 private:
  std::vector<Sample> samples_;
  size_t read_ = 0;
};

class FakeTask : public Task {
 public:
  FakeTask(std::string name, OutputType type, int documents, std::string system = "")
      : name_(std::move(name)), type_(type), documents_(documents), system_(std::move(system)) {}

  const std::string& name() const override { return name_; }
  const std::string& description() const override { return name_; }
  OutputType output_type() const override { return type_; }
  std::vector<std::string> slice_fields() const override { return fields; }
  std::vector<MetricInfo> metrics() const override {
    if (type_ == OutputType::generate_until) {
      return {
          {"exact_match", "", true, true}, {"length", "", true, true}, {"share_of_ones", "", true, false}};
    }
    if (type_ == OutputType::loglikelihood_rolling) return {{"logprob", "", true, true}};
    return {{"acc", "", true, true}};
  }
  std::string definition_hash() const override { return "definition of " + name_; }
  std::string data_hash() const override { return "data of " + name_; }
  std::string version() const override { return "1"; }
  std::string answer_schema() const override { return R"({"type":"string"})"; }

  std::unique_ptr<SampleReader> read_samples(int64_t limit, BadRows*) const override {
    return std::make_unique<ListReader>(made_samples(limit));
  }

  virtual std::vector<Sample> made_samples(int64_t limit) const {
    std::vector<Sample> samples;
    const int64_t count = limit == 0 ? documents_ : std::min<int64_t>(limit, documents_);
    for (int64_t i = 0; i < count; ++i) samples.push_back(sample(i));
    return samples;
  }

  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
    Scored scored;
    scored.confidence = std::numeric_limits<double>::quiet_NaN();
    if (type_ == OutputType::generate_until) {
      scored.answer = replies[0].text;
      scored.no_answer = scored.answer.empty();
      scored.scores["exact_match"] = scored.answer == sample.target ? 1.0 : 0.0;
      scored.scores["length"] = 0.5 + static_cast<double>(sample.index);
      scored.details["predicted"] = scored.answer;
    } else if (type_ == OutputType::loglikelihood_rolling) {
      scored.scores["logprob"] = replies[0].logprob;
    } else {
      const auto best = std::max_element(replies.begin(), replies.end(), [](const Reply& a, const Reply& b) {
        return a.logprob < b.logprob;
      });
      const auto chosen = best - replies.begin();
      scored.answer = std::string(1, static_cast<char>('A' + chosen));
      scored.scores["acc"] = scored.answer == sample.target ? 1.0 : 0.0;
      scored.details["predicted"] = scored.answer;
    }
    return scored;
  }

  double aggregate(const std::string& metric, const std::vector<const Scored*>& scored) const override {
    double total = 0.0;
    for (const Scored* one : scored) total += one->scores.at(metric);
    return total / static_cast<double>(scored.size());
  }

  // share_of_ones: predictions "1" and others are the two distinct samples.
  SetMetric set_metric(const std::string&, const std::vector<const Scored*>& scored) const override {
    if (share)
      return {{1},
              [hits = share->hits, of = share->of](std::span<const int64_t>) {
                return static_cast<double>(hits) / static_cast<double>(of);
              },
              share};
    SetMetric set;
    set.counts = {0, 0};
    for (const Scored* one : scored) ++set.counts[one->details.at("predicted") == "1" ? 0 : 1];
    set.value = [](std::span<const int64_t> counts) {
      return static_cast<double>(counts[0]) / static_cast<double>(counts[0] + counts[1]);
    };
    return set;
  }

  std::vector<std::string> fields = {"parity"};
  std::optional<ShareCount> share;  // share_of_ones is this share, whatever was answered

 private:
  Sample sample(int64_t i) const {
    Sample sample;
    sample.id = std::to_string(i);
    sample.index = i;
    sample.source = "source";
    sample.document_hash = sha256_hex(name_ + sample.id);
    sample.prompt = {system_, "question " + std::to_string(i) + " of " + name_};
    sample.slices = {{"parity", i % 2 == 0 ? "even" : "odd"}};
    if (type_ == OutputType::generate_until) {
      sample.asks.emplace_back(AskGenerate{});
      sample.target = std::to_string(i % 2);
    } else if (type_ == OutputType::loglikelihood_rolling) {
      sample.asks.emplace_back(AskText{});
    } else {
      for (const char* letter : {"A", "B", "C"}) sample.asks.emplace_back(AskScore{" ", letter});
      sample.target = std::string(1, static_cast<char>('A' + i % 3));
      sample.gold = {static_cast<int>(i % 3)};
    }
    return sample;
  }

  std::string name_;
  OutputType type_;
  int documents_;
  std::string system_;
};

}  // namespace sizeup
