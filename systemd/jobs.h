/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Jobs for the loop: a function runs on a thread of a small pool, and then another one on the
 * thread that calls jobs_finish(). For systemd/loop.c alone; others call loop_job().
 */

#include "base/loop.h"

struct jobs;

/* 0 or -errno. No thread is made before the first job. */
int jobs_new(struct jobs **ret);

/* Waits for all jobs, also those not begun; what was to be done after them is not. Takes NULL. */
void jobs_free(struct jobs *jobs);

/* Readable when there is something to finish. Belongs to @jobs. */
int jobs_fd(const struct jobs *jobs);

/* 0, -ENOMEM, or -EAGAIN if there is no thread and none can be made. */
int jobs_add(struct jobs *jobs, loop_fn run, loop_fn done, void *user);

/* Call done() of all that has run. */
void jobs_finish(struct jobs *jobs);
