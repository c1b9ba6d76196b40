#include "backends/engine/plan/plan.h"

#include <algorithm>

namespace sizeup {

Plan::Plan(const PlanLimits& limits)
    : limits_{.max_rows = std::max(1, limits.max_rows),
              .pages = std::max(1, limits.pages),
              .share_prefixes = limits.share_prefixes},
      pool_(limits_.pages) {}

int Plan::add(std::vector<TokenRequest> requests) {
  const int first_request = static_cast<int>(requests_.size());
  const int first_node = static_cast<int>(nodes_.size());
  for (const TokenRequest& request : requests) {
    require(!request.tokens.empty(), "a request has tokens");
    require(request.targets.empty() != (request.max_new_tokens == 0), "a request either scores or generates");
    require(request.targets.empty() || request.first_target + request.targets.size() == request.tokens.size(),
            "every target follows a token");
    // One page more than the request fills: its prompt's last page may have to be kept beside its own copy.
    const int fed_back = std::max(0, request.max_new_tokens - 1);
    pool_.raise_limit(pages_for(static_cast<int>(request.tokens.size()) + fed_back) + 1);
    targets_left_.push_back(static_cast<int>(request.targets.size()));
  }
  for (PrefixNode& tree : build_prefix_tree(requests, limits_.share_prefixes)) {
    counts_.rows_unique += tree.end - tree.begin;
    if (tree.parent >= 0) tree.parent += first_node;
    tree.owner += first_request;
    for (int& child : tree.children) child += first_node;
    for (int& request : tree.scored) request += first_request;
    for (int& request : tree.generating) request += first_request;
    nodes_.push_back({.tree = std::move(tree)});
  }
  for (TokenRequest& request : requests) requests_.push_back(std::move(request));
  for (size_t i = static_cast<size_t>(first_node); i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    node.unstarted_generations = static_cast<int>(node.tree.generating.size());
    node.unstarted = node.unstarted_generations + static_cast<int>(node.tree.children.size());
    // The longest first: what the node reserves for the first is then enough for each that follows.
    std::stable_sort(node.tree.generating.begin(), node.tree.generating.end(), [&](int a, int b) {
      return requests_[static_cast<size_t>(a)].max_new_tokens >
             requests_[static_cast<size_t>(b)].max_new_tokens;
    });
  }
  return first_request;
}

bool Plan::idle() const {
  return cursor_ == nodes_.size() && waiting_.empty() && running_.empty();
}

const Step& Plan::next_step() {
  require(!idle(), "a step is asked for only while there is work");
  build_step();
  if (step_.rows() == 0) {
    // Nothing runs and no answer waits (its pages were reserved), so the path to the next node holds all
    // memory.
    drop_partial_pages();
    build_step();
    require(step_.rows() > 0, "the limit holds the pages of any one request");
  }
  step_.page_count = pool_.page_count();
  counts_.rows_computed += step_.rows();
  return step_;
}

void Plan::build_step() {
  step_ = Step{};
  step_.table_begin.push_back(0);
  wanted_uses_.clear();
  target_uses_.clear();
  writes_by_page_.clear();
  for (size_t i = 0; i < running_.size(); ++i) add_generation_row(i);
  start_generations();
  add_node_rows();
}

// ---- Rows of generations

// Pages beyond those shared with the prompt, which holds `node`'s last page back for others.
int Plan::generation_pages(const Node& node, int request) const {
  const int max_new_tokens = requests_[static_cast<size_t>(request)].max_new_tokens;
  if (max_new_tokens == 1) return 0;  // the only new token is not fed back
  return pages_for(node.tree.end + max_new_tokens - 1) - node.tree.end / kPagePositions;
}

void Plan::start_generations() {
  while (!waiting_.empty() && room() > 0) {
    Generation& next = waiting_.front();
    Node& node = nodes_[static_cast<size_t>(next.node)];
    const int needed = generation_pages(node, next.request);
    if (!has_room(needed - node.reserved_pages)) return;
    reserved_ -= node.reserved_pages;
    node.reserved_pages = 0;
    --node.unstarted_generations;
    int first_row = 0;
    const int longest = node.tree.end + requests_[static_cast<size_t>(next.request)].max_new_tokens - 1;
    next.pages = branch(node, longest, first_row);
    require(first_row == next.position, "pages of prompts with waiting answers are kept");
    running_.push_back(std::move(next));
    waiting_.pop_front();
    add_generation_row(running_.size() - 1);
  }
}

void Plan::add_generation_row(size_t index) {
  const Generation& generation = running_[index];
  add_row(generation.token, generation.position, add_table(generation.pages), generation.pages);
  step_.wanted.push_back({.row = step_.rows() - 1,
                          .target_begin = static_cast<int32_t>(step_.targets.size()),
                          .target_count = 0,
                          .distribution = requests_[static_cast<size_t>(generation.request)].distribution});
  wanted_uses_.push_back({.node = -1, .generation = static_cast<int>(index)});
}

// ---- Rows of the tree

void Plan::add_node_rows() {
  while (cursor_ < nodes_.size() && room() > 0) {
    Node& node = nodes_[cursor_];
    if (!node.admitted && !try_admit(node)) return;
    const int32_t table = add_table(node.pages);
    while (node.next_row < node.tree.end && room() > 0) add_node_row(static_cast<int>(cursor_), table);
    if (node.next_row < node.tree.end) return;
    finished_nodes_.push_back(static_cast<int>(cursor_));
    ++cursor_;
  }
}

bool Plan::try_admit(Node& node) {
  const PrefixNode& tree = node.tree;
  Node* parent = tree.parent < 0 ? nullptr : &nodes_[static_cast<size_t>(tree.parent)];
  const bool partial = tree.begin % kPagePositions != 0;
  const bool takes_over = parent != nullptr && parent->unstarted == 1 && partial && !parent->partial_dropped;
  const int own = pages_for(tree.end) - tree.begin / kPagePositions - (takes_over ? 1 : 0);
  const int reserve = tree.generating.empty() ? 0 : generation_pages(node, tree.generating.front());
  if (!has_room(own + reserve)) return false;
  node.admitted = true;
  node.reserved_pages = reserve;
  reserved_ += reserve;
  node.next_row = tree.begin;
  if (parent != nullptr) {
    node.pages = branch(*parent, tree.end, node.next_row);
  } else {
    while (static_cast<int>(node.pages.size()) < pages_for(tree.end)) node.pages.push_back(pool_.allocate());
  }
  return true;
}

void Plan::add_node_row(int index, int32_t table) {
  Node& node = nodes_[static_cast<size_t>(index)];
  const int position = node.next_row++;
  add_row(requests_[static_cast<size_t>(node.tree.owner)].tokens[static_cast<size_t>(position)], position,
          table, node.pages);
  if (position < node.tree.begin) return;  // computed again for its key and value only

  WantedRow wanted{.row = step_.rows() - 1, .target_begin = static_cast<int32_t>(step_.targets.size())};
  for (const int request : node.tree.scored) {
    const TokenRequest& asked = requests_[static_cast<size_t>(request)];
    if (position < asked.first_target) continue;
    const int target = position - asked.first_target;
    step_.targets.push_back(asked.targets[static_cast<size_t>(target)]);
    target_uses_.push_back({.request = request, .index = target});
    ++wanted.target_count;
  }
  const bool answers_begin = position + 1 == node.tree.end && !node.tree.generating.empty();
  if (answers_begin) {
    for (const int request : node.tree.generating) {
      wanted.distribution |= requests_[static_cast<size_t>(request)].distribution;
    }
  }
  if (wanted.target_count == 0 && !answers_begin) return;
  step_.wanted.push_back(wanted);
  wanted_uses_.push_back({.node = answers_begin ? index : -1, .generation = -1});
}

// ---- Pages

// The page table of a continuation of `parent` that will have `positions` positions. first_row: where its
// rows begin, earlier than the parent's end if the partly filled page has to be computed again.
std::vector<int32_t> Plan::branch(Node& parent, int positions, int& first_row) {
  const int begin = parent.tree.end;
  const auto full = static_cast<size_t>(begin / kPagePositions);
  const int partial = begin % kPagePositions;
  std::vector<int32_t> pages;
  first_row = begin;
  if (--parent.unstarted == 0) {
    pages = std::move(parent.pages);
    parent.pages.clear();
  } else {
    pages.assign(parent.pages.begin(), parent.pages.begin() + static_cast<std::ptrdiff_t>(full));
    for (const int32_t page : pages) pool_.retain(page);
  }
  if (partial > 0 && pages.size() == full) {
    pages.push_back(pool_.allocate());
    if (parent.partial_dropped) {
      first_row = begin - partial;
    } else {
      copy_page(parent.pages[full], pages.back(), partial);
    }
  }
  while (static_cast<int>(pages.size()) < pages_for(positions)) pages.push_back(pool_.allocate());
  return pages;
}

void Plan::copy_page(int32_t from, int32_t to, int positions) {
  // Positions that are only written in this step cannot be copied before it: their rows write to both pages.
  const std::vector<KeyValueWrite> now = writes_by_page_[from];
  if (static_cast<int>(now.size()) < positions) step_.copies.push_back({from, to, positions});
  for (const KeyValueWrite& write : now) add_write({.row = write.row, .page = to, .offset = write.offset});
}

void Plan::release(std::vector<int32_t>& pages) {
  for (const int32_t page : pages) pool_.release(page);
  pages.clear();
}

void Plan::drop_partial_pages() {
  if (cursor_ == nodes_.size()) return;
  for (int i = nodes_[cursor_].tree.parent; i >= 0; i = nodes_[static_cast<size_t>(i)].tree.parent) {
    Node& node = nodes_[static_cast<size_t>(i)];
    const auto full = static_cast<size_t>(node.tree.end / kPagePositions);
    if (node.pages.size() <= full) continue;
    pool_.release(node.pages.back());
    node.pages.pop_back();
    node.partial_dropped = true;
  }
}

// ---- The step's arrays

int32_t Plan::add_table(const std::vector<int32_t>& pages) {
  step_.pages.insert(step_.pages.end(), pages.begin(), pages.end());
  step_.table_begin.push_back(static_cast<int32_t>(step_.pages.size()));
  return static_cast<int32_t>(step_.table_begin.size()) - 2;
}

void Plan::add_row(Token token, int position, int32_t table, const std::vector<int32_t>& pages) {
  step_.tokens.push_back(token);
  step_.positions.push_back(position);
  step_.tables.push_back(table);
  add_write({.row = step_.rows() - 1,
             .page = pages[static_cast<size_t>(position / kPagePositions)],
             .offset = position % kPagePositions});
}

void Plan::add_write(const KeyValueWrite& write) {
  step_.writes.push_back(write);
  writes_by_page_[write.page].push_back(write);
}

// ---- Results

void Plan::finish_step(const StepResult& result, PlanListener& listener) {
  const auto askers = std::count_if(step_.wanted.begin(), step_.wanted.end(),
                                    [](const WantedRow& wanted) { return wanted.distribution; });
  const size_t vocabulary = askers == 0 ? 0 : result.distributions.size() / static_cast<size_t>(askers);
  size_t place = 0;
  for (size_t w = 0; w < step_.wanted.size(); ++w) {
    NextToken next{.best = result.best[w], .best_logprob = result.best_logprobs[w], .distribution = {}};
    if (step_.wanted[w].distribution) {
      next.distribution = std::span(result.distributions).subspan(place, vocabulary);
      place += vocabulary;
    }
    finish_targets(result, w, listener);
    const WantedUse use = wanted_uses_[w];
    if (use.node >= 0) begin_answers(use.node, next, listener);
    if (use.generation >= 0) continue_answer(running_[static_cast<size_t>(use.generation)], next, listener);
  }
  std::erase_if(running_, [](const Generation& generation) { return generation.pages.empty(); });
  finish_nodes();
}

void Plan::finish_targets(const StepResult& result, size_t wanted, PlanListener& listener) {
  const WantedRow& row = step_.wanted[wanted];
  for (int t = row.target_begin; t < row.target_begin + row.target_count; ++t) {
    const auto target = static_cast<size_t>(t);
    const TargetUse use = target_uses_[target];
    listener.on_target(use.request, use.index, result.target_logprobs[target],
                       step_.targets[target] == result.best[wanted]);
    if (--targets_left_[static_cast<size_t>(use.request)] == 0) finish_request(use.request, listener);
  }
}

void Plan::begin_answers(int node, const NextToken& next, PlanListener& listener) {
  Node& prompt = nodes_[static_cast<size_t>(node)];
  for (const int request : prompt.tree.generating) {
    const std::optional<Token> token = listener.on_next(request, next);
    ++counts_.tokens_generated;
    if (token && requests_[static_cast<size_t>(request)].max_new_tokens > 1) {
      waiting_.push_back({.request = request, .node = node, .token = *token, .position = prompt.tree.end});
    } else {
      --prompt.unstarted_generations;
      --prompt.unstarted;
      finish_request(request, listener);
    }
  }
  if (prompt.unstarted_generations == 0) {
    reserved_ -= prompt.reserved_pages;
    prompt.reserved_pages = 0;
  }
}

void Plan::continue_answer(Generation& generation, const NextToken& next, PlanListener& listener) {
  const std::optional<Token> token = listener.on_next(generation.request, next);
  ++counts_.tokens_generated;
  ++generation.generated;
  if (token && generation.generated < requests_[static_cast<size_t>(generation.request)].max_new_tokens) {
    generation.token = *token;
    ++generation.position;
    return;
  }
  release(generation.pages);
  finish_request(generation.request, listener);
}

// Nodes whose last row has been computed and that nobody continues give their pages back.
void Plan::finish_nodes() {
  for (const int index : finished_nodes_) {
    Node& node = nodes_[static_cast<size_t>(index)];
    if (node.unstarted == 0) release(node.pages);
  }
  finished_nodes_.clear();
}

void Plan::finish_request(int request, PlanListener& listener) {
  // Whoever shares its tokens has computed them by now: they all lie on its own path.
  requests_[static_cast<size_t>(request)].tokens = {};
  requests_[static_cast<size_t>(request)].targets = {};
  listener.on_done(request);
}

}  // namespace sizeup
