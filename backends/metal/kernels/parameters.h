// What the host tells kernels. Compiles as C++ and as Metal; only fields of four or eight bytes, the wide
// ones first, so that both lay them out alike.
#pragma once

#if !defined(__METAL_VERSION__)
#include <cstdint>
#endif

namespace sizeup::metal_kernels {

enum : int {
  kSimdThreads = 32,  // of a simdgroup, on every GPU that has simdgroup matrices
  kRowThreads = 128,  // that sum over a row: a row of 2048 columns gives each 16
  kElementThreads = 256,
  kTileThreads = 128,  // of a product's tile: four simdgroups
  kTileOutputs = 32,   // of a product's tile
  kTileRows = 32,      // of a product's tile of many rows
  kFewRows = 8,        // of one of few: a matrix of 8x8 is the smallest there is
  kTileDepth = 32,     // inputs of a step of a product: eight for each thread of a tile of weights
  kPositions = 64,     // of a page (kPagePositions)
  kTileLines = 8,      // of a tile of attention: a matrix of 8x8 is the smallest there is
  kHeadColumns = 512,  // of a head that a group sums: two values of each 32 for every thread
  kHeadThreads = 256,  // that sum over a vocabulary
  kMostTaps = 16,      // of a convolution (kMostDeltaTaps)
  kMostRouted = 1024,  // experts of a router (kMostExperts): four arrays of them are half a group's memory
};

// As TensorType.
enum WeightFormat : int {
  kWeightF32,
  kWeightF16,
  kWeightBF16,
  kWeightQ4_0,
  kWeightQ4_1,
  kWeightQ5_0,
  kWeightQ5_1,
  kWeightQ8_0,
  kWeightQ2K,
  kWeightQ3K,
  kWeightQ4K,
  kWeightQ5K,
  kWeightQ6K,
  kWeightQ8K,
  kWeightIQ4NL,
  kWeightIQ4XS,
  kWeightMXFP4
};

// As Activation.
enum ActivationKind : int { kSilu, kGelu, kGeluTanh, kTanh, kClampedSwish };

// As NormKind.
enum NormFormula : int { kNoNorm, kRootMeanSquare, kLayerNorm };

// As RouterScoring.
enum ScoreFormula : int { kSoftmaxScores, kSoftmaxOfChosen, kSigmoidScores };

// As RotaryLayout.
enum RotaryPairs : int { kHalfSplit, kInterleaved };

// A group of threads has one part of one row: (part, row) in the grid.
struct NormParameters {
  float epsilon;
  int32_t columns;       // of a part
  int32_t in_stride;     // values from one row to the next
  int32_t out_stride;    // the same
  int32_t first_column;  // of the first part, in both
};

struct EmbedParameters {
  float scale;
  int32_t columns;
  int32_t table_rows;
  int32_t row_bytes;  // of the table
};

// Rows times a part of a matrix whose outputs are neighbours.
struct LinearParameters {
  int32_t inputs;
  int32_t outputs;
  int32_t rows;
  int32_t row_bytes;     // of the weights
  int32_t out_stride;    // values from one row to the next
  int32_t first_output;  // column of `out` where the part begins
};

struct ElementParameters {
  float factor;
  int32_t count;
};

// Rows of neighbouring parts.
struct PartParameters {
  float factor;
  float least;      // of a score
  int32_t columns;  // of a part
  int32_t parts;
};

// Columns of several rows, element by element.
struct ColumnParameters {
  int32_t columns;
  int32_t in_stride;
  int32_t factor_stride;
  int32_t factor_column;  // where the factors begin
};

struct WeightedParameters {
  int32_t columns;
  int32_t weight_stride;
  int32_t weight_column;
};

struct RowSumParameters {
  float deviations;
  float least;  // mean square
  int32_t columns;
  int32_t stride;
};

struct RotaryParameters {
  int32_t stride;  // of a row
  int32_t head_size;
  int32_t dimensions;
};

// Where a layer's keys and values lie: page after page, in each first keys [head][column][position], then
// values [head][position][column].
struct PagePart {
  int32_t page_floats;   // of all layers
  int32_t layer_floats;  // before the layer's part
  int32_t kv_heads;
  int32_t head_size;
};

struct KeyWrite {  // as KeyValueWrite
  int32_t row;
  int32_t page;
  int32_t offset;
};

struct WriteParameters {
  PagePart part;
  int32_t stride;      // of a row
  int32_t key_column;  // the values follow the keys
};

// Rows side by side that continue one text: at most kTileLines.
struct AttentionTile {
  int32_t first_row;
  int32_t rows;
};

struct AttentionParameters {
  PagePart part;
  float scale;
  float cap;
  int32_t heads;
  int32_t window;  // 0: all
  int32_t query_stride;
  int32_t block;   // positions of each that is chosen or not
  int32_t blocks;  // from one row's to the next one's
};

// Where a layer's index keys lie in a page: [position][column], then those of the blocks that end there.
struct IndexPart {
  int32_t page_floats;   // of all layers
  int32_t index_floats;  // before them
  int32_t head_size;
  int32_t block;  // positions
};

// A block's last position is in the step, and the block's key goes to a page.
struct BlockEnd {
  int32_t last_position;
  int32_t first_page;  // where in the page numbers the row's table begins
  int32_t page;
};

struct IndexWriteParameters {
  IndexPart part;
  int32_t stride;  // of a row
  int32_t key_column;
};

struct WeighParameters {
  IndexPart part;
  int32_t stride;  // of a row
  int32_t heads;
  int32_t blocks;  // from one row's to the next one's
};

struct ChooseParameters {
  int32_t block;
  int32_t blocks;  // from one row's to the next one's
  int32_t chosen;
};

struct CopyParameters {
  int32_t columns;
};

// As ExpertSpec.
struct RouterParameters {
  float scale;
  int32_t experts;
  int32_t used;
  int32_t parts;   // weights of a row: of those used, and of the shared one if there is one
  int32_t stride;  // of the router's outputs
  int32_t scoring;
  int32_t groups;
  int32_t groups_used;
  int32_t group_best;
  int32_t normalised;
  int32_t shared_gated;
};

struct ExpertParameters {
  int32_t inputs;
  int32_t outputs;
  int32_t row_bytes;
  int32_t uses;          // of a row of `in`: 1 where each use has its own
  int32_t first_expert;  // of those whose matrices are at hand
  int32_t end_expert;
};

struct ExpertSumParameters {
  int32_t columns;
  int32_t used;
  int32_t parts;
};

struct DeltaRun {  // as StateRun
  int32_t state;
  int32_t first_row;
  int32_t rows;
  int32_t from_zero;
  int32_t first_fork;
  int32_t end_fork;
};

// As DeltaSpec. A layer's part of a state: the convolution's last inputs, [taps - 1][channels], the oldest
// first; then [value head][key column][value column].
struct DeltaParameters {
  float length_epsilon;
  int32_t state_floats;  // of all layers
  int32_t layer_floats;  // before the layer's part
  int32_t stride;        // of a row
  int32_t channels;
  int32_t taps;
  int32_t key_heads;
  int32_t value_heads;
  int32_t key_size;
  int32_t value_size;
  int32_t tiled;
};

// As ConvolutionSpec.
struct ConvolutionParameters {
  int32_t state_floats;  // of all layers
  int32_t layer_floats;  // before the layer's part
  int32_t channels;
  int32_t taps;
  int32_t dilation;
};

// A row of logits and where its results go.
struct HeadRow {
  int32_t first_target;
  int32_t targets;
  int32_t first_top;
  int32_t tops;
  int32_t distribution;  // which of the distributions; -1: none
};

struct HeadParameters {
  float cap;
  int32_t vocabulary;
  int32_t first_row;  // of the wanted rows
};

}  // namespace sizeup::metal_kernels
