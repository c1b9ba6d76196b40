#include "harness/run/batch.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/io/sha256.h"
#include "harness/run/scoring.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

// Of these samples (at least one; others may be among them), by their ids in the store.
Result<std::unordered_set<int64_t>> finished_samples(const Store& store, int64_t evaluation_id,
                                                     std::span<const int64_t> ids, Cache cache) {
  const auto [first, last] = std::ranges::minmax(ids);
  Result<std::vector<int64_t>> finished = cache == Cache::ignore
                                              ? read_timed_samples(store, evaluation_id, first, last)
                                              : read_answered_samples(store, evaluation_id, first, last);
  if (!finished) return forward_error(finished);
  return std::unordered_set<int64_t>(finished->begin(), finished->end());
}

class BatchMaker {
 public:
  BatchMaker(const RunPlan& plan, const Store& store, Cache cache)
      : plan_(plan), store_(store), cache_(cache) {}

  Result<void> add(const EvaluationPart& part) {
    const PlannedEvaluation& evaluation = *part.evaluation;
    const LoadedTask& task = plan_.tasks[evaluation.task];
    const auto places = std::span(evaluation.samples).subspan(part.first, part.last - part.first);
    std::vector<int64_t> ids;
    for (const size_t place : places) ids.push_back(task.sample_ids[place]);
    Result<std::unordered_set<int64_t>> finished = finished_samples(store_, evaluation.row.id, ids, cache_);
    if (!finished) return forward_error(finished);
    const bool written = evaluation.row.protocol == name_of(Protocol::generative) &&
                         task.task->output_type() == OutputType::multiple_choice;
    for (size_t i = 0; i < places.size(); ++i) {
      if (finished->contains(ids[i])) {
        ++batch_.samples_done;
        continue;
      }
      PendingSample pending;
      pending.evaluation = &evaluation;
      pending.task = &task;
      pending.sample = &(*task.samples)[places[i]];
      pending.sample_id = ids[i];
      pending.written_choice = written;
      if (Result<void> added = add(std::move(pending)); !added) return added;
    }
    return {};
  }

  Result<void> go_on(PendingSample pending) {
    const std::vector<Ask>& asks = pending.sample->asks;
    return ask(std::move(pending), asks);
  }

  Batch take() { return std::move(batch_); }

 private:
  // The prompt as the backend renders it; without its system message where the template refuses one.
  Result<std::string> render(const Backend& backend, Prompt& prompt) {
    Result<std::string> rendered = backend.render(prompt);
    if (rendered || std::holds_alternative<std::string>(prompt)) return rendered;
    Prompt shorter = without_system(prompt);
    Result<std::string> again = backend.render(shorter);
    if (!again) return rendered;
    ++batch_.systems_dropped;
    prompt = std::move(shorter);
    return again;
  }

  struct Rendered {
    Prompt prompt;
    std::shared_ptr<const std::string> text;
  };

  static PromptText text_of_ask(const PendingSample& pending, const Ask& ask) {
    const Sample& sample = *pending.sample;
    if (pending.written_choice) return written_question(sample).prompt;
    if (pending.asked > 0) return text_of_turn(sample, std::span(pending.replies).first(pending.asked));
    return text_of(sample, ask);
  }

  // One for all asks, or one for each where the choices end the prompt.
  Result<std::vector<Rendered>> render_all(const Backend& backend, const PendingSample& pending,
                                           const std::vector<Ask>& asks) {
    const bool rolling = std::holds_alternative<AskText>(asks.front());
    const auto* score = std::get_if<AskScore>(&asks.front());
    const size_t count = score != nullptr && score->context ? asks.size() : 1;
    std::vector<Rendered> out;
    for (size_t i = 0; i < count; ++i) {
      const PromptText asked = text_of_ask(pending, asks[i]);
      Prompt prompt = rolling ? Prompt(asked.user) : prompt_of(asked, pending.evaluation->row.chat_template);
      Result<std::string> text = render(backend, prompt);
      if (!text) return forward_error(text);
      out.push_back({std::move(prompt), std::make_shared<const std::string>(std::move(*text))});
    }
    return out;
  }

  Result<void> add(PendingSample pending) {
    const Sample& sample = *pending.sample;
    std::vector<Ask> asks = pending.written_choice ? std::vector<Ask>{written_choice()} : sample.asks;
    require(!asks.empty(), "a sample asks at least one thing");
    // Repeats are for the score; a user waits for one answer.
    if (cache_ == Cache::ignore && std::holds_alternative<AskGenerate>(asks.front())) asks.resize(1);
    pending.replies.resize(asks.size());
    return ask(std::move(pending), asks);
  }

  // Everything at once, or the next turn of a conversation.
  Result<void> ask(PendingSample pending, const std::vector<Ask>& asks) {
    const PlannedEvaluation& evaluation = *pending.evaluation;
    const LoadedTask& loaded = *pending.task;
    const Task& task = *loaded.task;
    const Backend& backend = *plan_.models[evaluation.model].backend;
    const Sample& sample = *pending.sample;
    Result<std::vector<Rendered>> prompts = render_all(backend, pending, asks);
    if (!prompts) {
      pending.error = describe(prompts.error());
      batch_.samples.push_back(std::move(pending));
      return {};
    }
    const size_t first = pending.asked;
    pending.asked = sample.later_turns.empty() ? asks.size() : first + 1;
    pending.missing = pending.asked - first;
    const size_t last = pending.asked;
    const size_t index = batch_.samples.size();
    batch_.samples.push_back(std::move(pending));
    Asking asking{evaluation.row.chat_template, plan_.asking.seed, task.truncation(), task.name()};
    asking.definition_hash = loaded.row.definition_hash;
    if (backend.card().takes_schema) asking.schema = task.answer_schema();
    std::vector<PendingRequest> requests;
    for (size_t a = first; a < last; ++a) {
      const auto& [prompt, text] = (*prompts)[std::min(a - first, prompts->size() - 1)];
      PendingRequest& request = requests.emplace_back();
      request.request = request_of(sample, asks[a], a, prompt, asking);
      request.request.asked_for.answers = static_cast<int>(last - first);
      request.generates = std::holds_alternative<Generate>(request.request.ask);
      request.prompt = text;
      request.key_json = response_key_json(backend.card(), request.request, *text);
      request.key = sha256_hex(request.key_json);
    }
    Result<bool> ask_all = lacks_some(requests, backend.card());
    if (!ask_all) return forward_error(ask_all);
    for (size_t i = 0; i < requests.size(); ++i) {
      const AskOfSample use{index, static_cast<int>(first + i)};
      Result<void> placed = place(std::move(requests[i]), use, backend.card(), *ask_all);
      if (!placed) return placed;
    }
    return {};
  }

  // Whether a router must be asked for all of them, as it decides on all: a stopped run may have stored some.
  Result<bool> lacks_some(const std::vector<PendingRequest>& requests, const ModelCard& card) const {
    if (!card.decides_by_document || requests.size() < 2) return false;
    for (const PendingRequest& request : requests) {
      if (requested_.contains(request.key)) return false;
      if (stored_.contains(request.key)) continue;
      Result<std::optional<ResponseRow>> response = store_.find_response(request.key);
      if (!response) return forward_error(response);
      if (!*response) return true;
    }
    return false;
  }

  Result<void> place(PendingRequest request, AskOfSample use, const ModelCard& card, bool ask_anyway) {
    // Every sample is measured by requests of its own; a recorded answer is at hand, with what it cost.
    if (cache_ == Cache::ignore || card.recorded) {
      send(std::move(request), use);
      return {};
    }
    if (const auto found = requested_.find(request.key); found != requested_.end()) {
      batch_.requests[found->second].uses.push_back(use);
      batch_.samples[use.sample].sent = true;
      return {};
    }
    if (!ask_anyway) {
      Result<bool> found = take_stored(request.key, use, card);
      if (!found) return forward_error(found);
      if (*found) return {};
    }
    requested_[request.key] = batch_.requests.size();
    send(std::move(request), use);
    return {};
  }

  Result<bool> take_stored(const std::string& key, AskOfSample use, const ModelCard& card) {
    if (const auto found = stored_.find(key); found != stored_.end()) {
      batch_.stored[found->second].uses.push_back(use);
      return true;
    }
    Result<std::optional<ResponseRow>> response = store_.find_response(key);
    if (!response) return forward_error(response);
    if (!*response) return false;
    stored_[key] = batch_.stored.size();
    Result<std::optional<Routed>> routed = routed_before(key, card);
    if (!routed) return forward_error(routed);
    batch_.stored.push_back({std::move(**response), *routed, {use}});
    return true;
  }

  // What a router did when it gave a stored response: the answers of that time say it.
  Result<std::optional<Routed>> routed_before(const std::string& key, const ModelCard& card) const {
    if (card.policy.empty()) return std::optional<Routed>();
    Result<std::vector<UseOfResponse>> uses = read_uses(store_, key);
    if (!uses) return forward_error(uses);
    for (const UseOfResponse& use : *uses) {
      if (const std::optional<Routed> routed = routed_in(use.details, use.ask)) return routed;
    }
    return std::optional<Routed>();
  }

  void send(PendingRequest request, AskOfSample use) {
    request.request.id = batch_.requests.size();
    request.uses = {use};
    batch_.samples[use.sample].sent = true;
    batch_.requests.push_back(std::move(request));
  }

  const RunPlan& plan_;
  const Store& store_;
  Cache cache_;
  Batch batch_;
  std::unordered_map<std::string, size_t> requested_;
  std::unordered_map<std::string, size_t> stored_;
};

}  // namespace

std::vector<std::vector<EvaluationPart>> portions_of(const std::vector<const PlannedEvaluation*>& evaluations,
                                                     size_t most) {
  std::vector<std::vector<EvaluationPart>> portions;
  size_t room = 0;
  for (const PlannedEvaluation* evaluation : evaluations) {
    for (size_t first = 0; first < evaluation->samples.size();) {
      if (room == 0) {
        portions.emplace_back();
        room = most;
      }
      const size_t count = std::min(room, evaluation->samples.size() - first);
      portions.back().push_back({evaluation, first, first + count});
      first += count;
      room -= count;
    }
  }
  return portions;
}

Result<Batch> make_batch(const RunPlan& plan, const std::vector<EvaluationPart>& parts, const Store& store,
                         Cache cache) {
  BatchMaker maker(plan, store, cache);
  for (const EvaluationPart& part : parts) {
    if (Result<void> added = maker.add(part); !added) return forward_error(added);
  }
  return maker.take();
}

Result<Batch> next_turns(const RunPlan& plan, Batch& answered, const Store& store) {
  BatchMaker maker(plan, store, Cache::use);
  for (PendingSample& sample : answered.samples) {
    if (!sample.goes_on()) continue;
    if (Result<void> asked = maker.go_on(std::move(sample)); !asked) return forward_error(asked);
  }
  return maker.take();
}

}  // namespace sizeup
