// Variograms, and ordinary kriging in time and in space. Rooms of a thread's system lie in global
// memory, side by side with those of the other threads.

#define GAIN 1e-9
#define REACH 4.0
#define LEAST_NUGGET 1e-12
#define BISECTIONS 42

// Half the mean squared difference of the pairs of each lag, starts[lag] to starts[lag + 1].
__global__ void series_variograms(const i64 *first, const i64 *second, const i64 *starts,
                                  const float *series, i64 n, i64 m, i64 n_lag,
                                  double *semivariance) {
    EACH(i, n * n_lag) {
        const float *row = series + i / n_lag * m;
        i64 begin = starts[i % n_lag], stop = starts[i % n_lag + 1];
        double total = 0;
        for (i64 pair = begin; pair < stop; pair++) {
            double away = row[first[pair]] - row[second[pair]];
            total += away * away;
        }
        semivariance[i] = total / (double)(2 * (stop - begin));
    }
}

__device__ double apart_in_single(const float *xy, i64 one, i64 other) {
    float dx = xy[2 * one] - xy[2 * other], dy = xy[2 * one + 1] - xy[2 * other + 1];
    return (float)sqrt((double)(dx * dx + dy * dy));
}

// Squared differences of pairs by their distance, and how many they are. Block b takes COLUMNS columns
// and, as part b % n_part, the points first + part, first + part + n_part and so on as the lower ones.
// Its threads find the bins of a stretch of upper points; then each group of them adds up the
// columns over its share of the stretch. Shared memory: GROUPS * n_bin * COLUMNS sums, n_bin counts and
// a bin of each thread. Every part has sums of its own, which `column_sums` adds in order.
#define COLUMNS 32
#define GROUPS 4

__global__ void spatial_variogram(const float *xy, const float *values, i64 n, i64 n_use,
                                  double width, i64 n_bin, i64 first, i64 stop, i64 n_part,
                                  double *squares, u64 *pairs) {
    SHARED(double, sums);
    i64 of_group = n_bin * COLUMNS, tile = blockIdx.x / n_part, part = blockIdx.x % n_part;
    u64 *counts = (u64 *)(sums + GROUPS * of_group);
    i64 *bin = (i64 *)(counts + n_bin);
    i64 lane = threadIdx.x % COLUMNS, group = threadIdx.x / COLUMNS, k = tile * COLUMNS + lane;
    for (i64 i = threadIdx.x; i < GROUPS * of_group; i += blockDim.x)
        sums[i] = 0;
    for (i64 i = threadIdx.x; i < n_bin; i += blockDim.x)
        counts[i] = 0;
    for (i64 lower = first + part; lower < stop; lower += n_part) {
        for (i64 begin = lower + 1; begin < n; begin += blockDim.x) {
            i64 upper = begin + threadIdx.x, here = n_bin;
            __syncthreads();
            if (upper < n)
                here = (i64)(apart_in_single(xy, lower, upper) / width);
            bin[threadIdx.x] = here;
            if (here < n_bin)
                atomicAdd(&counts[here], 1);
            __syncthreads();
            for (i64 j = group * COLUMNS; k < n_use && j < (group + 1) * COLUMNS; j++) {
                if (bin[j] < n_bin) {
                    double away = values[lower * n_use + k] - values[(begin + j) * n_use + k];
                    sums[group * of_group + bin[j] * COLUMNS + lane] += away * away;
                }
            }
        }
    }
    __syncthreads();
    for (i64 i = threadIdx.x; i < of_group; i += blockDim.x) {
        i64 column = tile * COLUMNS + i % COLUMNS;
        double total = 0;
        for (i64 each = 0; each < GROUPS; each++)
            total += sums[each * of_group + i];
        if (column < n_use)
            squares[(part * n_bin + i / COLUMNS) * n_use + column] = total;
    }
    for (i64 i = threadIdx.x; tile == 0 && i < n_bin; i += blockDim.x)
        pairs[part * n_bin + i] = counts[i];
}

// The variogram of sill one at the lags, and its derivative by the logarithm of the range.
struct Shape {
    Room shape, decay;
    i64 n_lag;

    __device__ void at(double span, const double *lags) const {
        for (i64 i = 0; i < n_lag; i++) {
            double scaled = lags[i] / span;
            shape[i] = -expm1(-scaled);
            decay[i] = scaled * exp(-scaled);
        }
    }

    // The best sill and nugget that are not negative.
    __device__ void linear_part(const double *values, double mean, double *sill,
                                double *nugget) const {
        double level = 0, square = 0, alone = 0, spread = 0, product = 0;
        for (i64 i = 0; i < n_lag; i++) {
            level += shape[i];
            square += shape[i] * shape[i];
            alone += shape[i] * values[i];
        }
        level /= n_lag;
        for (i64 i = 0; i < n_lag; i++) {
            double away = shape[i] - level;
            spread += away * away;
            product += away * (values[i] - mean);
        }
        *sill = spread > 0 && product > 0 ? product / spread : 0;
        *nugget = mean - *sill * level;
        if (*nugget < 0) {
            *sill = alone / square;
            *nugget = 0;
        }
    }

    // Whether the objective does not fall with the range.
    __device__ bool uphill(const double *values, double mean) const {
        double sill, nugget, slope = 0;
        linear_part(values, mean, &sill, &nugget);
        for (i64 i = 0; i < n_lag; i++)
            slope += (values[i] - nugget - sill * shape[i]) * decay[i];
        return sill * slope >= 0;
    }
};

// Shapes at the ranges of the search, two rooms of n_lag doubles each, one after the other.
__global__ void variogram_shapes(const double *lags, i64 n_lag, const double *ranges, i64 n,
                                 double *shapes) {
    EACH(step, n) {
        Room own = {shapes + 2 * step * n_lag, 1};
        Shape shape = {own, own.from(n_lag), n_lag};
        shape.at(ranges[step], lags);
    }
}

// Range, sill and nugget of variograms; a thread's room holds 2 n_lag doubles.
__global__ void fit_variograms(const double *lags, i64 n_lag, const double *ranges,
                               double *shapes, i64 n_range, const double *semivariance, i64 n,
                               double indifferent, double *rooms, double *model,
                               double *objective) {
    Room room = room_of_thread(rooms);
    Shape own = {room, room.from(n_lag), n_lag};
    EACH(row, n) {
        const double *values = semivariance + row * n_lag;
        double mean = 0, least = 0, span = indifferent, sill = 0;
        for (i64 i = 0; i < n_lag; i++)
            mean += values[i];
        mean /= n_lag;
        double nugget = mean;
        for (i64 i = 0; i < n_lag; i++)
            least += (values[i] - mean) * (values[i] - mean);
        double found = least;
        least *= 1 - GAIN;
        bool falling = true;
        for (i64 place = 0; place <= n_range; place++) {
            bool rising = place == n_range;
            if (!rising) {
                Room at = {shapes + 2 * place * n_lag, 1};
                Shape tabled = {at, at.from(n_lag), n_lag};
                rising = tabled.uphill(values, mean);
            }
            if (rising && falling) {
                double lower = ranges[place ? place - 1 : 0];
                double upper = ranges[place < n_range ? place : n_range - 1];
                for (int halving = 0; halving < BISECTIONS; halving++) {
                    double middle = sqrt(lower * upper);
                    own.at(middle, lags);
                    if (own.uphill(values, mean))
                        upper = middle;
                    else
                        lower = middle;
                }
                double here = sqrt(lower * upper), here_sill, here_nugget, total = 0;
                own.at(here, lags);
                own.linear_part(values, mean, &here_sill, &here_nugget);
                for (i64 i = 0; i < n_lag; i++) {
                    double rest = values[i] - here_nugget - here_sill * own.shape[i];
                    total += rest * rest;
                }
                if (total < least) {
                    span = here;
                    sill = here_sill;
                    nugget = here_nugget;
                    found = least = total;
                }
            }
            falling = !rising;
        }
        model[3 * row] = span;
        model[3 * row + 1] = sill;
        model[3 * row + 2] = nugget;
        objective[row] = found;
    }
}

// The prediction of a system of `count` neighbours, which is used up. Above the diagonal stand the
// covariances, beside them those with the prediction, ones, and the values less `mean`.
__device__ double kriged(Room system, i64 width, i64 count, double mean) {
    for (i64 k = 0; k < count; k++) {
        Room pivot = system.from(k * width);
        double root = sqrt(pivot[k]);
        for (i64 j = k; j < count + 3; j++)
            pivot[j] /= root;
        for (i64 i = k + 1; i < count; i++) {
            Room row = system.from(i * width);
            double factor = pivot[i];
            for (i64 j = i; j < count + 3; j++)
                row[j] -= factor * pivot[j];
        }
    }
    double simple = 0, border = 0, ones = 0, lack = 1;
    for (i64 k = 0; k < count; k++) {
        Room row = system.from(k * width + count);
        simple += row[2] * row[0];
        border += row[2] * row[1];
        ones += row[1] * row[1];
        lack -= row[1] * row[0];
    }
    return simple + border * lack / ones + mean;
}

__device__ double larger(double one, double other) { return one > other ? one : other; }

// Every series predicted at its own epochs, by all epochs (`near`, `n_near` of each) and by those of
// other times (`others`, `n_others`), at most `most` of them; (n, m, 2).
__global__ void krig_time(const double *distance, const i64 *near, const i64 *n_near, i64 most,
                          const float *series, const double *model, i64 n, i64 m, double *rooms,
                          double *predicted) {
    Room system = room_of_thread(rooms);
    i64 width = most + 3;
    EACH(item, n * m * 2) {
        i64 row = item / 2 / m, target = item / 2 % m, kind = item % 2;
        const i64 *epochs = near + (kind * m + target) * m;
        const float *values = series + row * m;
        double span = model[3 * row], sill = model[3 * row + 1], nugget = model[3 * row + 2];
        i64 all = n_near[kind * m + target], limit = all < most ? all : most, count = 0;
        double mean = 0;
        while (count < limit && distance[target * m + epochs[count]] < REACH * span)
            mean += values[epochs[count++]];
        mean /= count;
        predicted[item] = count ? mean : not_a_number();
        if (!count || !(sill > 0))
            continue;
        for (i64 i = 0; i < count; i++) {
            Room equation = system.from(i * width);
            const double *away = distance + epochs[i] * m;
            for (i64 j = i; j < count; j++)
                equation[j] = sill * exp(-away[epochs[j]] / span);
            equation[i] += larger(nugget, LEAST_NUGGET * sill);
            equation[count] = sill * exp(-away[target] / span);
            equation[count + 1] = 1;
            equation[count + 2] = values[epochs[i]] - mean;
        }
        predicted[item] = kriged(system, width, count, mean);
    }
}

// All columns predicted at points by their neighbours, nearest first, then -1.
__global__ void krig_space(const float *values, const float *xy, const double *model, i64 n_use,
                           const i64 *targets, const i64 *neighbours, i64 n, i64 most,
                           double *rooms, double *predicted) {
    Room system = room_of_thread(rooms);
    i64 width = most + 3;
    EACH(item, n * n_use) {
        i64 column = item % n_use, target = targets[item / n_use], count = 0;
        const i64 *near = neighbours + item / n_use * most;
        double span = model[3 * column], sill = model[3 * column + 1], mean = 0;
        double nugget = larger(model[3 * column + 2], LEAST_NUGGET * sill);
        while (count < most && near[count] >= 0 &&
               apart_in_single(xy, target, near[count]) < REACH * span)
            mean += values[near[count++] * n_use + column];
        mean /= count;
        predicted[item] = count ? mean : 0;
        if (!count || !(sill > 0))
            continue;
        for (i64 i = 0; i < count; i++) {
            Room equation = system.from(i * width);
            equation[i] = sill + nugget;
            for (i64 j = i + 1; j < count; j++)
                equation[j] = sill * exp(-apart_in_single(xy, near[i], near[j]) / span);
            equation[count] = sill * exp(-apart_in_single(xy, target, near[i]) / span);
            equation[count + 1] = 1;
            equation[count + 2] = (double)values[near[i] * n_use + column] - mean;
        }
        predicted[item] = kriged(system, width, count, mean);
    }
}
