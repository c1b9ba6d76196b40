// How much computation a step is, by formula: what a measured time is divided by.
#pragma once

#include <cstdint>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/step.h"

namespace sizeup {

// What steps ask of a decoder, counted; sums over steps are the work of all of them.
struct Work {
  int64_t rows = 0;      // through all layers
  int64_t wanted = 0;    // through the head
  int64_t context = 0;   // positions up to each row's own, it included
  int64_t attended = 0;  // elements of queries times the positions that they attend to, of all layers

  Work& operator+=(const Work& other);
};
Work work_of(const DecoderSpec& spec, const Step& step);

// Weights that every row multiplies with: all linear layers, without embedding and head; of a router's
// experts as many as a row uses.
int64_t linear_weights(const DecoderSpec& spec);
// Weights of the experts that a row does not use: a model's parameters without them are its active ones.
int64_t unused_weights(const DecoderSpec& spec);
// Of linear layers, embedding and head together.
int64_t all_weights(const DecoderSpec& spec);
// Of the head, or of the embedding: as many.
int64_t head_weights(const DecoderSpec& spec);

// Floating-point operations, a multiplication and an addition counted as two: 2 for each weight a row meets,
// 4 for each position and query element of attention (the product with its key, that with its value), and 6
// for each element of a state (the products with key and query, and its change).
// Norms, rotations, activations and softmax are left out, as is usual: they are less than a hundredth.
double flop_of(const DecoderSpec& spec, const Work& work);

// The share of a model's weights that a generation step of so many rows reads: all but an embedding that is
// not the head, and of experts as many as rows would meet on average that choose evenly and independently.
double share_read_by_step(const DecoderSpec& spec, int rows);

}  // namespace sizeup
