// Simulated annealing of noisy arcs. A block takes an arc; each GROUP of its threads prices a model,
// so that all candidates of a step are priced at once. Everyone draws the same random numbers.

#define PARAMETERS 5
#define GROUP 32
#define TURN (2 * PI)

__device__ u64 mixed(u64 word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
    return word ^ (word >> 31);
}

struct Random {
    u64 key, count;
    __device__ double at(u64 place) const {
        u64 word = mixed(key + (count + place) * 0x9E3779B97F4A7C15ULL);
        return (double)(word >> 11) * 1.1102230246251565e-16;  // 2^-53
    }
};

// Phase of the images, and what it costs. `columns` is the whitener transposed, of which entries
// (j, i) with i <= j count.
struct Arc {
    const double *wrapped, *basis, *columns;
    const i64 *pairs;
    i64 m, n_image;
    double roughness;
    double *images, *rest, *white;  // of the group, in shared memory

    __device__ void series(const double *model, i64 lane) const {
        double sine_1, cosine_1, sine_2, cosine_2;
        sincos(model[2], &sine_1, &cosine_1);
        sincos(model[4], &sine_2, &cosine_2);
        for (i64 k = lane; k < n_image; k += GROUP) {
            const double *at = basis + k;
            double first = model[1] * (at[2 * n_image] * cosine_1 - at[n_image] * sine_1);
            double second = model[3] * (at[4 * n_image] * cosine_2 - at[3 * n_image] * sine_2);
            images[k] = model[0] * at[0] + first + second;
        }
        __syncthreads();
    }

    __device__ double energy(const double *model, i64 lane) const {
        series(model, lane);
        for (i64 j = lane; j < m; j += GROUP) {
            double predicted = images[pairs[2 * j + 1]] - images[pairs[2 * j]];
            double cycles = (wrapped[j] - predicted) / TURN;
            rest[j] = cycles - rint(cycles);
        }
        __syncthreads();
        for (i64 i = lane; i < m; i += GROUP) {
            double total = 0;
            for (i64 j = i; j < m; j++)
                total += rest[j] * columns[j * m + i];
            white[i] = fabs(total);
        }
        double misfit = ascending_sum(white, m), steps = 0;
        for (i64 k = 0; k + 1 < n_image; k++)
            steps += fabs(images[k + 1] - images[k]);
        __syncthreads();
        return TURN * misfit + roughness * steps;
    }
};

__device__ void copy(const double *from, double *to) {
    for (int p = 0; p < PARAMETERS; p++)
        to[p] = from[p];
}

// `settings`: bounds of the parameters, then steps (n_step) in bounds, coolness of the runs (n_run),
// temperatures of the sweeps (n_sweep). Shared memory: m phases, n_step energies, and the rooms of
// n_step groups, n_image + 2 m doubles each.
__global__ void anneal(const float2 *phasors, const i64 *edge, i64 n, i64 m, const i64 *pairs,
                       const double *basis, i64 n_image, const double *columns,
                       const double *settings, i64 n_step, i64 n_run, i64 n_sweep, i64 n_start,
                       double roughness, float *smooth) {
    SHARED(double, wrapped);
    double *energies = wrapped + m;
    i64 lane = threadIdx.x % GROUP, group = threadIdx.x / GROUP, e = blockIdx.x;
    double *own = energies + n_step + group * (n_image + 2 * m);
    Arc arc = {wrapped, basis, columns, pairs, m, n_image, roughness, own, own + n_image,
               own + n_image + m};
    const double *bounds = settings, *steps = bounds + PARAMETERS, *coolness = steps + n_step;
    const double *temperatures = coolness + n_run;
    for (i64 j = threadIdx.x; j < m; j += blockDim.x)
        wrapped[j] = phase_of(phasors[e * m + j].x, phasors[e * m + j].y);
    Random random = {mixed(((u64)edge[e] + 1) * 0x9E3779B97F4A7C15ULL), 1};
    double best[PARAMETERS] = {}, current[PARAMETERS], start[PARAMETERS] = {};
    double model[PARAMETERS], lowest = infinity();
    __syncthreads();
    for (i64 run = 0; run < n_run; run++) {
        double total = 0, least = infinity();
        for (i64 first = 0; first < n_start; first += n_step) {
            for (int p = 0; p < PARAMETERS; p++)
                model[p] =
                    (2 * random.at((u64)((first + group) * PARAMETERS + p)) - 1) * bounds[p];
            double energy = arc.energy(model, lane);
            if (lane == 0)
                energies[group] = energy;
            __syncthreads();
            for (i64 g = 0; g < n_step && first + g < n_start; g++) {
                total += energies[g];
                if (energies[g] < least) {
                    least = energies[g];
                    for (int p = 0; p < PARAMETERS; p++)
                        start[p] =
                            (2 * random.at((u64)((first + g) * PARAMETERS + p)) - 1) * bounds[p];
                }
            }
            __syncthreads();
        }
        random.count += (u64)(n_start * PARAMETERS);
        double critical = pow(10.0, log10(total / n_start) - coolness[run]);
        copy(start, current);
        for (i64 sweep = 0; sweep < n_sweep; sweep++) {
            double energy = infinity();
            for (int p = 0; p < PARAMETERS; p++) {
                copy(current, model);
                model[p] = current[p] + bounds[p] * steps[group];
                energy = arc.energy(model, lane);
                if (lane == 0)
                    energies[group] = fabs(model[p]) <= bounds[p] ? energy : infinity();
                __syncthreads();
                double least = infinity(), chance = 0, all = 0;
                for (i64 k = 0; k < n_step; k++)
                    least = energies[k] < least ? energies[k] : least;
                for (i64 k = 0; k < n_step; k++)
                    all += exp((least - energies[k]) / (critical * temperatures[sweep]));
                double limit = random.at(0) * all;
                i64 drawn = -1;
                do {
                    drawn++;
                    chance += exp((least - energies[drawn]) / (critical * temperatures[sweep]));
                } while (chance < limit);
                random.count++;
                current[p] = current[p] + bounds[p] * steps[drawn];
                energy = energies[drawn];
                __syncthreads();
            }
            if (energy < lowest) {
                lowest = energy;
                copy(current, best);
            }
        }
    }
    arc.series(best, lane);
    for (i64 j = threadIdx.x; j < m; j += blockDim.x)  // every group has the same images
        smooth[e * m + j] = (float)arc.images[pairs[2 * j + 1]] - (float)arc.images[pairs[2 * j]];
}
