/* The Frobenius LoRA flow of many instances, LANES of them side by side, in float64.

   Orthogonal transformations (Householder) make E = Y - W0 upper bidiagonal: the flow of
   b = U'B, a = V'A' reads b' = S a - b Q, a' = S'b - a P with P = b'b, Q = P - D, D conserved, and
   needs no singular values. Every number below is a vector of one entry per instance; each lane
   has a time, a step size and an end of its own, and takes the next task when it is done. The
   formulas, constants and failures are those of kernels/frobenius.py and kernels/stepping.py.
   No flag of -ffast-math: what is not finite must be seen. n >= m; the caller transposes. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __AVX512F__
#define LANES 8
#else
#define LANES 4
#endif
#define STABLE 6.0
#define LARGEST 1e140
#define SMALLEST 1e-140
#define INLINE static inline __attribute__((always_inline))
#define EACH for (int l = 0; l < LANES; l++)
enum { OK, NOT_FINITE, TOO_MANY_STEPS, STUCK };
typedef double V __attribute__((vector_size(8 * LANES)));
typedef long long M __attribute__((vector_size(8 * LANES)));

INLINE V all(double x) { return x - (V){}; }
INLINE V root(V x) { EACH x[l] = sqrt(x[l]); return x; }
INLINE V absolute(V x) { EACH x[l] = fabs(x[l]); return x; }
INLINE V pick(M where, V x, V y) { return (V)(((M)x & where) | ((M)y & ~where)); }
INLINE V larger(V x, V y) { return pick(x > y, x, y); }
INLINE V smaller(V x, V y) { return pick(x < y, x, y); }
INLINE M full(long long x) { return x - (M){}; }
#define AT(v, i) (((double *)(v))[(i) * LANES + l]) /* entry i of lane l */

#include "dormand_prince.h" /* combine_2 .. combine_12, combine_last: made from the tables */

/* ---------------------------------------------------------------- the slopes of one stage */

INLINE void gram(long n, int r, const V *b, V *P) {
    for (int k0 = 0; k0 < r; k0 += 4)
        for (int l0 = k0; l0 < r; l0 += 4) {
            V sum[4][4] = {};
            for (long i = 0; i < n; i++)
#pragma GCC unroll 4
                for (int k = 0; k < 4; k++)
#pragma GCC unroll 4
                    for (int l = 0; l < 4; l++)
                        if (k0 + k < r && l0 + l < r && k0 + k <= l0 + l)
                            sum[k][l] += b[i * r + k0 + k] * b[i * r + l0 + l];
            for (int k = 0; k < 4; k++)
                for (int l = 0; l < 4; l++)
                    if (k0 + k < r && l0 + l < r && k0 + k <= l0 + l)
                        P[(k0 + k) * r + l0 + l] = P[(l0 + l) * r + k0 + k] = sum[k][l];
        }
}

/* One row of a slope: c x + d y - z Q. */
INLINE void row(int r, V c, const V *x, V d, const V *y, const V *z, const V *Q, V *f) {
    for (int l0 = 0; l0 < r; l0 += 8) {
        V sum[8];
#pragma GCC unroll 8
        for (int l = 0; l < 8; l++)
            if (l0 + l < r) sum[l] = c * x[l0 + l] + d * y[l0 + l];
#pragma GCC unroll 8
        for (int k = 0; k < r; k++)
#pragma GCC unroll 8
            for (int l = 0; l < 8; l++)
                if (l0 + l < r) sum[l] -= z[k] * Q[k * r + l0 + l];
#pragma GCC unroll 8
        for (int l = 0; l < 8; l++)
            if (l0 + l < r) f[l0 + l] = sum[l];
    }
}

typedef struct Engine {
    void (*slopes)(struct Engine *, const V *y, V *f);
    long n, m, r, s;
    V *y, *z, *k[12], *d, *e, *D, *P, *Q; /* e has one zero before and one after */
    V left, h, tolerance, square, recent;
    long task[LANES], steps[LANES], reason[LANES];
} Engine;

INLINE void slopes_of(Engine *g, int r, const V *y, V *f) {
    long n = g->n, m = g->m;
    const V *b = y, *a = y + n * r, zero = {};
    gram(n, r, b, g->P);
    for (int x = 0; x < r * r; x++) g->Q[x] = g->P[x] - g->D[x];
    for (long i = 0; i < m; i++) {
        const V *next = a + (i + 1 < m ? i + 1 : 0) * r;
        row(r, g->d[i], a + i * r, g->e[i + 1], next, b + i * r, g->Q, f + i * r);
    }
    for (long i = m; i < n; i++) row(r, zero, b, zero, b, b + i * r, g->Q, f + i * r);
    for (long j = 0; j < m; j++) {
        const V *before = b + (j ? j - 1 : 0) * r;
        row(r, g->d[j], b + j * r, g->e[j], before, a + j * r, g->P, f + (n + j) * r);
    }
}

#define FOR_RANK(name, r) static void name(Engine *g, const V *y, V *f) { slopes_of(g, r, y, f); }
FOR_RANK(slopes_1, 1) FOR_RANK(slopes_2, 2) FOR_RANK(slopes_3, 3) FOR_RANK(slopes_4, 4)
FOR_RANK(slopes_8, 8) FOR_RANK(slopes_any, (int)g->r)

/* The root of the norm of X^2: a bound of the norm of a symmetric X. */
static V rate(int r, const V *X) {
    V sum = {};
    for (int i = 0; i < r; i++)
        for (int j = i; j < r; j++) {
            V x = {};
            for (int k = 0; k < r; k++) x += X[i * r + k] * X[j * r + k];
            sum += (i == j ? 1.0 : 2.0) * x * x;
        }
    return root(root(sum));
}

/* ---------------------------------------------------------------- one step of every lane */

static void step(Engine *g) {
    V fifth, third, square, h = g->h;
#define STAGE(i) combine_##i(g->s, g->y, h, g->k, g->z); g->slopes(g, g->z, g->k[i - 1]);
    STAGE(2) STAGE(3) STAGE(4) STAGE(5) STAGE(6) STAGE(7)
    STAGE(8) STAGE(9) STAGE(10) STAGE(11) STAGE(12)
    combine_last(g->s, g->y, h, g->k, g->z, &fifth, &third, &square);
    g->slopes(g, g->z, g->k[3]); /* the fourth slope is no longer needed */
    V slow = STABLE / larger(rate(g->r, g->P) + rate(g->r, g->Q), all(1e-300));
    V size = g->tolerance * g->tolerance * larger(g->square, square);
    V error = fifth / root((fifth + 0.01 * third) * size + 1e-300);
    M accept = error <= 1.0, finite = error - error == 0.0;
    V factor = 0.9 / root(root(root(larger(error, all(1e-12)))));
    factor = pick(finite, smaller(larger(factor, all(0.2)), all(6.0)), all(0.2));
    V most = smaller(h * factor, pick(finite, slow, all(1e300)));
    int every = 1;
    EACH every &= accept[l] != 0;
    if (every) {
        V *y = g->y, *k = g->k[0];
        g->y = g->z, g->z = y, g->k[0] = g->k[3], g->k[3] = k;
    } else
        for (long x = 0; x < g->s; x++) {
            g->y[x] = pick(accept, g->z[x], g->y[x]);
            g->k[0][x] = pick(accept, g->k[3][x], g->k[0][x]);
        }
    g->square = pick(accept, square, g->square);
    g->recent = pick(accept & (h > 0.0), g->recent / 2.0 + root(fifth), g->recent);
    g->left = pick(accept, g->left - h, g->left);
    h = smaller(most, g->left);
    g->h = pick((h < g->left) & (2.0 * h > g->left), g->left / 2.0, h);
}

/* A task is one row of doubles: b, a, d, e; what it needs and returns stands in Task. */
typedef struct { double left, tolerance, recent; long steps, reason; } Task;

static void load(Engine *g, int l, long task, const Task *about, const double *data) {
    long n = g->n, m = g->m, r = g->r, s = g->s;
    const double *b = data, *a = data + n * r, *d = data + s, *e = d + m;
    double square = 0.0;
    for (long x = 0; x < s; x++) AT(g->y, x) = data[x], square += data[x] * data[x];
    for (long i = 0; i < m; i++) AT(g->d, i) = d[i], AT(g->e, i + 1) = i + 1 < m ? e[i] : 0.0;
    for (long k = 0; k < r; k++)
        for (long j = 0; j < r; j++) {
            double sum = 0.0;
            for (long i = 0; i < n; i++) sum += b[i * r + k] * b[i * r + j];
            for (long i = 0; i < m; i++) sum -= a[i * r + k] * a[i * r + j];
            AT(g->D, k * r + j) = sum;
        }
    g->task[l] = task, g->steps[l] = 0, g->reason[l] = OK, g->square[l] = square;
    g->left[l] = about->left, g->tolerance[l] = about->tolerance, g->recent[l] = 0.0;
    g->h[l] = fmin(pow(about->tolerance, 0.125), about->left);
}

static void unload(Engine *g, int l, Task *about, double *data) {
    for (long x = 0; x < g->s; x++) data[x] = AT(g->y, x);
    about->recent = g->recent[l], about->steps = g->steps[l], about->reason = g->reason[l];
    g->task[l] = -1, g->left[l] = g->h[l] = 0.0;
}

static void integrate(Engine *g, long tasks, Task *about, double *data, long width,
                      long most_steps) {
    long next = 0;
    for (;;) {
        int busy = 0, fresh = 0;
        EACH {
            if (g->task[l] >= 0) {
                if (g->left[l] > 0 && g->reason[l] == OK) { busy = 1; continue; }
                unload(g, l, about + g->task[l], data + g->task[l] * width);
            }
            while (next < tasks && !(about[next].left > 0 && about[next].reason == OK)) next++;
            if (next < tasks) {
                load(g, l, next, about + next, data + next * width);
                next++, busy = fresh = 1;
            }
        }
        if (!busy) return;
        if (fresh) g->slopes(g, g->y, g->k[0]); /* of the others the same numbers as before */
        V taken = g->h;
        step(g);
        EACH if (g->task[l] >= 0) {
            g->steps[l] += taken[l] > 0;
            if (g->left[l] > 0 && g->steps[l] >= most_steps) g->reason[l] = TOO_MANY_STEPS;
            if (g->left[l] > 0 && g->h[l] < 1e-13 * g->left[l]) g->reason[l] = STUCK;
        }
    }
}

static int integrate_all(long n, long m, long r, long tasks, Task *about, double *data,
                         long width, long most_steps) {
    long s = (n + m) * r, rows = 12 * s + 2 * m + 1 + 3 * r * r;
    V *room = aligned_alloc(64, (sizeof(V) * rows + 63) / 64 * 64);
    if (!room) return 1;
    memset(room, 0, sizeof(V) * rows);
    Engine g = {.n = n, .m = m, .r = r, .s = s};
    g.slopes = r == 1 ? slopes_1 : r == 2 ? slopes_2 : r == 3 ? slopes_3 : r == 4 ? slopes_4
               : r == 8 ? slopes_8 : slopes_any;
    static const int row_of[12] = {0, 1, 2, 3, 4, 1, 2, 5, 6, 7, 8, 9}; /* 6, 7 where 2, 3 were */
    for (int i = 0; i < 12; i++) g.k[i] = room + row_of[i] * s;
    g.y = room + 10 * s, g.z = g.y + s, g.d = g.z + s, g.e = g.d + m;
    g.D = g.e + m + 1, g.P = g.D + r * r, g.Q = g.P + r * r;
    EACH g.task[l] = -1;
    integrate(&g, tasks, about, data, width, most_steps);
    free(room);
    return 0;
}
