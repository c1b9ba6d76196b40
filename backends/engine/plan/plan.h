// The plan: turns requests into steps. Prefixes are shared in a radix tree that is walked depth first in
// ragged steps under a key/value budget; generations join and leave between steps on their prompts' pages.
//
// Pages are shared by reference count. Where a branch continues a partly filled page, the page is copied, or
// taken over by the last continuation; rows of the same step that the copy lacks are written to both. What
// runs is admitted with all the pages it can ever need, so that nothing that runs can get stuck; when memory
// is short the rest waits, and as a last resort partly filled pages of ancestors are dropped and their few
// rows computed again by whoever continues them.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "backends/engine/plan/page_pool.h"
#include "backends/engine/plan/prefix_tree.h"
#include "backends/engine/plan/token_request.h"
#include "backends/engine/step.h"

namespace sizeup {

struct PlanLimits {
  int max_rows = 512;  // in one step, at least 1
  // Pages for keys and values. A request that needs more than this alone raises the limit to its need.
  int pages = 1024;
  bool share_prefixes = true;
};

struct PlanCounts {
  int64_t rows_unique = 0;    // tokens on the edges of the tree
  int64_t rows_computed = 0;  // rows of all steps: generated tokens fed back and rows computed again included
  int64_t tokens_generated = 0;
};

// A row's next-token distribution.
struct NextToken {
  Token best = 0;
  float best_logprob = 0.0F;
  std::span<const float> distribution;  // empty unless the request asked for it
};

// Who is told what a step found. Requests are named by the number that Plan::add gave them.
class PlanListener {
 public:
  virtual ~PlanListener() = default;
  // targets[index] of the request has this log-probability; `best` tells whether it is the most probable.
  virtual void on_target(int request, int index, float logprob, bool best) = 0;
  // Chooses the next token of an answer; nothing ends it. After max_new_tokens it is ended anyway.
  virtual std::optional<Token> on_next(int request, const NextToken& next) = 0;
  // All targets were found, or the answer ended.
  virtual void on_done(int request) = 0;
};

class Plan {
 public:
  explicit Plan(const PlanLimits& limits);

  // Plans these together and returns the number of the first; the others follow. Prefixes are shared among
  // the requests of one call.
  int add(std::vector<TokenRequest> requests);

  // Nothing left to do.
  bool idle() const;

  // The next step, never empty; valid until the next call. Only when not idle.
  const Step& next_step();
  // Hands out what the step found. Every next_step() is followed by this.
  void finish_step(const StepResult& result, PlanListener& listener);

  const PlanCounts& counts() const { return counts_; }
  int pages_in_use() const { return pool_.in_use(); }

 private:
  struct Node {
    PrefixNode tree;
    std::vector<int32_t> pages = {};  // from position 0 on; empty before admission and after the last user
    int next_row = 0;                 // first position not yet in a step
    int unstarted = 0;                // children and generations that still need the pages
    int unstarted_generations = 0;
    int reserved_pages = 0;  // kept free for the node's first generation
    bool admitted = false;
    bool partial_dropped = false;  // the partly filled last page was given up
  };
  struct Generation {
    int request = 0;
    int node = 0;
    Token token = 0;   // to feed next
    int position = 0;  // of that token
    int generated = 1;
    std::vector<int32_t> pages = {};
  };
  // Who asked for a target, and who continues from a wanted row.
  struct TargetUse {
    int request = 0;
    int index = 0;
  };
  struct WantedUse {
    int node = -1;        // this node's generations begin here
    int generation = -1;  // index into running_
  };

  bool has_room(int pages) const { return pool_.available() - reserved_ >= pages; }
  int generation_pages(const Node& node, int request) const;
  std::vector<int32_t> branch(Node& parent, int positions, int& first_row);
  void copy_page(int32_t from, int32_t to, int positions);
  void release(std::vector<int32_t>& pages);
  void drop_partial_pages();

  void build_step();
  void start_generations();
  void add_generation_row(size_t index);
  void add_node_rows();
  bool try_admit(Node& node);
  void add_node_row(int index, int32_t table);
  int32_t add_table(const std::vector<int32_t>& pages);
  void add_row(Token token, int position, int32_t table, const std::vector<int32_t>& pages);
  void add_write(const KeyValueWrite& write);
  int room() const { return limits_.max_rows - step_.rows(); }

  void finish_targets(const StepResult& result, size_t wanted, PlanListener& listener);
  void begin_answers(int node, const NextToken& next, PlanListener& listener);
  void continue_answer(Generation& generation, const NextToken& next, PlanListener& listener);
  void finish_nodes();
  void finish_request(int request, PlanListener& listener);

  PlanLimits limits_;
  PagePool pool_;
  int reserved_ = 0;  // pages promised to the first generations of admitted nodes
  PlanCounts counts_;

  std::vector<TokenRequest> requests_;
  std::vector<int> targets_left_;  // of each request
  std::vector<Node> nodes_;
  size_t cursor_ = 0;               // first node with rows left; nodes are in depth-first order
  std::deque<Generation> waiting_;  // have their first token, need pages
  std::vector<Generation> running_;

  // The step being built or computed.
  Step step_;
  std::vector<WantedUse> wanted_uses_;  // of each wanted row
  std::vector<TargetUse> target_uses_;  // of each of the step's targets
  std::vector<int> finished_nodes_;
  std::unordered_map<int32_t, std::vector<KeyValueWrite>> writes_by_page_;
};

}  // namespace sizeup
