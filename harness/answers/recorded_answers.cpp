#include "harness/answers/recorded_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "backends/registry.h"
#include "core/io/sha256.h"
#include "harness/answers/answer_file.h"

namespace sizeup {
namespace {

Result<AnswerFileOptions> options_of(const ModelReference& reference) {
  AnswerFileOptions options;
  for (const auto& [key, value] : reference.options) {
    if (key == "answer") {
      options.answer = value;
    } else if (key == "id") {
      options.id = value;
    } else if (key == "currency") {
      options.currency = value;
    } else if (key != "now") {  // what templates see as the time; there are none
      return usage_error(fmt::format("model '{}': recorded answers have no option '{}'", reference.text, key),
                         "answer=FIELD, id=FIELD, currency=EUR");
    }
  }
  return options;
}

// Where a model would have stopped: before the first of the stop texts.
void cut(std::string& text, const std::vector<std::string>& stops) {
  size_t end = text.size();
  for (const std::string& stop : stops) end = std::min(end, text.find(stop));
  text.resize(end);
}

class RecordedAnswers : public Backend {
 public:
  RecordedAnswers(const ModelReference& reference, const AnswerFileOptions& options, AnswerFile file)
      : file_(std::move(file)) {
    card_.name = reference.name;
    card_.reference = reference.text;
    card_.fingerprint = sha256_hex(fmt::format("{}\n{}\n{}", file_.hash, options.answer, options.id));
    card_.backend = "answers";
    card_.can_generate = true;
    card_.has_chat_template = true;  // whatever it was: it does not stand in the way of the other models
    card_.recorded = true;
    card_.has_latencies = file_.has_latencies;
    card_.currency = file_.currency;
    card_.notes = file_.notes;
  }

  const ModelCard& card() const override { return card_; }

  Result<std::string> render(const Prompt& prompt) const override {
    if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
    std::string joined;
    for (const ChatMessage& message : std::get<std::vector<ChatMessage>>(prompt)) joined += message.content;
    return joined;
  }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions&,
                        std::stop_token stop) override {
    std::vector<Request> requests;
    std::set<std::string> tasks;
    while (std::optional<Request> request = source.next()) {
      tasks.insert(request->asked_for.task);
      requests.push_back(std::move(*request));
    }
    if (!file_.names_tasks && tasks.size() > 1) {
      return unavailable(card_.reference,
                         fmt::format("the answers name no task, and the run has {}", tasks.size()),
                         "a field 'task' in the file, or a run for each task");
    }
    if (!one_fits_ && !requests.empty()) {
      if (Result<void> fits = check_one_fits(requests); !fits) return forward_error(fits);
      one_fits_ = true;
    }
    for (const Request& request : requests) {
      if (stop.stop_requested()) break;
      sink.on_response(answer(request));
    }
    return RunCounts{};
  }

 private:
  // Where the answers to what is asked stand in the file.
  struct Key {
    std::string task;
    std::string document;
  };
  Key key_of(const AskedFor& asked) const {
    return {file_.names_tasks ? asked.task : std::string(),
            file_.by_row ? std::to_string(asked.row) : asked.document};
  }

  Result<RecordedAnswer> recorded(const AskedFor& asked) {
    const Key key = key_of(asked);
    Result<std::optional<RecordedAnswer>> found = file_.answers.find(key.task, key.document, asked.answer);
    if (!found) return forward_error(found);
    if (*found) return std::move(**found);
    Result<int64_t> count = file_.answers.count(key.task, key.document);
    if (!count) return forward_error(count);
    return unavailable("", *count == 0
                               ? "no answer is recorded for this document"
                               : fmt::format("only {} answers are recorded for this document", *count));
  }

  Response answer(const Request& request) {
    Response response;
    response.id = request.id;
    const auto* asked = std::get_if<Generate>(&request.ask);
    const auto failed = [&](std::string message) {
      response.error = Error{ErrorKind::unavailable, "", std::move(message), "", ""};
      return response;
    };
    if (asked == nullptr) return failed("recorded answers have no probabilities of given texts");
    Result<RecordedAnswer> found = recorded(request.asked_for);
    if (!found) return failed(found.error().message);
    if (found->error) return failed(*found->error);
    response.text = std::move(found->text);
    cut(response.text, asked->stop);
    response.finish = FinishReason::stop;
    response.prompt_tokens = found->prompt_tokens.value_or(0);
    response.completion_tokens = found->completion_tokens.value_or(0);
    response.cost = found->cost;
    response.timing.total_ms = found->total_ms.value_or(std::numeric_limits<double>::quiet_NaN());
    response.timing.ttft_ms = found->ttft_ms.value_or(response.timing.total_ms);
    return response;
  }

  Result<void> check_one_fits(const std::vector<Request>& requests) {
    for (const Request& request : requests) {
      const Key key = key_of(request.asked_for);
      Result<int64_t> count = file_.answers.count(key.task, key.document);
      if (!count) return forward_error(count);
      if (*count > 0) return {};
    }
    Result<std::optional<std::string>> held = file_.answers.first_document();
    if (!held) return forward_error(held);
    return bad_input(card_.reference, "no document of the task has an answer in the file",
                     fmt::format("the ids of the documents, such as '{}'; the file has '{}'",
                                 key_of(requests.front().asked_for).document, held->value_or("none")),
                     "FILE?id=FIELD names the field with the documents' ids; without ids the order counts");
  }

  AnswerFile file_;
  ModelCard card_;
  bool one_fits_ = false;  // a later portion of a run may have no answer at all
};

}  // namespace

Result<std::unique_ptr<Backend>> open_recorded_answers(const ModelReference& reference) {
  Result<AnswerFileOptions> options = options_of(reference);
  if (!options) return forward_error(options);
  Result<AnswerFile> file = read_answer_file(reference.target, *options);
  if (!file) return forward_error(file);
  return std::make_unique<RecordedAnswers>(reference, *options, std::move(*file));
}

Result<std::unique_ptr<Backend>> open_model(const ModelReference& reference) {
  return reference.scheme == "answers" ? open_recorded_answers(reference) : open_backend(reference);
}

}  // namespace sizeup
