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
#define LARGEST 1e140
#define SMALLEST 1e-290
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

#include "dormand_prince.h" /* STABLE to LEAST_TRAIL, combine_2 to combine_last: as in Python */

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
    long n, m, r, s, q; /* s vectors a state; an instance takes q lanes */
    V *y, *z, *k[12], *d, *e, *D, *P, *Q; /* e has one zero before and one after */
    V left, h, tolerance, square, growth, recent, path, trail;
    /* growth: of square / 2, by the slope; trail: the error of the last step that counted, to 1/16 */
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
FOR_RANK(slopes_1, 1) FOR_RANK(slopes_2, 2) FOR_RANK(slopes_3, 3)
FOR_RANK(slopes_8, 8) FOR_RANK(slopes_any, (int)g->r)

/* For r = 4 to 8 a vector holds the whole row of an instance in q lanes (4 or 8, zeros behind the
   r-th), of LANES / q instances: an eighth or a quarter of the memory, so that states stay near. */
INLINE V shuffled(V x, M from) {
#ifdef __clang__
    V y;
    EACH y[l] = x[from[l]];
    return y;
#else
    return __builtin_shuffle(x, from);
#endif
}
/* Lane k of every group of q lanes in all of them; k and q are constants once loops are unrolled. */
INLINE V spread(const V *at, int k, int q) {
    if (q == LANES) return all(((const double *)at)[k]); /* from memory: no shuffle */
    V x = *at;
#if LANES == 8 && !defined(__clang__)
    switch (k) {
    case 0: return __builtin_shuffle(x, (M){0, 0, 0, 0, 4, 4, 4, 4});
    case 1: return __builtin_shuffle(x, (M){1, 1, 1, 1, 5, 5, 5, 5});
    case 2: return __builtin_shuffle(x, (M){2, 2, 2, 2, 6, 6, 6, 6});
    default: return __builtin_shuffle(x, (M){3, 3, 3, 3, 7, 7, 7, 7});
    }
#endif
    V y;
    EACH y[l] = x[l / q * q + k];
    return y;
}
INLINE V group_sum(V x, int q) {
    for (int half = 1; half < q; half *= 2) {
        M from;
        EACH from[l] = l ^ half;
        x += shuffled(x, from);
    }
    return x;
}

INLINE V group_row(int q, const V *z, const V *Q, V f) {
#pragma GCC unroll 8
    for (int k = 0; k < q; k++) f -= spread(z, k, q) * Q[k];
    return f;
}

INLINE void group_slopes(Engine *g, int q, const V *y, V *f) {
    long n = g->n, m = g->m;
    const V *b = y, *a = y + n, *d = g->d, *e = g->e;
    V P[8] = {}, more[8] = {}, Q[8];
    for (long i = 0; i + 1 < n; i += 2) {
#pragma GCC unroll 8
        for (int k = 0; k < q; k++) {
            P[k] += spread(b + i, k, q) * b[i];
            more[k] += spread(b + i + 1, k, q) * b[i + 1];
        }
    }
    if (n % 2)
#pragma GCC unroll 8
        for (int k = 0; k < q; k++) P[k] += spread(b + n - 1, k, q) * b[n - 1];
#pragma GCC unroll 8
    for (int k = 0; k < q; k++) {
        g->P[k] = P[k] += more[k];
        g->Q[k] = Q[k] = P[k] - g->D[k];
    }
    for (long i = 0; i < m; i++)
        f[i] = group_row(q, b + i, Q, d[i] * a[i] + e[i + 1] * a[i + 1 < m ? i + 1 : 0]);
    for (long i = m; i < n; i++) f[i] = group_row(q, b + i, Q, all(0.0));
    for (long j = 0; j < m; j++)
        f[n + j] = group_row(q, a + j, P, d[j] * b[j] + e[j] * b[j ? j - 1 : 0]);
}
static void slopes_4_lanes(Engine *g, const V *y, V *f) { group_slopes(g, 4, y, f); }
static void slopes_8_lanes(Engine *g, const V *y, V *f) { group_slopes(g, 8, y, f); }

/* The root of the norm of X^2: a bound of the norm of a symmetric X. */
INLINE V group_rate(int q, const V *X) {
    V sum = {};
    for (int i = 0; i < q; i++) {
        V x = group_row(q, X + i, X, all(0.0));
        sum += x * x;
    }
    return root(root(group_sum(sum, q)));
}

static V rate(int r, int q, const V *X) {
    if (q > 1) return q == 4 ? group_rate(4, X) : group_rate(8, X);
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

static V inner(const Engine *g, const V *x, const V *y) {
    V sum = {};
    for (long i = 0; i < g->s; i++) sum += x[i] * y[i];
    return group_sum(sum, g->q);
}

static void step(Engine *g) {
    V fifth, third, square, h = g->h;
#define STAGE(i) combine_##i(g->s, g->y, h, g->k, g->z); g->slopes(g, g->z, g->k[i - 1]);
    STAGE(2) STAGE(3) STAGE(4) STAGE(5) STAGE(6) STAGE(7)
    STAGE(8) STAGE(9) STAGE(10) STAGE(11) STAGE(12)
    combine_last(g->s, g->y, h, g->k, g->z, &fifth, &third, &square);
    fifth = group_sum(fifth, g->q), third = group_sum(third, g->q);
    square = group_sum(square, g->q);
    g->slopes(g, g->z, g->k[3]); /* the fourth slope is no longer needed */
    V growth = inner(g, g->z, g->k[3]);
    V slow = STABLE / larger(rate(g->r, g->q, g->P) + rate(g->r, g->q, g->Q), all(1e-300));
    V size = ACCEPTED * ACCEPTED * g->tolerance * g->tolerance * larger(g->square, square);
    V error = fifth / (root(fifth + 0.01 * third) * root(size) + 1e-150);
    M finite = (error - error == 0.0) & (square - square == 0.0), accept = finite & (error <= 1.0);
    V trail = root(root(root(root(larger(error, all(1e-12))))));
    V factor = SAFETY / pick(accept, root(trail) * trail / g->trail, trail * trail);
    factor = pick(finite, smaller(larger(factor, all(0.2)), all(6.0)), all(0.2));
    V most = smaller(h * factor, pick(accept, slow, all(1e300))); /* a refused one may have exploded */
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
    V added = h * ((g->square + square) / 2.0 + h * (g->growth - growth) / 6.0);
    g->path = pick(accept & (h > 0.0), g->path + added, g->path);
    g->square = pick(accept, square, g->square);
    g->growth = pick(accept, growth, g->growth);
    g->recent = pick(accept & (h > 0.0), g->recent / 2.0 + root(fifth), g->recent);
    g->left = pick(accept, g->left - h, g->left);
    g->trail = pick(accept, larger(trail, all(LEAST_TRAIL)), g->trail);
    h = smaller(most, g->left);
    g->h = pick((h < g->left) & (2.0 * h > g->left), g->left / 2.0, h);
}

/* A task is one row of doubles: b, a, d, e; what it needs and returns stands in Task. */
typedef struct { double left, tolerance, recent, path; long steps, reason; } Task;

/* Entry (i, k) of a matrix with r columns, of the instance in the given slot. */
INLINE double *entry(const Engine *g, V *v, int slot, long i, long k) {
    return (double *)v + (g->q > 1 ? i * LANES + slot * g->q + k : (i * g->r + k) * LANES + slot);
}
#define ALL_LANES(v, value) \
    for (int x = 0; x < g->q; x++) ((double *)&(v))[slot * g->q + x] = (value)

static void load(Engine *g, int slot, long task, const Task *about, const double *data) {
    long n = g->n, m = g->m, r = g->r, rows = n + m;
    const double *b = data, *a = data + n * r, *d = data + rows * r, *e = d + m;
    double square = 0.0, h = fmin(pow(about->tolerance, 0.125), about->left);
    for (long i = 0; i < rows; i++)
        for (long k = 0; k < r; k++) {
            double x = *entry(g, g->y, slot, i, k) = data[i * r + k];
            square += x * x;
        }
    for (long i = 0; i < m; i++) {
        ALL_LANES(g->d[i], d[i]);
        ALL_LANES(g->e[i + 1], i + 1 < m ? e[i] : 0.0);
    }
    for (long k = 0; k < r; k++)
        for (long j = 0; j < r; j++) {
            double sum = 0.0;
            for (long i = 0; i < n; i++) sum += b[i * r + k] * b[i * r + j];
            for (long i = 0; i < m; i++) sum -= a[i * r + k] * a[i * r + j];
            *entry(g, g->D, slot, k, j) = sum;
        }
    g->task[slot] = task, g->steps[slot] = 0, g->reason[slot] = OK;
    ALL_LANES(g->left, about->left);
    ALL_LANES(g->tolerance, about->tolerance);
    ALL_LANES(g->recent, 0.0);
    ALL_LANES(g->path, 0.0);
    ALL_LANES(g->trail, 1.0);
    ALL_LANES(g->square, square);
    ALL_LANES(g->h, h);
}

static void unload(Engine *g, int slot, Task *about, double *data) {
    for (long i = 0; i < g->n + g->m; i++)
        for (long k = 0; k < g->r; k++) data[i * g->r + k] = *entry(g, g->y, slot, i, k);
    about->recent = g->recent[slot * g->q], about->path = g->path[slot * g->q];
    about->steps = g->steps[slot], about->reason = g->reason[slot];
    g->task[slot] = -1;
    ALL_LANES(g->left, 0.0);
    ALL_LANES(g->h, 0.0);
}

static void integrate(Engine *g, long tasks, Task *about, double *data, long width,
                      long most_steps) {
    long next = 0, q = g->q;
    for (;;) {
        int busy = 0, fresh = 0;
        for (int slot = 0; slot < LANES / q; slot++) {
            if (g->task[slot] >= 0) {
                if (g->left[slot * q] > 0 && g->reason[slot] == OK) { busy = 1; continue; }
                unload(g, slot, about + g->task[slot], data + g->task[slot] * width);
            }
            while (next < tasks && !(about[next].left > 0 && about[next].reason == OK)) next++;
            if (next < tasks) {
                load(g, slot, next, about + next, data + next * width);
                next++, busy = fresh = 1;
            }
        }
        if (!busy) return;
        if (fresh) { /* of the others the same numbers as before */
            g->slopes(g, g->y, g->k[0]);
            g->growth = inner(g, g->y, g->k[0]);
        }
        V taken = g->h;
        step(g);
        for (int slot = 0; slot < LANES / q; slot++) {
            if (g->task[slot] < 0) continue;
            double left = g->left[slot * q], h = g->h[slot * q];
            g->steps[slot] += taken[slot * q] > 0;
            if (left > 0 && g->steps[slot] >= most_steps) g->reason[slot] = TOO_MANY_STEPS;
            if (left > 0 && h < 1e-13 * left) g->reason[slot] = STUCK;
        }
    }
}

static int integrate_all(long n, long m, long r, long tasks, Task *about, double *data,
                         long width, long most_steps) {
    int q = r > 8 || r < 4 || (r > 4 && LANES < 8) ? 1 : r == 4 ? 4 : 8;
    long s = (n + m) * (q > 1 ? 1 : r), apart = s + 9; /* not a power of 2: rows would share sets of the cache */
    long rows = 12 * apart + 2 * m + 1 + 3 * r * r;
    V *room = aligned_alloc(64, (sizeof(V) * rows + 63) / 64 * 64);
    if (!room) return 1;
    memset(room, 0, sizeof(V) * rows);
    Engine g = {.n = n, .m = m, .r = r, .s = s, .q = q};
    g.slopes = r == 1 ? slopes_1 : r == 2 ? slopes_2 : r == 3 ? slopes_3 : q == 4 ? slopes_4_lanes
               : q == 8 ? slopes_8_lanes : r == 8 ? slopes_8 : slopes_any;
    static const int row_of[12] = {0, 1, 2, 3, 4, 1, 2, 5, 6, 7, 8, 9}; /* 6, 7 where 2, 3 were */
    for (int i = 0; i < 12; i++) g.k[i] = room + row_of[i] * apart;
    g.y = room + 10 * apart, g.z = g.y + apart, g.d = g.z + apart, g.e = g.d + m;
    g.D = g.e + m + 1, g.P = g.D + r * r, g.Q = g.P + r * r;
    EACH g.task[l] = -1;
    integrate(&g, tasks, about, data, width, most_steps);
    free(room);
    return 0;
}
