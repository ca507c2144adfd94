// Filters of overlapping windows of a grid by their own spectrum: CLAP, Goldstein, a low-pass.
//
// A block takes a window at a time: it loads it, transforms it, weights the spectrum, transforms it
// back and puts the window out; another kernel adds the windows of each cell up in raster order.
// The transforms work in place, radix 4, then 2, then any odd rest, and leave the frequencies in
// another order; `centred` says where a frequency stands, counted from the most negative one.

struct Tables {
    const double2 *turns;  // exp(-2 pi i k / n)
    const i64 *centred;
    const double *low_pass;  // (n, n), centred
    const double *gaussian;  // 7 weights
};

struct Filter {
    i64 n;            // cells of a window with its padding
    i64 kind;         // 0 the low-pass alone, 1 CLAP, 2 Goldstein
    i64 low, high;    // ranks of the two values whose mean is the median
    double alpha, beta;
};

struct Window {
    double2 *a;       // (n, n) samples, then spectrum
    double2 *spare;   // (n, n); its halves are two arrays of double
    double2 *threads; // a value of each thread
};

__device__ Window window_in(double2 *room, i64 n) {
    Window found = {room, room + n * n, room + 2 * n * n};
    return found;
}

__device__ double2 times(double2 a, double re, double im) {
    return make_double2(a.x * re - a.y * im, a.x * im + a.y * re);
}
__device__ double2 plus(double2 a, double2 b) { return make_double2(a.x + b.x, a.y + b.y); }
__device__ double2 minus(double2 a, double2 b) { return make_double2(a.x - b.x, a.y - b.y); }

// `item` of the butterflies of one step: those of a line stand `lines` apart, or side by side.
struct Butterfly {
    double2 *at;  // its first sample
    i64 turn;     // number of its twiddle factor
};

__device__ Butterfly butterfly(double2 *a, i64 n, i64 length, i64 part, int axis, i64 item) {
    i64 inside = n / length * part;  // butterflies of a line
    i64 line = axis ? item / inside : item % n, number = axis ? item % inside : item / n;
    i64 k = number / part * length + number % part;
    Butterfly found = {a + (axis ? line * n + k : k * n + line), number % part * (n / length)};
    return found;
}

__device__ double2 turned(double2 z, const double2 *turns, i64 turn, double way) {
    return times(z, turns[turn].x, way * turns[turn].y);
}

// Split each block of `length` samples into four transforms, or join them (way -1).
__device__ void quarter(double2 *a, i64 n, i64 length, int axis, const double2 *turns, double way) {
    i64 part = length / 4, step = axis ? part : part * n;
    for (i64 item = threadIdx.x; item < n * n / 4; item += blockDim.x) {
        Butterfly here = butterfly(a, n, length, part, axis, item);
        double2 *z = here.at;
        if (way > 0) {
            double2 p = plus(z[0], z[2 * step]), q = minus(z[0], z[2 * step]);
            double2 r = plus(z[step], z[3 * step]), d = minus(z[step], z[3 * step]);
            double2 t = make_double2(d.y, -d.x);
            z[0] = plus(p, r);
            z[step] = turned(plus(q, t), turns, here.turn, 1);
            z[2 * step] = turned(minus(p, r), turns, 2 * here.turn, 1);
            z[3 * step] = turned(minus(q, t), turns, 3 * here.turn, 1);
        } else {
            double2 u = turned(z[step], turns, here.turn, -1);
            double2 v = turned(z[2 * step], turns, 2 * here.turn, -1);
            double2 w = turned(z[3 * step], turns, 3 * here.turn, -1);
            double2 p = plus(z[0], v), r = minus(z[0], v), q = plus(u, w), t = minus(u, w);
            double2 d = make_double2(-t.y, t.x);
            z[0] = plus(p, q);
            z[2 * step] = minus(p, q);
            z[step] = plus(r, d);
            z[3 * step] = minus(r, d);
        }
    }
    __syncthreads();
}

__device__ void halve(double2 *a, i64 n, i64 length, int axis, const double2 *turns, double way) {
    i64 part = length / 2, step = axis ? part : part * n;
    for (i64 item = threadIdx.x; item < n * n / 2; item += blockDim.x) {
        Butterfly here = butterfly(a, n, length, part, axis, item);
        double2 x = here.at[0], y = here.at[step];
        if (way < 0)
            y = turned(y, turns, here.turn, -1);
        here.at[0] = plus(x, y);
        here.at[step] = way > 0 ? turned(minus(x, y), turns, here.turn, 1) : minus(x, y);
    }
    __syncthreads();
}

// Transform each block of an odd length by the definition.
__device__ void odd_rest(Window w, i64 n, i64 length, int axis, const double2 *turns, double way) {
    i64 step = axis ? 1 : n;
    for (i64 item = threadIdx.x; item < n * n; item += blockDim.x) {
        i64 place = axis ? item % n : item / n, k = place % length;
        const double2 *first = w.a + item - k * step;
        double2 total = make_double2(0.0, 0.0);
        for (i64 j = 0; j < length; j++)
            total = plus(total, turned(first[j * step], turns, k * j % length * (n / length), way));
        w.spare[item] = total;
    }
    __syncthreads();
    for (i64 item = threadIdx.x; item < n * n; item += blockDim.x)
        w.a[item] = w.spare[item];
    __syncthreads();
}

__device__ void transform(Window w, i64 n, const double2 *turns) {
    for (int axis = 0; axis < 2; axis++) {
        i64 length = n;
        for (; length % 4 == 0; length /= 4)
            quarter(w.a, n, length, axis, turns, 1);
        if (length % 2 == 0) {
            halve(w.a, n, length, axis, turns, 1);
            length /= 2;
        }
        if (length > 1)
            odd_rest(w, n, length, axis, turns, 1);
    }
}

// The inverse of `transform`, times n * n.
__device__ void transform_back(Window w, i64 n, const double2 *turns) {
    i64 odd = n, quarters = 0;
    for (; odd % 4 == 0; odd /= 4)
        quarters++;
    bool even = odd % 2 == 0;
    odd /= even ? 2 : 1;
    for (int axis = 0; axis < 2; axis++) {
        i64 length = odd;
        if (odd > 1)
            odd_rest(w, n, odd, axis, turns, -1);
        if (even) {
            length *= 2;
            halve(w.a, n, length, axis, turns, -1);
        }
        for (i64 i = 0; i < quarters; i++) {
            length *= 4;
            quarter(w.a, n, length, axis, turns, -1);
        }
    }
}

// Least of one value of each thread and largest of another, known to all; blocks are powers of two.
__device__ double2 least_and_largest(double2 *threads, double least, double largest) {
    threads[threadIdx.x] = make_double2(least, largest);
    __syncthreads();
    for (i64 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            double2 own = threads[threadIdx.x], other = threads[threadIdx.x + half];
            own.x = other.x < own.x ? other.x : own.x;
            own.y = other.y > own.y ? other.y : own.y;
            threads[threadIdx.x] = own;
        }
        __syncthreads();
    }
    return threads[0];
}

// Mean of the values of ranks `low` and `high`, equal or neighbours, of values that are not
// negative: doubles in this order are whole numbers in this order, which can be halved.
__device__ double median(const double *values, i64 n, i64 low, i64 high, double2 *threads) {
    i64 from = 0, to = 0x7ff0000000000001LL;
    while (to - from > 1) {
        i64 pivot = from + (to - from) / 2, count = 0;
        for (i64 first = 0; first < n; first += blockDim.x) {
            i64 i = first + threadIdx.x;
            count += __syncthreads_count(i < n && __double_as_longlong(values[i]) < pivot);
        }
        if (count == high) {
            double cut = __longlong_as_double(pivot), above = infinity(), below = 0;
            for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
                if (values[i] < cut)
                    below = values[i] > below ? values[i] : below;
                else
                    above = values[i] < above ? values[i] : above;
            }
            double2 middle = least_and_largest(threads, above, below);
            return low == high ? middle.x : (middle.y + middle.x) / 2;
        }
        if (count > high)
            to = pivot;
        else
            from = pivot;
    }
    return __longlong_as_double(from);
}

// Weight the spectrum by its smoothed modulus over its median, and by the low-pass.
__device__ void respond(Window w, Filter f, Tables t) {
    i64 n = f.n;
    double *smooth = (double *)w.spare, *down = smooth + n * n, level = 1;
    if (f.kind) {
        for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
            double2 z = w.a[t.centred[i / n] * n + t.centred[i % n]];
            smooth[i] = sqrt(z.x * z.x + z.y * z.y);
        }
        __syncthreads();
        for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
            double total = 0;
            for (i64 tap = 0; tap < 7; tap++) {
                i64 row = i / n + tap - 3;
                total += row >= 0 && row < n ? t.gaussian[tap] * smooth[i + (tap - 3) * n] : 0;
            }
            down[i] = total;
        }
        __syncthreads();
        for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
            double total = 0;
            for (i64 tap = 0; tap < 7; tap++) {
                i64 column = i % n + tap - 3;
                total += column >= 0 && column < n ? t.gaussian[tap] * down[i + tap - 3] : 0;
            }
            smooth[i] = total;
        }
        __syncthreads();
        level = smooth[0];  // NaN, as a transform of infinite values has it, stays
        if (level == level)
            level = median(smooth, n * n, f.low, f.high, w.threads);
        level = level == 0 ? 1 : level;
    }
    for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
        double gain = t.low_pass[i];
        if (f.kind) {
            double ratio = smooth[i] / level;
            double power = f.alpha == 1 ? ratio : pow(ratio, f.alpha);
            double excess = power - 1 < 0 ? 0 : power - 1;
            gain = f.kind == 1 ? f.beta * excess + gain : power;
        }
        double2 *z = w.a + t.centred[i / n] * n + t.centred[i % n];
        *z = make_double2(z->x * gain, z->y * gain);
    }
    __syncthreads();
}

__device__ double2 *room_of(double2 *rooms, i64 in_shared, i64 n) {
    SHARED(double2, own);
    return in_shared ? own : rooms + (i64)blockIdx.x * (2 * n * n + blockDim.x);
}

// Planes first to first + n_planes of a grid (cells, m), each contiguous; 0 for NaN.
__global__ void planes(const float2 *grid, i64 cells, i64 m, i64 first, i64 n_planes, float2 *out) {
    for (i64 i = first_item(); i < n_planes * cells; i += all_threads()) {
        float2 z = grid[i % cells * m + first + i / cells];
        out[i] = z.x != z.x || z.y != z.y ? make_float2(0, 0) : z;
    }
}

// The filtered windows (n_planes, n_rows, n_columns, n_win, n_win) of planes (n_planes, n_i, n_j).
__global__ void filter_windows(const float2 *grid, i64 n_planes, i64 n_i, i64 n_j,
                               const i64 *row_start, i64 n_rows, const i64 *column_start,
                               i64 n_columns, i64 n_win, i64 n, i64 kind, i64 low, i64 high,
                               double alpha, double beta, const double2 *turns, const i64 *centred,
                               const double *low_pass, const double *gaussian, double2 *rooms,
                               i64 in_shared, double2 *windows) {
    Filter f = {n, kind, low, high, alpha, beta};
    Tables t = {turns, centred, low_pass, gaussian};
    Window w = window_in(room_of(rooms, in_shared, n), n);
    for (i64 item = blockIdx.x; item < n_planes * n_rows * n_columns; item += gridDim.x) {
        i64 top = row_start[item / n_columns % n_rows], left = column_start[item % n_columns];
        const float2 *plane = grid + item / (n_rows * n_columns) * n_i * n_j;
        for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
            i64 a = i / n, b = i % n;
            float2 z = make_float2(0, 0);
            if (a < n_win && b < n_win)
                z = plane[(top + a) * n_j + left + b];
            w.a[i] = make_double2(z.x, z.y);
        }
        __syncthreads();
        transform(w, n, turns);
        respond(w, f, t);
        transform_back(w, n, turns);
        for (i64 i = threadIdx.x; i < n_win * n_win; i += blockDim.x) {
            double2 z = w.a[i / n_win * n + i % n_win];
            double samples = (double)(n * n);
            windows[item * n_win * n_win + i] = make_double2(z.x / samples, z.y / samples);
        }
        __syncthreads();
    }
}

// Sum of the windows over each cell, tapered, in raster order of the windows, (n_i, n_j, n_planes).
// Window r of an axis reaches cell i if first[i] <= r < stop[i]; its ramp is negative where it was
// moved over cells that are not its own.
__global__ void add_windows(const double2 *windows, i64 n_planes, i64 n_i, i64 n_j, i64 n_win,
                            const i64 *row_start, const i64 *row_first, const i64 *row_stop,
                            const double *row_ramp, i64 n_rows, const i64 *column_start,
                            const i64 *column_first, const i64 *column_stop,
                            const double *column_ramp, i64 n_columns, double least, double2 *out) {
    for (i64 item = first_item(); item < n_i * n_j * n_planes; item += all_threads()) {
        i64 k = item / (n_i * n_j), i = item / n_j % n_i, j = item % n_j;
        double2 total = make_double2(0.0, 0.0);
        for (i64 r = row_first[i]; r < row_stop[i]; r++) {
            i64 a = i - row_start[r];
            double down = row_ramp[r * n_win + a];
            for (i64 c = column_first[j]; c < column_stop[j]; c++) {
                i64 b = j - column_start[c];
                double across = column_ramp[c * n_win + b];
                double weight = down + across + least;
                i64 window = (k * n_rows + r) * n_columns + c;
                double2 z = windows[(window * n_win + a) * n_win + b];
                if (down >= 0 && across >= 0)
                    total = plus(total, make_double2(z.x * weight, z.y * weight));
            }
        }
        out[(i * n_j + j) * n_planes + k] = total;
    }
}

__global__ void rounded(const double2 *values, i64 n, float2 *out) {
    for (i64 i = first_item(); i < n; i += all_threads())
        out[i] = make_float2((float)values[i].x, (float)values[i].y);
}

// Amplitude of `raster` with the phase of `filtered`; 0 for NaN.
__global__ void with_phase(const float2 *raster, const double2 *filtered, i64 n, float2 *out) {
    for (i64 i = first_item(); i < n; i += all_threads()) {
        double x = raster[i].x, y = raster[i].y, sine, cosine;
        float size = x != x || y != y ? 0 : (float)sqrt(x * x + y * y);
        sincos(atan2(filtered[i].y, filtered[i].x), &sine, &cosine);
        out[i] = make_float2(size * (float)cosine, size * (float)sine);
    }
}

// The filtered phasor (n_cells, n_planes) at each cell of a window that leaves its middle out:
// the cell itself, in plane 0 all that are less than `reach` away.
__global__ void filter_cells(const float2 *grid, i64 n_planes, i64 n_i, i64 n_j, const i64 *cells,
                             const i64 *corner, i64 n_cells, i64 reach, i64 n, i64 low, i64 high,
                             double alpha, double beta, const double2 *turns, const i64 *centred,
                             const double *low_pass, const double *gaussian, double2 *rooms,
                             i64 in_shared, double2 *out) {
    Filter f = {n, 1, low, high, alpha, beta};
    Tables t = {turns, centred, low_pass, gaussian};
    Window w = window_in(room_of(rooms, in_shared, n), n);
    for (i64 item = blockIdx.x; item < n_cells * n_planes; item += gridDim.x) {
        i64 cell = item / n_planes, k = item % n_planes, span = k == 0 ? reach : 1;
        i64 top = corner[2 * cell], left = corner[2 * cell + 1];
        i64 p = cells[2 * cell] - top, q = cells[2 * cell + 1] - left;
        for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
            i64 down = i / n - p, across = i % n - q;
            down = down < 0 ? -down : down;
            across = across < 0 ? -across : across;
            float2 z = grid[(k * n_i + top + i / n) * n_j + left + i % n];
            bool own = down < span && across < span;
            w.a[i] = own ? make_double2(0.0, 0.0) : make_double2(z.x, z.y);
        }
        __syncthreads();
        transform(w, n, turns);
        respond(w, f, t);
        // transformed back at the cell alone
        double2 total = make_double2(0.0, 0.0);
        for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) {
            i64 v = (i / n - n / 2 + n) % n, u = (i % n - n / 2 + n) % n;
            double2 z = w.a[centred[i / n] * n + centred[i % n]];
            total = plus(total, turned(z, turns, (v * p + u * q) % n, -1));
        }
        w.threads[threadIdx.x] = total;
        __syncthreads();
        for (i64 half = blockDim.x / 2; half > 0; half /= 2) {
            if (threadIdx.x < half)
                w.threads[threadIdx.x] =
                    plus(w.threads[threadIdx.x], w.threads[threadIdx.x + half]);
            __syncthreads();
        }
        if (threadIdx.x == 0) {
            double samples = (double)(n * n);
            out[item] = make_double2(w.threads[0].x / samples, w.threads[0].y / samples);
        }
        __syncthreads();
    }
}
