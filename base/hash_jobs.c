#define _GNU_SOURCE
#include "base/hash_jobs.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/sha.h"

enum {
	CHUNK = 256 *
		1024, /* bytes read at once: fits a level 2 cache, large enough to hide the system call */
	MAX_THREADS = 64,
};

struct job {
	struct blob blob;
	alg_set have;  /* banks whose digest is there */
	size_t leader; /* the job whose pass also gives this digest; its own index for a leader */
	struct digest digests[ALG_COUNT];
};

struct hash_jobs {
	struct job *jobs;
	size_t n, cap;
	uint64_t total; /* bytes of all blobs */
};

struct hash_jobs *hash_jobs_new(void)
{
	return calloc(1, sizeof(struct hash_jobs));
}

void hash_jobs_free(struct hash_jobs *j)
{
	if (j)
		free(j->jobs);
	free(j);
}

int hash_jobs_add(struct hash_jobs *j, const struct blob *b, size_t *ret_id, struct pcrcast_error *e)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->jobs[i].blob.len == b->len && blob_is_prefix(b, &j->jobs[i].blob)) {
			*ret_id = i;
			return 0;
		}
	if (b->len > HASH_JOBS_MAX - j->total)
		return err_set(e, PCRCAST_ELIMIT, PCRCAST_NO_OFFSET,
			       "%" PRIu64 " bytes to hash, with those before more than the %" PRIu64
			       " that are hashed at once",
			       b->len, HASH_JOBS_MAX);
	if (j->n == j->cap) {
		size_t cap = j->cap ? 2 * j->cap : 32;
		struct job *bigger = reallocarray(j->jobs, cap, sizeof *bigger);

		if (!bigger)
			return err_nomem(e);
		j->jobs = bigger;
		j->cap = cap;
	}
	j->jobs[j->n] = (struct job){ .blob = *b };
	j->total += b->len;
	*ret_id = j->n++;
	return 0;
}

const struct digest *hash_jobs_digest(const struct hash_jobs *j, size_t id, enum alg alg)
{
	return &j->jobs[id].digests[alg];
}

/* One pass: all bytes of a leader through one algorithm. */
struct task {
	size_t leader;
	enum alg alg;
};

/* All that the threads share. Only next and failed change while they run; each writes digests of its own. */
struct run {
	struct hash_jobs *jobs;
	struct task *tasks;
	size_t n_tasks;
	size_t *members; /* members of all leaders, grouped, shortest first */
	size_t *first;   /* first[i]: where the members of job i begin; first[i + 1]: where they end */
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock; /* guards error */
	struct pcrcast_error error;
};

static bool hash_range(struct sha *h, const struct blob *b, uint64_t from, uint64_t to, uint8_t *buf,
		       struct pcrcast_error *e)
{
	while (from < to) {
		size_t n = to - from < CHUNK ? (size_t)(to - from) : CHUNK;

		if (blob_read(b, from, buf, n, e) < 0)
			return false;
		if (!sha_update(h, buf, n)) {
			err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto failed to hash");
			return false;
		}
		from += n;
	}
	return true;
}

static bool run_task(struct run *run, const struct task *t, uint8_t *buf, struct pcrcast_error *e)
{
	struct job *jobs = run->jobs->jobs;
	struct sha *h = sha_new(t->alg);
	uint64_t at = 0;
	bool ok = h != NULL;

	if (!ok)
		err_set(e, PCRCAST_ECRYPTO, PCRCAST_NO_OFFSET, "libcrypto cannot compute %s",
			algs[t->alg].name);
	for (size_t i = run->first[t->leader]; ok && i < run->first[t->leader + 1]; i++) {
		struct job *member = &jobs[run->members[i]];

		ok = hash_range(h, &jobs[t->leader].blob, at, member->blob.len, buf, e) &&
		     sha_peek(h, &member->digests[t->alg]);
		at = member->blob.len;
	}
	sha_free(h);
	return ok;
}

static void *work(void *arg)
{
	struct run *run = arg;
	uint8_t *buf = malloc(CHUNK);
	struct pcrcast_error e = { 0 };
	bool ok = buf != NULL;

	if (!ok)
		err_nomem(&e);
	while (ok && !atomic_load(&run->failed)) {
		size_t i = atomic_fetch_add(&run->next, 1);

		if (i >= run->n_tasks)
			break;
		ok = run_task(run, &run->tasks[i], buf, &e);
	}
	if (!ok && !atomic_exchange(&run->failed, true)) {
		pthread_mutex_lock(&run->lock);
		run->error = e;
		pthread_mutex_unlock(&run->lock);
	}
	free(buf);
	return NULL;
}

static int longest_first(const void *a, const void *b, void *arg)
{
	const struct job *jobs = arg;
	const struct task *x = a, *y = b;
	uint64_t lx = jobs[x->leader].blob.len, ly = jobs[y->leader].blob.len;

	return lx != ly ? (lx < ly ? 1 : -1) : (x->leader > y->leader) - (x->leader < y->leader);
}

static int by_leader_shortest_first(const void *a, const void *b, void *arg)
{
	const struct job *jobs = arg;
	const struct job *x = &jobs[*(const size_t *)a], *y = &jobs[*(const size_t *)b];

	if (x->leader != y->leader)
		return x->leader < y->leader ? -1 : 1;
	return (x->blob.len > y->blob.len) - (x->blob.len < y->blob.len);
}

enum { SMALL = 4096 }; /* bytes in memory that are hashed sooner than compared with what else there is */

static bool costs_nothing(const struct blob *b)
{
	return b->len <= SMALL && (b->n_pieces == 0 || (b->n_pieces == 1 && !b->pieces[0].source));
}

/*
 * Find for each job that lacks one of these banks the longest such job that begins with it. Of large ones there are
 * tens, so all pairs are looked at; of small ones there may be thousands (each command of a boot loader), which go alone.
 */
static void choose_leaders(struct hash_jobs *j, alg_set banks)
{
	for (size_t i = 0; i < j->n; i++) {
		size_t best = i;

		for (size_t k = 0; !costs_nothing(&j->jobs[i].blob) && k < j->n; k++) {
			const struct blob *cand = &j->jobs[k].blob, *now = &j->jobs[best].blob;

			if ((banks & ~j->jobs[k].have) == (banks & ~j->jobs[i].have) &&
			    (cand->len > now->len || (cand->len == now->len && k < best)) &&
			    blob_is_prefix(&j->jobs[i].blob, cand))
				best = k;
		}
		j->jobs[i].leader = best;
	}
}

static unsigned cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

static void start_and_wait(struct run *run, unsigned n_threads)
{
	pthread_t threads[MAX_THREADS];
	unsigned started = 0;

	if (n_threads == 0)
		n_threads = cores();
	if (n_threads > MAX_THREADS)
		n_threads = MAX_THREADS;
	if (n_threads > run->n_tasks)
		n_threads = (unsigned)run->n_tasks;

	/* This thread works too; one that cannot be started is work for the others. */
	while (started + 1 < n_threads && pthread_create(&threads[started], NULL, work, run) == 0)
		started++;
	work(run);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

int hash_jobs_run(struct hash_jobs *j, alg_set banks, unsigned n_threads, struct pcrcast_error *e)
{
	size_t n = j->n;
	struct run run = { .jobs = j, .lock = PTHREAD_MUTEX_INITIALIZER };
	int r = 0;

	if (n == 0)
		return 0;
	run.tasks = calloc(n * ALG_COUNT, sizeof *run.tasks);
	run.members = calloc(n, sizeof *run.members);
	run.first = calloc(n + 1, sizeof *run.first);
	if (!run.tasks || !run.members || !run.first) {
		r = err_nomem(e);
		goto out;
	}

	choose_leaders(j, banks);
	for (size_t i = 0; i < n; i++)
		run.members[i] = i;
	qsort_r(run.members, n, sizeof *run.members, by_leader_shortest_first, j->jobs);
	for (size_t i = 0; i < n; i++)
		run.first[j->jobs[i].leader + 1]++;
	for (size_t i = 0; i < n; i++)
		run.first[i + 1] += run.first[i];

	for (size_t i = 0; i < n; i++)
		for (enum alg a = 0; a < ALG_COUNT; a++)
			if (j->jobs[i].leader == i && banks & ~j->jobs[i].have & 1u << a)
				run.tasks[run.n_tasks++] = (struct task){ i, a };
	qsort_r(run.tasks, run.n_tasks, sizeof *run.tasks, longest_first, j->jobs);

	start_and_wait(&run, n_threads);
	if (atomic_load(&run.failed)) {
		if (e)
			*e = run.error;
		r = -(int)run.error.code;
	} else {
		for (size_t i = 0; i < n; i++)
			j->jobs[i].have |= banks;
	}
out:
	free(run.tasks);
	free(run.members);
	free(run.first);
	return r;
}
