// Noise of the arcs of a network, of its nodes and of the interferograms. Angles are in cycles.

#define CYCLE 6.283185307179586
#define LANES 32   // threads of an edge where edges stand beside each other
#define BLOCK 256  // edges whose sums are taken together; the sums are added in order by the host

struct Arc {
    double re, im;
};

template <typename Z> __device__ Arc arc_of(const Z *phase, i64 a, i64 b, i64 n, i64 k) {
    double p = phase[b * n + k].x, q = phase[b * n + k].y;
    double r = phase[a * n + k].x, s = phase[a * n + k].y;
    Arc found = {p * r + q * s, q * r - p * s};
    return found;
}

__device__ double cycles(double im, double re) { return atan2(im, re) / CYCLE; }
__device__ double wrapped(double angle) { return angle - rint(angle); }

// What the local line around epoch i leaves of it, and what the other epochs do not predict.
// Matrices are transposed: entry (k, i) is the weight of epoch k around epoch i.
struct Estimate {
    double noise, left_out;
};

__device__ Estimate estimate(const double *re, const double *im, const double *angle,
                             const double *day, const double *weights, const double *intercept,
                             const double *slope, i64 n, i64 i, double cancels) {
    double mean_re = 0, mean_im = 0, line = 0, rate = 0, rest = 0;
    for (i64 k = 0; k < n; k++) {
        mean_re = fma(weights[k * n + i], re[k], mean_re);
        mean_im = fma(weights[k * n + i], im[k], mean_im);
    }
    double centre = cycles(mean_im, mean_re);
    for (i64 k = 0; k < n; k++) {
        double residue = wrapped(angle[k] - centre);
        line = fma(intercept[k * n + i], residue, line);
        rate = fma(slope[k * n + i], residue, rate);
    }
    centre += line;
    for (i64 k = 0; k < n; k++) {
        double residue = wrapped(angle[k] - centre - rate * (day[i] - day[k]));
        rest = fma(intercept[k * n + i], residue, rest);
    }
    double own = weights[i * n + i];
    if (own > cancels) {
        mean_re = mean_im = 0;
        for (i64 k = 0; k < n; k++) {
            double weight = k == i ? 0 : weights[k * n + i];
            mean_re = fma(weight, re[k], mean_re);
            mean_im = fma(weight, im[k], mean_im);
        }
    } else {
        mean_re -= own * re[i];
        mean_im -= own * im[i];
    }
    bool others = mean_re != 0 || mean_im != 0;
    double left_out = others ? wrapped(angle[i] - cycles(mean_im, mean_re)) : 0;
    Estimate found = {CYCLE * wrapped(angle[i] - centre - rest), CYCLE * left_out};
    return found;
}

// A block takes BLOCK edges one after the other, its threads the epochs. `sums` (blocks, 2, n) gets
// the sums over its edges of what is left out, and of its squares.
template <typename Z>
__global__ void arc_noise(const Z *phase, const i64 *node_a, const i64 *node_b, i64 n_edge, i64 n,
                          const double *day, const double *weights, const double *intercept,
                          const double *slope, double cancels, float *noise, double *sums) {
    SHARED(double, re);
    double *im = re + n, *angle = im + n, *total = angle + n, *squares = total + n;
    for (i64 i = threadIdx.x; i < n; i += blockDim.x)
        total[i] = squares[i] = 0;
    i64 first = (i64)blockIdx.x * BLOCK, stop = first + BLOCK < n_edge ? first + BLOCK : n_edge;
    for (i64 edge = first; edge < stop; edge++) {
        __syncthreads();
        for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
            Arc arc = arc_of(phase, node_a[edge], node_b[edge], n, i);
            re[i] = arc.re;
            im[i] = arc.im;
            angle[i] = cycles(arc.im, arc.re);
        }
        __syncthreads();
        for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
            Estimate found =
                estimate(re, im, angle, day, weights, intercept, slope, n, i, cancels);
            noise[edge * n + i] = (float)found.noise;
            total[i] += found.left_out;
            squares[i] += found.left_out * found.left_out;
        }
    }
    for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
        sums[((i64)blockIdx.x * 2) * n + i] = total[i];
        sums[((i64)blockIdx.x * 2 + 1) * n + i] = squares[i];
    }
}

// Spread and largest of the noise without its slope against the baseline, of one edge.
__device__ void put_spread(const double *values, double *lanes, i64 lane, i64 n, bool there,
                           double *edge_std, double *edge_max) {
    double own = 0, largest = 0;
    for (i64 k = lane; k < n; k += LANES) {
        own += values[k];
        largest = fabs(values[k]) > largest ? fabs(values[k]) : largest;
    }
    double mean = lane_sum(lanes, lane, LANES, own) / n;
    own = 0;
    for (i64 k = lane; k < n; k += LANES)
        own += (values[k] - mean) * (values[k] - mean);
    double squares = lane_sum(lanes, lane, LANES, own);
    largest = lane_max(lanes, lane, LANES, largest);
    if (there && lane == 0) {
        *edge_std = n > 1 ? sqrt(squares / (n - 1)) : 0;
        *edge_max = largest;
    }
}

__global__ void spread_of_noise(const float *noise, i64 n_edge, i64 n, const double *weight,
                                const double *bperp, double *edge_std, double *edge_max,
                                double *k_edge) {
    SHARED(double, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 edge = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    bool there = edge < n_edge;
    i64 row = there ? edge : n_edge - 1;
    double *lanes = room + here * (n + LANES), *values = lanes + LANES, own = 0;
    for (i64 k = lane; k < n; k += LANES)
        own += weight[k] * noise[row * n + k];
    double slope = lane_sum(lanes, lane, LANES, own);
    for (i64 k = lane; k < n; k += LANES)
        values[k] = noise[row * n + k] - slope * bperp[k];
    put_spread(values, lanes, lane, n, there, edge_std + row, edge_max + row);
    if (there && lane == 0)
        k_edge[edge] = slope;
}

// Sums over BLOCK edges of the phasors of the arcs, and of their squared moduli, (blocks, 3, n).
template <typename Z>
__global__ void pair_sums(const Z *phase, const i64 *node_a, const i64 *node_b, i64 n_edge, i64 n,
                          double *sums) {
    i64 first = (i64)blockIdx.x * BLOCK, stop = first + BLOCK < n_edge ? first + BLOCK : n_edge;
    for (i64 k = threadIdx.x; k < n; k += blockDim.x) {
        double re = 0, im = 0, squares = 0;
        for (i64 edge = first; edge < stop; edge++) {
            Arc arc = arc_of(phase, node_a[edge], node_b[edge], n, k);
            re += arc.re;
            im += arc.im;
            squares += arc.re * arc.re + arc.im * arc.im;
        }
        sums[((i64)blockIdx.x * 3) * n + k] = re;
        sums[((i64)blockIdx.x * 3 + 1) * n + k] = im;
        sums[((i64)blockIdx.x * 3 + 2) * n + k] = squares;
    }
}

// The noise of pairs: the angle of what the slope of the arc's phasor leaves of it.
template <typename Z>
__global__ void spread_of_pairs(const Z *phase, const i64 *node_a, const i64 *node_b, i64 n_edge,
                                i64 n, const double *weight, const double *bperp, double *edge_std,
                                double *edge_max, double2 *k_edge) {
    SHARED(double, room);
    i64 lane = threadIdx.x % LANES, here = threadIdx.x / LANES;
    i64 edge = (i64)blockIdx.x * (blockDim.x / LANES) + here;
    bool there = edge < n_edge;
    i64 row = there ? edge : n_edge - 1, a = node_a[row], b = node_b[row];
    double *lanes = room + here * (n + LANES), *values = lanes + LANES, re = 0, im = 0;
    for (i64 k = lane; k < n; k += LANES) {
        Arc arc = arc_of(phase, a, b, n, k);
        re += weight[k] * arc.re;
        im += weight[k] * arc.im;
    }
    re = lane_sum(lanes, lane, LANES, re);
    im = lane_sum(lanes, lane, LANES, im);
    for (i64 k = lane; k < n; k += LANES) {
        Arc arc = arc_of(phase, a, b, n, k);
        values[k] = atan2(arc.im - im * bperp[k], arc.re - re * bperp[k]);
    }
    put_spread(values, lanes, lane, n, there, edge_std + row, edge_max + row);
    if (there && lane == 0)
        k_edge[edge] = make_double2(re, im);
}

// The least value of the arcs of each node. Values are not negative, so that their bits are in
// their order; the least whole number does not depend on who comes first.
__global__ void least_of_nodes(const double *values, const i64 *node_a, const i64 *node_b,
                               i64 n_edge, double *least) {
    for (i64 edge = first_item(); edge < n_edge; edge += all_threads()) {
        i64 bits = __double_as_longlong(values[edge]);
        if (values[edge] == values[edge]) {
            atomicMin((i64 *)least + node_a[edge], bits);
            atomicMin((i64 *)least + node_b[edge], bits);
        }
    }
}
