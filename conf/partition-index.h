/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* How partition_walk_next() finds its way: made once, when all members are in place. */

#include "conf/partitions.h"

/* 0 or -ENOMEM; what is there then is freed by partitions_free(). */
int partition_index_make(struct partitions *partitions);
