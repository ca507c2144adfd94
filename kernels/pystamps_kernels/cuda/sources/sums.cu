// Sums over the points of a cell, and counts of values in bins.

// Cell c holds the points order[starts[c]] to order[starts[c + 1]], added up in this order.
__global__ void cell_sums(const float2 *values, const i64 *order, const i64 *starts, i64 n_cells,
                          i64 m, float2 *sums) {
    for (i64 i = first_item(); i < n_cells * m; i += all_threads()) {
        i64 cell = i / m, k = i % m;
        float2 total = make_float2(0, 0);
        for (i64 place = starts[cell]; place < starts[cell + 1]; place++) {
            float2 value = values[order[place] * m + k];
            total.x += value.x;
            total.y += value.y;
        }
        sums[i] = total;
    }
}

// Values up to cuts[0] are counted in bin 0, those beyond cuts[k] in bin k + 1; NaN nowhere. A
// block counts in shared memory; whole numbers come out the same in any order.
template <typename T>
__global__ void histogram(const T *values, i64 n, const T *cuts, i64 n_cuts, u64 *counts) {
    SHARED(u64, own);
    for (i64 bin = threadIdx.x; bin <= n_cuts; bin += blockDim.x)
        own[bin] = 0;
    __syncthreads();
    for (i64 i = first_item(); i < n; i += all_threads()) {
        if (values[i] != values[i])
            continue;
        i64 low = 0, high = n_cuts;
        while (low < high) {
            i64 middle = (low + high) / 2;
            if (cuts[middle] < values[i])
                low = middle + 1;
            else
                high = middle;
        }
        atomicAdd(&own[low], 1);
    }
    __syncthreads();
    for (i64 bin = threadIdx.x; bin <= n_cuts; bin += blockDim.x)
        atomicAdd(&counts[bin], own[bin]);
}

__device__ float scaled(float weight, float value) { return weight * value; }
__device__ float2 scaled(float weight, float2 z) { return make_float2(weight * z.x, weight * z.y); }
__device__ void add(float &sum, float value) { sum += value; }
__device__ void add(float2 &sum, float2 value) {
    sum.x += value.x;
    sum.y += value.y;
}

// Weighted sums over the rows of a cell, starts[c] to starts[c + 1].
template <typename T>
__global__ void weighted_sums(const T *values, const float *weight, const i64 *starts, i64 n_cells,
                              i64 m, T *sums) {
    for (i64 i = first_item(); i < n_cells * m; i += all_threads()) {
        T total = {};
        for (i64 row = starts[i / m]; row < starts[i / m + 1]; row++)
            add(total, scaled(weight[row], values[row * m + i % m]));
        sums[i] = total;
    }
}

#define BLOCK 256  // rows whose sums are taken together where the order of all rows does not count

// Sums of the columns over BLOCK rows each, (blocks, m).
template <typename T>
__global__ void column_parts(const T *values, i64 n, i64 m, double *parts) {
    for (i64 i = first_item(); i < (n + BLOCK - 1) / BLOCK * m; i += all_threads()) {
        i64 first = i / m * BLOCK, stop = first + BLOCK < n ? first + BLOCK : n;
        double total = 0;
        for (i64 row = first; row < stop; row++)
            total += values[row * m + i % m];
        parts[i] = total;
    }
}

// Adds the rows of a piece to the sums of the columns, one after the other; a thread a column.
template <typename T, typename S>
__global__ void column_sums(const T *values, i64 n, i64 m, S *sums) {
    for (i64 k = first_item(); k < m; k += all_threads()) {
        S total = sums[k];
        for (i64 row = 0; row < n; row++)
            total += (S)values[row * m + k];
        sums[k] = total;
    }
}

// The same of the products of all pairs of columns.
__global__ void column_products(const double *values, i64 n, i64 m, double *sums) {
    for (i64 i = first_item(); i < m * m; i += all_threads()) {
        double total = sums[i];
        for (i64 row = 0; row < n; row++)
            total += values[row * m + i / m] * values[row * m + i % m];
        sums[i] = total;
    }
}
