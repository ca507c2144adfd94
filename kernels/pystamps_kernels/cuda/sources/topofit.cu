// Fit of slope and offset to the phasors of each row: a search over trial slopes, one refinement.
//
// LANES threads share a row. In the search each takes whole trials and adds over interferograms in
// ascending order; in the refinement each takes every LANES-th interferogram, and the lanes are
// added in ascending order. Trials t and -t share their cosines, sines and products.

#define LANES 8

struct Best {
    double power;
    i64 trial;
};

// The more coherent trial; the lower of equals.
__device__ Best better(Best a, Best b) {
    bool second = b.power > a.power || (b.power == a.power && b.trial < a.trial);
    return second ? b : a;
}

// Range of the baselines with data as a trial step [rad/m]; NaN without one.
__device__ double step_of(double low, double high) {
    return high > low ? PI / 4 / (high - low) : not_a_number();
}

// Cosines and sines of trials 0 to steps at baselines that all rows share, (steps + 1, m).
template <typename B>
__global__ void trial_table(const B *bperp, i64 m, i64 steps, double2 *table) {
    double low = bperp[0], high = bperp[0];
    for (i64 k = 1; k < m; k++) {
        low = bperp[k] < low ? bperp[k] : low;
        high = bperp[k] > high ? bperp[k] : high;
    }
    double step = step_of(low, high);
    for (i64 i = first_item(); i < (steps + 1) * m; i += all_threads()) {
        double sine, cosine;
        sincos(step * bperp[i % m] * (double)(i / m), &sine, &cosine);
        table[i] = make_double2(cosine, sine);
    }
}

// Shared memory of a row: phasors and what remains of them, baselines, two values of each lane.
struct Row {
    double2 *z;
    double2 *rest;
    double *base;
    double2 *lanes;
};

__device__ Row row_of(double2 *room, i64 row, i64 m) {
    double2 *start = room + row * (2 * m + (m + 1) / 2 + LANES);
    Row found = {start, start + m, (double *)(start + 2 * m), start + 2 * m + (m + 1) / 2};
    return found;
}

// Sum over the lanes of a row, known to all of them.
__device__ double2 lane_sum(double2 *lanes, i64 lane, double2 own) {
    __syncthreads();
    lanes[lane] = own;
    __syncthreads();
    double2 total = make_double2(0.0, 0.0);
    for (int i = 0; i < LANES; i++) {
        total.x += lanes[i].x;
        total.y += lanes[i].y;
    }
    return total;
}

template <typename Z, typename B>
__device__ void load(Row row, i64 lane, const Z *phasors, const B *bperp, i64 stride, i64 i,
                     i64 m) {
    for (i64 k = lane; k < m; k += LANES) {
        row.z[k] = make_double2(phasors[i * m + k].x, phasors[i * m + k].y);
        row.base[k] = bperp[i * stride + k];
    }
    __syncthreads();
}

__device__ void store(Row row, i64 lane, i64 m, bool known, float2 *residual, i64 n_residual) {
    for (i64 k = lane; k < n_residual; k += LANES) {
        double2 rest = row.rest[k];
        residual[k] = known ? make_float2((float)rest.x, (float)rest.y) : make_float2(0, 0);
    }
}

__device__ bool is_hole(double2 z) { return z.x == 0 && z.y == 0; }

// Least and largest baseline with data.
__device__ double2 ends_of(Row row, i64 lane, i64 m) {
    double low = infinity(), high = -infinity();
    for (i64 k = lane; k < m; k += LANES) {
        if (!is_hole(row.z[k])) {
            low = row.base[k] < low ? row.base[k] : low;
            high = row.base[k] > high ? row.base[k] : high;
        }
    }
    __syncthreads();
    row.lanes[lane] = make_double2(low, high);
    __syncthreads();
    for (int i = 0; i < LANES; i++) {
        low = row.lanes[i].x < low ? row.lanes[i].x : low;
        high = row.lanes[i].y > high ? row.lanes[i].y : high;
    }
    return make_double2(low, high);
}

__device__ bool is_whole(Row row, i64 lane, i64 m) {
    double holes = 0;
    for (i64 k = lane; k < m; k += LANES)
        holes += is_hole(row.z[k]);
    return lane_sum(row.lanes, lane, make_double2(holes, 0.0)).x == 0;
}

// Powers of trials -t and t, the better of both.
__device__ Best trial_pair(Row row, i64 m, i64 t, double step, const double2 *turns) {
    double rc = 0, js = 0, jc = 0, rs = 0;
    for (i64 k = 0; k < m; k++) {
        double cosine, sine;
        if (turns) {
            cosine = turns[k].x;
            sine = turns[k].y;
        } else {
            sincos(step * row.base[k] * (double)t, &sine, &cosine);
        }
        rc = fma(row.z[k].x, cosine, rc);
        js = fma(row.z[k].y, sine, js);
        jc = fma(row.z[k].y, cosine, jc);
        rs = fma(row.z[k].x, sine, rs);
    }
    Best minus = {(rc - js) * (rc - js) + (jc + rs) * (jc + rs), -t};
    Best plus = {(rc + js) * (rc + js) + (jc - rs) * (jc - rs), t};
    return better(minus, plus);
}

__device__ i64 search(Row row, i64 lane, i64 m, i64 steps, double step, const double2 *table) {
    Best best = {-1.0, 0};
    for (i64 t = lane; t <= steps; t += LANES)
        best = better(best, trial_pair(row, m, t, step, table ? table + t * m : 0));
    __syncthreads();
    row.lanes[lane] = make_double2(best.power, (double)best.trial);
    __syncthreads();
    for (int i = 0; i < LANES; i++) {
        Best other = {row.lanes[i].x, (i64)row.lanes[i].y};
        best = better(best, other);
    }
    return best.trial;
}

// Take a slope off the phasors of the row; the sum of what remains.
__device__ double2 turn(Row row, i64 lane, i64 m, double slope) {
    double2 own = make_double2(0.0, 0.0);
    for (i64 k = lane; k < m; k += LANES) {
        double cosine, sine;
        sincos(slope * row.base[k], &sine, &cosine);
        double re = row.z[k].x * cosine + row.z[k].y * sine;
        double im = row.z[k].y * cosine - row.z[k].x * sine;
        row.rest[k] = make_double2(re, im);
        own.x += re;
        own.y += im;
    }
    return lane_sum(row.lanes, lane, own);
}

// What least squares add to a slope: of the deviations from the phase `sum` of the whole row.
__device__ double refinement(Row row, i64 lane, i64 m, double2 sum) {
    double2 own = make_double2(0.0, 0.0);
    for (i64 k = lane; k < m; k += LANES) {
        double2 rest = row.rest[k];
        double deviation = atan2(rest.y * sum.x - rest.x * sum.y, rest.x * sum.x + rest.y * sum.y);
        double weighted = (row.z[k].x * row.z[k].x + row.z[k].y * row.z[k].y) * row.base[k];
        own.x += weighted * deviation;
        own.y += weighted * row.base[k];
    }
    double2 total = lane_sum(row.lanes, lane, own);
    return total.x / total.y;
}

// `stride` is m, or 0 with baselines that all rows share; `table` counts if `tabled`, for rows
// without holes. `n_residual` is m, or 0 where no residual is asked for.
template <typename Z, typename B>
__global__ void fit(const Z *phasors, const B *bperp, i64 stride, i64 n, i64 m, i64 steps,
                    const double2 *table, i64 tabled, double *slopes, double *offsets,
                    double *coherences, float2 *residual, i64 n_residual) {
    SHARED(double2, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 i = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    Row row = row_of(room, here, m);
    load(row, lane, phasors, bperp, stride, i < n ? i : n - 1, m);  // the idle repeat the last row
    double2 ends = ends_of(row, lane, m);
    double step = step_of(ends.x, ends.y);
    bool from_table = is_whole(row, lane, m) && tabled;
    i64 best = search(row, lane, m, steps, step, from_table ? table : 0);
    double slope = step * (double)best;
    double2 sum = turn(row, lane, m, slope);
    slope += refinement(row, lane, m, sum);
    sum = turn(row, lane, m, slope);
    double length = 0;
    for (i64 k = lane; k < m; k += LANES)
        length += sqrt(row.rest[k].x * row.rest[k].x + row.rest[k].y * row.rest[k].y);
    length = lane_sum(row.lanes, lane, make_double2(length, 0.0)).x;
    if (i >= n)
        return;
    if (lane == 0) {
        slopes[i] = slope;
        offsets[i] = slope == slope ? atan2(sum.y, sum.x) : slope;
        coherences[i] = slope == slope ? sqrt(sum.x * sum.x + sum.y * sum.y) / length : slope;
    }
    store(row, lane, m, slope == slope, residual + i * m, n_residual);
}

// ---- The mixed single precision of the reference, operation by operation. -----------------------
//
// B is the class of the baselines; phasors, their turns and coherences are single. Values wait in
// the same rooms as above, exactly. All sums run over interferograms in ascending order: each lane
// adds up its own trials, and every lane the sums of the refinement.

__device__ float length(double re, double im) { return (float)sqrt(re * re + im * im); }

template <typename B> __device__ void cosine_sine(B phase, float *cosine, float *sine) {
    double exact_cosine, exact_sine;
    sincos((double)phase, &exact_sine, &exact_cosine);
    *cosine = (float)exact_cosine;
    *sine = (float)exact_sine;
}

struct BestSingle {
    float coherence;
    i64 trial;
};

__device__ BestSingle better(BestSingle a, BestSingle b) {
    bool second = b.coherence > a.coherence || (b.coherence == a.coherence && b.trial < a.trial);
    return second ? b : a;
}

// Coherences of trials -t and t, the better of both.
template <typename B>
__device__ BestSingle trial_pair_single(Row row, i64 m, i64 t, B spread, float magnitude) {
    float minus_re = 0, minus_im = 0, plus_re = 0, plus_im = 0;
    for (i64 k = 0; k < m; k++) {
        float re = (float)row.z[k].x, im = (float)row.z[k].y, cosine, sine;
        B unit = (B)row.base[k] / spread * (B)PI / (B)4;
        cosine_sine(unit * (B)t, &cosine, &sine);
        float rc = re * cosine, rs = re * sine, ic = im * cosine, js = im * sine;
        minus_re += rc - js;
        minus_im += rs + ic;
        plus_re += rc + js;
        plus_im += ic - rs;
    }
    BestSingle minus = {length(minus_re, minus_im) / magnitude, -t};
    BestSingle plus = {length(plus_re, plus_im) / magnitude, t};
    return better(minus, plus);
}

template <typename B> __device__ i64 search_single(Row row, i64 lane, i64 m, i64 steps, B spread) {
    float magnitude = 0;
    for (i64 k = 0; k < m; k++)
        magnitude += length(row.z[k].x, row.z[k].y);
    BestSingle best = {-1.0f, 0};
    for (i64 t = lane; t <= steps; t += LANES)
        best = better(best, trial_pair_single(row, m, t, spread, magnitude));
    __syncthreads();
    row.lanes[lane] = make_double2(best.coherence, (double)best.trial);
    __syncthreads();
    for (int i = 0; i < LANES; i++) {
        BestSingle other = {(float)row.lanes[i].x, (i64)row.lanes[i].y};
        best = better(best, other);
    }
    return best.trial;
}

// Take a slope off the phasors of the row; the sum of what remains.
template <typename B> __device__ float2 turn_single(Row row, i64 lane, i64 m, B slope) {
    __syncthreads();
    for (i64 k = lane; k < m; k += LANES) {
        float re = (float)row.z[k].x, im = (float)row.z[k].y, cosine, sine;
        cosine_sine(slope * (B)row.base[k], &cosine, &sine);
        row.rest[k] = make_double2(re * cosine + im * sine, im * cosine - re * sine);
    }
    __syncthreads();
    float2 total = make_float2(0, 0);
    for (i64 k = 0; k < m; k++) {
        total.x += (float)row.rest[k].x;
        total.y += (float)row.rest[k].y;
    }
    return total;
}

__device__ double refinement_single(Row row, i64 m, float2 sum) {
    double moment = 0, norm = 0;
    for (i64 k = 0; k < m; k++) {
        float re = (float)row.rest[k].x, im = (float)row.rest[k].y;
        float across = im * sum.x - re * sum.y, along = re * sum.x + im * sum.y;
        float deviation = (float)atan2((double)across, (double)along);
        float magnitude = length(row.z[k].x, row.z[k].y);
        double weighted = (double)(magnitude * (float)row.base[k]);
        moment += weighted * (double)(magnitude * deviation);
        norm += weighted * weighted;
    }
    return moment / norm;
}

template <typename Z, typename B>
__global__ void fit_single(const Z *phasors, const B *bperp, i64 stride, i64 n, i64 m, i64 steps,
                           double *slopes, double *offsets, double *coherences, float2 *residual,
                           i64 n_residual) {
    SHARED(double2, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 i = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    Row row = row_of(room, here, m);
    load(row, lane, phasors, bperp, stride, i < n ? i : n - 1, m);
    double2 ends = ends_of(row, lane, m);
    B spread = (B)ends.y - (B)ends.x;
    bool known = spread > 0;
    i64 best = search_single(row, lane, m, steps, spread);
    B slope = (B)(PI / 4) / spread * (B)best;
    float2 sum = turn_single(row, lane, m, slope);
    slope += (B)refinement_single(row, m, sum);
    sum = turn_single(row, lane, m, slope);
    float lengths = 0;
    for (i64 k = 0; k < m; k++)
        lengths += length(row.rest[k].x, row.rest[k].y);
    if (i >= n)
        return;
    if (lane == 0) {
        slopes[i] = known ? (double)slope : not_a_number();
        offsets[i] = known ? (double)(float)atan2((double)sum.y, (double)sum.x) : not_a_number();
        coherences[i] = known ? (double)(length(sum.x, sum.y) / lengths) : not_a_number();
    }
    store(row, lane, m, known, residual + i * m, n_residual);
}
