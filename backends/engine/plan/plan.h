// The plan: turns requests into steps. Prefixes are shared in a radix tree that is walked depth first in
// ragged steps under a key/value budget; generations join and leave between steps on their prompts' pages.
//
// Pages are shared by reference count. Where a branch continues a partly filled page, the page is copied, or
// taken over by the last continuation; rows of the same step that the copy lacks are written to both.
//
// Answers usually end long before their limit, so pages grow with them, one at a time. When none is free, the
// answer that began last is interrupted: it gives its pages back, and later computes again what is no longer
// held, prompt and chosen tokens alike, before it goes on. As a last resort the tree's own pages are taken;
// whoever continues them computes their rows again. What was found is never found twice.
//
// A model with recurrent layers has a state beside the pages of every node and answer that holds some: that
// after its last position. It is copied or taken over as a partly filled page is, and it cannot go back: who
// gives up pages gives up the state, so that nothing remains of them, and nothing is guessed.
//
// Greedy answers are guessed ahead (prompt_lookup.h) where that pays: several tokens of an answer then come
// from one step, each the one that the model finds most probable after those before it.
//
// Every step brings somebody nearer to the end, whatever the budget: the oldest answer is never interrupted
// and may take every page that is not its own; while there is no answer, no page of a node being computed is
// taken. So the first in line ends after finitely many steps, and then the next one is first.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "backends/engine/plan/page_pool.h"
#include "backends/engine/plan/prefix_tree.h"
#include "backends/engine/plan/prompt_lookup.h"
#include "backends/engine/plan/step_builder.h"
#include "backends/engine/plan/token_request.h"
#include "backends/engine/step.h"

namespace sizeup {

struct PlanLimits {
  int max_rows = 512;  // in one step, at least 1
  // Pages for keys and values. A request that needs more than this alone raises the limit to its need.
  int pages = 1024;
  bool share_prefixes = true;
  // So many rows cost a small step as much as reading the weights, see DeviceTraits; 0: nothing is guessed.
  int weight_rows = 0;
  // So many pages weigh as much as a state of the model's recurrent layers (device.h); 0: it has none.
  int state_pages = 0;
  int earlier_tokens = 0;  // DecoderSpec::earlier_tokens
};

struct PlanCounts {
  int64_t rows_unique = 0;    // tokens on the edges of the tree
  int64_t rows_computed = 0;  // rows of all steps: generated tokens fed back and rows computed again included
  int64_t rows_recomputed = 0;  // those of them that had been computed before and were given up for memory
  int64_t rows_drafted = 0;     // those of guessed tokens
  int64_t rows_accepted = 0;    // those of them whose token was chosen: the others found nothing
  int64_t tokens_generated = 0;
};

// A row's next-token distribution.
struct NextToken {
  Token best = 0;
  float best_logprob = 0.0F;
  std::span<const TopToken> top;        // at least as many as the request asked for
  std::span<const float> distribution;  // empty unless the request asked for it
};

// Who is told what a step found. Requests are named by the number that Plan::add gave them.
class PlanListener {
 public:
  virtual ~PlanListener() = default;
  // targets[index] of the request has this log-probability in its place's distribution, without all of it;
  // `best` tells whether it is the most probable.
  virtual void on_target(int64_t request, int index, float logprob, bool best, const NextToken& place) = 0;
  // Chooses the next token of an answer; nothing ends it. After max_new_tokens it is ended anyway. A step may
  // find several tokens of an answer, one after the other.
  virtual std::optional<Token> on_next(int64_t request, const NextToken& next) = 0;
  // All targets were found, or the answer ended.
  virtual void on_done(int64_t request) = 0;
};

// plan.cpp: requests and steps · finished.cpp: what is no longer needed · nodes.cpp: rows of the tree ·
// generations.cpp: rows of answers · drafts.cpp: rows of what they may become · pages.cpp: who holds what ·
// results.cpp: what a step found.
class Plan {
 public:
  explicit Plan(const PlanLimits& limits);

  // Plans these together and returns the number of the first; the others follow. Prefixes are shared among
  // the requests of one call. What earlier calls asked for is forgotten when all of it has been answered:
  // a plan may go on for ever.
  int64_t add(std::vector<TokenRequest> requests);

  // Nothing left to do.
  bool idle() const;

  // The next step, never empty; valid until the next call. Only when not idle.
  const Step& next_step();
  // Hands out what the step found. Every next_step() is followed by this.
  void finish_step(const StepResult& result, PlanListener& listener);

  const PlanCounts& counts() const { return counts_; }
  int pages_in_use() const { return pool_.in_use(); }
  // Requests and nodes that it still knows of.
  size_t remembered() const { return requests_.size() + nodes_.size(); }

 private:
  // Of the device, from position 0 on. The state is that after the last position computed; there is one where
  // there are pages, in models that have states.
  struct Memory {
    std::vector<int32_t> pages = {};
    int32_t state = kNoState;
    bool empty() const { return pages.empty(); }
  };
  struct Node {
    PrefixNode tree;
    // Empty before its rows are computed, after its last continuation began, and while given up; without the
    // partly filled last page where only that was given up.
    Memory memory = {};
    int next_row = 0;      // first position not yet in a step
    int reached = 0;       // positions before this one were in a step already: nothing is wanted there
    int unstarted = 0;     // children and generations that have not begun to continue it
    bool started = false;  // has begun to continue its parent
  };
  // An answer with its first token: requests_[request].tokens grows by each that is chosen.
  struct Generation {
    int request = 0;
    int node = 0;          // of its prompt
    int next_row = 0;      // first position not yet in a step
    bool started = false;  // has begun to continue its prompt
    Memory memory = {};
    PromptLookup lookup = {};
  };
  // What a continuation finds on its ancestors' pages.
  struct Held {
    int node = -1;            // the nearest one that holds pages; -1: there is none
    int positions = 0;        // that these pages hold
    bool taken_over = false;  // nobody else needs them
  };
  // One call of add(): its requests and nodes end before these.
  struct Added {
    int request_end = 0;
    int node_end = 0;
  };
  // Who asked for a target, and who continues from a wanted row.
  struct TargetUse {
    int request = 0;
    int index = 0;
  };
  struct WantedUse {
    int node = -1;        // this node's generations begin here
    int generation = -1;  // index into generations_
  };

  Node& node(int index) { return nodes_[static_cast<size_t>(index)]; }
  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  TokenRequest& request(int index) { return requests_[static_cast<size_t>(index)]; }

  void forget_finished();
  void forget(int requests, int nodes);

  void build_step();
  bool has_states() const { return limits_.state_pages > 0; }
  int room() const { return limits_.max_rows - builder_.rows(); }

  void add_node_rows();
  bool admit(int index);
  void add_rows(int index);
  void want_row(int index, int position);

  void add_running_rows();
  void start_generations();
  bool grow(size_t index);
  void interrupt_last();
  void add_generation_rows(size_t index);

  void add_drafts();
  void add_draft(size_t index, int32_t table, double& expected);
  bool reaches(const Generation& generation, int32_t row) const;

  Held held_for(int parent, bool first) const;
  int pages_needed(const Held& held, int positions) const;
  Memory continue_memory(int parent, const Held& held, bool first, int positions);
  void restore_ancestors(int index, const std::vector<int32_t>& pages);
  void take_pages_of_tree();
  bool take_a_last_page();
  void release(Memory& memory);

  void finish_targets(const StepResult& result, size_t wanted, const NextToken& place,
                      PlanListener& listener);
  void begin_answers(int index, const NextToken& next, PlanListener& listener);
  void continue_answer(Generation& generation, int32_t row, const NextToken& next, PlanListener& listener);
  void remove_finished_generations();
  void finish_nodes();
  void finish_request(int index, PlanListener& listener);

  PlanLimits limits_;
  PagePool pool_;
  PlanCounts counts_;

  // Requests, nodes and what names them are counted from the first that is remembered.
  int64_t first_request_ = 0;
  std::deque<Added> added_;  // the oldest first
  int finished_ = 0;         // all requests before this one have been answered
  std::vector<TokenRequest> requests_;
  std::vector<int> targets_left_;  // of each request
  std::vector<Node> nodes_;
  size_t cursor_ = 0;         // first node with rows left; nodes are in depth-first order
  std::vector<int> holders_;  // nodes with pages, the last admitted last; some may have lost theirs
  // In the order in which they began. The first `running_` hold pages and get rows, the others wait for room.
  std::deque<Generation> generations_;
  size_t running_ = 0;

  // The step being built or computed.
  StepBuilder builder_;
  std::vector<WantedUse> wanted_uses_;  // of each wanted row
  std::vector<TargetUse> target_uses_;  // of each of the step's targets
  std::vector<int> finished_nodes_;
  size_t answers_beginning_ = 0;  // to the prompts among them
};

}  // namespace sizeup
