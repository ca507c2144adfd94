// Arithmetic on single samples of points and interferograms: a thread takes every
// all_threads()-th sample. Products are written out in separately rounded terms.

// Magnitude, computed in double and rounded once.
__device__ float length(float2 z) {
    return (float)sqrt((double)z.x * (double)z.x + (double)z.y * (double)z.y);
}

__device__ float2 times(float2 a, float re, float im) {
    return make_float2(a.x * re - a.y * im, a.x * im + a.y * re);
}

// A phasor divided by its magnitude; `zero` is the answer for 0.
__device__ float2 unit(float2 z, float zero) {
    float size = length(z);
    return size == 0 ? make_float2(zero, 0) : make_float2(z.x / size, z.y / size);
}

__device__ float2 turned(float2 z, float phase, float sign) {
    double sine, cosine;
    sincos((double)phase, &sine, &cosine);
    return times(z, (float)cosine, sign * (float)sine);
}

__device__ float phase_of(float2 z) { return (float)atan2((double)z.y, (double)z.x); }

__global__ void unit_phasors(const float2 *phasors, i64 n, float2 *out) {
    EACH(i, n) out[i] = unit(phasors[i], 0);
}

__global__ void deviation(const float2 *phasors, const float2 *model, i64 n, float2 *out) {
    EACH(i, n) out[i] = times(phasors[i], model[i].x, -model[i].y);
}

__global__ void angle(const float2 *phasors, i64 n, float *out) {
    EACH(i, n) out[i] = phase_of(phasors[i]);
}

__global__ void subtract_phase(const float2 *phasors, const float *phase, i64 n, float2 *out) {
    EACH(i, n) out[i] = turned(phasors[i], phase[i], -1);
}

__global__ void wrapped_phase(const float2 *phase, const float *bperp, const float *slope, i64 n,
                              i64 m, float2 *out) {
    EACH(i, n * m) out[i] = unit(turned(phase[i], slope[i / m] * bperp[i], 1), 0);
}

__global__ void arc_phasors(const float2 *phase, const i64 *low, const i64 *high, i64 n, i64 m,
                            float2 *out) {
    EACH(i, n * m) {
        float2 start = phase[low[i / m] * m + i % m], end = phase[high[i / m] * m + i % m];
        out[i] = unit(times(end, start.x, -start.y), (float)not_a_number());
    }
}

__global__ void phase_steps(const float2 *phasors, i64 n, i64 m, float2 *out) {
    EACH(i, n * (m - 1)) {
        i64 k = i / (m - 1) * m + i % (m - 1);
        out[i] = unit(times(phasors[k + 1], phasors[k].x, -phasors[k].y), (float)not_a_number());
    }
}

// Phase of the node of a point, plus what the point deviates from it; NaN without a node.
__global__ void to_points(const float *grid_phase, const float2 *phasors, const i64 *node, i64 n,
                          i64 m, float *out) {
    EACH(i, n * m) {
        i64 own = node[i / m];
        float grid = own < 0 ? (float)not_a_number() : grid_phase[own * m + i % m];
        out[i] = grid + phase_of(turned(phasors[i], grid, -1));
    }
}

// Phasors without their look-angle error, times the weight of their row. `stride` is m, or 0 with
// baselines that all rows share.
template <typename B>
__global__ void ph_weight(const float2 *ph, const B *bperp, i64 stride, const double *slope,
                          const double *weight, i64 n, i64 m, float2 *out) {
    EACH(i, n * m) {
        double sine, cosine, factor = weight[i / m], re = ph[i].x, im = ph[i].y;
        sincos((double)bperp[i / m * stride + i % m] * slope[i / m], &sine, &cosine);
        out[i] = make_float2((float)((re * cosine + im * sine) * factor),
                             (float)((im * cosine - re * sine) * factor));
    }
}

// The same, each operation rounded as in the reference.
template <typename B>
__global__ void ph_weight_single(const float2 *ph, const B *bperp, i64 stride, const double *slope,
                                 const double *weight, i64 n, i64 m, float2 *out) {
    EACH(i, n * m) {
        double sine, cosine;
        float factor = (float)weight[i / m];
        B phase = bperp[i / m * stride + i % m] * (B)slope[i / m];
        sincos((double)phase, &sine, &cosine);
        float2 z = times(ph[i], (float)cosine, -(float)sine);
        out[i] = make_float2(z.x * factor, z.y * factor);
    }
}

// Phasors (n, m) of phases (m, n) in cycles.
__global__ void phasors_of_cycles(const double *cycles, i64 n, i64 m, double2 *out) {
    EACH(i, n * m) {
        double sine, cosine;
        sincos(2 * PI * cycles[i % m * n + i / m], &sine, &cosine);
        out[i] = make_double2(cosine, sine);
    }
}
