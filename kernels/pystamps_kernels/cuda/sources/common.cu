// What all sources share. Blocks and grids have one dimension; shared memory is dynamic.

typedef long long i64;
typedef unsigned long long u64;

#define PI 3.141592653589793

#ifndef SHARED
#define SHARED(type, name)                                  \
    extern __shared__ __align__(16) unsigned char shared[]; \
    type *name = (type *)shared
#endif

__device__ double not_a_number() { return __longlong_as_double(0x7ff8000000000000LL); }
__device__ double infinity() { return __longlong_as_double(0x7ff0000000000000LL); }

__device__ i64 first_item() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ i64 all_threads() { return (i64)gridDim.x * blockDim.x; }

// Sum over the `count` lanes that share a row, in ascending order and known to all of them. `lanes`
// is room for a value of each in shared memory; every thread of the block has to come along.
__device__ double lane_sum(double *lanes, i64 lane, i64 count, double own) {
    __syncthreads();
    lanes[lane] = own;
    __syncthreads();
    double total = 0;
    for (i64 i = 0; i < count; i++)
        total += lanes[i];
    return total;
}

__device__ double lane_max(double *lanes, i64 lane, i64 count, double own) {
    __syncthreads();
    lanes[lane] = own;
    __syncthreads();
    double largest = lanes[0];
    for (i64 i = 1; i < count; i++)
        largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}

// Sum of `n` terms in shared memory, in ascending order; every thread of the block has to come along.
__device__ double ascending_sum(const double *terms, i64 n) {
    __syncthreads();
    double total = 0;
    for (i64 k = 0; k < n; k++)
        total += terms[k];
    __syncthreads();
    return total;
}

__device__ float phase_of(double re, double im) { return (float)atan2(im, re); }

#define EACH(i, n) for (i64 i = first_item(); i < (n); i += all_threads())

// Room of one thread in memory that all threads share out: neighbours' elements lie side by side.
struct Room {
    double *own;
    i64 apart;
    __device__ double &operator[](i64 i) const { return own[i * apart]; }
    __device__ Room from(i64 i) const {
        Room rest = {own + i * apart, apart};
        return rest;
    }
};

__device__ Room room_of_thread(double *rooms) {
    Room own = {rooms + first_item(), all_threads()};
    return own;
}
