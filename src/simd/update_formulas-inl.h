// The steps of optimizers, written once: for vectors (update_loops.cpp) and for expressions
// (ops/optimizer). No guard: each includes it into a namespace of its own.
//
// x: weight, gradient, states; s[0]: the limit of the gradient, s[1] learning rate, s[2] weight
// decay, s[3] factor of the gradient, then the formula's own; y: new weight and states. V is a
// vector or an expression; `clip` limits a gradient or leaves it.

struct Sgd {
  static constexpr int inputs = 2, outputs = 1, scalars = 4;
  // lr * (clip(rescale * gradient) + wd * weight)
  template <class V, class Clip>
  static inline V step(const V* x, const V* s, const Clip& clip) {
    return s[1] * (clip(s[3] * x[1]) + s[2] * x[0]);
  }
  template <class V, class Clip>
  static inline void apply(const V* x, const V* s, const Clip& clip, V* y) {
    y[0] = x[0] - step(x, s, clip);
  }
};

// s[4]: momentum.
struct Momentum {
  static constexpr int inputs = 3, outputs = 2, scalars = 5;
  template <class V, class Clip>
  static inline void apply(const V* x, const V* s, const Clip& clip, V* y) {
    y[1] = s[4] * x[2] - Sgd::step(x, s, clip);
    y[0] = x[0] + y[1];
  }
};

// Seen from where the momentum leads.
struct Nesterov {
  static constexpr int inputs = 3, outputs = 2, scalars = 5;
  template <class V, class Clip>
  static inline void apply(const V* x, const V* s, const Clip& clip, V* y) {
    const V step = Sgd::step(x, s, clip);
    y[1] = s[4] * x[2] - step;
    y[0] = x[0] + s[4] * y[1] - step;
  }
};

// s[4], s[5]: decay of the mean and of the variance, s[6]: epsilon.
struct Adam {
  static constexpr int inputs = 4, outputs = 3, scalars = 7;
  template <class V, class Clip>
  static inline void apply(const V* x, const V* s, const Clip& clip, V* y) {
    const V gradient = clip(s[3] * x[1] + s[2] * x[0]);
    y[1] = s[4] * x[2] + (V(1.0) - s[4]) * gradient;
    y[2] = s[5] * x[3] + (V(1.0) - s[5]) * square(gradient);
    y[0] = x[0] - s[1] * y[1] / (sqrt(y[2]) + s[6]);
  }
};

// s[4]: decay of the mean square, s[5]: epsilon, s[6]: limit of the weight.
struct Rmsprop {
  static constexpr int inputs = 3, outputs = 2, scalars = 7;
  template <class V, class Clip>
  static inline void apply(const V* x, const V* s, const Clip& clip_gradient, V* y) {
    const V gradient = clip_gradient(s[3] * x[1] + s[2] * x[0]);
    y[1] = s[4] * x[2] + (V(1.0) - s[4]) * square(gradient);
    y[0] = clip(x[0] - s[1] * gradient / sqrt(y[1] + s[5]), -s[6], s[6]);
  }
};
