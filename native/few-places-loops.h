// Included by attention-loops.h. Attention over a few places, where a row of scores would leave most of a vector
// empty: here lane i·heads + h of the j-th vector is what place i of head h gives to place j, so that a softmax runs over vectors.
// Heads are whole vectors wide.
INLINED float dot(const float* a, const float* b, int64_t c) {
  Floats sum = {};
  for (int64_t i = 0; i < c; i += perVector) sum += load<Floats>(a + i) * load<Floats>(b + i);
  return sumOf(sum);
}

struct Few {
  int64_t length, heads, c;

  int64_t width() const { return heads * c; }
  // Lanes that mean something, and up to whole vectors.
  int64_t used() const { return length * heads; }
  int64_t all() const { return wholeVectors(used()); }
};

// a[i]·b[j] by head, in lane i·heads + h of row j, and 0 beyond: [length, heads·c] twice → [length, all].
INLINED void dots(const float* a, const float* b, const Few& few, float* out) {
  for (int64_t j = 0; j < few.length; j++, out += few.all()) {
    store(out + few.all() - perVector, Floats{});
    for (int64_t i = 0; i < few.length; i++)
      for (int64_t h = 0; h < few.heads; h++)
        out[i * few.heads + h] = dot(a + i * few.width() + h * few.c, b + j * few.width() + h * few.c, few.c);
  }
}

// Σ over the places t of factor(t)·rows[t] into one place of one head.
template <typename Factor>
INLINED void weighted(const float* rows, int64_t h, const Few& few, const Factor& factor, float* out) {
  for (int64_t from = 0; from < few.c; from += perVector) {
    Floats sum = {};
    for (int64_t t = 0; t < few.length; t++)
      sum += load<Floats>(rows + t * few.width() + h * few.c + from) * factor(t);
    store(out + h * few.c + from, sum);
  }
}

// One example: y = P·v, P = softmax(q·kᵀ/√c) by head, which is kept as [heads, length, length]. Scratch: length + 1 rows of lanes.
void attendFew(const float* q, const float* k, const float* v, int64_t length, int64_t heads, int64_t c, bool causal,
               float* scratch, float* y, float* weights) {
  const Few few{length, heads, c};
  const int64_t lanesOfRow = few.all();
  // The place that a lane is of.
  float* const places = scratch + length * lanesOfRow;
  for (int64_t lane = 0; lane < lanesOfRow; lane++)
    places[lane] = static_cast<float>(lane < few.used() ? lane / heads : length);
  dots(q, k, few, scratch);
  const float scale = 1 / __builtin_sqrtf(static_cast<float>(c));
  for (int64_t lane = 0; lane < lanesOfRow; lane += perVector) {
    const Floats place = load<Floats>(places + lane);
    Floats most = load<Floats>(scratch + lane) * scale;
    for (int64_t j = 1; j < length; j++) {
      const Floats score = load<Floats>(scratch + j * lanesOfRow + lane) * scale;
      const Integers higher = score > most;
      most = (causal ? higher & (place >= static_cast<float>(j)) : higher) ? score : most;
    }
    Floats sum = {};
    for (int64_t j = 0; j < length; j++) {
      float* const row = scratch + j * lanesOfRow + lane;
      Floats e = exponential(load<Floats>(row) * scale - most);
      if (causal) e = place >= static_cast<float>(j) ? e : Floats{};
      store(row, e);
      sum += e;
    }
    for (int64_t j = 0; j < length; j++) {
      float* const row = scratch + j * lanesOfRow + lane;
      store(row, load<Floats>(row) / sum);
    }
  }
  for (int64_t i = 0; i < length; i++)
    for (int64_t h = 0; h < heads; h++) {
      const float* const own = scratch + i * heads + h;
      for (int64_t j = 0; j < length; j++) weights[(h * length + i) * length + j] = own[j * lanesOfRow];
      weighted(v, h, few, [&](int64_t j) { return own[j * lanesOfRow]; }, y + i * few.width());
    }
}

// dv = Pᵀ·dy, dP = dy·vᵀ, dS = P∘(dP − Σ_row P∘dP)/√c, dq = dS·k, dk = dSᵀ·q. Scratch: 2·length rows of lanes.
void attendFewGradient(const float* dy, const float* q, const float* k, const float* v, const float* weights,
                       int64_t length, int64_t heads, int64_t c, float* scratch, float* dq, float* dk, float* dv) {
  const Few few{length, heads, c};
  const int64_t lanesOfRow = few.all();
  float* const slopes = scratch;
  float* const shares = scratch + length * lanesOfRow;
  dots(dy, v, few, slopes);
  for (int64_t j = 0; j < length; j++) {
    store(shares + (j + 1) * lanesOfRow - perVector, Floats{});
    for (int64_t i = 0; i < length; i++)
      for (int64_t h = 0; h < heads; h++)
        shares[j * lanesOfRow + i * heads + h] = weights[(h * length + i) * length + j];
  }
  const float scale = 1 / __builtin_sqrtf(static_cast<float>(c));
  for (int64_t lane = 0; lane < lanesOfRow; lane += perVector) {
    Floats along = {};
    for (int64_t j = 0; j < length; j++)
      along += load<Floats>(shares + j * lanesOfRow + lane) * load<Floats>(slopes + j * lanesOfRow + lane);
    for (int64_t j = 0; j < length; j++) {
      const Floats share = load<Floats>(shares + j * lanesOfRow + lane);
      float* const slope = slopes + j * lanesOfRow + lane;
      store(slope, share * (load<Floats>(slope) - along) * scale);
    }
  }
  for (int64_t t = 0; t < length; t++)
    for (int64_t h = 0; h < heads; h++) {
      const int64_t place = t * few.width();
      weighted(k, h, few, [&](int64_t j) { return slopes[j * lanesOfRow + t * heads + h]; }, dq + place);
      weighted(q, h, few, [&](int64_t i) { return slopes[t * lanesOfRow + i * heads + h]; }, dk + place);
      weighted(dy, h, few, [&](int64_t i) { return shares[t * lanesOfRow + i * heads + h]; }, dv + place);
    }
}
