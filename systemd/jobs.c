/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A pool of at most two threads. Two, because jobs are long computations (routes) and writes to
 * disk, and neither should wait for the other; more would only take cores from the computation that
 * the machine is there for.
 *
 * A thread is made when there is a job and nobody free to do it, and stays. Jobs begin in the order
 * in which they came. What has run goes to a second list, and an eventfd tells the loop. Signals
 * are blocked on these threads: they belong to the loop.
 */

#include "systemd/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/list.h"

#define THREADS_MAX 2

struct job {
	struct list link;
	loop_fn run;
	loop_fn done;
	void *user;
};

struct jobs {
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct list todo; /* of jobs, in order */
	struct list ran;
	unsigned n_waiting; /* threads without a job */
	unsigned n_todo;
	unsigned n_ran;
	bool closing;

	int event;
	unsigned n_threads;
	pthread_t threads[THREADS_MAX];
};

/* The next job, or NULL when there will be none. Called with the lock held. */
static struct job *wait_for_job(struct jobs *jobs)
{
	struct list *link = list_take_first(&jobs->todo);

	jobs->n_waiting++;
	while (!link && !jobs->closing) {
		pthread_cond_wait(&jobs->wanted, &jobs->lock);
		link = list_take_first(&jobs->todo);
	}
	jobs->n_waiting--;
	if (!link)
		return NULL;
	jobs->n_todo--;

	return LIST_ENTRY(link, struct job, link);
}

static void *work(void *user)
{
	struct jobs *jobs = user;
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	while ((job = wait_for_job(jobs))) {
		pthread_mutex_unlock(&jobs->lock);
		job->run(job->user);
		pthread_mutex_lock(&jobs->lock);
		list_add_tail(&jobs->ran, &job->link);
		jobs->n_ran++;
		eventfd_write(jobs->event, 1);
	}
	pthread_mutex_unlock(&jobs->lock);

	return NULL;
}

static int add_thread(struct jobs *jobs)
{
	sigset_t all;
	sigset_t before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&jobs->threads[jobs->n_threads], NULL, work, jobs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	pthread_setname_np(jobs->threads[jobs->n_threads++], "vsm-job");

	return 0;
}

/* A thread of its own for the job that comes, if that is to be had. */
static int make_room(struct jobs *jobs)
{
	bool waiting;

	pthread_mutex_lock(&jobs->lock);
	waiting = jobs->n_waiting > jobs->n_todo;
	pthread_mutex_unlock(&jobs->lock);
	if (waiting || jobs->n_threads == THREADS_MAX)
		return 0;
	if (add_thread(jobs) < 0 && jobs->n_threads == 0)
		return -EAGAIN;

	return 0;
}

int jobs_add(struct jobs *jobs, loop_fn run, loop_fn done, void *user)
{
	struct job *job = malloc(sizeof(*job));
	int r;

	if (!job)
		return -ENOMEM;
	r = make_room(jobs);
	if (r < 0) {
		free(job);
		return r;
	}
	*job = (struct job){ .run = run, .done = done, .user = user };

	pthread_mutex_lock(&jobs->lock);
	list_add_tail(&jobs->todo, &job->link);
	jobs->n_todo++;
	pthread_cond_signal(&jobs->wanted);
	pthread_mutex_unlock(&jobs->lock);

	return 0;
}

static struct job *take_ran(struct jobs *jobs)
{
	struct list *link;

	pthread_mutex_lock(&jobs->lock);
	link = list_take_first(&jobs->ran);
	if (link)
		jobs->n_ran--;
	pthread_mutex_unlock(&jobs->lock);

	return link ? LIST_ENTRY(link, struct job, link) : NULL;
}

/* Those that run meanwhile are for the next time: jobs that beget jobs do not hold up the loop. */
void jobs_finish(struct jobs *jobs)
{
	struct job *job;
	eventfd_t value;
	unsigned n;

	eventfd_read(jobs->event, &value);
	pthread_mutex_lock(&jobs->lock);
	n = jobs->n_ran;
	pthread_mutex_unlock(&jobs->lock);

	while (n-- > 0 && (job = take_ran(jobs))) {
		loop_fn done = job->done;
		void *user = job->user;

		free(job);
		done(user);
	}
}

int jobs_fd(const struct jobs *jobs)
{
	return jobs->event;
}

int jobs_new(struct jobs **ret)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		return -ENOMEM;
	jobs->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (jobs->event < 0) {
		int r = -errno;

		free(jobs);
		return r;
	}
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wanted, NULL);
	list_init(&jobs->todo);
	list_init(&jobs->ran);
	*ret = jobs;

	return 0;
}

void jobs_free(struct jobs *jobs)
{
	struct job *job;

	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->closing = true;
	pthread_cond_broadcast(&jobs->wanted);
	pthread_mutex_unlock(&jobs->lock);
	for (unsigned i = 0; i < jobs->n_threads; i++)
		pthread_join(jobs->threads[i], NULL);
	while ((job = take_ran(jobs)))
		free(job);
	close(jobs->event);
	pthread_cond_destroy(&jobs->wanted);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}
