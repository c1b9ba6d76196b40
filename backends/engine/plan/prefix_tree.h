// Requests that begin alike share a path of a radix tree: its edges are the tokens to compute.
#pragma once

#include <span>
#include <vector>

#include "backends/engine/plan/token_request.h"

namespace sizeup {

// A run of tokens that the same requests have in common. Its tokens are positions [begin, end) of request
// `owner`, whose earlier tokens are those of the ancestors.
struct PrefixNode {
  int parent = -1;  // -1: starts at position 0
  int owner = 0;
  int begin = 0;
  int end = 0;
  int children = 0;
  std::vector<int> scored = {};      // requests with a target after at least one of these tokens
  std::vector<int> generating = {};  // requests that generate after the last of these tokens
};

// Depth-first order, parents before children, children in the order in which requests first need them.
// With share_prefixes off every request has a node of its own.
std::vector<PrefixNode> build_prefix_tree(std::span<const TokenRequest> requests, bool share_prefixes);

}  // namespace sizeup
