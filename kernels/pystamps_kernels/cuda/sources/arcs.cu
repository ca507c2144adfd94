// Arcs between neighbours: look-angle error, smoothing along a star, smoothing with held values.

#define WIDE 32  // threads of an arc where arcs stand beside each other
#define CLEAR_LEAD 0.1f
#define LEAST_COHERENCE 0.31
#define KNOWN 1.01
#define UNKNOWN 0.01

// First maximum of the coherences, -1 unless it leads every other peak clearly.
__device__ i64 best_trial(const float *coherence, i64 n) {
    i64 best = 0;
    for (i64 k = 0; k < n; k++) {
        if (coherence[k] != coherence[k])
            return -1;
        if (coherence[k] > coherence[best])
            best = k;
    }
    i64 left = best, right = best;
    while (left > 0 && !(coherence[left] < coherence[left - 1]))
        left--;
    while (right < n - 1 && !(coherence[right + 1] > coherence[right]))
        right++;
    float rest = 0;
    for (i64 k = 0; k < n; k++)
        if ((k < left || k > right) && coherence[k] > rest)
            rest = coherence[k];
    return coherence[best] - rest > CLEAR_LEAD ? best : -1;
}

// Phasors of a row turned back by a slope; leaves the terms, gives their sums.
__device__ void turn_back(const double *re, const double *im, const double *baseline, double slope,
                          i64 lane, i64 m, double *real, double *imag, double *sums) {
    for (i64 k = lane; k < m; k += WIDE) {
        double sine, cosine;
        sincos(slope * baseline[k], &sine, &cosine);
        real[k] = re[k] * cosine + im[k] * sine;
        imag[k] = im[k] * cosine - re[k] * sine;
    }
    sums[0] = ascending_sum(real, m);
    sums[1] = ascending_sum(imag, m);
}

// Look-angle error by trial slopes, of which cosines and sines are tabled (m, n_side); one table
// serves both signs. A row takes 4 m + n_side doubles of shared memory.
__global__ void look_angle(const float2 *phasors, i64 n, i64 m, const double *baseline, double step,
                           const double *cosine, const double *sine, i64 n_side, float *slopes) {
    SHARED(double, room);
    i64 lane = threadIdx.x % WIDE, here = threadIdx.x / WIDE;
    i64 i = (i64)blockIdx.x * (blockDim.x / WIDE) + here;
    bool there = i < n;
    const float2 *row = phasors + (there ? i : n - 1) * m;
    double *re = room + here * (4 * m + n_side), *im = re + m, *one = im + m, *other = one + m;
    float *coherence = (float *)(other + m);
    for (i64 k = lane; k < m; k += WIDE) {
        re[k] = row[k].x;
        im[k] = row[k].y;
        one[k] = sqrt(re[k] * re[k] + im[k] * im[k]);
    }
    double total = ascending_sum(one, m), sums[2];
    for (i64 t = lane; t < n_side; t += WIDE) {
        double rc = 0, rs = 0, ic = 0, is = 0;
        for (i64 k = 0; k < m; k++) {
            double c = cosine[k * n_side + t], s = sine[k * n_side + t];
            rc += re[k] * c;
            rs += re[k] * s;
            ic += im[k] * c;
            is += im[k] * s;
        }
        double plus = sqrt((rc + is) * (rc + is) + (ic - rs) * (ic - rs));
        double minus = sqrt((rc - is) * (rc - is) + (ic + rs) * (ic + rs));
        coherence[n_side - 1 - t] = (float)(minus / total);
        coherence[n_side - 1 + t] = (float)(plus / total);
    }
    __syncthreads();
    i64 trial = best_trial(coherence, 2 * n_side - 1);
    double slope = step * (double)(trial - (n_side - 1));
    turn_back(re, im, baseline, slope, lane, m, one, other, sums);
    for (i64 k = lane; k < m; k += WIDE) {
        double real = one[k] * sums[0] + other[k] * sums[1];
        double rest = atan2(other[k] * sums[0] - one[k] * sums[1], real);
        double weight = sqrt(re[k] * re[k] + im[k] * im[k]);
        one[k] = weight * weight * baseline[k] * rest;
        other[k] = weight * weight * baseline[k] * baseline[k];
    }
    double upper = ascending_sum(one, m), lower = ascending_sum(other, m);
    float fitted = (float)(slope + upper / lower);
    turn_back(re, im, baseline, (double)fitted, lane, m, one, other, sums);
    bool coherent = sqrt(sums[0] * sums[0] + sums[1] * sums[1]) / total >= LEAST_COHERENCE;
    if (there && lane == 0)
        slopes[i] = trial >= 0 && coherent ? fitted : 0;
}

__device__ float2 turned_by(float2 z, float phase, float sign) {
    double sine, cosine;
    sincos((double)phase, &sine, &cosine);
    float c = (float)cosine, s = sign * (float)sine;
    return make_float2(z.x * c - z.y * s, z.x * s + z.y * c);
}

// Smooth phase of an arc by local lines in time. `weights` and `intercepts` are transposed: entry
// (j, k) is the weight of date j around date k. A row takes 3 m doubles of shared memory.
__global__ void star_smooth(const float2 *phasors, i64 n, i64 m, const double *weights,
                            const double *intercepts, i64 first, i64 last, float *smooth) {
    SHARED(double, room);
    i64 lane = threadIdx.x % WIDE, here = threadIdx.x / WIDE;
    i64 i = (i64)blockIdx.x * (blockDim.x / WIDE) + here;
    bool there = i < n;
    const float2 *row = phasors + (there ? i : n - 1) * m;
    float2 *z = (float2 *)(room + here * 3 * m), *mean = z + m;
    float *angle = (float *)(mean + m), *phase = angle + m;
    for (i64 k = lane; k < m; k += WIDE) {
        z[k] = row[k];
        angle[k] = phase_of(z[k].x, z[k].y);
    }
    __syncthreads();
    for (i64 k = lane; k < m; k += WIDE) {
        double re = 0, im = 0, turn = 0;
        for (i64 j = 0; j < m; j++) {
            re += weights[j * m + k] * z[j].x;
            im += weights[j * m + k] * z[j].y;
        }
        float2 own = make_float2((float)re, (float)im);
        float level = phase_of(own.x, own.y), pi = (float)PI, cycle = (float)(2 * PI);
        for (i64 j = 0; j < m; j++) {
            float rest = angle[j] - level + pi;
            rest = rest < 0 ? rest + cycle : rest;
            rest = rest >= cycle ? rest - cycle : rest;
            turn += intercepts[j * m + k] * (double)(rest - pi);
        }
        mean[k] = turned_by(own, (float)turn, 1);
    }
    __syncthreads();
    for (i64 k = lane; k < m; k += WIDE) {
        float2 before = k ? mean[k - 1] : make_float2(1, 0), own = mean[k];
        phase[k] = phase_of(own.x * before.x - own.y * -before.y,
                            own.x * -before.y + own.y * before.x);
    }
    __syncthreads();
    if (lane == 0)
        for (i64 k = 1; k < m; k++)
            phase[k] = phase[k - 1] + phase[k];
    __syncthreads();
    float centre = (phase[first] + phase[last]) / 2.0f;
    float2 around = turned_by(make_float2(1, 0), centre, 1);
    float shift = centre - phase_of(around.x, around.y);
    for (i64 k = lane; there && k < m; k += WIDE)
        smooth[i * m + k] = phase[k] - shift;
}

// Smooth phase of an arc through the network, where the cycles of some interferograms are known. A
// block takes an arc, its threads the images; the first image is the reference. `first` and
// `second` are the images of an interferogram, `in_time` is transposed.
__global__ void held_smooth(const float *phase, const unsigned char *known, i64 n, i64 m,
                            const i64 *first, const i64 *second, const double *in_time, i64 n_image,
                            float *smooth) {
    SHARED(double, normal);
    double *right = normal + n_image * n_image;
    float *in_order = (float *)(right + n_image);
    i64 e = blockIdx.x;
    for (i64 i = threadIdx.x; i < n_image; i += blockDim.x) {
        double *own = normal + i * n_image;
        for (i64 j = 0; j <= i; j++)
            own[j] = 0;
        double sum = 0;
        for (i64 k = 0; k < m; k++) {
            i64 one = first[k], two = second[k];
            if (one != i && two != i)
                continue;
            double weight = known[e * m + k] ? KNOWN : UNKNOWN;
            double part = weight * (double)phase[e * m + k];
            own[i] += weight;
            if ((one == i ? two : one) < i)
                own[one == i ? two : one] -= weight;
            sum = one == i ? sum - part : sum + part;
        }
        right[i] = sum;
    }
    __syncthreads();
    for (i64 j = 1; j < n_image; j++) {
        for (i64 i = j + threadIdx.x; i < n_image; i += blockDim.x) {
            double rest = normal[i * n_image + j];
            for (i64 k = 1; k < j; k++)
                rest -= normal[i * n_image + k] * normal[j * n_image + k];
            normal[i * n_image + j] = i == j ? sqrt(rest) : rest;
        }
        __syncthreads();
        for (i64 i = j + 1 + threadIdx.x; i < n_image; i += blockDim.x)
            normal[i * n_image + j] /= normal[j * n_image + j];
        __syncthreads();
    }
    for (i64 turn = 1; turn < 2 * n_image - 1; turn++) {  // down the triangle, and up again
        bool down = turn < n_image;
        i64 k = down ? turn : 2 * n_image - 1 - turn;
        if (threadIdx.x == 0)
            right[k] /= normal[k * n_image + k];
        __syncthreads();
        i64 begin = down ? k + 1 : 1, stop = down ? n_image : k;
        for (i64 i = begin + threadIdx.x; i < stop; i += blockDim.x)
            right[i] -= (down ? normal[i * n_image + k] : normal[k * n_image + i]) * right[k];
        __syncthreads();
    }
    for (i64 i = threadIdx.x; i < n_image; i += blockDim.x) {
        double total = 0;
        for (i64 j = 1; j < n_image; j++)
            total += in_time[j * n_image + i] * right[j];
        in_order[i] = (float)total;
    }
    __syncthreads();
    for (i64 k = threadIdx.x; k < m; k += blockDim.x)
        smooth[e * m + k] = in_order[second[k]] - in_order[first[k]];
}
