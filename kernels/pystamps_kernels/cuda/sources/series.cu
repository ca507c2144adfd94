// Rows of values over interferograms: fits by fixed operators, noise, spread.
//
// Sums that have to be those of the reference to the last bit run over interferograms in ascending
// order: each of the LANES threads of a row brings its share of the terms, and every one adds all.

#define LANES 8
#define WIDE 32

// Phase of the row without that of the reference area, in single.
__device__ float referenced(const float *phase, const float *reference, i64 ifg) {
    return phase[ifg] - reference[ifg];
}

// `mode`: what the slope comes from, 0 steps of the phase along `sequence`, 1 the phase at
// `sequence` itself, 2 it is known. Without `fitted` there is no offset.
__global__ void scla(const float *phase, const float *bperp, const double *known, i64 n, i64 m,
                     i64 mode, const float *reference, const i64 *sequence, i64 n_weights,
                     const double *slope_operator, const i64 *fitted, i64 n_fit,
                     const double *offset_operator, double *slopes, float *offsets,
                     float *look_angle) {
    SHARED(double, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 i = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    bool there = i < n;
    i64 row = there ? i : n - 1;
    double *terms = room + here * m, slope;
    phase += row * m;
    bperp += row * m;
    look_angle += row * m;
    if (mode == 2) {
        slope = known[row];
    } else {
        for (i64 k = lane; k < n_weights; k += LANES) {
            float value = referenced(phase, reference, sequence[mode == 0 ? k + 1 : k]);
            if (mode == 0)
                value -= referenced(phase, reference, sequence[k]);
            terms[k] = slope_operator[k] * (double)value;
        }
        slope = ascending_sum(terms, n_weights);
    }
    for (i64 k = lane; there && k < m; k += LANES)
        look_angle[k] = (float)slope * bperp[k];
    for (i64 k = lane; k < n_fit; k += LANES) {
        i64 ifg = fitted[k];
        float rest = referenced(phase, reference, ifg) - (float)slope * bperp[ifg];
        terms[k] = offset_operator[k] * (double)rest;
    }
    double offset = ascending_sum(terms, n_fit);
    if (there && lane == 0) {
        slopes[i] = slope;
        offsets[i] = (float)offset;
    }
}

// Phase of arcs, and half of what each deviates from its mean over interferograms.
__global__ void edge_noise(const i64 *node_a, const i64 *node_b, i64 n, i64 m, const float2 *uw_ph,
                           float *arc, float *noise) {
    SHARED(double, room);
    i64 lane = threadIdx.x % WIDE, here = threadIdx.x / WIDE;
    i64 i = (i64)blockIdx.x * (blockDim.x / WIDE) + here;
    bool there = i < n;
    const float2 *a = uw_ph + node_a[there ? i : n - 1] * m;
    const float2 *b = uw_ph + node_b[there ? i : n - 1] * m;
    double *lanes = room + here * WIDE, own = 0;
    for (i64 k = lane; there && k < m; k += WIDE) {
        float re = b[k].x * a[k].x + b[k].y * a[k].y, im = b[k].y * a[k].x - b[k].x * a[k].y;
        float phase = re == 0 && im == 0 ? 0 : phase_of(re, im);
        arc[i * m + k] = phase;
        own += phase;
    }
    float mean = (float)(lane_sum(lanes, lane, WIDE, own) / m);
    for (i64 k = lane; there && k < m; k += WIDE)
        noise[i * m + k] = 0.5f * (arc[i * m + k] - mean);
}

// Standard deviation of a row, each sum in ascending order, rounded once. `values` is in shared
// memory, and is overwritten.
__device__ float spread(double *values, i64 lane, i64 m) {
    double mean = ascending_sum(values, m) / m;
    for (i64 k = lane; k < m; k += LANES)
        values[k] = (values[k] - mean) * (values[k] - mean);
    return (float)sqrt(ascending_sum(values, m) / (m - 1));
}

// What is left of the phases after the smooth part; NaN in rows of a larger deviation than `limit`.
__global__ void arc_noise(const float2 *phasors, const float *smooth, i64 n, i64 m, double limit,
                          float *noise) {
    SHARED(double, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 i = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    bool there = i < n;
    double *values = room + here * m;
    for (i64 k = lane; k < m; k += LANES) {
        double sine, cosine;
        i64 at = (there ? i : n - 1) * m + k;
        sincos((double)smooth[at], &sine, &cosine);
        float c = (float)cosine, s = -(float)sine;
        float2 z = phasors[at];
        float rest = phase_of(z.x * c - z.y * s, z.x * s + z.y * c);
        values[k] = rest;
        if (there)
            noise[at] = rest;
    }
    bool above = !(spread(values, lane, m) <= (float)limit);
    for (i64 k = lane; there && above && k < m; k += LANES)
        noise[i * m + k] = (float)not_a_number();
}

// Variance of each row in cycles squared.
__global__ void arc_variance(const float *noise, i64 n, i64 m, float *variance) {
    SHARED(double, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 i = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    double *values = room + here * m;
    for (i64 k = lane; k < m; k += LANES)
        values[k] = noise[(i < n ? i : n - 1) * m + k];
    float cycles = spread(values, lane, m) / 2.0f / (float)PI;
    if (i < n && lane == 0)
        variance[i] = cycles * cycles;
}

// Column c of a row's product with a matrix (m, n_out), in ascending order of the m.
__device__ double product(const float *row, const double *matrix, i64 m, i64 n_out, i64 c) {
    double total = 0;
    for (i64 k = 0; k < m; k++)
        total += (double)row[k] * matrix[k * n_out + c];
    return total;
}

__global__ void image_baselines(const float *bperp, i64 n, i64 m, const double *matrix, i64 n_out,
                                float *out) {
    for (i64 i = first_item(); i < n * n_out; i += all_threads())
        out[i] = (float)product(bperp + i / n_out * m, matrix, m, n_out, i % n_out);
}

// The same of the phase without that of the reference area.
template <typename T>
__global__ void referenced_product(const float *phase, i64 n, i64 m, const double *matrix,
                                   i64 n_out, const float *reference, T *out) {
    for (i64 i = first_item(); i < n * n_out; i += all_threads()) {
        const float *row = phase + i / n_out * m;
        double total = 0;
        for (i64 k = 0; k < m; k++)
            total += (double)(row[k] - reference[k]) * matrix[k * n_out + i % n_out];
        out[i] = (T)total;
    }
}

__global__ void temporal_highpass(const float *phase, i64 n, i64 m, const double *weights,
                                  i64 n_out, const double *origin, double *out) {
    for (i64 i = first_item(); i < n * m; i += all_threads()) {
        double low = product(phase + i / n_out * m, weights, m, n_out, i % n_out);
        out[i] = (double)phase[i] - low - origin[i % n_out];
    }
}

// Phases of images from those of interferograms by `operator` (m, n_image), and back by `design`
// (n_image, m), both transposed; a block takes a row.
__global__ void network_smooth(const float2 *phasors, i64 n, i64 m, const double *matrix,
                               i64 n_image, const float *design, float *smooth) {
    SHARED(double, angles);
    float *images = (float *)(angles + m);
    i64 i = blockIdx.x;
    for (i64 k = threadIdx.x; k < m; k += blockDim.x)
        angles[k] = phase_of(phasors[i * m + k].x, phasors[i * m + k].y);
    __syncthreads();
    for (i64 image = threadIdx.x; image < n_image; image += blockDim.x) {
        double total = 0;
        for (i64 k = 0; k < m; k++)
            total += angles[k] * matrix[k * n_image + image];
        images[image] = (float)total;
    }
    __syncthreads();
    for (i64 k = threadIdx.x; k < m; k += blockDim.x) {
        float total = 0;
        for (i64 image = 0; image < n_image; image++)
            total += images[image] * design[image * m + k];
        smooth[i * m + k] = total;
    }
}

// Floats as whole numbers of the same order, and back.
__device__ i64 ordered(float value) {
    i64 bits = __float_as_int(value);
    return bits < 0 ? (i64)(int)0x80000000 - bits : bits;
}
__device__ float from_ordered(i64 order) {
    return __int_as_float((int)(order < 0 ? (i64)(int)0x80000000 - order : order));
}

// Least and largest of the neighbours' values as ordered numbers, (n, 2); NaN does not count.
__global__ void least_and_largest_neighbour(const float *values, const i64 *edges, i64 n_edge,
                                            i64 *ends) {
    for (i64 i = first_item(); i < 2 * n_edge; i += all_threads()) {
        i64 own = edges[i], other = edges[i % 2 ? i - 1 : i + 1];
        float value = values[other];
        if (value == value) {
            atomicMin(ends + 2 * own, ordered(value));
            atomicMax(ends + 2 * own + 1, ordered(value));
        }
    }
}

template <typename T>
__global__ void clamp(const T *values, const i64 *ends, i64 n, T *clamped) {
    for (i64 i = first_item(); i < n; i += all_threads()) {
        T value = values[i];
        if (ends[2 * i] <= ends[2 * i + 1]) {
            T low = from_ordered(ends[2 * i]), high = from_ordered(ends[2 * i + 1]);
            value = values[i] > high ? high : values[i] < low ? low : value;
        }
        clamped[i] = value;
    }
}

__device__ u64 mixed(u64 word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
    return word ^ (word >> 31);
}

// Spread of the coherence of a row when its interferograms are resampled; a block takes a row, each
// of its threads whole resamples. `start` and `step` are those of the random numbers.
__global__ void bootstrap_deviation(const float *residual, const i64 *candidate, i64 n, i64 m,
                                    i64 n_resamples, i64 start, i64 step, double *deviation) {
    SHARED(double2, phasors);
    double *coherence = (double *)(phasors + m);
    i64 i = blockIdx.x;
    for (i64 k = threadIdx.x; k < m; k += blockDim.x) {
        double sine, cosine;
        sincos((double)residual[i * m + k], &sine, &cosine);
        phasors[k] = make_double2(cosine, sine);
    }
    __syncthreads();
    u64 key = mixed((u64)candidate[i] + (u64)start);
    for (i64 sample = threadIdx.x; sample < n_resamples; sample += blockDim.x) {
        double re = 0, im = 0;
        for (i64 k = 0; k < m; k++) {
            u64 word = mixed(key + (u64)(sample * m + k + 1) * (u64)step);
            double2 picked = phasors[(word >> 32) * (u64)m >> 32];
            re += picked.x;
            im += picked.y;
        }
        coherence[sample] = sqrt(re * re + im * im) / m;
    }
    double mean = ascending_sum(coherence, n_resamples) / n_resamples;
    if (threadIdx.x == 0) {
        double squares = 0;
        for (i64 sample = 0; sample < n_resamples; sample++)
            squares += (coherence[sample] - mean) * (coherence[sample] - mean);
        deviation[i] = sqrt(squares / (n_resamples - 1));
    }
}
