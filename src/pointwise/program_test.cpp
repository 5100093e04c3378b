#include "pointwise/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "pointwise/evaluate_for_test.h"
#ifdef GEMEL_WITH_OPENMP
#include <omp.h>
#endif

namespace gemel::pointwise {
namespace {

// An array with its memory, read and written as doubles.
struct Array {
  Array(const Shape& shape, DType dtype)
      : bytes(static_cast<size_t>(shape.size() * size_of(dtype)) + 1),
        tensor(bytes.data(), shape, dtype) {}
  Array(const Array&) = delete;

  double get(int64_t i) const {
    return dispatch(tensor.dtype, [&](auto type) {
      using T = typename decltype(type)::type;
      return static_cast<double>(static_cast<compute_type<T>>(tensor.data<T>()[i]));
    });
  }
  void set(int64_t i, double value) {
    dispatch(tensor.dtype, [&](auto type) {
      using T = typename decltype(type)::type;
      if constexpr (std::is_same_v<T, bool>)
        tensor.data<T>()[i] = value != 0;
      else if constexpr (std::is_integral_v<T>)
        tensor.data<T>()[i] = static_cast<T>(static_cast<int64_t>(value));
      else
        tensor.data<T>()[i] = T(static_cast<compute_type<T>>(value));
    });
  }
  template <typename Draw>
  void fill(Draw draw) {
    for (int64_t i = 0; i < tensor.size(); ++i) set(i, draw());
  }
  bool same_bytes(const Array& other) const {
    return std::memcmp(bytes.data(), other.bytes.data(), static_cast<size_t>(tensor.bytes())) == 0;
  }

  std::vector<std::byte> bytes;
  Tensor tensor;
};

double rounded(double value, DType dtype) {
  Array one(Shape{}, dtype);
  if (!is_floating(dtype)) {
    if (!(std::fabs(value) < 9e18)) value = -9223372036854775808.0;
    if (dtype == DType::boolean) return static_cast<int64_t>(value) != 0;
  }
  one.set(0, value);
  return one.get(0);
}

double tolerance(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return 1e-12;
    case DType::float16:
      return 1e-3;
    case DType::bfloat16:
      return 8e-3;
    default:
      return 1e-6;
  }
}

// Where a pole or a cut lies inside the drawn range the value depends on the last bit of the input.
bool close(double value, double expected, DType dtype) {
  if (std::isnan(expected)) return std::isnan(value);
  if (value == expected) return true;
  return std::fabs(value - expected) <= tolerance(dtype) * std::max(1.0, std::fabs(expected));
}

const DType all_types[] = {DType::float32,  DType::float64, DType::float16,
                           DType::bfloat16, DType::int8,    DType::int32,
                           DType::int64,    DType::uint8,   DType::boolean};

TEST(Program, EveryPrimitiveInEveryTypeAndSize) {
  std::mt19937 generator(1);
  for (int i = 0; i < simd::primitive_count; ++i) {
    const auto p = static_cast<Primitive>(i);
    const Expr children[] = {input(0), input(1), input(2)};
    const int count = simd::arity(p);
    const Program program({call(p, std::span<const Expr>(children, static_cast<size_t>(count)))});
    for (DType dtype : all_types)
      for (int64_t size : {0, 1, 7, 10, 1000}) {
        std::uniform_real_distribution<double> real(-3, 3);
        std::uniform_int_distribution<int> whole(dtype == DType::uint8 ? 0 : -5, 9);
        auto draw = [&] { return is_floating(dtype) ? real(generator) : whole(generator); };
        Array a({size}, dtype), b({size}, dtype), c({size}, dtype), out({size}, dtype);
        a.fill(draw), b.fill(draw), c.fill(draw);
        const Tensor inputs[] = {a.tensor, b.tensor, c.tensor};
        program.run(std::span<const Tensor>(inputs, static_cast<size_t>(count)), {},
                    {&out.tensor, 1});
        for (int64_t k = 0; k < size; ++k) {
          double value = primitive_value(p, a.get(k), b.get(k), c.get(k));
          if (!is_floating(dtype) && (p == Primitive::divide || p == Primitive::reciprocal)) {
            const double divisor = p == Primitive::divide ? b.get(k) : a.get(k);
            value = divisor == 0 ? 0 : std::trunc(value);
          }
          if (!is_floating(dtype)) value = std::trunc(value);
          const double expected = rounded(value, dtype);
          ASSERT_TRUE(close(out.get(k), expected, dtype))
              << simd::name_of(p) << " " << name_of(dtype) << " of " << a.get(k) << ", " << b.get(k)
              << ", " << c.get(k) << ": expected " << expected << ", got " << out.get(k);
        }
      }
  }
}

TEST(Program, ScalarsOnEitherSide) {
  std::mt19937 generator(2);
  std::uniform_real_distribution<double> draw(-3, 3);
  for (int i = simd::unary_count; i < simd::unary_count + simd::binary_count; ++i) {
    const auto p = static_cast<Primitive>(i);
    const Program right({call(p, input(0), scalar(0))}), left({call(p, scalar(0), input(0))}),
        constants({call(p, input(0), constant(1.5))}), both({call(p, input(0), input(1))});
    for (DType dtype : {DType::float32, DType::float64, DType::int32}) {
      Array a({37}, dtype), s({37}, dtype), out({37}, dtype), expected({37}, dtype);
      a.fill([&] { return draw(generator); });
      const double value = 1.5;
      s.fill([&] { return value; });
      const Tensor forward[] = {a.tensor, s.tensor}, backward[] = {s.tensor, a.tensor};
      both.run(forward, {}, {&expected.tensor, 1});
      right.run({&a.tensor, 1}, {&value, 1}, {&out.tensor, 1});
      EXPECT_TRUE(out.same_bytes(expected)) << simd::name_of(p);
      constants.run({&a.tensor, 1}, {}, {&out.tensor, 1});
      EXPECT_TRUE(out.same_bytes(expected)) << simd::name_of(p);
      both.run(backward, {}, {&expected.tensor, 1});
      left.run({&a.tensor, 1}, {&value, 1}, {&out.tensor, 1});
      EXPECT_TRUE(out.same_bytes(expected)) << simd::name_of(p);
    }
  }
}

// Flat index into `shape` of the element that output element `i` reads.
int64_t source(int64_t i, const Shape& out, const Shape& shape) {
  int64_t index = 0, step = 1;
  for (int axis = out.ndim() - 1; axis >= 0; --axis) {
    const int own = axis - out.ndim() + shape.ndim();
    if (own >= 0) {
      if (shape[own] != 1) index += i % out[axis] * step;
      step *= shape[own];
    }
    i /= out[axis];
  }
  return index;
}

TEST(Program, Broadcasts) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> draw(-9, 9);
  const Program program({input(0) - 2 * input(1)});
  const std::pair<Shape, Shape> cases[] = {{{4, 5}, {5}},          {{4, 5}, {4, 1}},
                                           {{4, 5}, {1}},          {{4, 5}, {}},
                                           {{2, 3, 4}, {3, 1}},    {{2, 1, 4}, {1, 3, 1}},
                                           {{500, 3}, {3}},        {{3, 1000}, {3, 1}},
                                           {{2, 3000}, {1, 3000}}, {{1, 3000}, {2, 1}},
                                           {{1, 1}, {1}},          {{2, 3, 4, 5, 6}, {3, 1, 5, 1}},
                                           {{0, 3}, {3}},          {{7, 1, 2, 1}, {1, 3, 1, 700}}};
  for (const auto& [left, right] : cases)
    for (DType dtype :
         {DType::float32, DType::float64, DType::float16, DType::int32, DType::int64}) {
      Shape shape = Shape::filled(std::max(left.ndim(), right.ndim()), 1);
      for (const Shape& s : {left, right})
        for (int k = 0; k < s.ndim(); ++k) {
          int64_t& size = shape[shape.ndim() - s.ndim() + k];
          if (size == 1) size = s[k];
        }
      Array a(left, dtype), b(right, dtype), out(shape, dtype);
      a.fill([&] { return std::floor(draw(generator)); });
      b.fill([&] { return std::floor(draw(generator)); });
      const Tensor inputs[] = {a.tensor, b.tensor};
      program.run(inputs, {}, {&out.tensor, 1});
      for (int64_t i = 0; i < shape.size(); ++i)
        ASSERT_EQ(out.get(i), a.get(source(i, shape, left)) - 2 * b.get(source(i, shape, right)))
            << to_string(left) << to_string(right) << " at " << i;
    }
  Array a({4, 5}, DType::float32), b({4}, DType::float32), out({4, 5}, DType::float32);
  const Tensor bad[] = {a.tensor, b.tensor};
  EXPECT_THROW(program.run(bad, {}, {&out.tensor, 1}), Error);
}

TEST(Program, ReadsStridedInputs) {
  Array a({6, 4}, DType::float32), out({4, 6}, DType::float32);
  int next = 0;
  a.fill([&] { return next++; });
  Tensor transposed = a.tensor;
  transposed.shape = {4, 6};
  transposed.stride = {1, 4};
  Program({input(0) + 1}).run({&transposed, 1}, {}, {&out.tensor, 1});
  for (int64_t i = 0; i < 24; ++i) EXPECT_EQ(out.get(i), a.get(i % 6 * 4 + i / 6) + 1);
}

TEST(Program, MixedTypes) {
  Array f({5}, DType::float32), i({5}, DType::int32), d({5}, DType::float64),
      out({5}, DType::float64);
  int next = 0;
  f.fill([&] { return 0.5 + next++; });
  i.fill([&] { return next++; });
  d.fill([&] { return 1e-9 * next++; });
  const Tensor inputs[] = {f.tensor, i.tensor, d.tensor};
  Program({input(0) * input(1) + input(2)}).run(inputs, {}, {&out.tensor, 1});
  for (int k = 0; k < 5; ++k) EXPECT_EQ(out.get(k), f.get(k) * i.get(k) + d.get(k));
  Array narrow({5}, DType::uint8);
  Program({input(0) * 100}).run({&f.tensor, 1}, {}, {&narrow.tensor, 1});
  for (int k = 0; k < 5; ++k)
    EXPECT_EQ(narrow.get(k), static_cast<uint8_t>(int64_t(f.get(k) * 100)));
  Array truth({5}, DType::boolean);
  Program({greater(input(0), 2)}).run({&f.tensor, 1}, {}, {&truth.tensor, 1});
  for (int k = 0; k < 5; ++k) EXPECT_EQ(truth.get(k), f.get(k) > 2);
}

TEST(Program, IntegersNeverTrap) {
  Array a({4}, DType::int64), b({4}, DType::int64), out({4}, DType::int64);
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  const int64_t left[] = {lowest, lowest, 5, -7}, right[] = {-1, 0, 0, 2};
  std::memcpy(a.bytes.data(), left, sizeof left);
  std::memcpy(b.bytes.data(), right, sizeof right);
  const Tensor inputs[] = {a.tensor, b.tensor};
  auto result = [&](const Expr& e) {
    Program({e}).run(inputs, {}, {&out.tensor, 1});
    const int64_t* values = out.tensor.data<int64_t>();
    return std::vector<int64_t>(values, values + 4);
  };
  const Expr x = input(0), y = input(1);
  EXPECT_EQ(result(x / y), (std::vector<int64_t>{lowest, 0, 0, -3}));
  EXPECT_EQ(result(mod(x, y)), (std::vector<int64_t>{0, 0, 0, 1}));
  EXPECT_EQ(result(abs(x))[0], lowest);
  EXPECT_EQ(result(x * x)[3], 49);
  EXPECT_EQ(result(reciprocal(y))[1], 0);
}

TEST(Program, WritesInPlaceAndSeveralOutputs) {
  for (DType dtype : {DType::float32, DType::float16, DType::int32}) {
    Array w({3000}, dtype), g({3000}, dtype), expected_w({3000}, dtype), expected_m({3000}, dtype);
    int next = 0;
    w.fill([&] { return next++ % 17; });
    g.fill([&] { return next++ % 5; });
    const Expr x = input(0), y = input(1);
    const Program program({x + y, x - y * 2, y, constant(3), x + y});
    Array third({3000}, dtype), fourth({3000}, dtype), fifth({3000}, dtype);
    const Tensor inputs[] = {w.tensor, g.tensor};
    const Tensor apart[] = {expected_w.tensor, expected_m.tensor, third.tensor, fourth.tensor,
                            fifth.tensor};
    program.run(inputs, {}, apart);
    for (int64_t i = 0; i < 3000; i += 7) {
      EXPECT_EQ(expected_w.get(i), w.get(i) + g.get(i));
      EXPECT_EQ(expected_m.get(i), w.get(i) - g.get(i) * 2);
      EXPECT_EQ(fourth.get(i), 3);
    }
    EXPECT_TRUE(third.same_bytes(g));
    EXPECT_TRUE(fifth.same_bytes(expected_w));
    // Both inputs are overwritten; each output's value uses both old inputs.
    const Tensor over[] = {w.tensor, g.tensor, third.tensor, fourth.tensor, fifth.tensor};
    program.run(inputs, {}, over);
    EXPECT_TRUE(w.same_bytes(expected_w)) << name_of(dtype);
    EXPECT_TRUE(g.same_bytes(expected_m)) << name_of(dtype);
  }
}

// A random expression, and the same one split into programs of one primitive each.
class RandomExpressions {
 public:
  explicit RandomExpressions(unsigned seed) : generator_(seed) {}

  Expr draw(int depth) {
    if (depth == 0 || below(6) == 0) {
      const int pick = below(6);
      return pick < 4 ? input(pick % 3) : pick == 4 ? scalar(0) : constant(0.75);
    }
    static const Primitive choice[] = {
        Primitive::add,      Primitive::subtract, Primitive::multiply, Primitive::add,
        Primitive::multiply, Primitive::divide,   Primitive::max,      Primitive::relu,
        Primitive::negative, Primitive::exp,      Primitive::tanh,     Primitive::sigmoid,
        Primitive::square,   Primitive::abs,      Primitive::where,    Primitive::clip,
        Primitive::greater,  Primitive::log1p,    Primitive::erf,      Primitive::sin};
    const Primitive p = choice[below(20)];
    Expr children[3];
    for (int i = 0; i < simd::arity(p); ++i) children[i] = draw(depth - 1);
    return call(p, std::span<const Expr>(children, static_cast<size_t>(simd::arity(p))));
  }
  double value() { return std::uniform_real_distribution<double>(-2, 2)(generator_); }

 private:
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(generator_); }
  std::mt19937 generator_;
};

std::unique_ptr<Array> run_one_by_one(const Expr& e, std::span<const Tensor> inputs, double scalar,
                                      const Shape& shape, DType dtype) {
  auto out = std::make_unique<Array>(shape, dtype);
  if (e->kind != Kind::apply) {
    Program({e}).run(inputs, {&scalar, 1}, {&out->tensor, 1});
    return out;
  }
  std::vector<std::unique_ptr<Array>> values;
  std::vector<Tensor> tensors;
  std::vector<Expr> operands;
  for (int i = 0; i < e->child_count; ++i) {
    values.push_back(run_one_by_one(e->child[i], inputs, scalar, shape, dtype));
    tensors.push_back(values.back()->tensor);
    operands.push_back(input(i));
  }
  Program({call(e->primitive, operands)}).run(tensors, {}, {&out->tensor, 1});
  return out;
}

// What the fusion pass does for half types and narrow integers: each operator's output is rounded.
Expr with_rounding(const Expr& e, DType dtype) {
  if (e->kind == Kind::input) return e;
  if (e->kind != Kind::apply) return round_to(dtype, e);
  Expr children[3];
  for (int i = 0; i < e->child_count; ++i) children[i] = with_rounding(e->child[i], dtype);
  return round_to(dtype, call(e->primitive, std::span<const Expr>(children, e->child_count)));
}

TEST(Program, FusedHasTheBitsOfUnfused) {
  RandomExpressions random(5);
  // The forms that a tape joins, which random expressions may miss.
  const std::vector<Expr> joined = {
      scalar(0) * input(0) + input(1),      input(1) + input(0) * 3,
      input(1) - scalar(0) * input(0),      input(0) * scalar(0) - input(1),
      input(0) - input(0) * scalar(0),      input(0) * input(1) + input(2),
      input(0) - exp(input(1) * scalar(0)), input(1) - exp(-input(0))};
  for (int trial = 0; trial < 120; ++trial)
    for (DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16,
                        DType::int8, DType::int64}) {
      const Expr e = trial < static_cast<int>(joined.size()) ? joined[trial] : random.draw(4);
      const Shape shape{trial % 3 == 0 ? 7 : 331};
      Array a(shape, dtype), b(shape, dtype), c(shape, dtype), out(shape, dtype);
      for (Array* array : {&a, &b, &c}) array->fill([&] { return random.value() * 3; });
      const Tensor inputs[] = {a.tensor, b.tensor, c.tensor};
      const double scalar = random.value();
      Program({with_rounding(e, dtype)}).run(inputs, {&scalar, 1}, {&out.tensor, 1});
      const auto expected = run_one_by_one(e, inputs, scalar, shape, dtype);
      for (int64_t i = 0; i < shape.size(); ++i) {
        if (std::isnan(expected->get(i)) && std::isnan(out.get(i))) continue;  // any NaN is NaN
        ASSERT_EQ(out.get(i), expected->get(i)) << to_string(e) << " in " << name_of(dtype);
        ASSERT_EQ(std::signbit(out.get(i)), std::signbit(expected->get(i))) << to_string(e);
      }
    }
}

TEST(Program, ValueDoesNotDependOnPositionOrThreads) {
  const Expr x = input(0);
  const Program program(
      {relu(x * input(1) + 0.3) * 0.5 - exp(-x), tanh(x) + erf(input(1)) * sigmoid(x)});
  const int64_t n = 200'003;
  Array a({n}, DType::float32), b({n}, DType::float32);
  RandomExpressions random(9);
  a.fill([&] { return random.value() * 4; });
  b.fill([&] { return random.value() * 4; });
  const Tensor inputs[] = {a.tensor, b.tensor};
  Array first({n}, DType::float32), second({n}, DType::float32);
  const Tensor outputs[] = {first.tensor, second.tensor};
  program.run(inputs, {}, outputs);
  for (int64_t i = 0; i < n; i += 997) {  // one element by itself
    Tensor one[] = {Tensor(a.tensor.data<float>() + i, {1}, DType::float32),
                    Tensor(b.tensor.data<float>() + i, {1}, DType::float32)};
    float values[2];
    const Tensor single[] = {Tensor(&values[0], {1}, DType::float32),
                             Tensor(&values[1], {1}, DType::float32)};
    program.run(one, {}, single);
    ASSERT_EQ(values[0], first.get(i));
    ASSERT_EQ(values[1], second.get(i));
  }
#ifdef GEMEL_WITH_OPENMP
  const int threads = omp_get_max_threads();
  for (int count : {1, 2, 3, 7}) {
    omp_set_num_threads(count);
    Array again({n}, DType::float32), more({n}, DType::float32);
    const Tensor repeated[] = {again.tensor, more.tensor};
    program.run(inputs, {}, repeated);
    EXPECT_TRUE(again.same_bytes(first)) << count;
    EXPECT_TRUE(more.same_bytes(second)) << count;
  }
  omp_set_num_threads(threads);
#endif
}

TEST(Program, SharesCommonParts) {
  const Expr x = input(0), t = tanh(x);
  EXPECT_EQ(Program({t * t + t}).step_count(), 2);  // tanh; t*t + t in one pass
  EXPECT_EQ(Program({tanh(input(0)) - tanh(input(0))}).step_count(), 2);
  const Program chain({relu(x * input(1) + input(2)) * 0.5 - exp(-input(3))});
  EXPECT_EQ(chain.step_count(), 3);
  EXPECT_EQ(chain.input_count(), 4);
}

TEST(Program, RunsLongAndWideExpressions) {
  Expr sum = input(0);
  for (int i = 1; i < 100; ++i) sum = sum + input(i % 100) * scalar(i % 20);
  std::vector<std::unique_ptr<Array>> arrays;
  std::vector<Tensor> inputs;
  for (int i = 0; i < 100; ++i) {
    arrays.push_back(std::make_unique<Array>(Shape{100}, DType::float64));
    arrays.back()->fill([&] { return i; });
    inputs.push_back(arrays.back()->tensor);
  }
  std::vector<double> scalars;
  for (int i = 0; i < 20; ++i) scalars.push_back(i * 0.5);
  Array out({100}, DType::float64);
  Program({sum}).run(inputs, scalars, {&out.tensor, 1});
  double expected = 0;
  for (int i = 1; i < 100; ++i) expected += i * scalars[static_cast<size_t>(i % 20)];
  EXPECT_EQ(out.get(99), expected);
}

TEST(Program, RefusesWrongCalls) {
  Array a({4}, DType::float32), b({5}, DType::float32);
  const Program program({input(0) + scalar(0)});
  const double s = 1;
  EXPECT_THROW(program.run({}, {&s, 1}, {&a.tensor, 1}), Error);
  EXPECT_THROW(program.run({&a.tensor, 1}, {}, {&a.tensor, 1}), Error);
  EXPECT_THROW(program.run({&a.tensor, 1}, {&s, 1}, {}), Error);
  EXPECT_THROW(program.run({&a.tensor, 1}, {&s, 1}, {&b.tensor, 1}), Error);
  EXPECT_THROW(program.run({&a.tensor, 1}, {&s, 1}, {&a.tensor, 1}, DType::int8), Error);
  EXPECT_THROW(Program({}), Error);
}

TEST(Program, ResultsThatGoPastTheCachesHaveTheBitsOfSmallOnes) {
  const int64_t n = (5 << 20) + 77, piece = n / 7;
  std::vector<float> x(static_cast<size_t>(n)), y(x);
  for (int64_t i = 0; i < n; ++i) {
    x[static_cast<size_t>(i)] = static_cast<float>(i % 1013) - 500.0f;
    y[static_cast<size_t>(i)] = static_cast<float>(i % 769) * 0.25f;
  }
  // One step, which has a path of its own, and several with two results.
  const Program one(std::vector<Expr>{input(0) * input(1)});
  const Program two(std::vector<Expr>{input(0) * input(1) + 1, input(0) - input(1)});
  const auto run = [&](const Program& program, size_t outputs, int64_t step, int64_t shift) {
    std::vector<std::vector<float>> found(outputs, std::vector<float>(x.size() + 16, NAN));
    for (int64_t at = 0; at < n; at += step) {
      const Shape shape{std::min(step, n - at)};
      const std::vector<Tensor> in = {Tensor(x.data() + at, shape, DType::float32),
                                      Tensor(y.data() + at, shape, DType::float32)};
      std::vector<Tensor> out;
      for (auto& values : found)
        out.emplace_back(values.data() + shift + at, shape, DType::float32);
      program.run(in, {}, out);
    }
    for (auto& values : found) {
      values.erase(values.begin(), values.begin() + static_cast<ptrdiff_t>(shift));
      values.resize(x.size());
    }
    return found;
  };
  for (int64_t shift : {0, 3}) {
    EXPECT_EQ(run(one, 1, n, shift), run(one, 1, piece, 0)) << "from " << shift;
    EXPECT_EQ(run(two, 2, n, shift), run(two, 2, piece, 0)) << "from " << shift;
  }
}

}  // namespace
}  // namespace gemel::pointwise
