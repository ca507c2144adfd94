// Runs CUDA sources on the processor: one block after the other, the threads of a block as fibres
// that take turns at barriers. Only what the sources use is here; anything else does not compile.
#include <csetjmp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <ucontext.h>

struct float2 { float x, y; };
struct double2 { double x, y; };
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline double2 make_double2(double x, double y) { return {x, y}; }
static inline double __longlong_as_double(long long bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
static inline long long __double_as_longlong(double value) {
    long long bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline int __float_as_int(float value) {
    int bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline float __int_as_float(int bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
// Whole numbers only: a sum of floats would depend on the order of the threads.
static inline unsigned long long atomicAdd(unsigned long long *sum, unsigned long long value) {
    unsigned long long before = *sum;
    *sum += value;
    return before;
}
static inline long long atomicMin(long long *least, long long value) {
    long long before = *least;
    *least = value < before ? value : before;
    return before;
}
static inline long long atomicMax(long long *largest, long long value) {
    long long before = *largest;
    *largest = value > before ? value : before;
    return before;
}

namespace stand_in {

struct Place { unsigned x; };
Place thread, block, block_size, grid_size;

enum Fault { NONE, LOST_BARRIER, SHARED_OVERRUN };
const size_t STACK = 1 << 16, GUARD = 256, MOST_THREADS = 1024;
const unsigned char POISON = 0xFF;  // NaN in every float type

struct Fibre {
    char *stack = nullptr;
    ucontext_t start;
    std::jmp_buf at;
    bool lives = false;
    enum { NEW, WAITS, DONE } state;
};
Fibre fibres[MOST_THREADS];
std::jmp_buf scheduler;
unsigned running;
int counted, count;
unsigned char *shared;
void (*body)();

void barrier() {
    if (!_setjmp(fibres[running].at)) {
        fibres[running].state = Fibre::WAITS;
        _longjmp(scheduler, 1);
    }
}

int counting_barrier(bool yes) {
    counted += yes;
    barrier();
    return count;
}

// A fibre lives on after its thread has ended, and runs the next one: making it asks the system.
void run_fibre() {
    for (;;) {
        body();
        Fibre &own = fibres[running];
        own.state = Fibre::DONE;
        if (!_setjmp(own.at))
            _longjmp(scheduler, 1);
    }
}

// Go on with one thread until its next barrier or its end.
void resume(unsigned number) {
    running = number;
    thread.x = number;
    Fibre &fibre = fibres[number];
    if (_setjmp(scheduler))
        return;
    if (fibre.lives)
        _longjmp(fibre.at, 1);
    fibre.lives = true;
    if (!fibre.stack)
        fibre.stack = (char *)std::malloc(STACK);
    getcontext(&fibre.start);
    fibre.start.uc_stack.ss_sp = fibre.stack;
    fibre.start.uc_stack.ss_size = STACK;
    fibre.start.uc_link = nullptr;
    makecontext(&fibre.start, run_fibre, 0);
    setcontext(&fibre.start);
}

// The threads of a block take turns, first to last or last to first, until all have ended.
int run_block(unsigned threads, bool backwards) {
    for (unsigned i = 0; i < threads; i++)
        fibres[i].state = Fibre::NEW;
    for (;;) {
        unsigned waiting = 0;
        counted = 0;
        for (unsigned i = 0; i < threads; i++) {
            unsigned number = backwards ? threads - 1 - i : i;
            resume(number);
            waiting += fibres[number].state == Fibre::WAITS;
        }
        count = counted;
        if (!waiting)
            return NONE;
        if (waiting != threads)
            return LOST_BARRIER;
    }
}

int run_grid(unsigned blocks, unsigned threads, size_t bytes, bool backwards) {
    static unsigned char room[(1 << 18) + GUARD] __attribute__((aligned(16)));
    shared = room;
    block_size.x = threads;
    grid_size.x = blocks;
    for (unsigned i = 0; i < blocks; i++) {
        block.x = backwards ? blocks - 1 - i : i;
        std::memset(room, POISON, bytes + GUARD);
        int fault = run_block(threads, backwards);
        for (Fibre &fibre : fibres)
            fibre.lives = fibre.lives && !fault;
        if (fault)
            return fault;
        for (size_t k = 0; k < GUARD; k++)
            if (shared[bytes + k] != POISON)
                return SHARED_OVERRUN;
    }
    return NONE;
}

template <typename T> const char *type_name();
template <> const char *type_name<float>() { return "float32"; }
template <> const char *type_name<double>() { return "float64"; }
template <> const char *type_name<float2>() { return "complex64"; }
template <> const char *type_name<double2>() { return "complex128"; }
template <> const char *type_name<long long>() { return "int64"; }
template <> const char *type_name<unsigned long long>() { return "uint64"; }
template <> const char *type_name<int>() { return "int32"; }
template <> const char *type_name<short>() { return "int16"; }
template <> const char *type_name<unsigned short>() { return "uint16"; }
template <> const char *type_name<unsigned int>() { return "uint32"; }
template <> const char *type_name<unsigned char>() { return "bool"; }

template <typename T> struct Parameter {
    static void append(char *text) { std::strcat(text, type_name<T>()); }
};
template <typename T> struct Parameter<T *> {
    static void append(char *text) { std::strcat(std::strcat(text, "*"), type_name<T>()); }
};
template <typename T> struct Parameter<const T *> {
    static void append(char *text) { std::strcat(std::strcat(text, "const *"), type_name<T>()); }
};

template <auto function> struct Kernel;
template <typename... T, void (*function)(T...)> struct Kernel<function> {
    static void **arguments;

    static void call() { call(std::index_sequence_for<T...>()); }
    template <size_t... i> static void call(std::index_sequence<i...>) {
        function(*(T *)arguments[i]...);
    }
    static const char *parameters() {
        static char text[1024];
        text[0] = 0;
        ((Parameter<T>::append(text), std::strcat(text, ",")), ...);
        return text;
    }
    static int launch(unsigned blocks, unsigned threads, size_t bytes, int backwards,
                      void **given) {
        arguments = given;
        body = call;
        return run_grid(blocks, threads, bytes, backwards);
    }
};
template <typename... T, void (*function)(T...)> void **Kernel<function>::arguments;

}  // namespace stand_in

#define __global__
#define __device__ inline
#define __noinline__
#define threadIdx stand_in::thread
#define blockIdx stand_in::block
#define blockDim stand_in::block_size
#define gridDim stand_in::grid_size
#define __syncthreads stand_in::barrier
#define __syncthreads_count stand_in::counting_barrier
#define SHARED(type, name) type *name = (type *)stand_in::shared
