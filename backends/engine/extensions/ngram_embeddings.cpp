#include "backends/engine/extensions/ngram_embeddings.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// Sebastiano Vigna's splitmix64, https://prng.di.unimi.it/splitmix64.c: the state goes on by kGamma.
constexpr uint64_t kGamma = 0x9E3779B97F4A7C15;

uint64_t mixed(uint64_t state) {
  state += kGamma;
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
  return state ^ (state >> 31);
}

bool is_prime(uint64_t n) {
  if (n < 2 || n % 2 == 0) return n == 2;
  for (uint64_t divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor == 0) return false;
  }
  return true;
}

// Odd, and so small that the product with a token fits 63 bits.
uint64_t multiplier(const NgramSpec& spec, int layer, int position) {
  constexpr uint64_t kOfLayer = 10007;
  constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();
  const uint64_t bound = std::max<uint64_t>(1, kLargest / static_cast<uint64_t>(spec.vocabulary) / 2);
  const uint64_t seed = static_cast<uint64_t>(spec.seed) + kOfLayer * static_cast<uint64_t>(layer);
  return 2 * (mixed(seed + kGamma * static_cast<uint64_t>(position + 1)) % bound) + 1;
}

std::vector<NormId> add_norms(Device& device, const DecoderSpec& spec,
                              const std::vector<NormTensors>& tensors) {
  std::vector<NormId> norms;
  for (const NormTensors& one : tensors) norms.push_back(device.add_norm(spec.norm, one, spec.width));
  return norms;
}

LinearId add_table(Device& device, const std::vector<const Tensor*>& parts) {
  std::vector<LinearTensors> stacked;
  for (const Tensor* part : parts) stacked.push_back({.weight = part, .bias = nullptr});
  return device.add_linear(stacked);
}

}  // namespace

int64_t NgramHash::rows() const {
  return static_cast<int64_t>(std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}));
}

void NgramHash::hash(Token token, std::span<const Token> earlier, std::vector<int32_t>& numbers) const {
  uint64_t mixed_tokens = static_cast<uint64_t>(token) * multipliers[0];
  bool ended = false;
  uint64_t offset = 0;
  size_t head = 0;
  for (size_t i = 1; i < multipliers.size(); ++i) {
    const Token before = earlier[i - 1];
    ended = ended || before == kNoToken || before == separator;
    mixed_tokens ^= static_cast<uint64_t>(ended ? separator : before) * multipliers[i];
    for (int h = 0; h < heads; ++h, ++head) {
      numbers.push_back(static_cast<int32_t>(offset + mixed_tokens % sizes[head]));
      offset += sizes[head];
    }
  }
}

std::vector<NgramHash> make_ngram_hashes(const NgramSpec& spec, int layers) {
  std::vector<NgramHash> hashes;
  auto prime = static_cast<uint64_t>(spec.least_size) - 1;  // those of all heads differ
  for (int layer = 0; layer < layers; ++layer) {
    NgramHash& hash = hashes.emplace_back();
    hash.separator = spec.separator;
    hash.heads = spec.heads;
    for (int position = 0; position < spec.length; ++position)
      hash.multipliers.push_back(multiplier(spec, layer, position));
    for (int head = 0; head < (spec.length - 1) * spec.heads; ++head) {
      do {
        ++prime;
      } while (!is_prime(prime));
      hash.sizes.push_back(prime);
    }
  }
  return hashes;
}

void NgramEmbeddingTensors::add_to(ExtensionWeights& weights) const {
  weights.matrices.insert(weights.matrices.end(), table.begin(), table.end());
  weights.matrices.insert(weights.matrices.end(), {key, value});
}

int64_t NgramEmbeddingTensors::table_elements() const {
  int64_t elements = 0;
  for (const Tensor* part : table) elements += part->rows() * part->columns();
  return elements;
}

NgramEmbeddings::NgramEmbeddings(const NgramEmbeddingTensors& tensors, const DecoderSpec& spec,
                                 const NgramRows& rows, Device& device)
    : device_(device),
      rows_(rows),
      hash_(tensors.hash),
      width_(spec.width),
      table_(add_table(device, tensors.table)),
      key_(device.add_linear({.weight = tensors.key})),
      value_(device.add_linear({.weight = tensors.value})),
      as_it_is_(device.add_norm({.kind = NormKind::none}, {}, static_cast<int>(tensors.key->columns()))),
      key_norms_(add_norms(device, spec, tensors.key_norms)),
      query_norms_(add_norms(device, spec, tensors.query_norms)),
      convolution_norms_(add_norms(device, spec, tensors.convolution_norms)),
      convolution_(device.add_convolution(tensors.convolution_spec, *tensors.convolution)) {}

void NgramEmbeddings::begin(const Step& step) {
  require(step.earlier_count >= hash_.length() - 1, "a step brings the tokens that n-grams need");
  numbers_.clear();
  for (int row = 0; row < step.rows(); ++row)
    hash_.hash(step.tokens[static_cast<size_t>(row)], step.earlier_of(row), numbers_);
}

void NgramEmbeddings::add(int layer, RowsId streams) {
  device_.embed_numbers(table_, numbers_, rows_.embedded);
  device_.norm(rows_.embedded, as_it_is_, rows_.operand);
  device_.linear(rows_.operand, key_, rows_.keys);
  norm_streams(rows_.keys, key_norms_);
  copy(streams, rows_.queries);
  norm_streams(rows_.queries, query_norms_);
  device_.score_parts(rows_.keys, rows_.queries, rows_.scores);
  device_.linear(rows_.operand, value_, rows_.value);
  device_.clear(rows_.taken);
  device_.add_to_parts(rows_.value, rows_.scores, 1.0F, rows_.taken);
  device_.add(rows_.taken, 1.0F, streams);
  norm_streams(rows_.taken, convolution_norms_);
  device_.convolve_add(layer, rows_.taken, convolution_, streams);
}

void NgramEmbeddings::norm_streams(RowsId streams, const std::vector<NormId>& norms) {
  for (size_t i = 0; i < norms.size(); ++i)
    device_.norm_parts(streams, static_cast<int>(i) * width_, 1, norms[i]);
}

void NgramEmbeddings::copy(RowsId from, RowsId to) {
  device_.clear(to);
  device_.add(from, 1.0F, to);
}

}  // namespace sizeup
