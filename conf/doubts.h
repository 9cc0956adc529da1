/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is configured, is valid, and does not do what whoever wrote it will have expected: said at a
 * start, at a reload and by vsm --check-config alike.
 */

#include "conf/conf.h"
#include "conf/partitions.h"
#include "conf/qos-policy.h"

#define DOUBTS_MAX 20 /* names of partitions that are told; of more their number */

typedef void (*doubts_fn)(void *user, const char *sentence);

/* @partitions may be NULL: unknown; @qos: there is no policy. Calls @fn with each sentence. */
void doubts_tell(const struct conf *conf, const struct partitions *partitions,
		 const struct qos_policy *qos, doubts_fn fn, void *user);
