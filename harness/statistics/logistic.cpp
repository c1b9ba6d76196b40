#include "harness/statistics/logistic.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/errors/result.h"

namespace sizeup {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

// Columns to mean 0 and variance 1; one that never varies becomes 0.
struct Scaling {
  Vector mean;
  Vector deviation;
};

Scaling standardise(Matrix& rows) {
  Scaling scaling;
  scaling.mean = rows.colwise().mean();
  rows.rowwise() -= scaling.mean.transpose();
  scaling.deviation = (rows.array().square().colwise().mean()).sqrt();
  for (Eigen::Index c = 0; c < rows.cols(); ++c) {
    // Rounding leaves a column of equal numbers a few ulp from its mean.
    if (scaling.deviation[c] <= 1e-12 * std::abs(scaling.mean[c])) scaling.deviation[c] = 0.0;
    rows.col(c) *= scaling.deviation[c] > 0 ? 1.0 / scaling.deviation[c] : 0.0;
  }
  return scaling;
}

// log(1 + exp(-m)) without overflow.
double log_loss(double margin) {
  return margin > 0 ? std::log1p(std::exp(-margin)) : -margin + std::log1p(std::exp(margin));
}

// The last of `weights` is the intercept, for which the last column of `rows` is 1.
class Objective {
 public:
  Objective(const Matrix& rows, const Vector& signs, double strength)
      : rows_(rows), signs_(signs), ridge_(Vector::Constant(rows.cols(), 1.0 / strength)) {
    ridge_[rows.cols() - 1] = 0.0;
  }

  double value(const Vector& weights) const {
    const Vector margins = (rows_ * weights).cwiseProduct(signs_);
    double sum = 0.5 * weights.cwiseAbs2().dot(ridge_);
    for (const double margin : margins) sum += log_loss(margin);
    return sum;
  }

  // Where Newton's method goes from here, and how far down the slope leads at first.
  std::pair<Vector, double> step(const Vector& weights) const {
    const Vector scores = rows_ * weights;
    Vector gradient = weights.cwiseProduct(ridge_);
    Vector curvature(scores.size());
    Vector residual(scores.size());
    for (Eigen::Index i = 0; i < scores.size(); ++i) {
      const double p = sigmoid(scores[i]);
      residual[i] = p - (signs_[i] > 0 ? 1.0 : 0.0);
      curvature[i] = p * (1.0 - p);
    }
    gradient += rows_.transpose() * residual;
    Matrix hessian = rows_.transpose() * curvature.asDiagonal() * rows_;
    hessian.diagonal() += ridge_;
    const Vector direction = -hessian.ldlt().solve(gradient);
    return {direction, gradient.dot(direction)};
  }

 private:
  const Matrix& rows_;
  const Vector& signs_;
  Vector ridge_;
};

Vector minimise(const Objective& objective, Eigen::Index size) {
  constexpr int kMostSteps = 100;  // a dozen is usual: the objective is convex
  Vector weights = Vector::Zero(size);
  double value = objective.value(weights);
  for (int i = 0; i < kMostSteps; ++i) {
    const auto [direction, slope] = objective.step(weights);
    if (!(slope < -1e-14 * (1.0 + value))) break;
    double length = 1.0;
    double next = objective.value(weights + direction);
    for (; next > value + 1e-4 * length * slope && length > 1e-10;
         next = objective.value(weights + length * direction)) {
      length /= 2.0;
    }
    if (!(next < value)) break;
    weights += length * direction;
    value = next;
  }
  return weights;
}

}  // namespace

double sigmoid(double z) {
  return z >= 0 ? 1.0 / (1.0 + std::exp(-z)) : std::exp(z) / (1.0 + std::exp(z));
}

double LogisticModel::probability(std::span<const double> features) const {
  require(features.size() == weights.size(), "as many features as the model has weights");
  double z = intercept;
  for (size_t i = 0; i < weights.size(); ++i) z += weights[i] * features[i];
  return sigmoid(z);
}

LogisticModel fit_logistic(std::span<const double> features, const std::vector<bool>& labels, size_t columns,
                           double strength) {
  require(features.size() == labels.size() * columns, "a number for each column of each row");
  require(strength > 0, "the penalty is finite");
  LogisticModel out;
  out.weights.assign(columns, 0.0);
  const auto n = static_cast<Eigen::Index>(labels.size());
  const auto yes = static_cast<double>(std::count(labels.begin(), labels.end(), true));
  if (yes == 0.0 || yes == static_cast<double>(n)) {
    out.intercept = std::log((yes + 0.5) / (static_cast<double>(n) - yes + 0.5));
    return out;
  }
  const auto width = static_cast<Eigen::Index>(columns);
  Matrix rows = Eigen::Map<const Matrix>(features.data(), n, width);
  const Scaling scaling = standardise(rows);
  rows.conservativeResize(n, width + 1);
  rows.col(width).setOnes();
  Vector signs(n);
  for (Eigen::Index i = 0; i < n; ++i) signs[i] = labels[static_cast<size_t>(i)] ? 1.0 : -1.0;
  const Vector weights = minimise(Objective(rows, signs, strength), width + 1);
  out.intercept = weights[width];
  for (Eigen::Index c = 0; c < width; ++c) {
    if (scaling.deviation[c] == 0.0) continue;
    const double weight = weights[c] / scaling.deviation[c];
    out.weights[static_cast<size_t>(c)] = weight;
    out.intercept -= weight * scaling.mean[c];
  }
  return out;
}

}  // namespace sizeup
