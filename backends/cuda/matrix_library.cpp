#include "backends/cuda/matrix_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

#include "backends/cuda/check.h"

namespace sizeup::cuda {

struct MatrixLibraryFunctions {
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtDestroy) destroy;
  decltype(&cublasLtGetVersion) version;
  decltype(&cublasLtMatmul) multiply;
  decltype(&cublasLtMatmulDescCreate) create_operation;
  decltype(&cublasLtMatmulDescDestroy) destroy_operation;
  decltype(&cublasLtMatmulDescSetAttribute) set_operation;
  decltype(&cublasLtMatrixLayoutCreate) create_layout;
  decltype(&cublasLtMatrixLayoutDestroy) destroy_layout;
  decltype(&cublasLtMatmulPreferenceCreate) create_preference;
  decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference;
  decltype(&cublasLtMatmulAlgoGetHeuristic) favourites;
  decltype(&cublasLtMatmulAlgoCheck) check_algorithm;
  decltype(&cublasLtMatmulAlgoConfigGetAttribute) algorithm_attribute;
};

namespace {

// Kernels of Hopper want some; NVIDIA recommends so much.
constexpr size_t kWorkspaceBytes = size_t{32} << 20;
constexpr int kFavourites = 32;  // asked for; fewer are distinct

void check_library(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw InternalError(fmt::format("{} failed: cuBLAS status {}", call, static_cast<int>(status)));
}

// The library by the name of its major version: as the loader finds it, or in the toolkit's usual place.
void* open_library() {
  const std::string name = fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR);
  for (const std::string& file : {name, "/usr/local/cuda/lib64/" + name}) {
    if (void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool find_all(void* library, MatrixLibraryFunctions& f) {
  return find(library, "cublasLtCreate", f.create) && find(library, "cublasLtDestroy", f.destroy) &&
         find(library, "cublasLtGetVersion", f.version) && find(library, "cublasLtMatmul", f.multiply) &&
         find(library, "cublasLtMatmulDescCreate", f.create_operation) &&
         find(library, "cublasLtMatmulDescDestroy", f.destroy_operation) &&
         find(library, "cublasLtMatmulDescSetAttribute", f.set_operation) &&
         find(library, "cublasLtMatrixLayoutCreate", f.create_layout) &&
         find(library, "cublasLtMatrixLayoutDestroy", f.destroy_layout) &&
         find(library, "cublasLtMatmulPreferenceCreate", f.create_preference) &&
         find(library, "cublasLtMatmulPreferenceDestroy", f.destroy_preference) &&
         find(library, "cublasLtMatmulPreferenceSetAttribute", f.set_preference) &&
         find(library, "cublasLtMatmulAlgoGetHeuristic", f.favourites) &&
         find(library, "cublasLtMatmulAlgoCheck", f.check_algorithm) &&
         find(library, "cublasLtMatmulAlgoConfigGetAttribute", f.algorithm_attribute);
}

}  // namespace

// A product in the library's words, column-major: out {outputs, rows} = weights {inputs, outputs}^T in
// {inputs, rows}. So no leading dimension depends on the rows.
struct MatrixLibrary::Operation {
  Operation(const MatrixLibraryFunctions& library, const TileProduct& work) : functions(library) {
    check_library(functions.create_operation(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), "MatmulDescCreate");
    const cublasOperation_t transposed = CUBLAS_OP_T;
    check_library(
        functions.set_operation(operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
        "MatmulDescSetAttribute");
    const auto inputs = static_cast<uint64_t>(work.inputs);
    const auto outputs = static_cast<uint64_t>(work.outputs);
    const auto rows = static_cast<uint64_t>(work.rows);
    check_library(functions.create_layout(&weights, CUDA_R_16BF, inputs, outputs, work.inputs),
                  "MatrixLayoutCreate");
    check_library(functions.create_layout(&in, CUDA_R_16BF, inputs, rows, work.in_stride),
                  "MatrixLayoutCreate");
    check_library(functions.create_layout(&out, CUDA_R_32F, outputs, rows, work.out_stride),
                  "MatrixLayoutCreate");
  }
  ~Operation() {
    functions.destroy_layout(out);
    functions.destroy_layout(in);
    functions.destroy_layout(weights);
    functions.destroy_operation(operation);
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  const MatrixLibraryFunctions& functions;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t weights = nullptr;
  cublasLtMatrixLayout_t in = nullptr;
  cublasLtMatrixLayout_t out = nullptr;
};

Result<std::unique_ptr<MatrixLibrary>> MatrixLibrary::open() {
  void* library = open_library();
  if (library == nullptr)
    return unavailable("cuda", fmt::format("there is no libcublasLt.so.{}", CUBLAS_VER_MAJOR),
                       "install the CUDA toolkit's cuBLAS, or add its folder to LD_LIBRARY_PATH");
  auto functions = std::make_unique<MatrixLibraryFunctions>();
  if (!find_all(library, *functions))
    return unavailable("cuda", "libcublasLt lacks functions of its version");
  return std::unique_ptr<MatrixLibrary>(new MatrixLibrary(std::move(functions)));
}

MatrixLibrary::MatrixLibrary(std::unique_ptr<MatrixLibraryFunctions> functions)
    : functions_(std::move(functions)) {
  check_library(functions_->create(&handle_), "Create");
  check(cudaMalloc(&workspace_, kWorkspaceBytes));
}

MatrixLibrary::~MatrixLibrary() {
  cudaFree(workspace_);
  functions_->destroy(handle_);
}

size_t MatrixLibrary::version() const {
  return functions_->version();
}

bool MatrixLibrary::cuts_sum(const cublasLtMatmulAlgo_t& algorithm) const {
  uint32_t parts = 0;
  uint32_t reduction = 0;
  size_t written = 0;
  check_library(functions_->algorithm_attribute(&algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &parts,
                                                sizeof parts, &written),
                "AlgoConfigGetAttribute");
  check_library(functions_->algorithm_attribute(&algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &reduction,
                                                sizeof reduction, &written),
                "AlgoConfigGetAttribute");
  return parts > 1 || reduction != CUBLASLT_REDUCTION_SCHEME_NONE;
}

std::vector<LibraryKernel> MatrixLibrary::kernels(const TileProduct& shape) const {
  const Operation operation(*functions_, shape);
  cublasLtMatmulPreference_t preference = nullptr;
  check_library(functions_->create_preference(&preference), "MatmulPreferenceCreate");
  const uint32_t no_reduction = CUBLASLT_REDUCTION_SCHEME_NONE;
  const size_t workspace = kWorkspaceBytes;
  functions_->set_preference(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &no_reduction,
                             sizeof no_reduction);
  functions_->set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                             sizeof workspace);
  std::array<cublasLtMatmulHeuristicResult_t, kFavourites> found{};
  int count = 0;
  const cublasStatus_t status =
      functions_->favourites(handle_, operation.operation, operation.weights, operation.in, operation.out,
                             operation.out, preference, kFavourites, found.data(), &count);
  functions_->destroy_preference(preference);
  std::vector<LibraryKernel> kernels;
  if (status != CUBLAS_STATUS_SUCCESS) return kernels;  // the library has none for such a shape
  for (int i = 0; i < count; ++i) {
    const cublasLtMatmulHeuristicResult_t& one = found[static_cast<size_t>(i)];
    if (one.state != CUBLAS_STATUS_SUCCESS || cuts_sum(one.algo)) continue;
    std::array<int32_t, 5> numbers{};
    constexpr std::array kAttributes{CUBLASLT_ALGO_CONFIG_ID, CUBLASLT_ALGO_CONFIG_TILE_ID,
                                     CUBLASLT_ALGO_CONFIG_STAGES_ID, CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION,
                                     CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING};
    for (size_t a = 0; a < kAttributes.size(); ++a) {
      size_t written = 0;
      functions_->algorithm_attribute(&one.algo, kAttributes[a], &numbers[a], sizeof numbers[a], &written);
    }
    kernels.push_back({one.algo, fmt::format("algorithm {} tile {} stages {} option {} swizzle {}",
                                             numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])});
  }
  return kernels;
}

bool MatrixLibrary::can_multiply(const LibraryKernel& kernel, const TileProduct& work) const {
  const Operation operation(*functions_, work);
  cublasLtMatmulHeuristicResult_t result{};
  return functions_->check_algorithm(handle_, operation.operation, operation.weights, operation.in,
                                     operation.out, operation.out, &kernel.algorithm,
                                     &result) == CUBLAS_STATUS_SUCCESS &&
         result.workspaceSize <= kWorkspaceBytes;
}

void MatrixLibrary::multiply(const LibraryKernel& kernel, const TileProduct& work,
                             cudaStream_t stream) const {
  const Operation operation(*functions_, work);
  const float one = 1.0F;
  const float kept = work.add ? 1.0F : 0.0F;
  check_library(functions_->multiply(handle_, operation.operation, &one, work.weights, operation.weights,
                                     work.in, operation.in, &kept, work.out, operation.out, work.out,
                                     operation.out, &kernel.algorithm, workspace_, kWorkspaceBytes, stream),
                "Matmul");
}

}  // namespace sizeup::cuda
